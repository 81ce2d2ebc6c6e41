"""Training inputs: pictures of faces and of nothing, set side by side at random size and turn."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.landmarks import MIRRORED
from faces.onestage import box_of
from training.landmarks.faults import OF_A_CANVAS, OF_A_DRAWING, OF_A_PICTURE, spoilt
from training.locator.album import Album, Picture
from training.locator.nothing import nothing

Random = np.random.Generator
Grey = NDArray[np.uint8]
Area = tuple[int, int, int, int]
"""Left, top, width, height."""

SMALLEST, LARGEST = 13.0, 300.0
"""Sides of a face's box, in pixels, that a canvas shows on purpose."""

FAINTEST = 4.0
"""Spread of grey levels between eyes and mouth, below which there is no face to see."""

LOOK_ODDS = (0.4, 0.35, 0.25)
"""Of a photo: as it is, in pencil, in near infrared."""

SKETCH_LOOK = 1


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """`grey` (height, width); the faces in it `points` (n, 5, 2); `sure` (n,): to be learnt.

    A face that is not sure, being doubtful, cut off, or too small, is neither right nor wrong.
    """

    grey: Grey
    points: NDArray[np.float32]
    sure: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Placement:
    """How a face lies in its area: side of its box in shares of the area's shorter side, most
    degrees it is turned, most shift from the middle in shares of the room there is.
    """

    smallest: float
    largest: float
    turn: float
    shift: float


ANYWHERE = Placement(0.12, 1.35, 35.0, 1.0)
IN_PLACE = Placement(0.62, 0.86, 9.0, 0.35)
"""As the second reading of `faces.onestage` sees a face."""


def scene(album: Album, odds: NDArray[np.float64], side: int, random: Random) -> Canvas:
    """A square canvas of one to nine areas, each with a picture or with nothing."""
    ground = nothing(side, side, random)
    parts: list[Canvas] = []
    if random.random() < 0.12:
        return Canvas(spoilt(ground, random, OF_A_CANVAS), *_no_faces())
    for area in _areas((0, 0, side, side), random):
        if random.random() < 0.18:
            _fill(ground, area, nothing(area[3], area[2], random))
        elif random.random() < 0.15:
            parts.append(_surroundings(album, odds, ground, area, random))
        else:
            parts.append(_put(album, odds, ground, area, ANYWHERE, random))
    return _joined(ground, parts, random)


def close_up(album: Album, odds: NDArray[np.float64], side: int, random: Random) -> Canvas:
    """A square canvas with one face about where the second reading expects it."""
    ground = np.full((side, side), int(random.integers(256)), np.uint8)
    part = _put(album, odds, ground, (0, 0, side, side), IN_PLACE, random)
    return _joined(ground, [part], random)


def draw_odds(album: Album) -> NDArray[np.float64]:
    """(n,) chance of a picture or one before it, for `np.searchsorted`.

    Each set is drawn in proportion to the square root of its size, lest photos drown the sketches.
    """
    weights = np.bincount(album.sets)[album.sets] ** -0.5
    cumulative: NDArray[np.float64] = np.cumsum(weights)
    cumulative /= cumulative[-1]
    return cumulative


def _areas(area: Area, random: Random, depth: int = 0) -> Iterator[Area]:
    """Split at random, first across the longer side, until areas are small or chance says so."""
    left, top, width, height = area
    longer = max(width, height)
    if longer < 64 or depth > 3 or random.random() < (0.35, 0.3, 0.5, 0.6)[depth]:
        yield area
        return
    cut = int(longer * random.uniform(0.3, 0.7))
    if width >= height:
        yield from _areas((left, top, cut, height), random, depth + 1)
        yield from _areas((left + cut, top, width - cut, height), random, depth + 1)
    else:
        yield from _areas((left, top, width, cut), random, depth + 1)
        yield from _areas((left, top + cut, width, height - cut), random, depth + 1)


def _put(
    album: Album,
    odds: NDArray[np.float64],
    ground: Grey,
    area: Area,
    placement: Placement,
    random: Random,
) -> Canvas:
    """Lay a random picture into an area of `ground`, such that one of its faces lies within."""
    picture = _drawn(album, odds, random)
    width, height = area[2:]
    if not picture.sure.any():
        return Canvas(ground, *_no_faces())
    chosen = int(random.choice(np.flatnonzero(picture.sure)))
    x, y, box = box_of(picture.points[chosen])
    shorter = min(width, height)
    least = max(SMALLEST, placement.smallest * shorter)
    most = max(least + 1, min(LARGEST, placement.largest * shorter))
    side = float(np.exp(random.uniform(np.log(least), np.log(most))))
    turn = float(np.clip(random.normal(0, 0.5), -1, 1)) * placement.turn
    room = np.array([max(0.0, width - 0.8 * side), max(0.0, height - 0.8 * side)])
    target = np.array([width, height]) / 2 + random.uniform(-0.5, 0.5, 2) * placement.shift * room
    return _laid(ground, area, picture, (x, y), side / box, turn, target, random)


