"""Scores of one system on one trial -> every figure of the table, with its interval."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from training.evaluation.comparisons import (
    MISS,
    Floats,
    Pairs,
    Scores,
    Searches,
    compare,
    search,
)
from training.evaluation.intervals import (
    DRAWS,
    Interval,
    bootstrap,
    mcnemar,
    paired_difference,
    wilson,
)
from training.evaluation.metrics import cmc, d_prime, eer, fnir_at_fpir, vr_at_fmr
from training.evaluation.results import Curve, Difference, Figure, Point, ProbeResult, Result

MANY_COMPARISONS = 1_000_000
FEWER_DRAWS = 200
"""Draws of people where there are so many comparisons that a thousand would take an hour."""

RANKS = (1, 5, 10)
FMRS = (0.01, 0.001, 0.0001)
FPIRS = (0.1, 0.01)
CMC_RANKS = 50
ROC_FMRS = tuple(float(fmr) for fmr in np.logspace(-5, 0, 61))
CURVE_FPIRS = tuple(float(fpir) for fpir in np.logspace(-3, 0, 37))

Values = dict[str, float | None]
Heights = tuple[Sequence[float], Sequence[float | None]]
"""Places of a curve, and what was measured there."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What was measured, in words: `files` names each probe for the reader."""

    system: str
    trial: str
    subjects: tuple[str, ...]
    files: tuple[str, ...]
    references: int
    fte: int


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The searches and pairs of one trial; a service makes no `pairs`."""

    setting: Setting
    searches: Searches
    pairs: Pairs | None

    def measure(self, people: Floats) -> Floats:
        """Every figure, then the heights of every curve, with people weighing so much; NaN: n/m."""
        drawn = self.pairs.weighted(people) if self.pairs else None
        return _flat(*_all(self.searches.weighted(people), drawn))


def part_of(scores: Scores, files: Sequence[str], *, system: str, trial: str) -> Part:
    """What one system's similarities on one trial come to."""
    setting = Setting(
        system=system,
        trial=trial,
        subjects=tuple(scores.subjects.tolist()),
        files=tuple(files),
        references=len(scores.references),
        fte=int((~scores.reference_found).sum()),
    )
    return Part(setting, search(scores), compare(scores))


def score(part: Part, rng: np.random.Generator) -> Result:
    """Measure one system on one trial."""
    hits = part.searches.hits(1)
    return replace(
        score_mean(part.setting.trial, [part], rng),
        rank_1_wilson=wilson(int(hits.sum()), len(hits)),
    )


def score_mean(name: str, parts: Sequence[Part], rng: np.random.Generator) -> Result:
    """Measure the mean of one system over trials, the folds of a protocol.

    People are drawn once for all folds, so that somebody who is in several of them is one person.
    What one fold cannot measure has no mean. Wilson's interval is left out: over folds the same
    probe may count several times.
    """
    subjects = sorted({subject for part in parts for subject in part.setting.subjects})
    places = [np.searchsorted(subjects, part.setting.subjects) for part in parts]

    def measure(people: Floats) -> Floats:
        each = [p.measure(people[place]) for p, place in zip(parts, places, strict=True)]
        return np.asarray(np.mean(each, axis=0))

    sizes = sum(part.pairs.nonmated.size for part in parts if part.pairs)
    draws = DRAWS if sizes <= MANY_COMPARISONS else FEWER_DRAWS
    intervals = bootstrap(measure, len(subjects), rng, draws=draws)
    measured = [
        None if np.isnan(value) else float(value) for value in measure(np.ones(len(subjects)))
    ]
    heights = iter(zip(measured, intervals, strict=True))
    values, curves = _all(parts[0].searches, parts[0].pairs)
    figures = tuple(Figure(figure, *next(heights)) for figure in values)
    cmc_curve, roc, open_set = (_curve(x, heights) for x, _ in curves)
    return Result(
        system=parts[0].setting.system,
        trial=name,
        people=len(subjects),
        probes=sum(len(part.searches.rank) for part in parts),
        references=sum(part.setting.references for part in parts),
        fta=sum(int((~part.searches.acquired).sum()) for part in parts),
        fte=sum(part.setting.fte for part in parts),
        folds=len(parts),
        figures=figures,
        rank_1_wilson=None,
        cmc=cmc_curve,
        roc=roc,
        open_set=open_set,
        searches=tuple(probe for part in parts for probe in _per_probe(part)),
    )


def _all(searches: Searches, pairs: Pairs | None) -> tuple[Values, list[Heights]]:
    """Every figure by name, and the heights of the three curves over their places."""
    rates = cmc(searches, CMC_RANKS)
    fnirs = fnir_at_fpir(searches, (*FPIRS, *CURVE_FPIRS))
    vrs = vr_at_fmr(pairs, (*FMRS, *ROC_FMRS)) if pairs else []
    values: Values = {f"rank-{rank}": float(rates[rank - 1]) for rank in RANKS}
    values |= {f"FNIR@FPIR={fpir:.0%}": fnir for fpir, fnir in zip(FPIRS, fnirs, strict=False)}
    values |= {f"VR@FMR={fmr:.2%}": vr for fmr, vr in zip(FMRS, vrs, strict=False)}
    if pairs:
        values |= {"EER": eer(pairs), "d'": d_prime(pairs)}
    return values, [
        (tuple(range(1, CMC_RANKS + 1)), rates.tolist()),
        (ROC_FMRS if pairs else (), vrs[len(FMRS) :]),
        (CURVE_FPIRS, fnirs[len(FPIRS) :]),
    ]


def _flat(values: Values, curves: list[Heights]) -> Floats:
    numbers = [*values.values(), *(y for _, heights in curves for y in heights)]
    return np.array([np.nan if number is None else number for number in numbers])


def _curve(
    places: Sequence[float], heights: Iterator[tuple[float | None, Interval | None]]
) -> Curve:
    """The measurable points; takes one height off for every place."""
    points = zip(places, itertools.islice(heights, len(places)), strict=True)
    return tuple(Point(x, y, interval) for x, (y, interval) in points if y is not None)


def _per_probe(part: Part) -> tuple[ProbeResult, ...]:
    setting, searches = part.setting, part.searches

    def number(value: np.float64) -> float | None:
        return float(value) if np.isfinite(value) else None

    return tuple(
        ProbeResult(
            subject=setting.subjects[searches.subject[probe]],
            file=file,
            found=bool(searches.acquired[probe]),
            rank=int(searches.rank[probe]) if searches.rank[probe] != MISS else None,
            mated=number(searches.mated[probe]),
            nonmated=number(searches.nonmated[probe]),
        )
        for probe, file in enumerate(setting.files)
    )


def difference(ours: Result, theirs: Result, rng: np.random.Generator) -> Difference:
    """Whether two systems differ in rank-1 on the same trial, or in the mean over the same folds.

    McNemar's test is left out over folds, where the same probe may count several times.

    Raises:
        ValueError: they were not measured on the same probes.
    """
    if [(s.subject, s.file) for s in ours.searches] != [
        (s.subject, s.file) for s in theirs.searches
    ]:
        raise ValueError(f"{ours.trial} and {theirs.trial} are not the same probes")
    our_hits, their_hits = (np.array([s.rank == 1 for s in r.searches]) for r in (ours, theirs))
    subject = np.unique([s.subject for s in ours.searches], return_inverse=True)[1]
    value, interval = paired_difference(our_hits, their_hits, subject, rng)
    p = mcnemar(our_hits, their_hits) if ours.folds == 1 else None
    return Difference(ours.trial, ours.system, theirs.system, value, interval, p)
