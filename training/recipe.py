"""How crops are made here: the shared `faces.prepare`, a template, one of two locators."""

import hashlib
from functools import partial
from pathlib import Path

from faces.align import CropSpec
from faces.cascade import CascadeLocator
from faces.errors import BundleError
from faces.landmarks import LandmarkNetwork
from faces.locate import Locator
from faces.yunet import YunetLocator
from training.crops import Recipe
from training.template import CROP

LANDMARKS = Path(__file__).parent / "landmarks" / "landmarks.onnx"


def recipe(yunet: Path | None = None) -> Recipe:
    """Recipe of the training crops; another network makes another recipe, so no old crop is met.

    Args:
        yunet: YuNet's model file. It labelled the photos that our own five-point network learnt
            from and is several times faster than the cascade; without it, our own locator.
    """
    if yunet is not None:
        return Recipe(CROP, partial(YunetLocator, yunet), locator=f"yunet+{_sha256(yunet)}")
    return cascade_recipe(CROP, LANDMARKS)


def cascade_recipe(spec: CropSpec, landmarks: Path) -> Recipe:
    """Recipe of the default locator with the five-point network in a file."""
    sha256 = _sha256(landmarks)
    return Recipe(spec, partial(open_cascade, landmarks, sha256), locator=f"cascade+{sha256}")


def open_cascade(landmarks: Path, sha256: str) -> Locator:
    """The locator that is shipped in every bundle.

    Raises:
        BundleError: the file is no longer the one of that sha256. Crops are made over minutes, and
            those of a new network must not be kept under the name of the old one.
    """
    if _sha256(landmarks) != sha256:
        raise BundleError(f"{landmarks}: replaced while crops were being made; start again.")
    return CascadeLocator(LandmarkNetwork(landmarks))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
