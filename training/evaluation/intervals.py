"""How sure a figure is, and whether two systems differ. People are drawn, never images."""

from collections.abc import Callable
from math import comb, sqrt

import numpy as np

from training.evaluation.comparisons import Floats, Indices, Mask

DRAWS = 1000
CONFIDENCE = 0.95
_Z = 1.959963984540054

Interval = tuple[float, float]


def bootstrap(
    figures: Callable[[Floats], Floats],
    people: int,
    rng: np.random.Generator,
    *,
    draws: int = DRAWS,
) -> list[Interval | None]:
    """Percentile intervals of 95 % from drawing people with replacement.

    All images of a person come along whenever it is drawn, so that many images of one person
    are not mistaken for evidence about many people. The gallery searched stays as it is.

    Args:
        figures: weights (people,) -> (k,) values, NaN where not measurable.

    Returns:
        One interval for each of the k values, None where it is never measurable.
    """
    samples = np.stack([figures(_draw(people, rng)) for _ in range(draws)])
    return [_percentiles(column) for column in samples.T]


def _draw(people: int, rng: np.random.Generator) -> Floats:
    counts = np.bincount(rng.integers(people, size=people), minlength=people)
    return counts.astype(np.float64)


def _percentiles(values: Floats) -> Interval | None:
    measured = values[~np.isnan(values)]
    if not measured.size:
        return None
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(measured, [tail, 1 - tail])
    return float(low), float(high)


def wilson(hits: int, n: int) -> Interval:
    """Wilson's 95 % score interval of a proportion, for `n` independent probes.

    Raises:
        ValueError: no probes, or more hits than probes.
    """
    if not 0 <= hits <= n or n == 0:
        raise ValueError(f"{hits} hits of {n}")
    rate, squared = hits / n, _Z * _Z
    centre = (rate + squared / (2 * n)) / (1 + squared / n)
    half = _Z * sqrt(rate * (1 - rate) / n + squared / (4 * n * n)) / (1 + squared / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def mcnemar(ours: Mask, theirs: Mask) -> float:
    """Exact two-sided p of McNemar's test on two systems' hits over the same probes.

    Counts probes as independent; with several probes a person use `paired_difference`.
    """
    only_ours, only_theirs = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    discordant = only_ours + only_theirs
    tail = sum(comb(discordant, k) for k in range(min(only_ours, only_theirs) + 1))
    return float(min(1.0, 2 * tail / 2**discordant))


def paired_difference(
    ours: Mask,
    theirs: Mask,
    subject: Indices,
    rng: np.random.Generator,
    *,
    draws: int = DRAWS,
) -> tuple[float, Interval]:
    """Difference of two hit rates over the same probes, with its person-level 95 % interval.

    Raises:
        ValueError: no probes.
    """
    gained = ours.astype(np.float64) - theirs
    people, index = np.unique(subject, return_inverse=True)

    def difference(weights: Floats) -> Floats:
        each = weights[index]
        return np.array([(gained * each).sum() / each.sum()])

    (interval,) = bootstrap(difference, len(people), rng, draws=draws)
    if interval is None:
        raise ValueError("there are no probes")
    return float(gained.mean()), interval
