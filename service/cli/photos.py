"""A folder -> which photo shows which subject."""

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})


@dataclass(frozen=True, slots=True)
class Photo:
    """A file to enrol. `place` is its path within the folder, with forward slashes."""

    path: Path
    place: str
    subject_id: str


def photos_in(folder: Path) -> list[Photo]:
    """Every image file below `folder`, in a fixed order.

    A file in a sub-folder belongs to the subject the outermost sub-folder is named after; one that
    lies in `folder` itself to a subject of its own, named after the file without its ending.
    Names are taken in Unicode's composed form, so that a folder copied from a Mac names the same
    subjects. Hidden files and folders are left out.
    """
    return sorted(_walk(folder), key=lambda photo: photo.place)


def _walk(folder: Path) -> Iterator[Photo]:
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(root, name)
            if path.suffix.lower() in SUFFIXES and not name.startswith("."):
                parts = path.relative_to(folder).parts
                subject = parts[0] if len(parts) > 1 else path.stem
                yield Photo(path, "/".join(parts), unicodedata.normalize("NFC", subject))
