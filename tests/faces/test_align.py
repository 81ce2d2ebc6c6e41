"""Five points -> crop: exact for what a similarity can do, smooth for any size of photo."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faces.align import CropSpec, align, similarity_transform

TEMPLATE = ((45.5, 56.3), (81.5, 56.3), (63.5, 77.7), (47.6, 93.3), (79.4, 93.3))
SPEC = CropSpec(size=128, template=TEMPLATE)
POINTS = np.array(TEMPLATE, dtype=np.float32)


def chart(side: int) -> np.ndarray:
    """A smooth picture of any size, (side, side, 3) uint8."""
    y, x = np.mgrid[:side, :side] / side
    planes = [np.sin(9 * x + 2 * y), np.cos(7 * y), np.sin(5 * (x - y))]
    return (np.stack(planes, -1) * 100 + 128).astype(np.uint8)


@given(st.floats(0.1, 10), st.floats(-np.pi, np.pi), st.floats(-500, 500), st.floats(-500, 500))
def test_a_similarity_is_found_exactly(scale, angle, dx, dy):
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (POINTS @ turn.T + [dx, dy]).astype(np.float32)
    matrix = similarity_transform(POINTS, moved)
    np.testing.assert_allclose(matrix, np.column_stack([turn, [dx, dy]]), atol=2e-3 * scale + 1e-2)


def test_a_mirrored_face_is_not_mirrored_back():
    matrix = similarity_transform(POINTS * [-1, 1], POINTS)
    assert np.linalg.det(matrix[:, :2]) > 0


def test_points_on_the_template_leave_the_image_as_it_is():
    image = chart(128)
    crop = align(image, POINTS, CropSpec(128, TEMPLATE, colour="rgb"))
    assert crop.shape == (128, 128, 3)
    assert np.abs(crop - image / np.float32(255)).max() < 1e-5


def test_grey_is_the_luma_of_the_rgb_crop():
    image = chart(128)
    rgb = align(image, POINTS, CropSpec(128, TEMPLATE, colour="rgb"))
    grey = align(image, POINTS, SPEC)
    assert grey.shape == (128, 128)
    assert grey.dtype == np.float32
    assert np.abs(grey - rgb @ [0.299, 0.587, 0.114]).max() < 1.5 / 255


@pytest.mark.parametrize("factor", [2, 4, 9, 20])
def test_a_photo_of_any_size_gives_the_same_crop(factor):
    small = align(chart(256), POINTS * 2, SPEC)
    side = 128 * factor
    large = align(chart(side), (POINTS + 0.5) * factor - 0.5, SPEC)
    assert np.abs(small - large).mean() < 0.01


def test_a_fine_pattern_is_averaged_and_does_not_alias():
    side = 128 * 8
    checks = (np.indices((side, side)).sum(0) % 2 * 255).astype(np.uint8)
    crop = align(np.repeat(checks[..., None], 3, 2), POINTS * 8, SPEC)
    assert abs(crop[20:-20, 20:-20] - 0.5).max() < 0.05


def test_beyond_the_image_its_edge_goes_on():
    crop = align(np.full((40, 40, 3), 200, np.uint8), POINTS / 4 + 5, SPEC)
    assert np.allclose(crop, 200 / 255)


def test_coinciding_points_are_an_error():
    with pytest.raises(ValueError, match="coincide"):
        align(chart(64), np.full((5, 2), 7, np.float32), SPEC)
