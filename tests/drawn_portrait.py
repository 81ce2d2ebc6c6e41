"""One face, drawn: soft polygons in units of the face's height."""

import cv2
import numpy as np
from drawn_people import Colour, Person
from numpy.typing import NDArray

Canvas = NDArray[np.float32]

SIDE = 256
_FINE = 2
"""Drawn at twice the size and shrunk, for smooth edges."""


class Pen:
    """Draws smooth shapes in units of the face's height, around its centre."""

    def __init__(self, canvas: Canvas, height: float) -> None:
        self.canvas = canvas
        self.height = height
        self.middle = canvas.shape[1] / 2, canvas.shape[0] * 0.53

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self.middle[0] + x * self.height, self.middle[1] + y * self.height

    def fill(
        self, outline: NDArray[np.float64], colour: Colour, soft: float, strength: float = 1
    ) -> None:
        """Lay `colour` over the polygon `outline` (n, 2), with an edge `soft` wide."""
        blur = max(soft * self.height, 0.3)
        points = np.array([self.at(x, y) for x, y in outline])
        left, top = np.maximum(points.min(axis=0) - 3 * blur - 1, 0).astype(int)
        right, bottom = np.maximum(points.max(axis=0) + 3 * blur + 2, 0).astype(int)
        under = self.canvas[top:bottom, left:right]
        mask = np.zeros(under.shape[:2], np.float32)
        corners = np.round((points - (left, top)) * 16).astype(np.int32)
        cv2.fillPoly(mask, [corners], 1.0, cv2.LINE_AA, 4)
        mask = strength * cv2.GaussianBlur(mask, (0, 0), blur)[..., None]
        under[:] = under * (1 - mask) + np.float32(colour) * mask

    def ellipse(
        self,
        x: float,
        y: float,
        across: float,
        down: float,
        colour: Colour,
        soft: float = 0.004,
        strength: float = 1,
        turn: float = 0,
    ) -> None:
        angle = np.linspace(0, 2 * np.pi, 60)
        outline = np.column_stack([across * np.cos(angle), down * np.sin(angle)])
        cosine, sine = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        outline = outline @ np.array([[cosine, sine], [-sine, cosine]]) + (x, y)
        self.fill(outline, colour, soft, strength)

    def stroke(
        self,
        line: NDArray[np.float64],
        thickness: NDArray[np.float64],
        colour: Colour,
        soft: float = 0.003,
        strength: float = 1,
    ) -> None:
        """A line (n, 2) with a thickness (n,) at each point."""
        along = np.gradient(line, axis=0)
        across = np.column_stack([-along[:, 1], along[:, 0]])
        across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
        half = across * thickness[:, None] / 2
        self.fill(np.concatenate([line + half, (line - half)[::-1]]), colour, soft, strength)


def shade(colour: Colour, factor: float) -> Colour:
    return tuple(min(255.0, value * factor) for value in colour)  # type: ignore[return-value]


