"""Results by groups of people: who is found less often, and who is confused more often."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from training.evaluation.comparisons import (
    Floats,
    Indices,
    Mask,
    Pairs,
    Scores,
    Searches,
    compare,
    search,
)
from training.evaluation.intervals import Interval, bootstrap, wilson
from training.evaluation.metrics import fmr_at, is_measurable, threshold_at_fmr
from training.evaluation.protocols import Attribute

FMR = 0.01
"""Over all non-mated comparisons, at the threshold that everybody shares."""
SEED = 0


@dataclass(frozen=True, slots=True)
class Group:
    """One system on the people of one group of a trial; intervals of 95 % draw its people.

    `rank_1` is of searches in the whole gallery, `fta` counts its probes without a face; `wilson`
    counts probes as people. At one threshold for all, that of FMR 1 % over everybody, `fnmr` is of
    the group's mated comparisons and `fmr` of comparisons of two of its people; None where there
    are too few.
    """

    attribute: str
    group: str
    people: int
    probes: int
    fta: int
    rank_1: float
    interval: Interval | None
    wilson: Interval
    fnmr: float
    fnmr_interval: Interval | None
    fmr: float | None
    fmr_interval: Interval | None


def by_group(attributes: Sequence[Attribute], scores: Scores) -> tuple[Group, ...]:
    """Every group of every attribute that has a probe, in alphabetical order."""
    searches, pairs = search(scores), compare(scores)
    threshold = threshold_at_fmr(pairs.nonmated, FMR)
    return tuple(
        group
        for attribute in attributes
        for group in _groups(attribute, scores, searches, pairs, threshold)
    )


def _groups(
    attribute: Attribute, scores: Scores, searches: Searches, pairs: Pairs, threshold: float
) -> Iterator[Group]:
    group_of = np.array([attribute.groups.get(subject, "") for subject in scores.subjects])
    for name in sorted({*attribute.groups.values()}):
        members = group_of == name
        if members[searches.subject].any():
            yield _group(attribute.name, name, members, searches, pairs, threshold)


def _group(
    attribute: str,
    name: str,
    members: Mask,
    searches: Searches,
    pairs: Pairs,
    threshold: float,
) -> Group:
    own, asked = _within(pairs, members), members[searches.subject]
    hit, person = searches.hits(1)[asked].astype(float), _places(members, searches.subject[asked])
    missed = (own.mated < threshold).astype(float)
    people = int(members.sum())

    def measure(weights: Floats) -> Floats:
        weighted = own.weighted(weights)
        return np.array(
            [
                _mean(hit, weights[person]),
                _mean(missed, weighted.mated_weight),
                fmr_at(weighted, np.array([threshold]))[0],
            ]
        )

    rank_1, fnmr, fmr = measure(np.ones(people)).tolist()
    intervals = bootstrap(measure, people, np.random.default_rng(SEED))
    enough = is_measurable(FMR, own.nonmated.size)
    return Group(
        attribute=attribute,
        group=name,
        people=people,
        probes=int(asked.sum()),
        fta=int((~searches.acquired[asked]).sum()),
        rank_1=rank_1,
        interval=intervals[0],
        wilson=wilson(int(hit.sum()), len(hit)),
        fnmr=fnmr,
        fnmr_interval=intervals[1],
        fmr=fmr if enough else None,
        fmr_interval=intervals[2] if enough else None,
    )


def _within(pairs: Pairs, members: Mask) -> Pairs:
    """The comparisons of a group's people with one another; subjects are counted among them."""
    mated = members[pairs.mated_subject]
    both = members[pairs.nonmated_subjects].all(axis=0)
    return replace(
        pairs,
        mated=pairs.mated[mated],
        mated_subject=_places(members, pairs.mated_subject[mated]),
        mated_weight=pairs.mated_weight[mated],
        nonmated=pairs.nonmated[both],
        nonmated_subjects=_places(members, pairs.nonmated_subjects[:, both]),
        nonmated_weight=pairs.nonmated_weight[both],
    )


def _places(members: Mask, subjects: Indices) -> Indices:
    """Subjects by their number among the members."""
    numbers: Indices = (np.cumsum(members) - 1)[subjects]
    return numbers


def _mean(values: Floats, weights: Floats) -> float:
    total = weights.sum()
    return float((values * weights).sum() / total) if total else float("nan")
