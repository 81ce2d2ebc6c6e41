"""A small tree in the shape of ../shared/data, with drawn faces, and parts that need no model."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from faces.align import CropSpec
from faces.locate import Face
from training.crops import Recipe


def write_photo(path: Path, person: int, *, grey: bool = False) -> None:
    """64 x 80 blocks of colour that depend on the person only; never two people the same."""
    rng = np.random.default_rng(person)
    blocks = rng.integers(0, 256, size=(5, 4, 3), dtype=np.uint8)
    image = Image.fromarray(np.kron(blocks, np.ones((16, 16, 1), dtype=np.uint8)))
    path.parent.mkdir(parents=True, exist_ok=True)
    (image.convert("L") if grey else image).save(path)


@pytest.fixture(name="write_photo")
def write_photo_() -> Callable[..., None]:
    return write_photo


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return draw_data(tmp_path / "data")


@pytest.fixture(scope="session", name="draw_data")
def draw_data_() -> Callable[[Path], Path]:
    return draw_data


def draw_data(root: Path) -> Path:
    """CUFS with 4 + 3 test people, FS2K with 3."""
    sets = {
        "cufs/student/test": [f"student-test-{n:03d}" for n in range(1, 5)],
        "cufs/ar/test": ["ar-001", "ar-002", "ar-008"],
        "fs2k/test": ["2_0001", "2_0002", "3_0001"],
    }
    person = 0
    for folder, stems in sets.items():
        for stem in stems:
            person += 1
            write_photo(root / folder / "vis" / f"{stem}.png", person)
            write_photo(root / folder / "sketch" / f"{stem}.png", person, grey=True)
    return root


class WholeImage:
    """A locator that takes the whole image for a face, unless it is black all over."""

    def __call__(self, image: NDArray[np.uint8]) -> list[Face]:
        height, width = image.shape[:2]
        if image.max() == 0:
            return []
        share = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
        points = (share * (width, height)).astype(np.float32)
        return [Face((0.0, 0.0, float(width), float(height)), points, 0.9)]


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    template = ((9.6, 12.8), (22.4, 12.8), (16.0, 19.2), (11.2, 25.6), (20.8, 25.6))
    return Recipe(CropSpec(size=32, template=template), WholeImage, "whole image")
