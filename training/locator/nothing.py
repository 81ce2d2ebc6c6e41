"""Pictures without a face: walls, static, gratings, print, plates and cups, scribbles."""

import cv2
import numpy as np
from numpy.typing import NDArray

Random = np.random.Generator
Grey = NDArray[np.uint8]

_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
)


def nothing(height: int, width: int, random: Random) -> Grey:
    """One of several kinds, (height, width)."""
    kind = int(random.integers(5))
    if kind == 0:
        return _pattern(height, width, random)
    ground = _ground(height, width, random)
    if kind == 1:
        return _print(ground, random)
    if kind == 2:
        return _grating(ground, random)
    return _shapes(ground, random) if kind == 3 else _scribble(ground, random)


def _pattern(height: int, width: int, random: Random) -> Grey:
    side = int(2 ** random.uniform(1, 7))
    coarse = random.integers(0, 256, (side, side)).astype(np.uint8)
    if random.random() < 0.3:
        coarse[:] = coarse[:1] if random.random() < 0.5 else coarse[:, :1]
    way = cv2.INTER_CUBIC if random.random() < 0.7 else cv2.INTER_NEAREST
    pattern = cv2.resize(coarse, (width, height), interpolation=way).astype(np.float32)
    contrast, level = random.uniform(0, 1), random.uniform(0, 255)
    return np.asarray(np.clip(level + contrast * (pattern - 128), 0, 255), np.uint8)


def _ground(height: int, width: int, random: Random) -> Grey:
    """A plain or softly shaded ground."""
    corners = random.uniform(0, 255) + random.normal(0, 30, (2, 2))
    return np.asarray(
        cv2.resize(np.clip(corners, 0, 255).astype(np.uint8), (width, height)), np.uint8
    )


def _print(ground: Grey, random: Random) -> Grey:
    height = ground.shape[0]
    size = float(np.exp(random.uniform(np.log(0.25), np.log(2.0))))
    step = max(4, int(30 * size * random.uniform(0.8, 1.5)))
    font, ink = int(random.choice(_FONTS)), int(random.integers(256))
    for y in range(step, height + step, step):
        letters = "".join(chr(code) for code in random.integers(33, 123, 40))
        start = int(random.integers(-20, 20))
        cv2.putText(ground, letters, (start, y), font, size, ink, max(1, int(2 * size)))
    return ground


def _grating(ground: Grey, random: Random) -> Grey:
    """Waves across each other: brick, cloth, blinds."""
    height, width = ground.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    total = np.zeros_like(x)
    for _ in range(int(random.integers(1, 4))):
        way, length = random.uniform(0, np.pi), np.exp(random.uniform(np.log(4), np.log(90)))
        wave = np.sin((x * np.cos(way) + y * np.sin(way)) * np.float32(2 * np.pi / length))
        total += wave if random.random() < 0.5 else np.sign(wave)
    return np.asarray(np.clip(ground + total * random.uniform(5, 60), 0, 255), np.uint8)


def _shapes(ground: Grey, random: Random) -> Grey:
    """Ellipses, rings and boxes, some within others: plates, cups, wheels, windows."""
    height, width = ground.shape
    for _ in range(int(random.integers(1, 12))):
        x, y = int(random.integers(width)), int(random.integers(height))
        a, b = (random.uniform(0.03, 0.45, 2) * min(height, width)).astype(int) + 1
        thick = int(random.choice([-1, 1, 2, 4, 8]))
        for _ in range(int(random.integers(1, 4))):
            ink = int(random.integers(256))
            if random.random() < 0.7:
                turn = float(random.uniform(0, 180))
                cv2.ellipse(ground, (x, y), (int(a), int(b)), turn, 0, 360, ink, thick, cv2.LINE_AA)
            else:
                cv2.rectangle(
                    ground, (x - int(a), y - int(b)), (x + int(a), y + int(b)), ink, thick
                )
            a, b = max(1, int(a * 0.75)), max(1, int(b * 0.75))
    return ground


def _scribble(ground: Grey, random: Random) -> Grey:
    """Pencil lines and hatching that mean nothing."""
    height, width = ground.shape
    for _ in range(int(random.integers(3, 30))):
        steps = random.normal(0, 0.06 * min(height, width), (int(random.integers(3, 25)), 2))
        line = np.cumsum(steps, axis=0) + random.uniform(0, 1, 2) * (width, height)
        ink, thick = int(random.integers(256)), int(random.integers(1, 4))
        cv2.polylines(ground, [line.astype(np.int32)], False, ink, thick, cv2.LINE_AA)
    return ground
