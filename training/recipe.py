"""How training crops are made: the shared `faces.prepare`, our template, one of two locators."""

import hashlib
from functools import partial
from pathlib import Path

from faces.cascade import CascadeLocator
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
    return Recipe(CROP, open_locator, locator=f"cascade+{_sha256(LANDMARKS)}")


def open_locator() -> Locator:
    """The locator that is shipped in every bundle."""
    return CascadeLocator(LandmarkNetwork(LANDMARKS))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
