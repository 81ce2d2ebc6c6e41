"""What cameras, pens and files do to a picture; no face moves here."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Random = np.random.Generator
Grey = NDArray[np.uint8]
Fault = Callable[[Grey, Random], Grey]


def spoilt(image: Grey, random: Random, faults: tuple[tuple[Fault, float], ...]) -> Grey:
    """The image through a few random faults, each with its odds."""
    for fault, odds in faults:
        if random.random() < odds:
            image = fault(image, random)
    return image


def covered(image: Grey, random: Random) -> Grey:
    """Something in front of it: hair, a hand, a hat, a strip."""
    image = image.copy()
    height, width = image.shape
    across, down = (random.uniform(0.05, 0.3, 2) * min(height, width)).astype(int) + 1
    x, y = int(random.integers(width)), int(random.integers(height))
    region = image[y : y + down, x : x + across]
    region[:] = np.clip(random.uniform(0, 255) + random.normal(0, 12, region.shape), 0, 255)
    return image


def toned(image: Grey, random: Random) -> Grey:
    """Another contrast, brightness and gamma."""
    low, high = random.uniform(0, 110), random.uniform(120, 255)
    ramp = (np.arange(256) / 255) ** np.exp(random.normal(0, 0.45))
    return np.asarray(cv2.LUT(image, (low + (high - low) * ramp).astype(np.uint8)), np.uint8)


def darkened(image: Grey, random: Random) -> Grey:
    """Little light: few grey levels are left."""
    level = float(np.exp(random.uniform(np.log(0.06), np.log(0.5))))
    return np.asarray(cv2.LUT(image, (np.arange(256) * level).astype(np.uint8)), np.uint8)


def paled(image: Grey, random: Random) -> Grey:
    """A drawing in a hard, light pencil: all of it near white."""
    share = random.uniform(0.12, 0.6)
    paper = random.uniform(215, 255)
    return np.asarray(
        cv2.LUT(image, (paper - share * (255 - np.arange(256))).clip(0).astype(np.uint8)), np.uint8
    )


def side_lit(image: Grey, random: Random) -> Grey:
    """Light from one side, or shadow up to a soft edge."""
    height, width = image.shape
    way, depth = random.uniform(0, 2 * np.pi), random.uniform(0.3, 0.92)
    steep = np.exp(random.uniform(0, 2.2))
    across = (np.arange(width, dtype=np.float32) / width - 0.5) * np.float32(np.cos(way) * steep)
    down = (np.arange(height, dtype=np.float32) / height - 0.5) * np.float32(np.sin(way) * steep)
    shadow = np.clip(random.uniform(0.3, 0.7) + across[None] + down[:, None], 0, 1)
    return np.asarray(image * (1 - np.float32(depth) * shadow), np.uint8)


def barred(image: Grey, random: Random) -> Grey:
    """Light through a blind or a fence: bars of shadow over all of it."""
    height, width = image.shape
    way = random.uniform(0, np.pi)
    step = float(np.exp(random.uniform(np.log(0.03), np.log(0.25)))) * min(height, width)
    across = np.arange(width, dtype=np.float32) * np.float32(np.cos(way) / step)
    down = np.arange(height, dtype=np.float32) * np.float32(np.sin(way) / step)
    wave = np.sin(2 * np.float32(np.pi) * (across[None] + down[:, None]))
    edge = np.float32(np.exp(random.uniform(0, 2)))
    shadow = np.clip(0.5 + edge * (wave - np.float32(random.uniform(-0.6, 0.6))), 0, 1)
    return np.asarray(image * (1 - np.float32(random.uniform(0.2, 0.75)) * shadow), np.uint8)


def blurred(image: Grey, random: Random) -> Grey:
    """Out of focus, or moved."""
    if random.random() < 0.3:
        length = int(random.integers(2, 6))
        return np.asarray(cv2.blur(image, (length, 1) if random.random() < 0.5 else (1, length)))
    return np.asarray(cv2.GaussianBlur(image, (0, 0), random.uniform(0.4, 1.8)), np.uint8)


def coarsened(image: Grey, random: Random) -> Grey:
    """Enlarged from few pixels."""
    height, width = image.shape
    share = random.uniform(0.3, 0.8)
    small = (max(8, int(width * share)), max(8, int(height * share)))
    tiny = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    way = int(random.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST]))
    return np.asarray(cv2.resize(tiny, (width, height), interpolation=way), np.uint8)


def noisy(image: Grey, random: Random) -> Grey:
    """A sensor's noise, in proportion to what there is to see."""
    strength = np.float32((float(image.std()) + 2) * random.uniform(0.05, 0.6))
    noise = random.standard_normal(image.shape, dtype=np.float32) * strength
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def compressed(image: Grey, random: Random) -> Grey:
    """JPEG of low quality."""
    quality = int(random.integers(12, 70))
    _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)


def equalised(image: Grey, random: Random) -> Grey:
    """All grey levels used alike."""
    return np.asarray(cv2.equalizeHist(image), np.uint8)


OF_A_PICTURE: tuple[tuple[Fault, float], ...] = (
    (covered, 0.15),
    (side_lit, 0.15),
    (barred, 0.06),
    (toned, 0.4),
    (equalised, 0.04),
    (blurred, 0.15),
    (coarsened, 0.15),
)
OF_A_DRAWING: tuple[tuple[Fault, float], ...] = (*OF_A_PICTURE, (paled, 0.3))
OF_A_CANVAS: tuple[tuple[Fault, float], ...] = (
    (toned, 0.2),
    (darkened, 0.12),
    (blurred, 0.08),
    (noisy, 0.25),
    (compressed, 0.15),
)
