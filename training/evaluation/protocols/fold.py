"""One division of a data set: what may be trained on, and the trials of other people."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from faces.modality import Modality
from training.evaluation.protocols.people import assert_disjoint
from training.evaluation.protocols.trial import DataMissingError, Sample, Trial


@dataclass(frozen=True, slots=True)
class TrainImage:
    """One image that may be trained on; nobody needs a name there."""

    path: Path
    subject: str | None = None


Pools = Mapping[Modality, tuple[TrainImage, ...]]


@dataclass(frozen=True, slots=True)
class Fold:
    """Train pools by modality, and what they are tested on. The interface of every protocol.

    A fold whose people are both trained on and tested cannot be made. `no_train` and `no_test` say
    what is missing where one of both is not to be had; `notes` tell in what the fold differs from
    the published division.

    Raises:
        PeopleOverlapError: somebody of `trials` is in `train`.
    """

    name: str
    trials: tuple[Trial, ...]
    train: Pools = field(default_factory=dict)
    no_train: str = ""
    no_test: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse people on both sides."""
        assert_disjoint(
            (image.subject for pool in self.train.values() for image in pool), self.trials
        )

    def pools(self) -> Pools:
        """What may be trained on.

        Raises:
            DataMissingError: saying why there is nothing.
        """
        if self.no_train:
            raise DataMissingError(self.no_train)
        return self.train


def trials_of(folds: Iterable[Fold]) -> list[Trial]:
    """The trials of all folds.

    Raises:
        DataMissingError: saying why there is nothing to test.
    """
    folds = list(folds)
    lacking = next((fold.no_test for fold in folds if fold.no_test), None)
    if lacking:
        raise DataMissingError(lacking)
    return [trial for fold in folds for trial in fold.trials]


def train_pool(samples: Iterable[Sample]) -> tuple[TrainImage, ...]:
    """Samples as images to train on."""
    return tuple(TrainImage(sample.path, sample.subject) for sample in samples)


def size_notes(found: Mapping[str, tuple[int, int]]) -> tuple[str, ...]:
    """A note for each part whose people are not as many as published: {part: (found, published)}.

    What is there is used; its rates just are not those of the published protocol.
    """
    return tuple(
        f"{part}: {here} people, published with {published}"
        for part, (here, published) in found.items()
        if here != published
    )
