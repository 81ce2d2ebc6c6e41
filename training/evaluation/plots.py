"""CMC and ROC as SVG, to stand in a page."""

import io
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.evaluation.scoring import CMC_RANKS, Result


def cmc_plot(results: Sequence[Result]) -> str:
    """Rank-k identification rate of every system."""
    figure, axes = _axes("rank k", "identification rate")
    for result in results:
        ranks = range(1, min(CMC_RANKS, result.people) + 1)
        axes.plot(ranks, result.cmc[: len(ranks)], label=result.system)
    axes.set_ylim(0, 1.02)
    return _svg(figure, axes)


def roc_plot(results: Sequence[Result]) -> str:
    """Verification rate over FMR of every system, measurable FMRs only; empty without any."""
    drawn = [result for result in results if result.roc]
    if not drawn:
        return ""
    figure, axes = _axes("false match rate (FMR)", "verification rate (1 - FNMR)")
    for result in drawn:
        fmr, vr = zip(*result.roc, strict=True)
        axes.step(fmr, vr, where="post", label=result.system)
    axes.set_xscale("log")
    axes.set_ylim(0, 1.02)
    return _svg(figure, axes)


def _axes(x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.2, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(visible=True, alpha=0.3)
    return figure, axes


def _svg(figure: Figure, axes: Axes) -> str:
    axes.legend(fontsize=8)
    file = io.StringIO()
    figure.savefig(file, format="svg")
    text = file.getvalue()
    return text[text.index("<svg") :]
