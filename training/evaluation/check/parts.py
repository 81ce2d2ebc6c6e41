"""What the folds of a protocol are made of: train pools, galleries, probes, counted."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from faces.modality import Modality
from training.evaluation.protocols import Fold, Sample, TrainImage

TRAIN = "train"


@dataclass(frozen=True, slots=True)
class Part:
    """A pool, a gallery or a set of probes, the same over all folds.

    `images` and `people` are counts, one a fold; `people` counts those with a name. `paths` holds
    every image of any fold once.
    """

    role: str
    modality: Modality
    images: tuple[int, ...]
    people: tuple[int, ...]
    paths: tuple[Path, ...]

    @property
    def name(self) -> str:
        """What the screen calls it."""
        return f"{self.role} {self.modality}"

    @property
    def is_train(self) -> bool:
        """Whether it is trained on."""
        return self.role == TRAIN


def parts_of(folds: Sequence[Fold]) -> list[Part]:
    """All parts, what is trained on first."""
    found: dict[tuple[str, Modality], list[tuple[TrainImage | Sample, ...]]] = {}
    for fold in folds:
        for role, modality, images in _of_fold(fold):
            found.setdefault((role, modality), []).append(images)
    return [
        Part(
            role,
            modality,
            tuple(len(images) for images in by_fold),
            tuple(len(_named(images)) for images in by_fold),
            tuple(dict.fromkeys(image.path for images in by_fold for image in images)),
        )
        for (role, modality), by_fold in found.items()
    ]


def _of_fold(fold: Fold) -> Iterator[tuple[str, Modality, tuple[TrainImage | Sample, ...]]]:
    for modality, pool in fold.train.items():
        yield TRAIN, modality, pool
    for trial in fold.trials:
        name = trial.mean_of or trial.name
        yield f"{name}: gallery", trial.gallery[0].modality, trial.gallery
        yield f"{name}: probes", trial.probes[0].modality, trial.probes


def _named(images: Iterable[TrainImage | Sample]) -> set[str]:
    return {image.subject for image in images if image.subject is not None}


def comparisons(fold: Fold) -> dict[str, int]:
    """How often each trial compares different people: what a small FMR is measured from."""
    found = {}
    for trial in fold.trials:
        references = Counter(sample.subject for sample in trial.gallery)
        same = sum(references[sample.subject] for sample in trial.probes)
        found[trial.mean_of or trial.name] = len(trial.probes) * len(trial.gallery) - same
    return found
