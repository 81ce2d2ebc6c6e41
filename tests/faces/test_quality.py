"""Measures of a face image, checked where the right answer is plain."""

import numpy as np
import pytest
from numpy.typing import NDArray

from faces.errors import LowQuality
from faces.locate import Face
from faces.quality import Quality, assess

UPRIGHT = [(40, 40), (80, 40), (60, 60), (45, 80), (75, 80)]


def assessed(
    points: list[tuple[float, float]] | NDArray[np.float32] = UPRIGHT,
    pixels: NDArray[np.uint8] | None = None,
    crop: NDArray[np.float32] | None = None,
) -> Quality:
    image = np.full((120, 120, 3), 128, np.uint8) if pixels is None else pixels
    face = Face((20.0, 20.0, 80.0, 80.0), np.array(points, np.float32), 1.0)
    return assess(image, face, np.zeros((32, 32), np.float32) if crop is None else crop)


def test_a_face_that_looks_straight_ahead() -> None:
    quality = assessed()

    assert quality.inter_eye_distance == 40
    assert quality.head_pose_roll == 0
    assert quality.head_pose_yaw == 0
    assert quality.head_pose_pitch == 0
    assert quality.sharpness == 0
    assert (quality.under_exposure, quality.over_exposure) == (0, 0)


def test_a_turned_head() -> None:
    toward_the_right_eye = [(40, 40), (80, 40), (80, 60), (45, 80), (75, 80)]
    nose_at_the_mouth = [(40, 40), (80, 40), (60, 80), (45, 80), (75, 80)]

    assert assessed(toward_the_right_eye).head_pose_yaw == pytest.approx(1)
    assert assessed(nose_at_the_mouth).head_pose_pitch == pytest.approx(1)


@pytest.mark.parametrize("degrees", [-30, 10, 45])
def test_a_tilted_head_changes_the_roll_and_nothing_else(degrees: float) -> None:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (np.array(UPRIGHT) - 60) @ turn.T + 60

    quality = assessed(points.astype(np.float32))

    assert quality.head_pose_roll == pytest.approx(degrees, abs=1e-3)
    assert quality.head_pose_yaw == pytest.approx(0, abs=1e-5)
    assert quality.head_pose_pitch == pytest.approx(0, abs=1e-5)
    assert quality.inter_eye_distance == pytest.approx(40, abs=1e-3)


def test_exposure_is_the_share_of_the_face_that_is_lost() -> None:
    pixels = np.full((120, 120, 3), 128, np.uint8)
    pixels[:, :20] = 0  # outside the face
    pixels[20:60, 20:60] = 0  # a quarter of it
    pixels[60:100, 20:100] = 255  # half of it

    quality = assessed(pixels=pixels)

    assert (quality.under_exposure, quality.over_exposure) == (0.25, 0.5)


def test_blur_lowers_sharpness() -> None:
    sharp = np.random.default_rng(0).random((32, 32)).astype(np.float32)
    blurred = (sharp + np.roll(sharp, 1, 0) + np.roll(sharp, 1, 1) + np.roll(sharp, 2, 0)) / 4

    assert assessed(crop=blurred).sharpness < assessed(crop=sharp).sharpness / 2


@pytest.mark.parametrize("distance", [0, 9.9, float("nan")])
def test_a_face_too_small_to_encode_is_refused(distance: float) -> None:
    with pytest.raises(LowQuality, match="pixels apart"):
        assessed([(50, 40), (50 + distance, 40), (55, 50), (50, 60), (60, 60)])


@pytest.mark.parametrize("offset", [-500, 500])
def test_a_face_outside_the_image_is_measured_all_the_same(offset: float) -> None:
    face = Face((offset, offset, 80.0, 80.0), np.array(UPRIGHT, np.float32) + offset, 1.0)

    assess(np.full((120, 120, 3), 128, np.uint8), face, np.zeros((32, 32), np.float32))
