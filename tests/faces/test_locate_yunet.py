"""YuNet behind the port, where its model file is at hand."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from faces.errors import BundleError
from faces.yunet import YunetLocator


@pytest.fixture(scope="module")
def locate(shared: Path) -> YunetLocator:
    return YunetLocator(shared / "models" / "yunet_n_640_640.onnx")


@pytest.fixture(scope="module")
def astronaut() -> NDArray[np.uint8]:
    return pytest.importorskip("skimage.data").astronaut()


@pytest.mark.shared
def test_the_astronaut_is_found_with_eyes_in_order(
    locate: YunetLocator, astronaut: NDArray[np.uint8]
) -> None:
    [face] = locate(astronaut)
    np.testing.assert_allclose(face.points[:2], [[203.7, 100.8], [247.2, 103.0]], atol=4)
    left, top, width, height = face.box
    assert left < 203 < 248 < left + width
    assert top < 100 < 143 < top + height


@pytest.mark.shared
def test_an_image_without_a_face_has_none(locate: YunetLocator) -> None:
    assert locate(np.full((40, 900, 3), 128, np.uint8)) == []
    assert locate(np.zeros((1, 1, 3), np.uint8)) == []


@pytest.mark.shared
def test_threads_of_different_image_sizes_do_not_disturb_each_other(
    locate: YunetLocator, astronaut: NDArray[np.uint8]
) -> None:
    images = [np.ascontiguousarray(astronaut[: 300 + 30 * k]) for k in range(6)] * 2
    alone = [locate(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(locate, images))
    for one, other in zip(alone, together, strict=True):
        assert [face.box for face in one] == [face.box for face in other]


def test_a_missing_or_wrong_model_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"nowhere\.onnx"):
        YunetLocator(tmp_path / "nowhere.onnx")
    (tmp_path / "text.onnx").write_text("not a network")
    with pytest.raises(BundleError, match=r"text\.onnx"):
        YunetLocator(tmp_path / "text.onnx")
