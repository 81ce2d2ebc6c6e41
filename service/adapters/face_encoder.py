"""The encoder port: decode, locate, align, assess, encode; as many images at once as cores."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from faces.align import align
from faces.bundle import Bundle
from faces.encode import Encoder
from faces.errors import BundleError
from faces.image import ImageLimits
from faces.locate import Face, FacePolicy, Locator
from faces.modality import Modality, guess
from faces.prepare import Prepared, kind_of, prepare
from faces.quality import assess
from service import metrics
from service.core.errors import Busy, UnsupportedModality
from service.core.gallery import Crop, Encoded, FaceFound


class FaceEncoder:
    """Obeys `service.core.ports.Encode`.

    At most `parallel` images are worked on at once, which bounds memory; a request waits
    `patience` seconds for its turn. With `keep_crops`, what it encodes comes with its crop.
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
        keep_crops: bool = False,
    ) -> None:
        self._bundle = bundle
        self._kind = kind_of(bundle.crop_spec) if keep_crops else None
        self._encoder = encoder
        self._locate = locate
        self._limits = limits
        self._turns = threading.BoundedSemaphore(parallel)
        self._patience = patience

    def __call__(self, data: bytes, modality: Modality | None, policy: FacePolicy) -> Encoded:
        """See `Encode`."""
        if modality is not None:
            self._require(modality)
        with self._turn(), metrics.images_at_work.track_inprogress():
            return self._encode(data, modality, policy)

    def check(self) -> None:
        """Run all of it on a drawn face: no request meets a cold model, or one that is broken.

        The locator need not find this face (its points are known), but has to look.

        Raises:
            BundleError: a vector is not finite and of unit length, or not the same a second time,
                or the same of a face upside down.
        """
        pixels, face = self_portrait()
        self._locate(pixels)
        crop = align(pixels, face.points, self._bundle.crop_spec)
        assess(pixels, face, crop)
        for modality in self._bundle.manifest.encoders:
            seen = (crop, crop, crop[::-1])
            first, second, other = (self._encoder(one[None], modality)[0] for one in seen)
            sound = abs(float(np.linalg.norm(first)) - 1) < 1e-3 and np.allclose(first, second)
            if not sound or np.allclose(first, other):
                raise BundleError(
                    f"{self._bundle.folder}: the {modality} encoder fails its self-test: its "
                    "vector of a drawn face is not finite, of unit length, repeatable, and another "
                    "than that of the face upside down."
                )

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with metrics.stage("wait"), metrics.images_waiting.track_inprogress():
            if not self._turns.acquire(timeout=self._patience):
                raise Busy("Every core is at work; try again.")
        try:
            yield
        finally:
            self._turns.release()

    def _encode(self, data: bytes, modality: Modality | None, policy: FacePolicy) -> Encoded:
        prepared = prepare(
            data,
            locate=self._locate,
            spec=self._bundle.crop_spec,
            policy=policy,
            limits=self._limits,
            stage=metrics.stage,
        )
        with metrics.stage("assess"):
            quality = assess(prepared.pixels, prepared.face, prepared.crop)
            seen = modality or self._guessed(prepared.pixels, prepared.face)
        with metrics.stage("encode"):
            vector = self._encoder(prepared.crop[None], seen)[0]
        return Encoded(vector, _found(prepared.face), quality, seen, self._kept(prepared))

    def _kept(self, prepared: Prepared) -> Crop | None:
        """The crop as it was before it became float32: nothing is lost by that."""
        if self._kind is None:
            return None
        return Crop(np.rint(prepared.crop * 255).astype(np.uint8).tobytes(), self._kind)

    def _guessed(self, pixels: np.typing.NDArray[np.uint8], face: Face) -> Modality:
        seen = guess(pixels, face)
        return seen if seen in self._bundle.manifest.encoders else Modality.VIS

    def _require(self, modality: Modality) -> None:
        if modality not in self._bundle.manifest.encoders:
            served = ", ".join(sorted(self._bundle.manifest.encoders))
            raise UnsupportedModality(
                f"The model {self._bundle.manifest.name} encodes {served}, not {modality}."
            )


def self_portrait() -> tuple[np.typing.NDArray[np.uint8], Face]:
    """A face drawn with seven strokes, and where its five points are."""
    canvas = np.full((240, 200, 3), 200, np.uint8)
    cv2.ellipse(canvas, (100, 120), (62, 84), 0, 0, 360, (150, 175, 205), -1)
    for across in (75, 125):
        cv2.ellipse(canvas, (across, 90), (13, 3), 0, 0, 360, (60, 60, 70), -1)
        cv2.circle(canvas, (across, 104), 7, (40, 40, 50), -1)
    cv2.line(canvas, (100, 108), (97, 137), (110, 130, 160), 4)
    cv2.ellipse(canvas, (100, 165), (24, 7), 0, 0, 360, (70, 70, 140), -1)
    points = np.array([(75, 104), (125, 104), (100, 137), (78, 165), (122, 165)], np.float32)
    return cv2.GaussianBlur(canvas, (5, 5), 0).astype(np.uint8), Face((38, 36, 124, 168), points, 1)


def _found(face: Face) -> FaceFound:
    """In plain numbers, to a hundredth of a pixel."""
    x, y, width, height = (round(float(value), 2) for value in face.box)
    points = tuple((round(float(x), 2), round(float(y), 2)) for x, y in face.points)
    return FaceFound((x, y, width, height), points, round(float(face.score), 4))
