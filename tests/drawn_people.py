"""Who is drawn: what stays the same from one picture of a person to the next."""

from dataclasses import dataclass

import numpy as np

Colour = tuple[float, float, float]

SKINS: tuple[Colour, ...] = ((236, 201, 178), (222, 178, 146), (190, 142, 110), (141, 97, 72))
HAIRS: tuple[Colour, ...] = (
    (34, 28, 26),
    (78, 52, 36),
    (148, 104, 60),
    (196, 160, 108),
    (150,) * 3,
)


@dataclass(frozen=True, slots=True)
class Person:
    """What stays the same from picture to picture; lengths are shares of the face's height."""

    seed: int
    skin: Colour
    hair: Colour
    width: float
    jaw: float
    eyes_apart: float
    eye_width: float
    eye_height: float
    eye_slant: float
    brow_thickness: float
    brow_lift: float
    brow_arch: float
    nose_length: float
    nose_width: float
    mouth_width: float
    mouth_drop: float
    lips: float
    hairline: float
    hair_sides: float
    fringe: int
    beard: float
    glasses: bool


def person(seed: int) -> Person:
    """The person number `seed`."""
    random = np.random.default_rng(seed)
    between = random.uniform
    return Person(
        seed=seed,
        skin=SKINS[random.integers(len(SKINS))],
        hair=HAIRS[random.integers(len(HAIRS))],
        width=between(0.69, 0.86),
        jaw=between(0.55, 0.95),
        eyes_apart=between(0.31, 0.39),
        eye_width=between(0.085, 0.115),
        eye_height=between(0.032, 0.055),
        eye_slant=between(-7, 7),
        brow_thickness=between(0.012, 0.034),
        brow_lift=between(0.075, 0.115),
        brow_arch=between(-0.01, 0.035),
        nose_length=between(0.2, 0.27),
        nose_width=between(0.075, 0.13),
        mouth_width=between(0.2, 0.31),
        mouth_drop=between(0.37, 0.43),
        lips=between(0.018, 0.05),
        hairline=between(0.24, 0.36),
        hair_sides=between(0.0, 1.0),
        fringe=int(random.integers(4)),
        beard=float(max(0.0, between(-0.8, 0.6))),
        glasses=bool(random.random() < 0.25),
    )
