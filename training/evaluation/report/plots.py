"""Curves as SVG. One colour a system on the whole page; bands are 95 % intervals over people."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import NormalDist
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.evaluation.comparisons import Floats
from training.evaluation.reliability import Stated
from training.evaluation.results import Point, Result

OURS = "#0b4f9c"
OTHERS = (
    "#d1495b",
    "#2e8b57",
    "#e08e0b",
    "#7b4ea3",
    "#4aa3b5",
    "#8c6d46",
    "#c06c9e",
    "#6b7280",
    "#9aa02c",
    "#3f3f46",
    "#b0b7c3",
)
LOOK: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#8a8f98",
    "axes.labelcolor": "#333",
    "axes.grid": True,
    "grid.color": "#e6e8eb",
    "grid.linewidth": 0.7,
    "xtick.color": "#555",
    "ytick.color": "#555",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.fonttype": "none",
    "svg.hashsalt": "null-face",
}
DET_TICKS = (0.0001, 0.001, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
HISTOGRAM_BINS = 60
LINED = 12
"""Images of a group that are still joined by a line."""


class Canvas:
    """One plot: `axes` to draw on while it is open, `svg` when it is closed."""

    def __init__(self, width: float, height: float) -> None:
        self.figure = Figure(figsize=(width, height), layout="constrained")
        self.axes: Axes = self.figure.add_subplot()
        self.svg = ""


@contextmanager
def canvas(x: str, y: str, *, width: float = 5.0, height: float = 3.5) -> Iterator[Canvas]:
    """Labelled axes; the look holds until the plot is written."""
    with mpl.rc_context(LOOK):
        made = Canvas(width, height)
        made.axes.set_xlabel(x)
        made.axes.set_ylabel(y)
        yield made
        file = io.StringIO()
        made.figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
        text = file.getvalue()
        made.svg = text[text.index("<svg") :]


def colour(position: int) -> str:
    """Of the system at that place of the table; the first is ours."""
    return OURS if position == 0 else OTHERS[(position - 1) % len(OTHERS)]


def rank_1_plot(results: Sequence[Result]) -> str:
    """Rank-1 of every system with its interval; also the legend of the other plots' colours."""
    with canvas("rank-1 identification rate, %", "", height=0.9 + 0.27 * len(results)) as made:
        for position, result in enumerate(results):
            rate = result.figure("rank-1")
            low, high = (100 * end for end in rate.interval or (0, 1))
            row = len(results) - position
            made.axes.plot([low, high], [row, row], color=colour(position), linewidth=2.2)
            made.axes.plot(100 * (rate.value or 0), row, "o", color=colour(position), markersize=5)
        made.axes.set_yticks(range(len(results), 0, -1), [result.system for result in results])
        made.axes.set_xlim(-1, 101)
        made.axes.set_ylim(0.4, len(results) + 0.6)
        made.axes.grid(visible=False, axis="y")
    return made.svg


def cmc_plot(results: Sequence[Result]) -> str:
    """Rank-k identification rate."""
    with canvas("rank k", "identification rate") as made:
        for position, result in enumerate(results):
            _line(made.axes, result.cmc[: result.people], position, result.system)
        made.axes.set_ylim(0, 1.02)
    return made.svg


def roc_plot(results: Sequence[Result]) -> str:
    """Verification rate over FMR; empty where no FMR is measurable."""
    with canvas("false match rate (FMR)", "verification rate, 1 - FNMR") as made:
        for position, result in enumerate(results):
            _line(made.axes, result.roc, position, result.system)
        made.axes.set_xscale("log")
        made.axes.set_ylim(0, 1.02)
    return made.svg if any(result.roc for result in results) else ""


def open_set_plot(results: Sequence[Result]) -> str:
    """FNIR over FPIR; empty where no FPIR is measurable."""
    with canvas("false positive identification rate (FPIR)", "FNIR, rank 1") as made:
        for position, result in enumerate(results):
            _line(made.axes, result.open_set, position, result.system)
        made.axes.set_xscale("log")
        made.axes.set_ylim(0, 1.02)
    return made.svg if any(result.open_set for result in results) else ""


