"""How crops are made here: the shared `faces.prepare`, a template, one of two locators."""

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from faces import landmarks, onestage
from faces.align import CropSpec
from faces.errors import BundleError
from faces.landmarks import LandmarkNetwork
from faces.locate import Locator
from faces.onestage import OneStageLocator
from faces.yunet import YunetLocator
from training.crops import Recipe
from training.template import CROP

HERE = Path(__file__).parent

SOURCES = tuple(Path(str(module.__file__)) for module in (onestage, landmarks))
"""What decides, beside the networks, where the default locator puts the points."""


@dataclass(frozen=True, slots=True)
class LocatorFiles:
    """The two networks of the default locator."""

    faces: Path
    points: Path

    @property
    def sha256(self) -> str:
        """Of both together."""
        return _sha256(self.faces, self.points)


SHIPPED = LocatorFiles(HERE / "locator" / "locator.onnx", HERE / "landmarks" / "landmarks.onnx")


def recipe(yunet: Path | None = None) -> Recipe:
    """Recipe of the training crops; another network makes another recipe, so no old crop is met.

    Args:
        yunet: YuNet's model file, to use it instead of our own locator.
    """
    if yunet is not None:
        return Recipe(CROP, partial(YunetLocator, yunet), locator=f"yunet+{_sha256(yunet)}")
    return onestage_recipe(CROP, SHIPPED)


def onestage_recipe(spec: CropSpec, files: LocatorFiles) -> Recipe:
    """Recipe of the default locator, as its code stands, with these networks."""
    sha256 = files.sha256
    return Recipe(
        spec,
        partial(open_onestage, files, sha256),
        locator=f"onestage+{_sha256(*SOURCES)}+{sha256}",
    )


def open_onestage(files: LocatorFiles, sha256: str) -> Locator:
    """The locator that is shipped in every bundle.

    Raises:
        BundleError: the files are no longer those of that sha256. Crops are made over minutes, and
            those of a new network must not be kept under the name of the old one.
    """
    if files.sha256 != sha256:
        raise BundleError(f"{files.faces}: replaced while crops were being made; start again.")
    return OneStageLocator(files.faces, LandmarkNetwork(files.points))


def _sha256(*paths: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
