"""A user's own data: one folder with the gallery, one with the probes."""

from pathlib import Path

from faces.modality import Modality
from training.evaluation.protocols.trial import (
    IMAGE_SUFFIXES,
    DataMissingError,
    Sample,
    Trial,
    check_mates,
)


def folders(data: Path, probe_modality: Modality = Modality.SKETCH) -> list[Trial]:
    """`data`/gallery against `data`/probes.

    The same file stem, or the same sub-folder name (several images a person), is the same person.

    Raises:
        DataMissingError: a folder is missing or empty, or a probe's person is not in the gallery.
    """
    trial = Trial(
        "folders",
        gallery=tuple(_samples(data / "gallery", Modality.VIS)),
        probes=tuple(_samples(data / "probes", probe_modality)),
    )
    return [check_mates(trial)]


def _samples(folder: Path, modality: Modality) -> list[Sample]:
    if not folder.is_dir():
        raise DataMissingError(f"folders: the folder {folder} is missing.")
    images = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        raise DataMissingError(f"folders: no image in {folder}.")
    return [Sample(_person(path, folder), modality, path) for path in images]


def _person(path: Path, folder: Path) -> str:
    inside = path.relative_to(folder)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem
