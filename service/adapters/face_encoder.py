"""The encoder port: decode, locate, align, assess, encode; as many images at once as cores."""

import threading

import numpy as np

from faces.bundle import Bundle
from faces.encode import Encoder
from faces.image import ImageLimits
from faces.locate import Face, FacePolicy, Locator
from faces.modality import Modality, guess
from faces.prepare import prepare
from faces.quality import assess
from service.core.errors import Busy, UnsupportedModality
from service.core.gallery import Encoded, FaceFound


class FaceEncoder:
    """Obeys `service.core.ports.Encode`.

    At most `parallel` images are worked on at once, which bounds memory; a request waits
    `patience` seconds for its turn.
    """

    def __init__(
        self,
        bundle: Bundle,
        encoder: Encoder,
        locate: Locator,
        *,
        limits: ImageLimits,
        parallel: int,
        patience: float,
    ) -> None:
        self._bundle = bundle
        self._encoder = encoder
        self._locate = locate
        self._limits = limits
        self._turns = threading.BoundedSemaphore(parallel)
        self._patience = patience

    def __call__(self, data: bytes, modality: Modality | None, policy: FacePolicy) -> Encoded:
        """See `Encode`."""
        if modality is not None:
            self._require(modality)
        if not self._turns.acquire(timeout=self._patience):
            raise Busy("Every core is at work; try again.")
        try:
            return self._encode(data, modality, policy)
        finally:
            self._turns.release()

    def check(self) -> None:
        """Encode an empty crop of each modality, so that the first request finds all warm."""
        spec = self._bundle.crop_spec
        shape = (1, spec.size, spec.size) if spec.colour == "grey" else (1, spec.size, spec.size, 3)
        for modality in self._bundle.manifest.encoders:
            self._encoder(np.zeros(shape, np.float32), modality)

    def _encode(self, data: bytes, modality: Modality | None, policy: FacePolicy) -> Encoded:
        prepared = prepare(
            data,
            locate=self._locate,
            spec=self._bundle.crop_spec,
            policy=policy,
            limits=self._limits,
        )
        quality = assess(prepared.pixels, prepared.face, prepared.crop)
        seen = modality or self._guessed(prepared.pixels, prepared.face)
        vector = self._encoder(prepared.crop[None], seen)[0]
        return Encoded(vector, _found(prepared.face), quality, seen)

    def _guessed(self, pixels: np.typing.NDArray[np.uint8], face: Face) -> Modality:
        seen = guess(pixels, face)
        return seen if seen in self._bundle.manifest.encoders else Modality.VIS

    def _require(self, modality: Modality) -> None:
        if modality not in self._bundle.manifest.encoders:
            served = ", ".join(sorted(self._bundle.manifest.encoders))
            raise UnsupportedModality(
                f"The model {self._bundle.manifest.name} encodes {served}, not {modality}."
            )


def _found(face: Face) -> FaceFound:
    """In plain numbers, to a hundredth of a pixel."""
    x, y, width, height = (round(float(value), 2) for value in face.box)
    points = tuple((round(float(x), 2), round(float(y), 2)) for x, y in face.points)
    return FaceFound((x, y, width, height), points, round(float(face.score), 4))
