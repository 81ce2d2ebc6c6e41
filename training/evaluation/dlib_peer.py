"""The peer a user would pick: dlib's ResNet, the matcher behind `face_recognition`.

It gets its own preferred input and measure: the original pixels, dlib's HOG detector on the image
enlarged once, dlib's five-point shape predictor, 150x150 chips and the Euclidean distance. Where
dlib's detector finds no face it gets our box instead, so that it is compared as a matcher and not
punished as a detector.
"""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.image import decode
from training.crops import face_of_row
from training.evaluation.systems import Encoded, Images, System, negative_distance

DIMENSION = 128
UPSAMPLED = 1
"""As often as `face_recognition.face_locations` enlarges an image by default."""


class PeerNotInstalledError(Exception):
    """The optional packages of the peer are absent; the message says how to get them."""


def dlib_system() -> System:
    """dlib's ResNet as a row of the table.

    Raises:
        PeerNotInstalledError: the extra `peer` is not installed.
    """
    return System("dlib ResNet", _Dlib().encode, negative_distance)


class _Dlib:
    def __init__(self) -> None:
        dlib, models = _dlib(), _models()
        self._detect = dlib.get_frontal_face_detector()
        self._shape = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
        self._network = dlib.face_recognition_model_v1(
            str(models / "dlib_face_recognition_resnet_model_v1.dat")
        )
        self._rectangle = dlib.rectangle

    def encode(self, images: Images) -> Encoded:
        vectors = np.zeros((len(images.samples), DIMENSION), dtype=np.float32)
        found = np.zeros(len(images.samples), dtype=np.bool_)
        for row, sample in enumerate(images.samples):
            ours = images.crops.faces[row] if images.crops.found[row] else None
            vector = self._describe(sample.path, ours)
            if vector is not None:
                vectors[row], found[row] = vector, True
        return Encoded(vectors, found)

    def _describe(self, path: Path, ours: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
        image = decode(path.read_bytes())
        box = max(self._detect(image, UPSAMPLED), key=lambda box: box.area(), default=None)
        if box is None and ours is not None:
            x, y, width, height = (round(side) for side in face_of_row(ours).box)
            box = self._rectangle(x, y, x + width, y + height)
        if box is None:
            return None
        descriptor = self._network.compute_face_descriptor(image, self._shape(image, box))
        return np.array(descriptor, dtype=np.float32)


def _dlib() -> Any:
    if importlib.util.find_spec("dlib") is None:
        raise PeerNotInstalledError("dlib is not installed: pip install 'null-face[peer]'")
    return importlib.import_module("dlib")


def _models() -> Path:
    """Folder of the weights. The package itself is not imported: it needs an old setuptools."""
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise PeerNotInstalledError(
            "face_recognition_models is not installed: pip install 'null-face[peer]'"
        )
    return Path(spec.origin).parent / "models"
