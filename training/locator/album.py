"""Every training image once, in grey, with its looks and labels: all that a run reads."""

from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.onestage import box_of
from training.landmarks.labels import Labels, Rows
from training.landmarks.rendering import near_infrared, pencil
from training.landmarks.sources import Source

Grey = NDArray[np.uint8]

LOOKS = 3
"""As it is, in pencil, in near infrared; a sketch has the first only."""

LONGEST = 320
LEAST_SCORE = {"photo": 0.7, "sketch": 0.5}
"""Faces that a label is less sure of are neither taught nor held against the network."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One look of one image; `sure` (n,) says which of the faces `points` (n, 5, 2) to learn."""

    grey: Grey
    points: NDArray[np.float32]
    sure: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Album:
    """Pictures one after the other.

    `pixels` (bytes,) holds the looks of picture i, each of `shapes[i]` (height, width), from
    `starts[i]`; its faces are rows `first[i]` to `first[i + 1]` of `points` (m, 5, 2) and `sure`
    (m,). `looks` (n,) is 1 or LOOKS, `sets` (n,) the number of the set it comes from.
    """

    pixels: Grey
    starts: NDArray[np.int64]
    shapes: NDArray[np.int64]
    looks: NDArray[np.int64]
    sets: NDArray[np.int64]
    first: NDArray[np.int64]
    points: NDArray[np.float32]
    sure: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.starts)

    def picture(self, index: int, look: int) -> Picture:
        """One look; a sketch, which has only one, shows that one."""
        height, width = self.shapes[index]
        start = self.starts[index] + (look % self.looks[index]) * height * width
        faces = slice(self.first[index], self.first[index + 1])
        grey = np.asarray(self.pixels[start : start + height * width]).reshape(height, width)
        return Picture(grey, self.points[faces], self.sure[faces])

    def save(self, folder: Path) -> None:
        """Write each array as a file of `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in _ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, folder: Path) -> "Album":
        """Read what `save` wrote; the pixels stay on disk until they are used."""
        stored = {name: np.load(folder / f"{name}.npy") for name in _ARRAYS if name != "pixels"}
        return cls(np.load(folder / "pixels.npy", mmap_mode="r"), **stored)


_ARRAYS = ("pixels", "starts", "shapes", "looks", "sets", "first", "points", "sure")


def assemble(data: Path, sources: list[Source], labels: Labels, *, processes: int) -> Album:
    """Read and render every source that has a label; the same sources give the same album."""
    tasks = [
        (data, source, rows, number)
        for number, source in enumerate(sources)
        if (rows := labels.get(source.path)) is not None
    ]
    names = sorted({set_of(source.path) for source in sources})
    with Pool(processes) as pool:
        parts = list(pool.imap(_read, tasks, chunksize=32))
    return joined(parts, [names.index(set_of(source.path)) for _, source, _, _ in tasks])


def set_of(path: str) -> str:
    """The set an image is drawn with: its folder, and whether it is a photo or a sketch."""
    parts = Path(path).parts
    return f"{parts[0]}/{parts[-2]}" if parts[0] in ("cufs", "fs2k") else parts[0]


def joined(parts: list[tuple[list[Grey], Picture]], sets: list[int]) -> Album:
    """An album of pictures, each with all its looks."""
    sizes = [looks[0].size * len(looks) for looks, _ in parts]
    counts = [len(picture.points) for _, picture in parts]
    return Album(
        pixels=np.concatenate([look.ravel() for looks, _ in parts for look in looks]),
        starts=np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64),
        shapes=np.array([picture.grey.shape for _, picture in parts], np.int64),
        looks=np.array([len(looks) for looks, _ in parts], np.int64),
        sets=np.array(sets, np.int64),
        first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        points=np.concatenate([picture.points for _, picture in parts]),
        sure=np.concatenate([picture.sure for _, picture in parts]),
    )


def _read(task: tuple[Path, Source, Rows, int]) -> tuple[list[Grey], Picture]:
    data, source, rows, number = task
    cv2.setNumThreads(1)
    random = np.random.default_rng(number)
    image = np.asarray(cv2.imread(str(data / source.path), cv2.IMREAD_COLOR_RGB), np.uint8)
    points = rows[:, 4:14].reshape(-1, 5, 2)
    scale = LONGEST / max(image.shape[:2])
    if scale < 1:
        image = np.asarray(
            cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        )
        points = ((points + 0.5) * scale - 0.5).astype(np.float32)
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    sure = (rows[:, 14] >= LEAST_SCORE[source.kind]) & np.array([_shows_a_face(p) for p in points])
    looks = [grey]
    if source.kind == "photo":
        largest = points[int(rows[:, 2].argmax())]
        looks += [pencil(grey, random), near_infrared(image, largest, random)]
    return looks, Picture(grey, points, sure)


def _shows_a_face(points: NDArray[np.float32]) -> bool:
    """False where the eyes meet: a profile from behind, or a label gone wrong."""
    eyes = np.linalg.norm(points[1] - points[0])
    height = np.linalg.norm(points[3:].mean(axis=0) - points[:2].mean(axis=0))
    return bool(eyes > 0.3 * height and box_of(points)[2] > 8)
