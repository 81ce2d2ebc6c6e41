"""What every protocol yields: named galleries and probes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from faces.modality import Modality


class ProtocolError(Exception):
    """The trials or the training pools of a protocol cannot be had."""


class DataMissingError(ProtocolError):
    """The tree does not hold what the protocol needs; the message names it."""


class PeopleOverlapError(ProtocolError):
    """The same person is where two different ones are promised; the message names some."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One image of one subject."""

    subject: str
    modality: Modality
    path: Path


@dataclass(frozen=True, slots=True)
class Attribute:
    """What splits the people of a trial into groups, for a breakdown of its results only.

    `groups` maps a subject to its group; whom it does not name is in none. `told_by` says in words
    where that comes from and how the groups were cut.
    """

    name: str
    told_by: str
    groups: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Trial:
    """One gallery and the probes searched in it; every probe has a mate there (closed set).

    Trials with the same `mean_of` are the folds of one protocol: their average is what counts.
    Nobody trains on `attributes`: train pools have none.
    """

    name: str
    gallery: tuple[Sample, ...]
    probes: tuple[Sample, ...]
    mean_of: str | None = None
    attributes: tuple[Attribute, ...] = ()

    @property
    def samples(self) -> tuple[Sample, ...]:
        """Everything shown, the gallery first."""
        return (*self.gallery, *self.probes)

    @property
    def subjects(self) -> frozenset[str]:
        """Everybody whom this trial shows."""
        return frozenset(sample.subject for sample in self.samples)


def check_mates(trial: Trial) -> Trial:
    """Return `trial` if every probe has a mate in the gallery.

    Raises:
        DataMissingError: naming probes without one.
    """
    enrolled = {sample.subject for sample in trial.gallery}
    lost = [sample.path for sample in trial.probes if sample.subject not in enrolled]
    if lost:
        raise DataMissingError(
            f"{trial.name}: {len(lost)} of {len(trial.probes)} probes have no image of the same "
            f"person in the gallery: {some(lost)}"
        )
    return trial


def some(things: list[Path] | list[str], shown: int = 3) -> str:
    """The first few, for a message."""
    rest = len(things) - shown
    return ", ".join(map(str, things[:shown])) + (f" and {rest} more" if rest > 0 else "")
