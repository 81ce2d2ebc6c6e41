"""Kept crops -> vectors of another model."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from faces.bundle import Bundle
from faces.encode import Encoder
from faces.modality import Modality
from faces.prepare import kind_of
from service.core.gallery import Model
from service.core.reembedding import Target


class CropEncoder:
    """Obeys `service.core.reembedding.EncodeCrops`; `target` is what a gallery becomes with it."""

    def __init__(self, bundle: Bundle, encoder: Encoder) -> None:
        spec = bundle.crop_spec
        colours = () if spec.colour == "grey" else (3,)
        self._shape = (-1, spec.size, spec.size, *colours)
        self._encoder = encoder
        self.target = Target(model_of(bundle), kind_of(spec), frozenset(bundle.manifest.encoders))

    def __call__(self, crops: Sequence[bytes], modality: Modality) -> NDArray[np.float32]:
        """See `EncodeCrops`."""
        pixels = np.frombuffer(b"".join(crops), np.uint8).reshape(self._shape)
        return self._encoder(pixels.astype(np.float32) / np.float32(255), modality)


def model_of(bundle: Bundle) -> Model:
    """The bundle in the words of the core."""
    return Model(bundle.manifest.name, bundle.identity, bundle.manifest.dimension)
