"""What c tells of the modality, and s of the person, though neither should: linear probes.

Every probe is cross-validated by person: whoever is guessed about was never fitted on, nor used
to choose the ridge. So a vector that tells nothing reads chance, not a little above.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.comparisons import Floats, Indices, Mask, Names
from training.evaluation.intervals import Interval, bootstrap

FOLDS = 5
RIDGES = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
"""Relative to the mean eigenvalue of the Gram matrix."""
SEED = 0

Vectors = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Leak:
    """Share of `images` that a probe guesses right, and what guessing blindly gives."""

    rate: float
    interval: Interval
    chance: float
    images: int


def modality_leak(vectors: Vectors, modalities: Names, people: Names) -> Leak | None:
    """Accuracy of a linear probe at guessing the modality; None with one modality or few people.

    All modalities weigh the same however many images they have, so chance is one in so many.
    """
    kinds, label = np.unique(modalities, return_inverse=True)
    names, person = np.unique(people, return_inverse=True)
    if len(kinds) < 2 or len(names) < FOLDS:
        return None
    share = 1 / np.bincount(label)[label]
    guess = np.zeros_like(label)
    for held in _folds(person):
        one_hot = np.eye(len(kinds))[label[~held]]
        guess[held] = _ridge(vectors[~held], one_hot, share[~held], vectors[held]).argmax(axis=1)
    return _leak(guess == label, share, person, chance=1 / len(kinds))


def identity_leak(
    probes: Vectors, references: Vectors, probe_people: Names, reference_people: Names
) -> Leak | None:
    """Rank-1 rate of a linear map from probes to references; None with too few people.

    The map is needed because the style encoders of two domains share no axes. It is fitted on
    other people's mated pairs, and a probe searches the references of the people of its fold.
    """
    names, everybody = np.unique(
        np.concatenate([probe_people, reference_people]), return_inverse=True
    )
    probe, reference = everybody[: len(probes)], everybody[len(probes) :]
    mates = [np.flatnonzero(reference == person) for person in probe]
    if len(np.unique(probe)) < 2 * FOLDS or not all(mate.size for mate in mates):
        return None
    mate = np.array([found[0] for found in mates])
    hits = np.zeros(len(probe), dtype=np.bool_)
    chance = np.zeros(len(probe))
    for people in _folds(np.arange(len(names))):
        held, gallery = people[probe], np.flatnonzero(people[reference])
        if not held.any() or held.all():
            continue
        chance[held] = 1 / len(np.unique(reference[gallery]))
        targets = references[mate[~held]].astype(np.float64)
        mapped = _ridge(probes[~held], targets, np.ones(len(targets)), probes[held])
        own = probe[held][:, None] == reference[gallery][None, :]
        hits[held] = _first(mapped, references[gallery], own)
    return _leak(hits, np.ones(len(probe)), probe, chance=float(chance.mean()))


def _folds(person: Indices) -> Iterator[Mask]:
    """Which images are held out, once for each fold; all of a person's images together."""
    fold = np.random.default_rng(SEED).permutation(int(person.max()) + 1) % FOLDS
    for number in range(FOLDS):
        yield fold[person] == number


def _ridge(x: Vectors, y: Floats, weight: Floats, new: Vectors) -> Floats:
    """Predictions for `new` by weighted ridge regression of `y` on `x`.

    The ridge is the one of `RIDGES` with the least leave-one-out error on `x` (closed form).
    Through the Gram matrix of the images: there are fewer of them than numbers in a crop.
    """
    share = weight / weight.sum()
    x_mean, y_mean = share @ x, share @ y
    root = np.sqrt(share)[:, None]
    fitted, wanted = root * (x - x_mean), root * (y - y_mean)
    values, axes = np.linalg.eigh(fitted @ fitted.T)
    values = np.maximum(values, 0)
    damped = min(
        (values + ridge * values.mean() + 1e-12 for ridge in RIDGES),
        key=lambda damped: _left_out_error(axes, values / damped, wanted),
    )
    return np.asarray((new - x_mean) @ fitted.T @ axes / damped @ (axes.T @ wanted) + y_mean)


def _left_out_error(axes: Floats, kept: Floats, wanted: Floats) -> float:
    """Squared error of each row predicted from the others (Allen's PRESS)."""
    residual = wanted - (axes * kept) @ (axes.T @ wanted)
    leverage = (axes**2) @ kept
    return float(((residual / np.maximum(1 - leverage, 1e-9)[:, None]) ** 2).sum())


def _first(mapped: Floats, references: Vectors, own: Mask) -> Mask:
    """Whether the own reference is the most similar, by cosine; a tie is a miss."""
    similarity = _unit(mapped) @ _unit(references).T
    mated = np.where(own, similarity, -np.inf).max(axis=1)
    return np.asarray(mated > np.where(own, -np.inf, similarity).max(axis=1))


def _unit(vectors: Vectors) -> Floats:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), dtype=np.float64)


def _leak(right: Mask, share: Floats, person: Indices, *, chance: float) -> Leak:
    def rate(people: Floats) -> Floats:
        each = people[person] * share
        return np.array([(right * each).sum() / each.sum() if each.any() else np.nan])

    everybody = int(person.max()) + 1
    (interval,) = bootstrap(rate, everybody, np.random.default_rng(SEED))
    (value,) = rate(np.ones(everybody))
    return Leak(float(value), interval or (float(value),) * 2, chance, len(right))