def portrait(
    who: Person,
    light: float,
    random: np.random.Generator,
    *,
    shine: bool = False,
    background: float | None = None,
) -> Canvas:
    """(256, 256, 3) float32. `light`: from the left (-1) to the right (1)."""
    side = SIDE * _FINE
    behind = background if background is not None else random.uniform(90, 190)
    canvas = np.full((side, side, 3), behind, np.float32)
    pen = Pen(canvas, side * 0.62)
    _body(pen, who, random)
    _head(pen, who)
    _light(pen, who, light)
    for sign in (-1, 1):
        _eye(pen, who, sign, shine)
    _nose(pen, who)
    _mouth(pen, who)
    _hair(pen, who)
    return cv2.resize(canvas, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def _outline(who: Person) -> NDArray[np.float64]:
    """The face, (n, 2), clockwise from the right ear."""
    angle = np.linspace(0, 2 * np.pi, 120)
    x, y = np.cos(angle), np.sin(angle)
    half = who.width / 2
    narrow = np.where(y > 0, 1 - (1 - who.jaw) * 0.45 * y**2, 1 - 0.1 * y**2)
    square = np.sign(x) * np.abs(x) ** np.where(y > 0, 0.8 + 0.2 * (1 - who.jaw), 0.95)
    return np.column_stack([half * square * narrow, 0.5 * y])


def _body(pen: Pen, who: Person, random: np.random.Generator) -> None:
    if who.hair_sides > 0.6:
        pen.ellipse(0, 0.0, who.width * 0.62, 0.6, shade(who.hair, 0.9), 0.01)
    shirt: Colour = tuple(random.uniform(40, 200, 3))  # type: ignore[assignment]
    pen.ellipse(0, 0.95, 0.62, 0.38, shirt, 0.006)
    neck = shade(who.skin, 0.8)
    pen.fill(
        np.array([(-0.17, 0.3), (0.17, 0.3), (0.2, 0.66), (0, 0.74), (-0.2, 0.66)]), neck, 0.01
    )


def _head(pen: Pen, who: Person) -> None:
    for sign in (-1, 1):
        pen.ellipse(sign * who.width * 0.49, 0.03, 0.045, 0.09, shade(who.skin, 0.85), 0.004)
    outline = _outline(who)
    pen.fill(outline, shade(who.skin, 0.74), 0.004)
    pen.fill(outline * 0.93, who.skin, 0.035)
    if who.beard:
        chin = outline[outline[:, 1] > 0.12] * 0.97
        pen.fill(chin, shade(who.hair, 0.8), 0.03, who.beard)


def _light(pen: Pen, who: Person, light: float) -> None:
    """Shade: eye sockets, cheeks, the side away from the light, forehead."""
    dark, bright = shade(who.skin, 0.62), shade(who.skin, 1.18)
    eyes = who.eyes_apart / 2
    for sign in (-1, 1):
        pen.ellipse(sign * eyes, -0.075, 0.1, 0.06, dark, 0.03, 0.5)
        pen.ellipse(sign * eyes * 1.25, 0.13, 0.08, 0.07, bright, 0.05, 0.45)
        away = max(0.0, -sign * light)
        pen.ellipse(sign * who.width * 0.42, 0.08, 0.12, 0.36, dark, 0.07, 0.25 + 0.5 * away)
    pen.ellipse(0.05 * light, -0.28, 0.16, 0.08, bright, 0.06, 0.6)
    pen.ellipse(0, 0.33 + who.mouth_drop * 0.25, 0.09, 0.045, bright, 0.03, 0.4)


def _eye(pen: Pen, who: Person, sign: int, shine: bool) -> None:
    x, y = sign * who.eyes_apart / 2, -0.06
    wide, high = who.eye_width, who.eye_height
    turn = sign * -who.eye_slant
    lid = shade(who.skin, 0.42)
    pen.ellipse(x, y, wide * 0.62, high * 0.95, lid, 0.006, 0.9, turn)
    pen.ellipse(x, y + 0.004, wide * 0.54, high * 0.7, (232, 230, 226), 0.003, 1, turn)
    iris = shade(who.hair, 0.9)
    pen.ellipse(x, y, high * 0.78, high * 0.78, iris, 0.002)
    pen.ellipse(x, y, high * 0.4, high * 0.4, (235,) * 3 if shine else (12, 10, 10), 0.002)
    pen.ellipse(x - 0.008, y - 0.008, 0.006, 0.006, (255,) * 3, 0.001)
    along = np.linspace(-1, 1, 15)
    tilt = np.tan(np.radians(turn))
    upper = np.column_stack([x + along * wide * 0.6, y - high * (1 - along**2) * 0.85])
    upper[:, 1] += along * wide * 0.6 * tilt
    pen.stroke(upper, 0.014 * (1.1 - along**2), shade(lid, 0.5), 0.002)
    brow = np.column_stack([x + along * wide * 0.82, np.full(15, y - who.brow_lift)])
    brow[:, 1] += along * wide * tilt * 0.8 - who.brow_arch * (1 - along**2)
    pen.stroke(brow, who.brow_thickness * (1.15 - along**2), shade(who.hair, 0.75), 0.005, 0.92)
    if who.glasses:
        angle = np.linspace(0, 2 * np.pi, 50)
        ring = np.column_stack([x + 0.105 * np.cos(angle), y + 0.005 + 0.08 * np.sin(angle)])
        pen.stroke(ring, np.full(50, 0.012), (30, 28, 30), 0.002)
        bridge = np.array([(sign * 0.05, y - 0.005), (0.0, y - 0.015)])
        pen.stroke(bridge, np.full(2, 0.012), (30, 28, 30), 0.002)


def _nose(pen: Pen, who: Person) -> None:
    tip, wide = who.nose_length - 0.06, who.nose_width
    dark, bright = shade(who.skin, 0.6), shade(who.skin, 1.2)
    down = np.linspace(-0.05, tip - 0.03, 12)
    for sign in (-1, 1):
        side = np.column_stack([sign * (0.03 + 0.02 * np.linspace(0, 1, 12) ** 2), down])
        pen.stroke(side, np.full(12, 0.02), dark, 0.012, 0.4)
        pen.ellipse(sign * wide * 0.62, tip, wide * 0.3, 0.03, dark, 0.012, 0.55)
        pen.ellipse(sign * wide * 0.36, tip + 0.02, wide * 0.2, 0.011, shade(who.skin, 0.25), 0.005)
    pen.stroke(np.column_stack([np.zeros(12), down]), np.full(12, 0.03), bright, 0.012, 0.7)
    pen.ellipse(0, tip - 0.01, wide * 0.35, 0.028, bright, 0.012, 0.8)
    pen.ellipse(0, tip + 0.032, wide * 0.55, 0.014, dark, 0.012, 0.6)


def _mouth(pen: Pen, who: Person) -> None:
    y, half = who.mouth_drop - 0.1, who.mouth_width / 2
    lip: Colour = (who.skin[0] * 0.76, who.skin[1] * 0.52, who.skin[2] * 0.52)
    along = np.linspace(-1, 1, 21)
    middle = np.column_stack([half * along, y + 0.012 * np.cos(along * np.pi)])
    top = middle - np.column_stack(
        [0 * along, who.lips * (1 - along**2) * (0.85 + 0.25 * along**2)]
    )
    low = middle + np.column_stack([0 * along, 1.35 * who.lips * (1 - along**2)])
    pen.fill(np.concatenate([top, middle[::-1]]), shade(lip, 0.85), 0.004)
    pen.fill(np.concatenate([middle, low[::-1]]), lip, 0.004)
    pen.stroke(middle, 0.011 * (1.25 - along**2), shade(lip, 0.3), 0.003)
    pen.ellipse(0, y + 2.1 * who.lips + 0.02, half * 0.6, 0.016, shade(who.skin, 0.62), 0.014, 0.7)


def _hair(pen: Pen, who: Person) -> None:
    """A cap of hair; its edge on the forehead tells people apart, and so do its sides."""
    edge = _outline(who) * (1.09, 1.12)
    upper = edge[edge[:, 1] < -0.05 + 0.12 * who.hair_sides]
    upper = upper[np.argsort(upper[:, 0])]
    x = np.linspace(upper[-1, 0], upper[0, 0], 40) * 0.96
    t = x / max(abs(upper[0, 0]), 1e-6)
    shapes = (
        -who.hairline - 0.07 * (1 - t**2) + 0.25 * np.abs(t) ** 6,
        -who.hairline + 0.1 * t + 0.22 * np.abs(t) ** 8,
        -who.hairline + 0.06 * np.cos(3 * np.pi * t) + 0.2 * np.abs(t) ** 8,
        -who.hairline + 0.04 + 0.3 * np.abs(t) ** 10,
    )
    fringe = np.column_stack([x, shapes[who.fringe] - 0.05])
    pen.fill(np.concatenate([upper, fringe]), who.hair, 0.006)
    gloss = upper[upper[:, 1] < -0.4] * (0.8, 0.95) + (0.02, 0)
    pen.stroke(gloss, np.full(len(gloss), 0.03), shade(who.hair, 1.45), 0.02, 0.5)
