"""Faces and backgrounds cut once, large enough for every later turn and shift."""

from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.align import similarity_transform
from faces.landmarks import SIZE, TEMPLATE, unmap
from training.landmarks.labels import Labels, Rows
from training.landmarks.rendering import near_infrared, pencil
from training.landmarks.sources import Source

PATCH = 160
"""Side of a patch; an ideal input of the network covers its middle half."""

BACKGROUNDS = {"photo": 3, "sketch": 8}
"""Tried in each image that shows more than a face."""

LEAST_SCORE = {"photo": 0.7, "sketch": 0.5}


Grey = NDArray[np.uint8]
Cut = tuple[NDArray[np.uint8], NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """All that one training run sees.

    `looks` (n, 3, PATCH, PATCH) uint8 grey: as it is, in pencil, in near infrared (a sketch: as it
    is, thrice). `points` (n, 5, 2) float32 in pixels of the patch. `backgrounds`
    (m, PATCH, PATCH) uint8 hold no face within their middle half;
    `mistakes`, alike, are those that an earlier network fell for.
    """

    looks: NDArray[np.uint8]
    points: NDArray[np.float32]
    is_sketch: NDArray[np.bool_]
    backgrounds: NDArray[np.uint8]
    mistakes: NDArray[np.uint8]

    def save(self, folder: Path) -> None:
        """Write each array as a file of `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in _ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, folder: Path, mistakes: NDArray[np.uint8] | None = None) -> "Patches":
        """Read what `save` wrote; `mistakes` (k, PATCH, PATCH) join as `mistakes`.

        The looks stay on disk until they are used.
        """
        none = np.empty((0, PATCH, PATCH), np.uint8)
        stored = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
        return cls(**stored, mistakes=none if mistakes is None else mistakes)


_ARRAYS = ("looks", "points", "is_sketch", "backgrounds")


def cut_faces(
    image: NDArray[np.uint8], rows: Rows, source: Source, random: np.random.Generator
) -> Iterator[Cut]:
    """The looks and points of each well-labelled face of a (height, width, 3) RGB image."""
    largest = float(rows[:, 2].max())
    for row in rows:
        points = row[4:14].reshape(5, 2)
        if row[14] < LEAST_SCORE[source.kind] or row[2] < 0.4 * largest or not _is_frontal(points):
            continue
        matrix = _face_matrix(points)
        colour = _cut(image, matrix)
        inside = points @ matrix[:, :2].T + matrix[:, 2]
        grey = np.asarray(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY), np.uint8)
        if source.kind == "sketch":
            looks = np.stack([grey, grey, grey])
        else:
            looks = np.stack([grey, pencil(grey, random), near_infrared(colour, inside, random)])
        yield looks, inside.astype(np.float32)


def cut_backgrounds(
    image: NDArray[np.uint8], rows: Rows, count: int, random: np.random.Generator
) -> Iterator[Grey]:
    """Up to `count` random patches of an image whose middle half holds no face."""
    height, width = image.shape[:2]
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    for _ in range(count):
        side = float(np.exp(random.uniform(np.log(24), np.log(0.7 * min(height, width)))))
        x, y = random.uniform(0, width), random.uniform(0, height)
        if not _touches_a_face(x, y, side, rows):
            scale, middle = PATCH / 2 / side, (PATCH - 1) / 2
            shift = middle - scale * np.array([x, y])
            patch = _cut(grey, np.column_stack([np.eye(2) * scale, shift]))
            yield pencil(patch, random) if random.random() < 0.3 else patch


def assemble(data: Path, sources: list[Source], labels: Labels, *, processes: int) -> Patches:
    """Cut every source that has a label; the same sources give the same patches."""
    tasks = [
        (data, source, rows, number)
        for number, source in enumerate(sources)
        if (rows := labels.get(source.path)) is not None
    ]
    looks, points, is_sketch, backgrounds = [], [], [], []
    with Pool(processes) as pool:
        for source, faces, empty in pool.imap(_cut_source, tasks, chunksize=32):
            for look, inside in faces:
                looks.append(look)
                points.append(inside)
                is_sketch.append(source.kind == "sketch")
            backgrounds.extend(empty)
    return Patches(
        np.stack(looks),
        np.stack(points),
        np.array(is_sketch, bool),
        np.stack(backgrounds),
        np.empty((0, PATCH, PATCH), np.uint8),
    )


def _cut_source(task: tuple[Path, Source, Rows, int]) -> tuple[Source, list[Cut], list[Grey]]:
    data, source, rows, number = task
    cv2.setNumThreads(1)
    random = np.random.default_rng(number)
    image = np.asarray(cv2.imread(str(data / source.path), cv2.IMREAD_COLOR_RGB), np.uint8)
    count = BACKGROUNDS[source.kind] if min(image.shape[:2]) > 180 else 0
    faces = list(cut_faces(image, rows, source, random))
    return source, faces, list(cut_backgrounds(image, rows, count, random))


def _face_matrix(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Centre and scale of the ideal input, but not its turn: the patch stays upright."""
    ideal = similarity_transform(points, TEMPLATE)
    centre = unmap(np.full((1, 2), (SIZE - 1) / 2, np.float32), ideal)[0]
    scale = float(np.hypot(ideal[0, 0], ideal[1, 0])) * PATCH / 2 / SIZE
    return np.column_stack([np.eye(2) * scale, (PATCH - 1) / 2 - scale * centre])


def _cut(image: NDArray[np.uint8], matrix: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Cut at no more than the resolution there is, so that no patch holds blown-up blocks only."""
    scale = matrix[0, 0]
    if scale < 0.5:
        sigma = 0.4 / scale
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)
    return np.asarray(
        cv2.warpAffine(
            image,
            matrix,
            (PATCH, PATCH),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.uint8,
    )


def _is_frontal(points: NDArray[np.float32]) -> bool:
    """False where the eyes nearly meet: a profile, or a label gone wrong."""
    eyes = np.linalg.norm(points[1] - points[0])
    height = np.linalg.norm(points[3:].mean(axis=0) - points[:2].mean(axis=0))
    return bool(eyes > 0.35 * height and eyes > 8)


def _touches_a_face(x: float, y: float, side: float, rows: Rows) -> bool:
    """Whether a window holds the middle of a face, or lies within one."""
    for left, top, width, height in rows[:, :4]:
        centre_x, centre_y = left + width / 2, top + height / 2
        apart = max(abs(centre_x - x), abs(centre_y - y))
        ratio = side / max(1.0, 1.1 * float(max(width, height)))
        if apart < 0.45 * max(side, float(width)) and 0.4 < ratio < 2.5:
            return True
    return False
