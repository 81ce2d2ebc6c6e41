"""What is measured of one system on one trial, as the JSON file and the report hold it."""

from dataclasses import dataclass

from training.evaluation.intervals import Interval


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; `value` is None where too few comparisons support it."""

    name: str
    value: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a curve; `interval` is of its height `y`, None where no draw measured it."""

    x: float
    y: float
    interval: Interval | None


Curve = tuple[Point, ...]


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
    """Everything measured of one system on one trial, or the mean over `folds` of them.

    It is what the JSON file holds.

    `fta` counts probes and `fte` references in which no face was found. Intervals are of 95 %:
    by drawing people, and for rank-1 also Wilson's. `cmc` is the identification rate over rank,
    `roc` the verification rate over FMR and `open_set` the FNIR over FPIR; of both the measurable
    rates only. A DET curve is `roc` with 1 - y.
    """

    system: str
    trial: str
    people: int
    probes: int
    references: int
    fta: int
    fte: int
    folds: int
    figures: tuple[Figure, ...]
    rank_1_wilson: Interval | None
    cmc: Curve
    roc: Curve
    open_set: Curve
    searches: tuple[ProbeResult, ...]

    def figure(self, name: str) -> Figure:
        """The figure of that name; one without a value where it was not measured."""
        known = {figure.name: figure for figure in self.figures}
        return known.get(name, Figure(name, None, None))


@dataclass(frozen=True, slots=True)
class Difference:
    """Rank-1 of one system less that of another on the same probes of a trial.

    `mcnemar` is the exact two-sided p over probes, None over folds; the interval draws people.
    """

    trial: str
    ours: str
    theirs: str
    value: float
    interval: Interval
    mcnemar: float | None
