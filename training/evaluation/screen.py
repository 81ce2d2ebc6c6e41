"""Results as tables on a terminal."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from training.evaluation.analysis import Breakdown
from training.evaluation.groups import Group
from training.evaluation.intervals import Interval
from training.evaluation.published import METHODS, NOTE, PUBLISHED
from training.evaluation.results import Difference, Figure, Result

COLUMNS = ("rank-1", "rank-5", "VR@FMR=1.00%", "VR@FMR=0.10%", "FNIR@FPIR=10%")
"""What fits a terminal of 80 characters; the report has every figure."""

NOT_MEASURABLE = "n/m"
CAPTION = (
    "percent; 95 % intervals from drawing people, W: Wilson's; ties and faces not found count "
    "against; n/m: too few comparisons"
)


def show(
    console: Console, results: Iterable[Result], differences: Sequence[Difference] = ()
) -> None:
    """Print one table per trial, the differences, and the paper's rows."""
    by_trial: dict[str, list[Result]] = {}
    for result in results:
        by_trial.setdefault(result.trial, []).append(result)
    for rows in by_trial.values():
        console.print(_trial_table(rows))
    for difference in differences:
        console.print(difference_text(difference))
    console.print(_published_table())


def show_groups(console: Console, breakdowns: Sequence[Breakdown]) -> None:
    """Print the groups of each trial, of the first system only."""
    shown: set[str] = set()
    for breakdown in breakdowns:
        if breakdown.trial not in shown:
            shown.add(breakdown.trial)
            console.print(_groups_table(breakdown))


def rate_text(rate: float | None, interval: Interval | None) -> str:
    """A rate in percent with its interval, or that it is not measurable."""
    return figure_text(Figure("", rate, interval))


def group_cells(group: Group) -> tuple[str, ...]:
    """A row of the breakdown after its attribute, for a screen or a page."""
    return (
        group.group,
        f"{group.people}",
        f"{group.probes}",
        f"{group.fta}",
        rate_text(group.rank_1, group.interval),
        interval_text(group.wilson),
        rate_text(group.fnmr, group.fnmr_interval),
        rate_text(group.fmr, group.fmr_interval),
    )


GROUP_COLUMNS = ("group", "people", "probes", "FTA", "rank-1", "Wilson", "FNMR", "FMR")
"""FNMR and FMR at the threshold of FMR 1 % over everybody, FMR between people of the group."""


def _groups_table(breakdown: Breakdown) -> Table:
    table = Table(
        title=f"{breakdown.trial}: {breakdown.system} by group",
        caption="percent; FNMR, and FMR within the group, at everybody's threshold for FMR 1 %",
        box=None,
    )
    for column in ("attribute", "group"):
        table.add_column(column)
    for column in ("probes", "FTA", "rank-1", "FNMR", "FMR"):
        table.add_column(column, justify="right", no_wrap=True)
    for group in breakdown.groups:
        cells = dict(zip(GROUP_COLUMNS, group_cells(group), strict=True))
        rates = (cells[name].replace(" ", "\n") for name in ("rank-1", "FNMR", "FMR"))
        table.add_row(group.attribute, group.group, cells["probes"], cells["FTA"], *rates)
    return table


def figure_text(figure: Figure) -> str:
    """A figure in percent with its interval, or why there is none; d' as it is."""
    if figure.value is None:
        return NOT_MEASURABLE
    unit = 1 if figure.name == "d'" else 100
    digits = 2 if figure.name == "d'" else 1
    text = f"{figure.value * unit:.{digits}f}"
    if figure.interval is not None:
        text += f" {interval_text(figure.interval, unit, digits)}"
    return text


def interval_text(interval: Interval, unit: float = 100, digits: int = 1) -> str:
    """Both ends without a space between, so that a cell breaks before it."""
    low, high = (end * unit for end in interval)
    return f"{low:.{digits}f}-{high:.{digits}f}"


def difference_text(difference: Difference) -> str:
    """One line: is the first system's rank-1 another than this one's?"""
    low, high = (100 * end for end in difference.interval)
    text = (
        f"{difference.trial}: rank-1 of {difference.ours} less {difference.theirs}: "
        f"{100 * difference.value:+.1f} ({low:+.1f} to {high:+.1f})"
    )
    return text if difference.mcnemar is None else f"{text}, McNemar p = {difference.mcnemar:.2g}"


def title_of(result: Result) -> str:
    """What was searched in what."""
    searched = f"{result.probes} probes against {result.references} references"
    if result.folds > 1:
        return f"{result.trial}: mean of {result.folds} folds, {searched} in all"
    return f"{result.trial}: {searched}"


def _trial_table(rows: Sequence[Result]) -> Table:
    table = Table(title=title_of(rows[0]), caption=CAPTION, box=None)
    table.add_column("system")
    measured = {figure.name for row in rows for figure in row.figures}
    columns = [name for name in COLUMNS if name in measured]
    for column in (*columns, "FTA/\nFTE"):
        table.add_column(column.replace("=", "\n"), justify="right", no_wrap=True)
    for row in rows:
        figures = [figure_text(row.figure(name)).replace(" ", "\n") for name in columns]
        if row.rank_1_wilson:
            figures[0] += f"\nW {interval_text(row.rank_1_wilson)}"
        table.add_row(row.system, *figures, f"{row.fta}/{row.fte}")
    return table


def _published_table() -> Table:
    table = Table(title="published rank-1, %", caption=NOTE, box=None)
    for column in ("data set", *METHODS):
        table.add_column(column, justify="left" if column == "data set" else "right")
    for row in PUBLISHED:
        rates = ["" if rate is None else f"{rate:.2f}" for rate in row.rank_1]
        table.add_row(f"{row.dataset} (published)", *rates)
    return table
