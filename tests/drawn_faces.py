"""Drawn people: each has a face of their own, as a photo, a near-infrared frame or a sketch.

Realistic enough that the shipped locator finds them, so that the whole path can be tried without
the image of any real person. `person(seed)` is always the same; `take` varies what a second
picture of a person varies: light, a slight turn, noise.
"""

from dataclasses import replace

import cv2
import numpy as np
from drawn_people import Person, person
from drawn_portrait import SIDE, Canvas, portrait
from numpy.typing import NDArray

Image = NDArray[np.uint8]

__all__ = ["Image", "Person", "near_infrared", "person", "photo", "sketch"]


def photo(who: Person, take: int = 0) -> Image:
    """(256, 256, 3) uint8 RGB, in visible light."""
    random = np.random.default_rng((who.seed, take, 1))
    light = random.uniform(-0.6, 0.6)
    canvas = _turned(portrait(who, light, random), random)
    canvas += random.normal(0, 3, canvas.shape).astype(np.float32)
    return _image(canvas)


def near_infrared(who: Person, take: int = 0) -> Image:
    """(256, 256, 3) uint8, grey: lit from the camera, pale skin, pupils that shine, dark behind."""
    random = np.random.default_rng((who.seed, take, 2))
    pale = tuple(0.35 * value + 140 for value in who.skin)
    seen = replace(who, skin=pale, hair=tuple(0.7 * value + 30 for value in who.hair))
    canvas = _turned(portrait(seen, 0.0, random, shine=True), random)
    grey = 0.6 * canvas[..., 0] + 0.3 * canvas[..., 1] + 0.1 * canvas[..., 2]
    rows, columns = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    grey = 0.9 * grey * np.exp(-0.9 * (rows**2 + columns**2))
    grey = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 0.9)
    grey += random.normal(0, 5, grey.shape).astype(np.float32)
    return _image(np.repeat(grey[..., None], 3, axis=2))


def sketch(who: Person, take: int = 0) -> Image:
    """(256, 256, 3) uint8, grey: a pencil's lines and shading on paper, slightly out of true."""
    random = np.random.default_rng((who.seed, take, 3))
    canvas = portrait(who, random.uniform(-0.3, 0.3), random, background=235.0)
    grey = _turned(canvas, random, wobble=2.0).mean(axis=2)
    around = cv2.GaussianBlur(grey, (0, 0), 7)
    shading = np.clip(grey / np.maximum(around, 1), 0, 1.0)
    edges = cv2.GaussianBlur(grey, (0, 0), 0.8) - cv2.GaussianBlur(grey, (0, 0), 2.2)
    lines = np.clip(1 + edges / 18, 0, 1)
    tone = 0.75 + 0.25 * np.clip(around / 200, 0, 1)
    strokes = cv2.GaussianBlur(random.normal(0, 1, grey.shape).astype(np.float32), (1, 9), 0, 0, 3)
    drawn = 238 * shading**1.5 * lines * tone + 14 * strokes * (1 - tone)
    return _image(np.repeat(drawn[..., None].astype(np.float32), 3, axis=2))


def _image(canvas: Canvas) -> Image:
    return np.clip(canvas, 0, 255).round().astype(np.uint8)


def _turned(canvas: Canvas, random: np.random.Generator, wobble: float = 0.0) -> Canvas:
    """A slightly turned, moved and scaled view; `wobble` bends it, as an unsure hand does."""
    middle = ((SIDE - 1) / 2, (SIDE - 1) / 2)
    matrix = cv2.getRotationMatrix2D(middle, random.uniform(-5, 5), random.uniform(0.93, 1.05))
    matrix[:, 2] += random.uniform(-6, 6, 2)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    inverse = cv2.invertAffineTransform(matrix).astype(np.float32)
    x = inverse[0, 0] * columns + inverse[0, 1] * rows + inverse[0, 2]
    y = inverse[1, 0] * columns + inverse[1, 1] * rows + inverse[1, 2]
    for place in (x, y):
        bend = cv2.GaussianBlur(random.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), 20)
        place += wobble * bend / max(float(bend.std()), 1e-6)
    return cv2.remap(canvas, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
