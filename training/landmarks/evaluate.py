"""How often each locator finds the face, what else it takes for one, how far its points are off."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.locate import Face, Locator
from training.landmarks.labels import Rows, detect_with_care
from training.landmarks.rendering import near_infrared
from training.landmarks.sources import held_back

Image = NDArray[np.uint8]
ZOOMS = (0.8, 1.0, 1.25)
RIGHT = 0.25
"""A face is right if its points lie this close to the label on average, in eye distances."""


@dataclass(frozen=True, slots=True)
class TestSet:
    """Images to judge a locator on: a glob below the data folder, as they are or as NIR."""

    name: str
    pattern: str
    simulate_nir: bool = False


TEST_SETS = (
    TestSet("LFW full frames, held back", "lfw_full_frame/*/*.jpg"),
    TestSet("LFW 144x144, held back", "lfw/*/*.jpg"),
    TestSet("CelebA crops, held back", "celeba/*/*.jpg"),
    TestSet("CUFS test photos", "cufs/*/test/vis/*.jpg"),
    TestSet("FS2K test photos", "fs2k/test/vis/*.jpg"),
    TestSet("CUFS test sketches", "cufs/*/test/sketch/*.jpg"),
    TestSet("CUFSF sketches, held back", "cufsf_sketches/*.jpg"),
    TestSet("FS2K test sketches", "fs2k/test/sketch/*.jpg"),
    TestSet("LFW full frames as simulated NIR", "lfw_full_frame/*/*.jpg", simulate_nir=True),
    TestSet("real NIR frames", "nir_frames/*.png"),
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
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)

    def add(self, case: Case, faces: list[Face], seconds: float) -> None:
        """Count one image. The largest labelled face is the one that must be found."""
        self.images += 1
        self.answered += bool(faces)
        self.seconds += seconds
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
            f"{1000 * self.seconds / max(1, self.images):.0f}",
        ]


HEADINGS = ("an answer", "right face", "other boxes", "point error % (median / 90th)", "ms")


def cases(data: Path, yunet: Path, test_set: TestSet, most: int) -> Iterator[Case]:
    """Evenly spaced images of a set, at most `most`, labelled by YuNet at several sizes."""
    paths = _paths(data, test_set.pattern)
    for path in paths[:: max(1, -(-len(paths) // most))]:
        bgr = np.asarray(cv2.imread(str(data / path), cv2.IMREAD_COLOR), np.uint8)
        rows = detect_with_care(str(yunet), bgr, ZOOMS)
        image = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
        if test_set.simulate_nir:
            if not len(rows):
                continue
            points = rows[int(rows[:, 2].argmax()), 4:14].reshape(5, 2)
            random = np.random.default_rng(len(path) + sum(path.encode()))
            image = np.repeat(near_infrared(image, points, random)[:, :, None], 3, axis=2)
        yield Case(path, image, rows)


def judge(
    data: Path, yunet: Path, locators: dict[str, Locator], most: int, say: Callable[[str], None]
) -> dict[str, list[Tally]]:
    """Run every locator over every set; `say` hears of each set that is done."""
    tallies: dict[str, list[Tally]] = {}
    for test_set in TEST_SETS:
        row = [Tally(name) for name in locators]
        for case in cases(data, yunet, test_set, most):
            for tally, locate in zip(row, locators.values(), strict=True):
                started = time.perf_counter()
                faces = locate(case.image)
                tally.add(case, faces, time.perf_counter() - started)
        tallies[test_set.name] = row
        for tally in row:
            say(f"{test_set.name} | {tally.name} | " + " | ".join(tally.cells()))
    return tallies


def table(tallies: dict[str, list[Tally]]) -> str:
    """Markdown, one row for each set and locator."""
    lines = ["| " + " | ".join(("images", "locator", *HEADINGS)) + " |", "| --- " * 7 + "|"]
    for name, row in tallies.items():
        lines += [f"| {name} | {tally.name} | " + " | ".join(tally.cells()) + " |" for tally in row]
    return "\n".join(lines)


def _paths(data: Path, pattern: str) -> list[str]:
    """A test set, or the held-back part of a set that training uses."""
    if pattern.startswith("nir_frames"):
        return sorted(path.relative_to(data).as_posix() for path in data.glob(pattern))
    return held_back(data, pattern)


def _nearest(face: Face, rows: Rows) -> tuple[float, int]:
    """Mean point error to the nearest labelled face in its eye distances, and which it is."""
    if not len(rows):
        return float("inf"), -1
    labelled = rows[:, 4:14].reshape(-1, 5, 2)
    eyes = np.linalg.norm(labelled[:, 1] - labelled[:, 0], axis=1)
    errors = np.linalg.norm(labelled - face.points, axis=2).mean(axis=1) / np.maximum(eyes, 1)
    return float(errors.min()), int(errors.argmin())
