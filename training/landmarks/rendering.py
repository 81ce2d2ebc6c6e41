"""A photo drawn in pencil or seen in near infrared: other pixels, the same geometry."""

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]


def pencil(grey: Grey, random: np.random.Generator) -> Grey:
    """One of several kinds of drawing, with random strokes and paper."""
    kind = random.integers(4)
    if kind == 0:
        drawn = _dodge(grey, random)
    elif kind == 1:
        drawn = _lines(grey, random)
    elif kind == 2:
        drawn = _edges(grey, random)
    else:
        share = random.uniform(0.2, 0.8)
        drawn = share * _lines(grey, random) + (1 - share) * _dodge(grey, random)
    if random.random() < 0.4:
        drawn = _mixed_with_shading(drawn, grey, random)
    paper = _noise(grey.shape, random.uniform(0, 8), random)
    return _to_byte(drawn + cv2.GaussianBlur(paper, (3, 3), random.uniform(0.4, 1)))


def near_infrared(
    rgb: NDArray[np.uint8], points: NDArray[np.float32], random: np.random.Generator
) -> Grey:
    """Bright even skin, a lamp's cone in a dark room, its glints on the eyes, a noisy sensor.

    Args:
        rgb: (height, width, 3) uint8.
        points: (5, 2) the face's points in it.
        random: source of every choice.
    """
    red = random.uniform(0.6, 1.2)
    rest = (1 - red) / 2
    light = rgb.astype(np.float32) @ np.array([red, rest, rest], dtype=np.float32)
    eyes = float(np.linalg.norm(points[1] - points[0])) + 1
    flat = light / (_wide_blur(light, eyes * random.uniform(0.8, 2)) + 20) * 128
    share = random.uniform(0, 0.6)
    lit = (1 - share) * light + share * flat
    lit *= _cone(light.shape, points.mean(axis=0), eyes, random)
    lit = 255 * (np.clip(lit, 0, 255) / 255) ** random.uniform(0.6, 1.6)
    if random.random() < 0.6:
        lit = _with_glints(lit, points[:2], eyes, random)
    lit = lit * random.uniform(0.35, 1.2) + _noise(lit.shape, random.uniform(0, 9), random)
    return _to_byte(lit)


def _wide_blur(pixels: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """A Gaussian blur at a quarter of the size: a wide kernel at full size is slow."""
    height, width = pixels.shape
    small = cv2.resize(pixels, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), sigma / 4, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(blurred, (width, height)), np.float32)


def _dodge(grey: Grey, random: np.random.Generator) -> NDArray[np.float32]:
    inverted = 255 - grey.astype(np.float32)
    blurred = cv2.GaussianBlur(inverted, (0, 0), random.uniform(1.5, 12))
    dodged = np.minimum(255, grey * 256.0 / (256 - blurred))
    return np.asarray(255 * (dodged / 255) ** random.uniform(1, 5), dtype=np.float32)


def _lines(grey: Grey, random: np.random.Generator) -> NDArray[np.float32]:
    """Extended difference of Gaussians (Winnemoeller 2012)."""
    sigma, sharp = random.uniform(0.6, 2.2), random.uniform(0.9, 0.995)
    pixels = grey.astype(np.float32) / 255
    near = cv2.GaussianBlur(pixels, (0, 0), sigma)
    far = cv2.GaussianBlur(pixels, (0, 0), sigma * 1.6)
    difference = near - sharp * far
    steep = random.uniform(10, 60)
    level = random.uniform(-0.02, 0.02)
    drawn = np.where(difference > level, 1.0, 1 + np.tanh(steep * (difference - level)))
    return np.asarray(255 * drawn, dtype=np.float32)


def _edges(grey: Grey, random: np.random.Generator) -> NDArray[np.float32]:
    soft = cv2.GaussianBlur(grey, (0, 0), random.uniform(0.8, 2.0)).astype(np.float32)
    dx, dy = cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    strength = np.hypot(dx, dy)
    strength /= np.percentile(strength, random.uniform(92, 99)) + 1e-3
    return np.asarray(255 * (1 - np.clip(strength, 0, 1) ** random.uniform(0.6, 1.5)), np.float32)


def _mixed_with_shading(
    drawn: NDArray[np.float32], grey: Grey, random: np.random.Generator
) -> NDArray[np.float32]:
    soft = cv2.GaussianBlur(grey, (0, 0), random.uniform(1, 5)).astype(np.float32)
    pale = 255 - (255 - soft) * random.uniform(0.2, 0.9)
    return np.asarray(drawn * pale / 255, dtype=np.float32)


def _cone(
    shape: tuple[int, ...],
    centre: NDArray[np.float32],
    eyes: float,
    random: np.random.Generator,
) -> NDArray[np.float32]:
    """Brightness of a lamp beside the camera: full on the face, fading to a dark surround."""
    height, width = shape[0] // 4, shape[1] // 4
    rows, columns = np.indices((height, width), dtype=np.float32) * 4 + 1.5
    aim_x, aim_y = (centre + random.normal(0, 0.3 * eyes, 2)).tolist()
    distance = np.hypot(columns - aim_x, rows - aim_y) / eyes
    floor = random.uniform(0.05, 1)
    cone = 1 / (1 + (distance / random.uniform(1.3, 3)) ** random.uniform(2, 6))
    return np.asarray(cv2.resize(floor + (1 - floor) * cone, shape[1::-1]), np.float32)


def _noise(
    shape: tuple[int, ...], strength: float, random: np.random.Generator
) -> NDArray[np.float32]:
    return random.standard_normal(shape, dtype=np.float32) * np.float32(strength)


def _with_glints(
    lit: NDArray[np.floating],
    pupils: NDArray[np.float32],
    eyes: float,
    random: np.random.Generator,
) -> NDArray[np.float32]:
    glints = np.zeros_like(lit)
    shift = random.normal(0, 0.03 * eyes, 2)
    for pupil in pupils + shift:
        x, y = (int(v) for v in np.round(pupil))
        cv2.circle(glints, (x, y), max(1, int(eyes * random.uniform(0.01, 0.06))), 1.0, -1)
    soft = cv2.GaussianBlur(glints, (3, 3), 0.8)
    return np.asarray(lit + soft * (255 - lit) * random.uniform(0.4, 1), dtype=np.float32)


def _to_byte(pixels: NDArray[np.floating]) -> Grey:
    return np.asarray(np.clip(pixels, 0, 255), dtype=np.uint8)
