"""Whether a folder of data will work for a protocol, found out before hours are spent on it."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from faces.modality import Modality
from training.crops import Recipe
from training.evaluation.check.parts import Part, comparisons, parts_of
from training.evaluation.check.sampling import Sampled, sample
from training.evaluation.protocols import Fold, PeopleOverlapError, halves, in_two_pools
from training.evaluation.protocols.tree import UNREAD_SUFFIXES
from training.evaluation.protocols.trial import some

ENOUGH = 0.5
"""Share of a sample that must be readable, and of that the share in which a face is found."""


@dataclass(frozen=True, slots=True)
class Findings:
    """All that the screen tells.

    `empty` are images without a byte; `ignored` lie beside the images in formats that are not read;
    `copies` are test images that are trained on too, byte for byte; `in_both` counts named people
    in two train pools, `halved` the images of each pool that the strict setting leaves,
    `comparisons` those of different people by trial. All three are of the first fold.
    """

    folds: int
    sampled: tuple[Sampled, ...]
    notes: tuple[str, ...]
    empty: tuple[Path, ...]
    ignored: tuple[Path, ...]
    copies: tuple[Path, ...]
    in_both: int
    halved: dict[Modality, int]
    comparisons: dict[str, int]
    not_to_train: str
    not_to_test: str

    @property
    def verdict(self) -> str:
        """The last line."""
        if not self.not_to_train and not self.not_to_test:
            return "ready to train and to evaluate"
        if self.not_to_train and self.not_to_test:
            reasons = dict.fromkeys([self.not_to_train, self.not_to_test])
            return f"not ready, because {'; '.join(reasons)}"
        if self.not_to_train:
            return f"ready to evaluate; not ready to train, because {self.not_to_train}"
        return f"ready to train; not ready to evaluate, because {self.not_to_test}"

    @property
    def is_ready(self) -> bool:
        """Whether it will do for one of both at least."""
        return not (self.not_to_train and self.not_to_test)


def inspect(
    folds: Sequence[Fold], recipe: Recipe, *, size: int, tick: Callable[[], None]
) -> Findings:
    """Count everything, look at `size` images of each part, and judge; `tick` after each image."""
    parts = parts_of(folds)
    locate = recipe.open_locator()
    sampled = tuple(sample(part, size, locate, recipe.spec, tick) for part in parts)
    empty = tuple(p for p in dict.fromkeys(_paths(parts)) if p.stat().st_size == 0)
    copies = _copies(parts)
    leak = f"{len(copies)} test images are trained on too: {_some(copies)}" if copies else ""
    return Findings(
        folds=len(folds),
        sampled=sampled,
        notes=tuple(dict.fromkeys(note for fold in folds for note in fold.notes)),
        empty=empty,
        ignored=_ignored(parts),
        copies=copies,
        in_both=len(in_two_pools(folds[0].train)),
        halved=_halved(folds[0]),
        comparisons=comparisons(folds[0]),
        not_to_train=_first(_untrainable(folds), leak, *_poor(sampled, train=True)),
        not_to_test=_first(*(fold.no_test for fold in folds), leak, *_poor(sampled, train=False)),
    )


def looks_needed(folds: Sequence[Fold], size: int) -> int:
    """How many images `inspect` will look at."""
    return sum(min(size, len(part.paths)) for part in parts_of(folds))


def _halved(fold: Fold) -> dict[Modality, int]:
    try:
        return {modality: len(pool) for modality, pool in halves(fold.train).items()}
    except PeopleOverlapError:
        return {}


def _untrainable(folds: Sequence[Fold]) -> str:
    missing = _first(*(fold.no_train for fold in folds))
    if missing:
        return missing
    modalities = set(folds[0].train)
    if Modality.VIS not in modalities or len(modalities) < 2:
        return f"it has images of {', '.join(sorted(modalities)) or 'nothing'} only to train on"
    return ""


def _poor(sampled: Sequence[Sampled], *, train: bool) -> list[str]:
    return [reason for one in sampled if one.part.is_train == train and (reason := _too_few(one))]


def _too_few(one: Sampled) -> str:
    tried = len(one.looks)
    readable = tried - len(one.unreadable)
    if readable < ENOUGH * tried:
        return f"only {readable} of {tried} images tried of {one.part.name} can be read"
    if one.cropped < ENOUGH * readable:
        return f"a face was found in only {one.cropped} of {readable} images of {one.part.name}"
    return ""


def _ignored(parts: Sequence[Part]) -> tuple[Path, ...]:
    beside = dict.fromkeys(path.parent for path in _paths(parts))
    return tuple(
        path
        for folder in beside
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in UNREAD_SUFFIXES
    )


def _copies(parts: Sequence[Part]) -> tuple[Path, ...]:
    """Test images of the same bytes as a training image; only equal sizes are read.

    In different folds the same image may rightly be on both sides: then names are what counts.
    """
    if any(len(part.images) > 1 for part in parts):
        return ()
    by_size: dict[int, list[Path]] = {}
    for path in _paths([part for part in parts if part.is_train]):
        by_size.setdefault(path.stat().st_size, []).append(path)
    digests: dict[int, set[bytes]] = {}
    found: list[Path] = []
    for path in dict.fromkeys(_paths([part for part in parts if not part.is_train])):
        size = path.stat().st_size
        if size == 0 or size not in by_size:
            continue
        if size not in digests:
            digests[size] = {_digest(trained_on) for trained_on in by_size[size]}
        if _digest(path) in digests[size]:
            found.append(path)
    return tuple(found)


def _digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def _paths(parts: Sequence[Part]) -> list[Path]:
    return [path for part in parts for path in part.paths]


def _some(paths: Sequence[Path]) -> str:
    return some([f"{path.parent.name}/{path.name}" for path in paths])


def _first(*reasons: str) -> str:
    return next((reason for reason in reasons if reason), "")
