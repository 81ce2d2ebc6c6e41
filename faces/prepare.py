"""THE way from image bytes to a crop: decode, locate, choose, align. Training calls it too."""

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from faces.align import CropSpec, align
from faces.errors import LowQuality
from faces.image import ImageLimits, decode
from faces.locate import Face, FacePolicy, Locator, choose

VERSION = 1
"""Raised whenever the same bytes give another crop, so that cached crops are made again."""

Stage = Callable[[str], AbstractContextManager[None]]
"""Entered around each part of the work, by its name: whoever wants to know how long each takes."""


def _untimed(name: str) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """One face of one image, ready to encode.

    `crop` as `faces.align.align` returns it; `pixels` the decoded (height, width, 3) uint8 RGB.
    """

    crop: NDArray[np.float32]
    face: Face
    pixels: NDArray[np.uint8]


def prepare(
    data: bytes,
    *,
    locate: Locator,
    spec: CropSpec,
    policy: FacePolicy = FacePolicy.LARGEST,
    limits: ImageLimits = ImageLimits(),
    stage: Stage = _untimed,
) -> Prepared:
    """Image bytes -> the crop of one face.

    Raises:
        UnsupportedImage, ImageTooLarge: see `faces.image.decode`.
        NoFace, SeveralFaces: see `faces.locate.choose`.
        LowQuality: the five points of the face coincide.
    """
    with stage("decode"):
        pixels = decode(data, limits)
    with stage("locate"):
        found = locate(pixels)
    face = choose(found, policy, width=pixels.shape[1], height=pixels.shape[0])
    try:
        with stage("align"):
            crop = align(pixels, face.points, spec)
    except ValueError as error:
        raise LowQuality(f"The face cannot be aligned: {error}.") from error
    return Prepared(crop, face, pixels)


def kind_of(spec: CropSpec) -> str:
    """Names all that decides a crop besides the image and where its face was found.

    A crop that was kept can be encoded by every bundle that takes crops of the same kind.
    """
    parts = {"spec": asdict(spec), "version": VERSION}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
