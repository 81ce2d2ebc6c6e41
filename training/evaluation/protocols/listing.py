"""A user's own images of one modality: a folder, or a CSV of paths and, if known, of people."""

import csv
from pathlib import Path

from faces.modality import Modality
from training.evaluation.protocols.fold import TrainImage
from training.evaluation.protocols.tree import child, images_under
from training.evaluation.protocols.trial import DataMissingError, Sample, some

DELIMITERS = ",;\t"


def listing(folder: Path, name: str) -> Path | None:
    """The folder `name` in `folder`, or else the file `name`.csv; any letter case."""
    found = child(folder, name)
    return found if found and found.is_dir() else child(folder, f"{name}.csv")


def images_to_train_on(source: Path) -> tuple[TrainImage, ...]:
    """The images of a folder or CSV. A sub-folder, or the column `subject`, names a person.

    A file name alone does not: numbers of two cameras may agree by accident.

    Raises:
        DataMissingError: no image, or a CSV that names files that are not there.
    """
    if source.suffix.lower() == ".csv":
        return tuple(TrainImage(path, subject or None) for path, subject in _rows(source))
    return tuple(
        TrainImage(path, _sub_folder(path, source)) for path in images_under(source, "folders")
    )


def samples_to_test(source: Path, modality: Modality) -> tuple[Sample, ...]:
    """As above; without a sub-folder or a subject, the file's stem is the person.

    Raises:
        As `images_to_train_on`.
    """
    return tuple(
        Sample(image.subject or image.path.stem, modality, image.path)
        for image in images_to_train_on(source)
    )


def _sub_folder(path: Path, folder: Path) -> str | None:
    inside = path.relative_to(folder)
    return inside.parts[0] if len(inside.parts) > 1 else None


def _rows(source: Path) -> list[tuple[Path, str]]:
    """Path and subject of each row; paths are relative to the CSV."""
    with source.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        file.seek(0)
        delimiter = max(DELIMITERS, key=first.count)
        reader = csv.DictReader(file, delimiter=delimiter, skipinitialspace=True)
        reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
        if "path" not in reader.fieldnames:
            raise DataMissingError(
                f"folders: the first line of {source} must name its columns: path, and if known "
                f"subject; it reads {first.strip()[:60]!r}."
            )
        listed = [
            ((row["path"] or "").strip(), (row.get("subject") or "").strip()) for row in reader
        ]
    rows = [(_image(source.parent, name), subject, name) for name, subject in listed if name]
    lost = [name for path, _, name in rows if not path.is_file()]
    if lost:
        raise DataMissingError(
            f"folders: {len(lost)} of {len(rows)} images listed in {source} are not there "
            f"(paths are relative to it): {some(lost)}"
        )
    if not rows:
        raise DataMissingError(f"folders: {source} lists no image.")
    return [(path, subject) for path, subject, _ in rows]


def _image(folder: Path, name: str) -> Path:
    path = folder / name
    return path if path.is_file() else folder / name.replace("\\", "/")