def det_plot(results: Sequence[Result]) -> str:
    """FNMR over FMR on normal deviates; empty where no FMR is measurable."""
    with canvas("FMR, %", "FNMR, %") as made:
        for position, result in enumerate(results):
            shown = [p for p in result.roc if 0 < p.x < 1 and 0 < p.y < 1]
            x = [_probit(p.x) for p in shown]
            y = [_probit(1 - p.y) for p in shown]
            made.axes.plot(x, y, color=colour(position), linewidth=_width(position))
            if position == 0:
                ends = [[_probit(1 - end) for end in p.interval or (p.y, p.y)] for p in shown]
                low, high = zip(*ends, strict=True) if ends else ((), ())
                made.axes.fill_between(x, low, high, color=OURS, alpha=0.15, linewidth=0)
        ticks = [_probit(rate) for rate in DET_TICKS]
        names = [f"{100 * rate:g}" for rate in DET_TICKS]
        made.axes.set_xticks(ticks, names)
        made.axes.set_yticks(ticks, names)
    return made.svg if any(result.roc for result in results) else ""


def _probit(rate: float) -> float:
    """Normal deviate; 0 and 1 lie at the edge of what is drawn, not at infinity."""
    return NormalDist().inv_cdf(min(max(rate, DET_TICKS[0]), 1 - DET_TICKS[0]))


def scores_plot(mated: Floats, nonmated: Floats) -> str:
    """How the mated and non-mated scores of one system are spread."""
    with canvas("similarity", "density") as made:
        ends = np.concatenate([mated, nonmated])
        bins = np.linspace(ends.min(), ends.max() + 1e-9, HISTOGRAM_BINS).tolist()
        for values, name, shade in ((nonmated, "non-mated", OTHERS[7]), (mated, "mated", OURS)):
            made.axes.hist(values, bins, density=True, color=shade, alpha=0.6, label=name)
        made.axes.legend()
    return made.svg


def reliability_plot(curve: Sequence[Stated], rate: str) -> str:
    """What was observed over what was stated; on the diagonal the calibration holds.

    A triangle stands where nobody passed: the rate is below the smallest that can be shown.
    """
    with canvas(f"{rate} stated by the bundle", f"{rate} observed in the test") as made:
        seen = [point for point in curve if point.observed > 0]
        unseen = [point for point in curve if point.observed == 0]
        made.axes.plot([1e-4, 1], [1e-4, 1], color="#8a8f98", linewidth=1, linestyle="--")
        made.axes.plot([p.stated for p in seen], [p.observed for p in seen], color=OURS)
        band = [(p.stated, *p.interval) for p in seen if p.interval and p.interval[0] > 0]
        if band:
            stated, low, high = zip(*band, strict=True)
            made.axes.fill_between(stated, low, high, color=OURS, alpha=0.15, linewidth=0)
        made.axes.plot([p.stated for p in unseen], [p.floor for p in unseen], "v", color=OURS)
        made.axes.set_xscale("log")
        made.axes.set_yscale("log")
    return made.svg


def map_plot(places: Floats, groups: Sequence[str], shares: tuple[float, float]) -> str:
    """Places coloured by group, lines between those of a small one; the group '' is grey."""
    with canvas(_axis(1, shares[0]), _axis(2, shares[1]), height=4.4) as made:
        kinds = np.array(groups)
        for position, kind in enumerate(sorted(set(groups))):
            there = kinds == kind
            if kind and there.sum() <= LINED:
                made.axes.plot(*places[there].T, color=colour(position), linewidth=0.8, alpha=0.7)
            made.axes.scatter(
                places[there, 0],
                places[there, 1],
                s=14 if kind else 7,
                color=colour(position) if kind else "#d5d9df",
                alpha=0.8,
                linewidths=0,
                label=kind or None,
            )
        made.figure.legend(loc="outside lower center", ncols=3)
    return made.svg


def _axis(number: int, share: float) -> str:
    return f"principal axis {number}, {100 * share:.0f} % of the variance"


def _line(axes: Axes, curve: Sequence[Point], position: int, name: str) -> None:
    """A curve; the band of ours only, since twelve bands would hide each other."""
    x, y = [point.x for point in curve], [point.y for point in curve]
    axes.plot(x, y, color=colour(position), linewidth=_width(position), label=name)
    band = [(p.x, *p.interval) for p in curve if p.interval]
    if position == 0 and band:
        places, low, high = zip(*band, strict=True)
        axes.fill_between(places, low, high, color=colour(0), alpha=0.15, linewidth=0)


def _width(position: int) -> float:
    return 2.2 if position == 0 else 1.2
