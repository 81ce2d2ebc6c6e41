"""The default locator on real photos, sketches and NIR frames that training never saw."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from faces.landmarks import LandmarkNetwork
from faces.locate import Locator
from faces.onestage import OneStageLocator
from faces.yunet import YunetLocator
from training.recipe import SHIPPED

pytestmark = pytest.mark.shared

SETS = {
    "cufs/ar/test/vis/*.jpg": 1.0,
    "cufs/student/test/sketch/*.jpg": 1.0,
    "fs2k/test/vis/*.jpg": 0.9,
    "fs2k/test/sketch/*.jpg": 0.9,
}
"""Share of faces that must be found where YuNet finds them."""


@pytest.fixture(scope="module")
def locate() -> Locator:
    return OneStageLocator(SHIPPED.faces, LandmarkNetwork(SHIPPED.points))


@pytest.fixture(scope="module")
def yunet(shared: Path) -> Locator:
    return YunetLocator(shared / "models" / "yunet_n_640_640.onnx")


def read(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)


@pytest.mark.parametrize("pattern", SETS)
def test_points_agree_with_those_of_yunet(
    pattern: str, shared: Path, locate: Locator, yunet: Locator
) -> None:
    paths = sorted((shared / "data").glob(pattern))
    errors = []
    for path in paths[:: max(1, len(paths) // 20)]:
        image = read(path)
        theirs = yunet(image)
        if not theirs:
            continue
        eyes = float(np.linalg.norm(theirs[0].points[1] - theirs[0].points[0]))
        apart = [np.linalg.norm(f.points - theirs[0].points, axis=1).mean() for f in locate(image)]
        errors.append(min(apart, default=np.inf) / eyes)
    found = np.array(errors)[np.array(errors) < 0.25]
    assert len(found) >= SETS[pattern] * len(errors)
    assert np.median(found) < 0.08, "one reading of a drawing by YuNet is itself 5 % off"


def test_every_tight_nir_crop_has_one_face(shared: Path, locate: Locator) -> None:
    paths = sorted((shared / "data" / "nir_frames").glob("avshet_cctv_[01]*.png"))
    counts = [len(locate(read(path))) for path in paths]
    assert len(counts) == 15
    assert counts.count(1) >= 14


def test_an_nir_group_of_three_has_three_faces(shared: Path, locate: Locator) -> None:
    image = read(shared / "data" / "nir_frames" / "avshet_cctv_group3_frame.png")
    assert len(locate(image)) == 3


def test_tiny_sketches_without_a_margin_have_one_face(shared: Path, locate: Locator) -> None:
    paths = sorted((shared / "data" / "cufsf_sketches").glob("*.jpg"))[::40]
    assert all(len(locate(read(path))) == 1 for path in paths)
