"""Which images the locator may learn from, which choose its thresholds, and which only judge it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from training.data import for_calibration
from training.evaluation.protocols import held_out

Kind = Literal["photo", "sketch"]


class Part(StrEnum):
    """What an image is for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


PATTERNS: dict[str, Kind] = {
    "cufs/*/train/vis/*.jpg": "photo",
    "cufs/*/train/sketch/*.jpg": "sketch",
    "fs2k/train/vis/*.jpg": "photo",
    "fs2k/train/sketch/*.jpg": "sketch",
    "cufsf_sketches/*.jpg": "sketch",
    "lfw_full_frame/*/*.jpg": "photo",
    "lfw/*/*.jpg": "photo",
    "celeba/*/*.jpg": "photo",
}
"""Globs below the data folder."""


@dataclass(frozen=True, slots=True)
class Source:
    """One image, named by its path below the data folder."""

    path: str
    kind: Kind


def sources(data: Path, part: Part) -> list[Source]:
    """Every image of one part, in a fixed order; no person is in two parts."""
    return [
        Source(path, kind)
        for pattern, kind in PATTERNS.items()
        for path in found(data, pattern)
        if part_of(path) == part
    ]


def part_of(path: str) -> Part:
    """What the person of a path is kept for; the same people as everywhere in this project.

    People of LFW and CelebA have a folder each, which names them; elsewhere the file does. CUFS and
    FS2K bring their own test people. The real NIR frames are few, so all of them judge.
    """
    parts = Path(path).parts
    if "test" in parts or parts[0] == "nir_frames":
        return Part.TEST
    person = parts[1] if parts[0] in ("lfw", "lfw_full_frame", "celeba") else Path(path).stem
    if parts[0] not in ("cufs", "fs2k") and held_out(person):
        return Part.TEST
    return Part.VALIDATION if for_calibration(person) else Part.TRAIN


def found(data: Path, pattern: str) -> list[str]:
    """Paths below `data` that match, sorted."""
    return sorted(path.relative_to(data).as_posix() for path in data.glob(pattern))
