"""The default locator on the one freely licensed face that every checkout has."""

import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from faces.landmarks import LandmarkNetwork
from faces.locate import Face
from faces.onestage import OneStageLocator
from training.recipe import SHIPPED

Image = NDArray[np.uint8]

ASTRONAUT_POINTS = np.array(
    [[203.7, 100.8], [247.2, 103.0], [224.2, 125.8], [204.7, 141.2], [243.3, 142.5]]
)
"""Marked by eye in skimage's 512x512 image."""

EYES = 44.0


@pytest.fixture(scope="module")
def locate() -> OneStageLocator:
    return OneStageLocator(SHIPPED.faces, LandmarkNetwork(SHIPPED.points))


@pytest.fixture(scope="module")
def astronaut() -> Image:
    return pytest.importorskip("skimage.data").astronaut()


def error(face: Face, wanted: NDArray[np.floating], eyes: float) -> float:
    """Mean distance of the points, in eye distances."""
    return float(np.linalg.norm(face.points - wanted, axis=1).mean() / eyes)


def turned(image: Image, degrees: float, scale: float = 1.0) -> tuple[Image, NDArray[np.float64]]:
    """The image turned about the face, and where the face's points went."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((224, 122), degrees, scale)
    matrix[:, 2] += np.array([width / 2 - 224, height / 2 - 122])
    points = ASTRONAUT_POINTS @ matrix[:, :2].T + matrix[:, 2]
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_AREA), points


def test_the_astronaut_has_one_face_with_its_points_in_place(
    locate: OneStageLocator, astronaut: Image
) -> None:
    [face] = locate(astronaut)
    assert error(face, ASTRONAUT_POINTS, EYES) < 0.08
    left, top, width, height = face.box
    assert left < 203
    assert left + width > 247
    assert top < 100
    assert top + height > 143
    assert face.score > 0.9


@pytest.mark.parametrize("degrees", [-30, -15, 15, 30])
def test_a_tilted_head_is_found(locate: OneStageLocator, astronaut: Image, degrees: float) -> None:
    image, points = turned(astronaut, degrees)
    [face] = locate(image)
    assert error(face, points, EYES) < 0.1


@pytest.mark.parametrize("scale", [0.25, 0.5, 1.5, 4.0])
def test_small_and_large_images_give_the_same_points(
    locate: OneStageLocator, astronaut: Image, scale: float
) -> None:
    image = cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    [face] = locate(image)
    assert error(face, (ASTRONAUT_POINTS + 0.5) * scale - 0.5, EYES * scale) < 0.1


def test_a_face_that_fills_its_image_is_found(locate: OneStageLocator, astronaut: Image) -> None:
    faces = locate(astronaut[72:165, 182:264])
    assert len(faces) == 1
    assert error(faces[0], ASTRONAUT_POINTS - [182, 72], EYES) < 0.1


def test_a_dark_frame_is_searched_too(locate: OneStageLocator, astronaut: Image) -> None:
    grey = cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)
    dark = np.repeat((grey * 0.12).astype(np.uint8)[:, :, None], 3, axis=2)
    [face] = locate(dark)
    assert error(face, ASTRONAUT_POINTS, EYES) < 0.1


def test_every_face_of_a_group_is_found_the_largest_first(
    locate: OneStageLocator, astronaut: Image
) -> None:
    small = cv2.resize(astronaut, (320, 320), interpolation=cv2.INTER_AREA)
    group = np.zeros((512, 832, 3), np.uint8)
    group[:, :512] = astronaut
    group[:320, 512:] = small
    first, second = locate(group)
    assert first.box[2] > second.box[2]
    assert first.points[:, 0].max() < 512 < second.points[:, 0].min()


@pytest.mark.parametrize(
    "image",
    [
        np.full((200, 300, 3), 255, np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((3, 900, 3), np.uint8),
        np.tile(np.arange(250, dtype=np.uint8), (12, 120))[:, :, None].repeat(3, axis=2),
        np.random.default_rng(0).integers(0, 256, (240, 320, 3)).astype(np.uint8),
        np.repeat(np.linspace(0, 255, 320 * 240).reshape(240, 320, 1), 3, 2).astype(np.uint8),
    ],
    ids=["blank", "one pixel", "a strip", "a long strip", "noise", "a gradient"],
)
def test_an_image_without_a_face_has_none(locate: OneStageLocator, image: Image) -> None:
    assert locate(image) == []


@pytest.mark.parametrize("name", ["coffee", "moon", "page", "brick", "text"])
def test_a_texture_is_no_face_however_long_one_looks(locate: OneStageLocator, name: str) -> None:
    pixels = getattr(pytest.importorskip("skimage.data"), name)()
    image = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
    assert locate(np.ascontiguousarray(image)) == []


def test_a_mirrored_image_has_mirrored_points(locate: OneStageLocator, astronaut: Image) -> None:
    [face] = locate(astronaut)
    [mirrored] = locate(np.ascontiguousarray(astronaut[:, ::-1]))
    back = mirrored.points[[1, 0, 2, 4, 3]]
    back[:, 0] = astronaut.shape[1] - 1 - back[:, 0]
    assert error(face, back, EYES) < 0.02


def test_threads_share_one_locator(locate: OneStageLocator, astronaut: Image) -> None:
    images = [turned(astronaut, degrees)[0] for degrees in (-20, -10, 0, 10, 20, 25)] * 3
    alone = [locate(image) for image in images]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(locate, images))
    for one, other in zip(alone, together, strict=True):
        assert [face.box for face in one] == [face.box for face in other]
        assert all(np.array_equal(a.points, b.points) for a, b in zip(one, other, strict=True))


def test_a_24_megapixel_photo_takes_bounded_cpu_time(
    locate: OneStageLocator, astronaut: Image
) -> None:
    large = cv2.resize(astronaut, (6000, 4000), interpolation=cv2.INTER_LINEAR)
    started = time.process_time()
    assert len(locate(large)) == 1
    assert time.process_time() - started < 3
    empty = np.zeros((4000, 6000, 3), np.uint8)
    empty[::7] = 90
    started = time.process_time()
    assert locate(empty) == []
    assert time.process_time() - started < 6
