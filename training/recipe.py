"""How this project's training crops are made: our own locator, our own template."""

import hashlib
from pathlib import Path

from faces.cascade import CascadeLocator
from faces.landmarks import LandmarkNetwork
from faces.locate import Locator
from training.crops import Recipe
from training.template import CROP

LANDMARKS = Path(__file__).parent / "landmarks" / "landmarks.onnx"


def open_locator() -> Locator:
    """The locator that is shipped in every bundle."""
    return CascadeLocator(LandmarkNetwork(LANDMARKS))


def recipe() -> Recipe:
    """Recipe of the training crops; another landmark network makes another recipe."""
    network = hashlib.sha256(LANDMARKS.read_bytes()).hexdigest()
    return Recipe(CROP, open_locator, locator=f"cascade+{network}")
