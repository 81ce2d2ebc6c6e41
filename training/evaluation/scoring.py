"""Scores of one system on one trial -> every figure of the table, with its interval."""

from dataclasses import dataclass

import numpy as np

from training.evaluation.intervals import Interval, bootstrap, mcnemar, paired_difference, wilson
from training.evaluation.metrics import (
    Floats,
    Pairs,
    Scores,
    Searches,
    cmc,
    compare,
    d_prime,
    eer,
    fnir_at_fpir,
    search,
    vr_at_fmr,
)

RANKS = (1, 5, 10)
FMRS = (0.01, 0.001, 0.0001)
FPIRS = (0.1, 0.01)
CMC_RANKS = 50
ROC_FMRS = tuple(float(fmr) for fmr in np.logspace(-5, 0, 61))

FIGURES = (
    *(f"rank-{rank}" for rank in RANKS),
    *(f"VR@FMR={fmr:.2%}" for fmr in FMRS),
    *(f"FNIR@FPIR={fpir:.0%}" for fpir in FPIRS),
    "EER",
    "d'",
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; `value` is None where too few comparisons support it."""

    name: str
    value: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """How one probe fared; `rank` is None for a miss at every rank, `found` False for an FTA."""

    subject: str
    file: str
    found: bool
    rank: int | None
    mated: float | None
    nonmated: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """Everything measured of one system on one trial; what the JSON file holds.

    `fta` counts probes and `fte` references in which no face was found. Intervals are of 95 %:
    by drawing people, and for rank-1 also Wilson's. `cmc` starts at rank 1; `roc` pairs an FMR
    with the verification rate there, measurable FMRs only.
    """

    system: str
    trial: str
    people: int
    probes: int
    references: int
    fta: int
    fte: int
    figures: tuple[Figure, ...]
    rank_1_wilson: Interval
    cmc: tuple[float, ...]
    roc: tuple[tuple[float, float], ...]
    searches: tuple[ProbeResult, ...]

    def figure(self, name: str) -> Figure:
        """The figure of one name of `FIGURES`."""
        return next(figure for figure in self.figures if figure.name == name)


@dataclass(frozen=True, slots=True)
class Difference:
    """Rank-1 of one system less that of another on the same probes of a trial.

    `mcnemar` is the exact two-sided p over probes; the interval draws people.
    """

    trial: str
    ours: str
    theirs: str
    value: float
    interval: Interval
    mcnemar: float


def score(
    scores: Scores,
    files: list[str],
    *,
    system: str,
    trial: str,
    rng: np.random.Generator,
) -> Result:
    """Measure one system on one trial.

    Args:
        files: a name for each probe, for the reader.
    """
    searches, pairs = search(scores), compare(scores)

    def figures(people: Floats) -> Floats:
        return _figures(searches.weighted(people), pairs.weighted(people))

    intervals = bootstrap(figures, len(scores.subjects), rng)
    return Result(
        system=system,
        trial=trial,
        people=len(scores.subjects),
        probes=len(scores.probes),
        references=len(scores.references),
        fta=int((~scores.probe_found).sum()),
        fte=int((~scores.reference_found).sum()),
        figures=tuple(
            Figure(name, None if np.isnan(value) else float(value), interval)
            for name, value, interval in zip(
                FIGURES, _figures(searches, pairs), intervals, strict=True
            )
        ),
        rank_1_wilson=wilson(int(searches.hits(1).sum()), len(scores.probes)),
        cmc=tuple(cmc(searches, CMC_RANKS).tolist()),
        roc=tuple(
            (fmr, vr)
            for fmr, vr in zip(ROC_FMRS, vr_at_fmr(pairs, ROC_FMRS), strict=True)
            if vr is not None
        ),
        searches=_per_probe(scores, searches, files),
    )


def _figures(searches: Searches, pairs: Pairs) -> Floats:
    """Values in the order of `FIGURES`; NaN where not measurable."""
    rates = cmc(searches, max(RANKS))
    values = [
        *(rates[rank - 1] for rank in RANKS),
        *vr_at_fmr(pairs, FMRS),
        *(fnir_at_fpir(searches, fpir) for fpir in FPIRS),
        eer(pairs),
        d_prime(pairs),
    ]
    return np.array([np.nan if value is None else value for value in values])


def _per_probe(scores: Scores, searches: Searches, files: list[str]) -> tuple[ProbeResult, ...]:
    def number(value: np.float64) -> float | None:
        return float(value) if np.isfinite(value) else None

    return tuple(
        ProbeResult(
            subject=str(scores.probes[probe]),
            file=files[probe],
            found=bool(scores.probe_found[probe]),
            rank=int(searches.rank[probe]) if np.isfinite(searches.mated[probe]) else None,
            mated=number(searches.mated[probe]),
            nonmated=number(searches.nonmated[probe]),
        )
        for probe in range(len(files))
    )


def difference(ours: Result, theirs: Result, rng: np.random.Generator) -> Difference:
    """Whether two systems differ in rank-1 on the same trial.

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
    return Difference(
        ours.trial, ours.system, theirs.system, value, interval, mcnemar(our_hits, their_hits)
    )
