"""Which images the landmark network may learn from, and which only judge it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["photo", "sketch"]

TRAINING_PATTERNS: dict[str, Kind] = {
    "cufs/*/train/vis/*.jpg": "photo",
    "cufs/*/train/sketch/*.jpg": "sketch",
    "fs2k/train/vis/*.jpg": "photo",
    "fs2k/train/sketch/*.jpg": "sketch",
    "cufsf_sketches/*.jpg": "sketch",
    "lfw_full_frame/*/*.jpg": "photo",
    "lfw/*/*.jpg": "photo",
    "celeba/*/*.jpg": "photo",
}
"""Globs below the data folder. Of these, `is_held_back` takes a tenth out."""

HELD_BACK_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Source:
    """One image, named by its path below the data folder."""

    path: str
    kind: Kind


def training_sources(data: Path) -> list[Source]:
    """Every image to learn from, in a fixed order; of people that no test set contains."""
    return [
        Source(path, kind)
        for pattern, kind in TRAINING_PATTERNS.items()
        for path in _found(data, pattern)
        if not is_held_back(path)
    ]


def held_back(data: Path, pattern: str) -> list[str]:
    """Paths of `pattern` that training leaves alone."""
    return [path for path in _found(data, pattern) if is_held_back(path)]


def is_held_back(path: str) -> bool:
    """Whether the person of a path is kept for evaluation.

    People of LFW and CelebA have a folder each, so the folder decides; a CUFSF sketch is a person
    of its own. CUFS and FS2K bring their own test people.
    """
    parts = Path(path).parts
    if parts[0] in ("cufs", "fs2k"):
        return "train" not in parts
    person = parts[-1] if parts[0] == "cufsf_sketches" else parts[1]
    digest = hashlib.sha256(person.encode()).digest()
    return int.from_bytes(digest[:4], "big") < HELD_BACK_SHARE * 2**32


def _found(data: Path, pattern: str) -> list[str]:
    return sorted(path.relative_to(data).as_posix() for path in data.glob(pattern))