def _surroundings(
    album: Album, odds: NDArray[np.float64], ground: Grey, area: Area, random: Random
) -> Canvas:
    """Lay a part of a picture beside its faces into an area; a face may still show at its edge."""
    picture = _drawn(album, odds, random)
    width, height = area[2:]
    rows, columns = picture.grey.shape
    scale = max(width, height) / min(rows, columns) * float(np.exp(random.uniform(-0.2, 1.3)))
    edge = int(random.integers(4))
    x = (0.0, columns - 1.0, random.uniform(0, columns), random.uniform(0, columns))[edge]
    y = (random.uniform(0, rows), random.uniform(0, rows), 0.0, rows - 1.0)[edge]
    target = np.array(
        [(0, width, width / 2, width / 2)[edge], (height / 2, height / 2, 0, height)[edge]]
    )
    turn = float(random.uniform(-20, 20))
    return _laid(ground, area, picture, (x, y), scale, turn, target.astype(float), random)


def _laid(
    ground: Grey,
    area: Area,
    picture: Picture,
    place: tuple[float, float],
    scale: float,
    turn: float,
    target: NDArray[np.float64],
    random: Random,
) -> Canvas:
    left, top, width, height = area
    angle = np.radians(turn)
    linear = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    if random.random() < 0.5:
        picture, place = _mirrored(picture, place)
    matrix = np.column_stack([linear, target - linear @ np.array(place)])
    under = np.ascontiguousarray(ground[top : top + height, left : left + width])
    _fill(ground, area, _warped(picture.grey, matrix, scale, under, random))
    inside = picture.points @ matrix[:, :2].T.astype(np.float32) + matrix[:, 2].astype(np.float32)
    seen = ground[top : top + height, left : left + width]
    sure = picture.sure & np.array(
        [_is_whole(p, width, height) and _shows(seen, p) for p in inside]
    )
    return Canvas(ground, inside + np.array([left, top], np.float32), sure)


def _drawn(album: Album, odds: NDArray[np.float64], random: Random) -> Picture:
    index, look = int(np.searchsorted(odds, random.random())), int(random.choice(3, p=LOOK_ODDS))
    picture = album.picture(index, look)
    is_drawing = album.looks[index] == 1 or look == SKETCH_LOOK
    faults = OF_A_DRAWING if is_drawing else OF_A_PICTURE
    return Picture(spoilt(picture.grey, random, faults), picture.points, picture.sure)


def _warped(
    grey: Grey, matrix: NDArray[np.float64], scale: float, under: Grey, random: Random
) -> Grey:
    """Shrink by area first, so that no pixel is skipped; beside the picture goes one of four."""
    if scale < 0.7:
        factor = max(scale, 8 / min(grey.shape))
        small = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        step = np.array([grey.shape[1] / small.shape[1], grey.shape[0] / small.shape[0]])
        shift = matrix[:, 2] + matrix[:, :2] @ (step / 2 - 0.5)
        matrix, grey = np.column_stack([matrix[:, :2] * step, shift]), np.asarray(small, np.uint8)
    height, width = under.shape
    draw = random.random()
    if draw < 0.4:
        way, level = cv2.BORDER_REPLICATE, 0
    elif draw < 0.6:
        way, level = (
            cv2.BORDER_CONSTANT,
            (0, 127, 255, int(random.integers(256)))[int(random.integers(4))],
        )
    else:
        way, level = cv2.BORDER_TRANSPARENT, 0
    return np.asarray(
        cv2.warpAffine(
            grey,
            matrix,
            (width, height),
            dst=under,
            flags=cv2.INTER_LINEAR,
            borderMode=way,
            borderValue=level,
        ),
        np.uint8,
    )


def _mirrored(picture: Picture, place: tuple[float, float]) -> tuple[Picture, tuple[float, float]]:
    last = picture.grey.shape[1] - 1
    points = picture.points[:, MIRRORED].copy()
    points[:, :, 0] = last - points[:, :, 0]
    flipped = np.ascontiguousarray(picture.grey[:, ::-1])
    return Picture(flipped, points, picture.sure), (last - place[0], place[1])


def _is_whole(points: NDArray[np.float32], width: int, height: int) -> bool:
    """Whether the five points lie in the area, give or take little, and the size can be learnt."""
    side = box_of(points)[2]
    slack = 0.04 * side
    low, high = points.min(axis=0), points.max(axis=0)
    within = low.min() > -slack and high[0] < width + slack and high[1] < height + slack
    return bool(within and 0.8 * SMALLEST < side < 1.1 * LARGEST)


def _shows(seen: Grey, points: NDArray[np.float32]) -> bool:
    """Whether anything is drawn where the face is: a faint picture in pencil is blank paper."""
    low = np.maximum(points.min(axis=0), 0).astype(int)
    high = points.max(axis=0).astype(int) + 1
    return bool(seen[low[1] : high[1], low[0] : high[0]].std() > FAINTEST)


def _fill(ground: Grey, area: Area, pixels: Grey) -> None:
    left, top, width, height = area
    ground[top : top + height, left : left + width] = pixels


def _joined(ground: Grey, parts: list[Canvas], random: Random) -> Canvas:
    grey = spoilt(ground, random, OF_A_CANVAS)
    if not parts:
        return Canvas(grey, *_no_faces())
    points = np.concatenate([part.points for part in parts]).astype(np.float32)
    return Canvas(grey, points, np.concatenate([part.sure for part in parts]))


def _no_faces() -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    return np.empty((0, 5, 2), np.float32), np.empty(0, np.bool_)
