"""Scores of one system on one trial -> every figure of the table, with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.evaluation.intervals import Interval, bootstrap, mcnemar, paired_difference, wilson
from training.evaluation.metrics import (
    MISS,
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

Values = dict[str, float | None]


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
        """The figure of that name; one without a value where it was not measured."""
        known = {figure.name: figure for figure in self.figures}
        return known.get(name, Figure(name, None, None))


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


@dataclass(frozen=True, slots=True)
class Setting:
    """What was measured, in words: `files` names each probe for the reader."""

    system: str
    trial: str
    subjects: tuple[str, ...]
    files: tuple[str, ...]
    references: int
    fte: int


def score(
    scores: Scores, files: Sequence[str], *, system: str, trial: str, rng: np.random.Generator
) -> Result:
    """Measure one system on one trial from its similarities."""
    setting = Setting(
        system=system,
        trial=trial,
        subjects=tuple(scores.subjects.tolist()),
        files=tuple(files),
        references=len(scores.references),
        fte=int((~scores.reference_found).sum()),
    )
    return score_searches(setting, search(scores), compare(scores), rng)


def score_searches(
    setting: Setting, searches: Searches, pairs: Pairs | None, rng: np.random.Generator
) -> Result:
    """Measure from searches already made, as a service answers them; `pairs` where there are."""

    def measure(people: Floats) -> Floats:
        drawn = pairs.weighted(people) if pairs else None
        values = _values(searches.weighted(people), drawn).values()
        return np.array([np.nan if value is None else value for value in values])

    values = _values(searches, pairs)
    intervals = bootstrap(measure, len(setting.subjects), rng)
    return Result(
        system=setting.system,
        trial=setting.trial,
        people=len(setting.subjects),
        probes=len(searches.rank),
        references=setting.references,
        fta=int((~searches.acquired).sum()),
        fte=setting.fte,
        figures=tuple(
            Figure(name, value, interval)
            for (name, value), interval in zip(values.items(), intervals, strict=True)
        ),
        rank_1_wilson=wilson(int(searches.hits(1).sum()), len(searches.rank)),
        cmc=tuple(cmc(searches, CMC_RANKS).tolist()),
        roc=_roc(pairs) if pairs else (),
        searches=_per_probe(setting, searches),
    )


def _values(searches: Searches, pairs: Pairs | None) -> Values:
    rates = cmc(searches, max(RANKS))
    values: Values = {f"rank-{rank}": float(rates[rank - 1]) for rank in RANKS}
    values |= {f"FNIR@FPIR={fpir:.0%}": fnir_at_fpir(searches, fpir) for fpir in FPIRS}
    if pairs is not None:
        at_fmr = zip(FMRS, vr_at_fmr(pairs, FMRS), strict=True)
        values |= {f"VR@FMR={fmr:.2%}": vr for fmr, vr in at_fmr}
        values |= {"EER": eer(pairs), "d'": d_prime(pairs)}
    return values


def _roc(pairs: Pairs) -> tuple[tuple[float, float], ...]:
    at_fmr = zip(ROC_FMRS, vr_at_fmr(pairs, ROC_FMRS), strict=True)
    return tuple((fmr, vr) for fmr, vr in at_fmr if vr is not None)


def _per_probe(setting: Setting, searches: Searches) -> tuple[ProbeResult, ...]:
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
