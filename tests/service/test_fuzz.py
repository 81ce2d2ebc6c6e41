"""Damaged images through decode, locate and encode: a refusal or a vector, in time and in bounds.

`make test-fuzz INPUTS=100000`. Each input is a valid image (drawn faces and an example frame, in
every format that is read) with bytes flipped, cut out, doubled, spliced with another's, or cut off.
"""

import os
import random
import resource
import time
from collections import Counter
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from drawn import encoded, photo
from PIL import Image
from running import ROOT, SHIPPED

from faces.bundle import load_bundle
from faces.encode import Encoder
from faces.errors import FaceError
from faces.image import ImageLimits
from faces.locate import FacePolicy
from service.adapters.face_encoder import FaceEncoder
from service.settings import Settings
from service.wiring import locator_for

pytestmark = pytest.mark.slow

SECONDS = 5.0
"""Processor time that one input may take; the largest allowed here has a megapixel."""

MEGABYTES = 300
"""By how much the peak memory of the process may grow over all inputs."""

LIMITS = ImageLimits(max_bytes=2**20, max_pixels=2**20)


def seeds() -> list[bytes]:
    drawn = [Image.fromarray(photo(1, 2, style=style)) for style in ("vis", "nir", "sketch")]
    frame = Image.open(ROOT / "docs/examples/nir-frame-of-ben.jpg")
    frame.thumbnail((320, 320))
    images = [*drawn, frame]
    made = [encoded(one, kind) for one in images for kind in ("JPEG", "PNG", "WEBP", "BMP")]
    made.append(encoded(drawn[0].convert("P"), "PNG"))
    made.append(encoded(drawn[0].convert("RGBA"), "PNG"))
    made.append(encoded(drawn[0].convert("L"), "JPEG", progressive=True))
    exif = Image.Exif()
    exif[0x0112] = 6
    made.append(encoded(drawn[0], "JPEG", exif=exif))
    return made


def damaged(source: random.Random, images: list[bytes]) -> bytes:
    data = bytearray(source.choice(images))
    for _ in range(source.choice((1, 1, 2, 4, 16))):
        place = source.randrange(len(data) + 1)
        # headers and tables lie at the start, and matter most
        place = place if source.random() < 0.5 else min(place, source.randrange(700))
        length = source.choice((1, 1, 2, 4, 64, 1024))
        match source.randrange(6):
            case 0:
                data[place : place + length] = source.randbytes(length)
            case 1:
                data[place : place + 1] = source.choice((b"\0", b"\xff", b"\x7f", b"\x80"))
            case 2:
                del data[place : place + length]
            case 3:
                data[place:place] = data[place : place + length]
            case 4:
                other = source.choice(images)
                start = source.randrange(len(other))
                data[place : place + length] = other[start : start + length]
            case _:
                del data[max(1, place) :]
        if not data:
            data += b"\0"
    return bytes(data)


def inputs(count: int, seed: int) -> Iterator[tuple[int, bytes]]:
    images = seeds()
    for number in range(count):
        yield number, damaged(random.Random(seed * 1_000_003 + number), images)


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_no_bytes_crash_hang_or_swell_the_service() -> None:
    cv2.setNumThreads(1)
    bundle = load_bundle(SHIPPED)
    encode = FaceEncoder(
        bundle,
        Encoder(bundle),
        locator_for(Settings(_env_file=None, bundle=SHIPPED), bundle),
        limits=LIMITS,
        parallel=1,
        patience=10,
    )
    for image in seeds():
        _outcome(encode, image)
    count, seed = int(os.environ.get("INPUTS", "1000")), int(os.environ.get("SEED", "1"))
    before, slowest = peak_megabytes(), 0.0
    outcomes: Counter[str] = Counter()
    for number, data in inputs(count, seed):
        started = time.process_time()
        try:
            outcomes[_outcome(encode, data)] += 1
        except Exception:
            pytest.fail(f"SEED={seed}, input {number}, {len(data)} bytes: see above", pytrace=True)
        took = time.process_time() - started
        assert took < SECONDS, f"SEED={seed}, input {number} took {took:.1f} s"
        slowest = max(slowest, took)
    grown = peak_megabytes() - before
    print(f"\n{count:,} inputs, slowest {slowest:.2f} s, +{grown:.0f} MB, {dict(outcomes)}")
    assert grown < MEGABYTES
    assert outcomes["encoded"] > count // 100, "too much damage: nothing gets as far as the encoder"


def _outcome(encode: FaceEncoder, data: bytes) -> str:
    try:
        found = encode(data, None, FacePolicy.LARGEST)
    except FaceError as refusal:
        return refusal.code
    assert np.isfinite(found.vector).all()
    assert abs(float(np.linalg.norm(found.vector)) - 1) < 1e-3
    return "encoded"


def test_the_damage_is_reproducible() -> None:
    first, second = (dict(inputs(20, 7)) for _ in range(2))

    assert first == second
    assert len(set(first.values())) == 20
