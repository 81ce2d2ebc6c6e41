"""Photo -> a rendering that looks as if another modality had made it. Training only; random.

The photo and its rendering show one person, so they can be contrasted without any cross-modal
pair. Crops in, crops out: no face moves here (`training.augment` moves them).
"""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from faces.modality import Modality

Grey = NDArray[np.float32]
"""(128, 128) float32 in [0, 1]."""


def render(photo: NDArray[np.uint8], modality: Modality, rng: Generator) -> NDArray[np.uint8]:
    """Imitate `modality` from one aligned photo.

    Args:
        photo: (128, 128, 3) uint8 RGB crop.

    Returns:
        (128, 128) uint8 grey.
    """
    pixels = photo.astype(np.float32) / np.float32(255)
    if modality is Modality.VIS:
        rendered = to_grey(pixels, rng)
    elif modality is Modality.NIR:
        rendered = near_infrared(pixels, rng)
    else:
        rendered = sketch(to_grey(pixels, rng), rng)
    return (np.clip(rendered, 0, 1) * 255).round().astype(np.uint8)


def to_grey(pixels: NDArray[np.float32], rng: Generator) -> Grey:
    """Luma with jittered channel weights, since cameras and faded prints differ in them."""
    weights = np.array([0.299, 0.587, 0.114], dtype=np.float32) + rng.normal(0, 0.06, 3)
    weights = np.clip(weights, 0, None)
    return np.asarray(pixels @ (weights / weights.sum()), dtype=np.float32)


def near_infrared(pixels: NDArray[np.float32], rng: Generator) -> Grey:
    """An active-NIR look: mostly red light, flat tone, dark surround, lamp glints, soft focus."""
    weights = rng.dirichlet([6.0, 1.5, 0.7]).astype(np.float32)
    grey = np.asarray(pixels @ weights, dtype=np.float32)
    smooth = _blur(grey, 14)
    flattened = np.asarray(grey / (smooth + 0.15) * 0.5, dtype=np.float32)
    grey = _mix(grey, flattened, float(rng.uniform(0.2, 0.9)))
    grey = np.clip(grey, 0, 1) ** float(rng.uniform(0.5, 1.6))
    grey = grey * float(rng.uniform(0.5, 1.0))
    if rng.random() < 0.6:
        grey = grey * _lamp(grey.shape[0], rng)
    if rng.random() < 0.4:
        grey = _glints(grey, rng)
    grey = _blur(grey, float(rng.uniform(0.3, 1.6)))
    noise = rng.standard_normal(grey.shape, dtype=np.float32) * float(rng.uniform(0, 0.03))
    return np.asarray(grey + noise, dtype=np.float32)


def sketch(grey: Grey, rng: Generator) -> Grey:
    """A pencil, ink or charcoal look: one or two of the styles below, on paper."""
    grey = _stretch(_blur(grey, float(rng.uniform(0.2, 1.2))))
    styles = (dodge, ink, relief, slope, thin_lines, shaded)
    first, second = rng.choice(len(styles), 2)
    drawn = styles[first](grey, rng)
    if rng.random() < 0.5:
        drawn = _mix(drawn, styles[second](grey, rng), float(rng.uniform(0.2, 0.8)))
    return _on_paper(drawn, rng)


def dodge(grey: Grey, rng: Generator) -> Grey:
    """Colour dodge of the photo by its blurred negative, the classic pencil filter."""
    blurred = _blur(1 - grey, float(rng.uniform(2, 9)))
    lightness = np.minimum(grey / np.maximum(1 - blurred, 0.03), 1)
    return np.asarray(lightness ** float(rng.uniform(1, 4)), dtype=np.float32)


def ink(grey: Grey, rng: Generator) -> Grey:
    """Extended difference of Gaussians (Winnemoeller et al. 2012), softly thresholded."""
    sigma = float(rng.uniform(0.6, 1.6))
    sharpness = float(rng.uniform(10, 30))
    sharpened = (1 + sharpness) * _blur(grey, sigma) - sharpness * _blur(grey, 1.6 * sigma)
    threshold, slope_ = float(rng.uniform(0.3, 0.7)), float(rng.uniform(2, 10))
    dark = 1 + np.tanh(slope_ * (sharpened - threshold))
    return np.asarray(np.where(sharpened >= threshold, 1, dark), dtype=np.float32)


def relief(grey: Grey, rng: Generator) -> Grey:
    """Local contrast normalisation: light and shadow of the scene go, features stay."""
    sigma = float(rng.uniform(4, 12))
    centred = grey - _blur(grey, sigma)
    deviation = np.sqrt(_blur(centred * centred, sigma)) + 0.02
    return np.asarray(0.75 + float(rng.uniform(0.1, 0.25)) * centred / deviation, dtype=np.float32)


