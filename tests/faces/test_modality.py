"""Guessing whether a face is a photo, a near-infrared frame or a sketch."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from faces.locate import Face
from faces.modality import Modality, guess


def face_in(pixels: NDArray[np.uint8]) -> Face:
    """As if a face filled the middle."""
    height, width = pixels.shape[:2]
    box = (0.2 * width, 0.2 * height, 0.6 * width, 0.6 * height)
    return Face(box, np.zeros((5, 2), np.float32), 1.0)


def guessed(pixels: NDArray[np.uint8]) -> Modality:
    return guess(pixels, face_in(pixels))


def shaded(low: float, high: float) -> NDArray[np.float64]:
    return np.random.default_rng(0).uniform(low, high, (100, 100, 1)) * np.ones(3)


def test_varied_colour_is_a_photo() -> None:
    pixels = shaded(60, 180)
    pixels[..., 0] += np.linspace(0, 60, 100)

    assert guessed(pixels.astype(np.uint8)) is Modality.VIS


@pytest.mark.parametrize("tint", [(0, 0, 0), (0, -15, -40)])
def test_light_paper_with_lines_is_a_sketch_whatever_its_tint(tint: tuple[int, int, int]) -> None:
    pixels = shaded(225, 255)
    pixels[::7] = 70
    pixels = np.clip(pixels + np.array(tint), 0, 255)

    assert guessed(pixels.astype(np.uint8)) is Modality.SKETCH


@pytest.mark.parametrize("tint", [(0, 0, 0), (30, 0, 20)])
def test_grey_and_dark_is_near_infrared(tint: tuple[int, int, int]) -> None:
    assert guessed((shaded(30, 140) + np.array(tint)).astype(np.uint8)) is Modality.NIR


def test_a_box_outside_the_image_reads_all_of_it() -> None:
    pixels = shaded(30, 140).astype(np.uint8)

    assert guess(pixels, Face((500, 500, 9, 9), np.zeros((5, 2), np.float32), 1.0)) is Modality.NIR


@pytest.mark.shared
@pytest.mark.parametrize(
    ("pattern", "modality"),
    [
        ("cufs/*/*/vis/*.jpg", "vis"),
        ("cufs/*/*/sketch/*.jpg", "sketch"),
        ("fs2k/*/vis/*.jpg", "vis"),
        ("fs2k/*/sketch/*.jpg", "sketch"),
        ("cufsf_sketches/*.jpg", "sketch"),
        ("lfw_full_frame/*/*.jpg", "vis"),
    ],
)
def test_it_is_right_on_real_images(shared: Path, pattern: str, modality: str) -> None:
    paths = sorted((shared / "data").glob(pattern))
    some = paths[:: max(1, len(paths) // 60)]
    right = [guessed(np.asarray(Image.open(path).convert("RGB"))) == modality for path in some]

    assert np.mean(right) >= 0.95
