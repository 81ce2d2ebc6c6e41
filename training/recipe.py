"""How crops are made here: the shared `faces.prepare`, a template, one of two locators."""

import hashlib
from functools import partial
from pathlib import Path

from faces import cascade, landmarks, proposals, scan, shake
from faces.align import CropSpec
from faces.cascade import CascadeLocator
from faces.errors import BundleError
from faces.landmarks import LandmarkNetwork
from faces.locate import Locator
from faces.yunet import YunetLocator
from training.crops import Recipe
from training.template import CROP

LANDMARKS = Path(__file__).parent / "landmarks" / "landmarks.onnx"

CASCADE_SOURCES = tuple(
    Path(str(module.__file__)) for module in (cascade, landmarks, proposals, scan, shake)
)
"""What decides, beside the network, where the default locator puts the points."""


def recipe(yunet: Path | None = None) -> Recipe:
    """Recipe of the training crops; another network makes another recipe, so no old crop is met.

    Args:
        yunet: YuNet's model file. It labelled the photos that our own five-point network learnt
            from and is several times faster than the cascade; without it, our own locator.
    """
    if yunet is not None:
        return Recipe(CROP, partial(YunetLocator, yunet), locator=f"yunet+{_sha256(yunet)}")
    return cascade_recipe(CROP, LANDMARKS)


def cascade_recipe(spec: CropSpec, network: Path) -> Recipe:
    """Recipe of the default locator, as its code stands, with the five-point network in a file."""
    sha256 = _sha256(network)
    return Recipe(
        spec,
        partial(open_cascade, network, sha256),
        locator=f"cascade+{_sha256(*CASCADE_SOURCES)}+{sha256}",
    )


def open_cascade(network: Path, sha256: str) -> Locator:
    """The locator that is shipped in every bundle.

    Raises:
        BundleError: the file is no longer the one of that sha256. Crops are made over minutes, and
            those of a new network must not be kept under the name of the old one.
    """
    if _sha256(network) != sha256:
        raise BundleError(f"{network}: replaced while crops were being made; start again.")
    return CascadeLocator(LandmarkNetwork(network))


def _sha256(*paths: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
