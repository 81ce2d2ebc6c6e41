"""How often each locator finds the face, what else it takes for one, how far its points are off."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.locate import Face, Locator
from training.landmarks.labels import Rows, detect_with_care
from training.landmarks.rendering import near_infrared, pencil
from training.landmarks.sources import Part, found, part_of
from training.locator.nothing import nothing

Image = NDArray[np.uint8]
Look = Literal["as it is", "pencil", "near infrared"]
ZOOMS = (0.8, 1.0, 1.25)
RIGHT = 0.25
"""A face is right if its points lie this close to the label on average, in eye distances."""


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Images to judge a locator on: a glob below the data folder, and how they are shown."""

    name: str
    pattern: str
    look: Look = "as it is"


IMAGE_SETS = (
    ImageSet("LFW full frames", "lfw_full_frame/*/*.jpg"),
    ImageSet("LFW 144x144", "lfw/*/*.jpg"),
    ImageSet("CelebA crops", "celeba/*/*.jpg"),
    ImageSet("CUFS photos", "cufs/*/*/vis/*.jpg"),
    ImageSet("FS2K photos", "fs2k/*/vis/*.jpg"),
    ImageSet("CUFS sketches", "cufs/*/*/sketch/*.jpg"),
    ImageSet("CUFSF sketches", "cufsf_sketches/*.jpg"),
    ImageSet("FS2K sketches", "fs2k/*/sketch/*.jpg"),
    ImageSet("LFW full frames in pencil", "lfw_full_frame/*/*.jpg", "pencil"),
    ImageSet("LFW full frames as NIR", "lfw_full_frame/*/*.jpg", "near infrared"),
    ImageSet("FS2K photos in pencil", "fs2k/*/vis/*.jpg", "pencil"),
    ImageSet("FS2K photos as NIR", "fs2k/*/vis/*.jpg", "near infrared"),
    ImageSet("real NIR frames", "nir_frames/*.png"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One image with its labelled faces; `rows` is empty where YuNet sees none or disagrees."""

    path: str
    image: Image
    rows: Rows


@dataclass(slots=True)
class Tally:
    """What one locator did on one set."""

    name: str
    images: int = 0
    answered: int = 0
    labelled: int = 0
    right: int = 0
    extra: int = 0
    errors: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, case: Case, faces: list[Face], seconds: float) -> None:
        """Count one image. The largest labelled face is the one that must be found."""
        self.images += 1
        self.answered += bool(faces)
        self.seconds.append(seconds)
        matched = [_nearest(face, case.rows) for face in faces]
        self.extra += sum(error > RIGHT for error, _ in matched) if len(case.rows) else 0
        if not len(case.rows):
            if not faces:
                self.failures.append(case.path)
            return
        self.labelled += 1
        wanted = int((case.rows[:, 2] * case.rows[:, 3]).argmax())
        hits = [error for error, index in matched if index == wanted and error <= RIGHT]
        if hits:
            self.right += 1
            self.errors.append(min(hits))
        else:
            self.failures.append(case.path)

    def cells(self) -> list[str]:
        """Columns of the table."""
        median, high = np.percentile(self.errors, [50, 90]) * 100 if self.errors else (0, 0)
        return [
            f"{self.answered}/{self.images}",
            f"{self.right}/{self.labelled}",
            f"{self.extra}",
            f"{median:.1f} / {high:.1f}",
            f"{1000 * float(np.median(self.seconds or [0])):.0f}",
        ]


HEADINGS = ("an answer", "right face", "other boxes", "point error % (median / 90th)", "ms")


def cases(data: Path, yunet: Path, image_set: ImageSet, part: Part, most: int) -> Iterator[Case]:
    """Evenly spaced images of a set, at most `most`, labelled by YuNet at several sizes."""
    paths = [path for path in found(data, image_set.pattern) if part_of(path) == part]
    for path in paths[:: max(1, -(-len(paths) // most))]:
        bgr = np.asarray(cv2.imread(str(data / path), cv2.IMREAD_COLOR), np.uint8)
        rows = detect_with_care(str(yunet), bgr, ZOOMS)
        image = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
        if image_set.look != "as it is":
            if not len(rows):
                continue
            image = _shown(image, rows, image_set.look, np.random.default_rng(sum(path.encode())))
        yield Case(path, image, rows)


def without_a_face(count: int, seed: int) -> Iterator[Image]:
    """Drawn patterns, print and static that training does not see, of many sizes."""
    random = np.random.default_rng([seed, 1])
    for _ in range(count):
        height, width = (int(side) for side in np.exp(random.uniform(np.log(64), np.log(900), 2)))
        grey = nothing(height, width, random)
        yield np.repeat(grey[:, :, None], 3, axis=2)


def judge(
    data: Path,
    yunet: Path,
    locators: dict[str, Locator],
    part: Part,
    most: int,
    say: Callable[[str], None],
) -> dict[str, list[Tally]]:
    """Run every locator over every set; `say` hears of each set that is done."""
    tallies: dict[str, list[Tally]] = {}
    for image_set in IMAGE_SETS:
        row = [Tally(name) for name in locators]
        for case in cases(data, yunet, image_set, part, most):
            for tally, locate in zip(row, locators.values(), strict=True):
                tally.add(case, *timed(locate, case.image))
        if row[0].images:
            tallies[image_set.name] = row
        for tally in row:
            say(f"{image_set.name} | {tally.name} | " + " | ".join(tally.cells()))
    row = [Tally(name) for name in locators]
    for image in without_a_face(most, seed=0):
        for tally, locate in zip(row, locators.values(), strict=True):
            tally.add(Case("", image, np.empty((0, 15), np.float32)), *timed(locate, image))
    return tallies | {"no face: patterns, print, static": row}


def timed(locate: Locator, image: Image) -> tuple[list[Face], float]:
    """What is found, and in how many seconds."""
    started = time.perf_counter()
    return locate(image), time.perf_counter() - started


def table(tallies: dict[str, list[Tally]]) -> str:
    """Markdown, one row for each set and locator."""
    lines = ["| " + " | ".join(("images", "locator", *HEADINGS)) + " |", "| --- " * 7 + "|"]
    for name, row in tallies.items():
        lines += [f"| {name} | {tally.name} | " + " | ".join(tally.cells()) + " |" for tally in row]
    return "\n".join(lines)


def _shown(image: Image, rows: Rows, look: Look, random: np.random.Generator) -> Image:
    if look == "pencil":
        grey = pencil(np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8), random)
    else:
        points = rows[int(rows[:, 2].argmax()), 4:14].reshape(5, 2)
        grey = near_infrared(image, points, random)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _nearest(face: Face, rows: Rows) -> tuple[float, int]:
    """Mean point error to the nearest labelled face in its eye distances, and which it is."""
    if not len(rows):
        return float("inf"), -1
    labelled = rows[:, 4:14].reshape(-1, 5, 2)
    eyes = np.linalg.norm(labelled[:, 1] - labelled[:, 0], axis=1)
    errors = np.linalg.norm(labelled - face.points, axis=2).mean(axis=1) / np.maximum(eyes, 1)
    return float(errors.min()), int(errors.argmin())