def slope(grey: Grey, rng: Generator) -> Grey:
    """Inverted gradient magnitude."""
    smooth = _blur(grey, float(rng.uniform(0.7, 1.5)))
    magnitude = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    strength = float(rng.uniform(0.5, 1.2)) / (np.percentile(magnitude, 97) + 1e-3)
    return np.asarray(1 - np.minimum(magnitude * strength, 1), dtype=np.float32)


def thin_lines(grey: Grey, rng: Generator) -> Grey:
    """Dark valleys and edges traced with thin strokes of one darkness, as line artists do."""
    smooth = _blur(grey, float(rng.uniform(0.8, 1.8)))
    valley = _blur(smooth, float(rng.uniform(1.5, 3))) - smooth
    keep = valley > np.percentile(valley, float(rng.uniform(82, 93)))
    if rng.random() < 0.5:
        low = int(rng.uniform(20, 60))
        keep = keep | (cv2.Canny((smooth * 255).astype(np.uint8), low, 2 * low) > 0)
    strokes = 1 - keep.astype(np.float32) * float(rng.uniform(0.6, 1))
    return _blur(strokes, float(rng.uniform(0.4, 0.9)))


def shaded(grey: Grey, rng: Generator) -> Grey:
    """Lines over a washed-out, flattened photo: charcoal shading."""
    wash = 1 - (1 - relief(grey, rng)) * float(rng.uniform(0.5, 1.2))
    pencil = _mix(np.ones_like(grey), dodge(grey, rng), float(rng.uniform(0.4, 1)))
    return np.asarray(np.minimum(wash, pencil), dtype=np.float32)


def _on_paper(drawn: Grey, rng: Generator) -> Grey:
    """Broken strokes, grain, and a paper that is not quite white."""
    side = drawn.shape[0]
    darkness = 1 - np.clip(drawn, 0, 1)
    if rng.random() < 0.5:
        pressure = rng.uniform(0.4, 1.1, (int(rng.integers(6, 24)),) * 2).astype(np.float32)
        darkness = darkness * cv2.resize(pressure, (side, side), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.5:
        grain = _blur(rng.standard_normal((side, side), dtype=np.float32), 0.7)
        darkness = darkness * (1 + float(rng.uniform(0.1, 0.6)) * grain)
    if rng.random() < 0.6:
        darkness = darkness * _surround(side, rng)
    paper = float(rng.uniform(0.85, 1))
    return _blur(paper * (1 - np.clip(darkness, 0, 1)), float(rng.uniform(0.2, 0.8)))


def _surround(side: int, rng: Generator) -> Grey:
    """1 on the head, fading to 0 around it: artists draw no background."""
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    half_width, half_height = rng.uniform(0.33, 0.5), rng.uniform(0.45, 0.62)
    distance = np.hypot((x - 0.5) / half_width, (y - 0.5) / half_height)
    return np.asarray(1 / (1 + np.exp((distance - 1) / float(rng.uniform(0.02, 0.12)))), np.float32)


def _lamp(side: int, rng: Generator) -> Grey:
    """Light that falls off from the face outwards, leaving the surround dark."""
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    centre_x, centre_y = rng.normal(0.5, 0.06), rng.normal(0.55, 0.06)
    distance = np.hypot((x - centre_x) / 0.85, y - centre_y)
    edge, softness = float(rng.uniform(0.35, 0.6)), float(rng.uniform(0.03, 0.15))
    floor = float(rng.uniform(0.05, 0.5))
    return np.asarray(floor + (1 - floor) / (1 + np.exp((distance - edge) / softness)), np.float32)


def _glints(grey: Grey, rng: Generator) -> Grey:
    """The lamp mirrored in both pupils, or on skin: two small bright spots."""
    side = grey.shape[0]
    out = grey.copy()
    half, height = rng.uniform(0.12, 0.17) * side, rng.uniform(0.38, 0.46) * side
    for sign in (-1, 1):
        centre = (int(side / 2 + sign * half), int(height))
        cv2.circle(out, centre, int(rng.integers(1, 3)), float(rng.uniform(0.7, 1)), -1)
    return out


def _blur(image: Grey, sigma: float) -> Grey:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.float32)


def _mix(a: Grey, b: Grey, share_of_b: float) -> Grey:
    return np.asarray(a + (b - a) * share_of_b, dtype=np.float32)


def _stretch(grey: Grey) -> Grey:
    low, high = np.percentile(grey, (1, 99))
    return np.asarray(np.clip((grey - low) / max(high - low, 0.05), 0, 1), dtype=np.float32)
