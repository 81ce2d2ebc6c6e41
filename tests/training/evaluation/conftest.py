"""A small tree in the shape of ../shared/data, with drawn faces, and parts that need no model."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


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
    """CUFS with 4 + 3 test people, FS2K with 3."""
    root = tmp_path / "data"
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
