"""What every protocol yields: named galleries and probes."""

from dataclasses import dataclass
from pathlib import Path

from faces.modality import Modality

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})


class ProtocolError(Exception):
    """The trials of a protocol cannot be had."""


class DataMissingError(ProtocolError):
    """The tree does not hold what the protocol needs; the message names it."""


class PeopleOverlapError(ProtocolError):
    """Somebody of the test was trained on; the message names them."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One image of one subject."""

    subject: str
    modality: Modality
    path: Path


@dataclass(frozen=True, slots=True)
class Trial:
    """One gallery and the probes searched in it; every probe has a mate there (closed set)."""

    name: str
    gallery: tuple[Sample, ...]
    probes: tuple[Sample, ...]

    @property
    def subjects(self) -> frozenset[str]:
        """Everybody whom this trial shows."""
        return frozenset(sample.subject for sample in (*self.gallery, *self.probes))


def images_in(folder: Path, protocol: str) -> list[Path]:
    """The images directly in `folder`, by name.

    Raises:
        DataMissingError: no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise DataMissingError(f"{protocol}: the folder {folder} is missing.")
    images = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not images:
        raise DataMissingError(f"{protocol}: no image in {folder}.")
    return images


def check_mates(trial: Trial) -> Trial:
    """Return `trial` if every probe has a mate in the gallery.

    Raises:
        DataMissingError: naming probes without one.
    """
    enrolled = {sample.subject for sample in trial.gallery}
    lost = [sample.path for sample in trial.probes if sample.subject not in enrolled]
    if lost:
        shown = ", ".join(str(path) for path in lost[:3])
        raise DataMissingError(
            f"{trial.name}: {len(lost)} of {len(trial.probes)} probes have no image of the same "
            f"person in the gallery: {shown}{', ...' if len(lost) > 3 else ''}"
        )
    return trial
