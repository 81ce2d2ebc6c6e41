"""The tables of the page."""

from collections.abc import Sequence

from training.evaluation.analysis import NamedLeak
from training.evaluation.groups import Group
from training.evaluation.intervals import Interval
from training.evaluation.published import METHODS, NOTE, PUBLISHED
from training.evaluation.report.markup import Html, element, note, section, table, text
from training.evaluation.results import Difference, Figure, Result
from training.evaluation.screen import GROUP_COLUMNS, NOT_MEASURABLE, group_cells, interval_text

LESS_IS_BETTER = ("FNIR", "EER")
PLAIN = "d'"
"""The one figure that is no rate."""


def results_table(results: Sequence[Result]) -> Html:
    """Every figure of every system on one trial, the best of each in bold."""
    names = list(dict.fromkeys(f.name for result in results for f in result.figures))
    best = {name: _best([result.figure(name).value for result in results], name) for name in names}
    rows = [
        [
            text(result.system),
            *(_figure(result.figure(name), best[name]) for name in names),
            text(interval_text(result.rank_1_wilson) if result.rank_1_wilson else ""),
            text(result.fta),
            text(result.fte),
        ]
        for result in results
    ]
    head = ["system", *(_spaced(name) for name in names), "rank-1, Wilson", "FTA", "FTE"]
    return table(head, rows, ours=0)


def folds_table(results: Sequence[Result]) -> Html:
    """Every figure of one system, a row a fold."""
    names = [figure.name for figure in results[0].figures]
    rows = [
        [text(result.trial), *(_figure(result.figure(name), None) for name in names)]
        for result in results
    ]
    return table(["fold", *(_spaced(name) for name in names)], rows)


def _best(values: Sequence[float | None], name: str) -> float | None:
    measured = [value for value in values if value is not None]
    choose = min if name.startswith(LESS_IS_BETTER) else max
    return choose(measured, default=None)


def _figure(figure: Figure, best: float | None) -> Html:
    if figure.value is None:
        return element("span", text(NOT_MEASURABLE), class_="absent")
    unit, digits = (1, 2) if figure.name == PLAIN else (100, 1)
    value = element(
        "span", text(f"{figure.value * unit:.{digits}f}"), class_="best" * (figure.value == best)
    )
    return Html(value + _small(figure.interval, unit, digits))


def _small(interval: Interval | None, unit: float = 100, digits: int = 1) -> Html:
    if interval is None:
        return Html("")
    return element("small", text(interval_text(interval, unit, digits)))


def _spaced(name: str) -> str:
    """`VR@FMR=0.10%` so that a narrow column may break it."""
    return name.replace("@", " @ ").replace("=", " = ").replace("%", " %")


def differences_table(differences: Sequence[Difference]) -> Html:
    """Rank-1 of the first system less that of each other one, on the same probes."""
    if not differences:
        return Html("")
    rows = [
        [
            text(difference.theirs),
            Html(
                text(f"{100 * difference.value:+.1f}")
                + element("small", text("{:+.1f} to {:+.1f}".format(*_percent(difference))))
            ),
            text("" if difference.mcnemar is None else f"{difference.mcnemar:.2g}"),
            text(_verdict(difference)),
        ]
        for difference in differences
    ]
    return section(
        3,
        f"Rank-1 of {differences[0].ours} less that of the others",
        table(["system", "points", "McNemar p", "reading"], rows),
        note(
            "Points of percent, with the interval from drawing people; p: McNemar's exact test, "
            "two-sided, over probes. No correction for the number of rows."
        ),
    )


def _percent(difference: Difference) -> tuple[float, float]:
    low, high = difference.interval
    return 100 * low, 100 * high


def _verdict(difference: Difference) -> str:
    low, high = difference.interval
    if low > 0:
        return "ahead"
    return "behind" if high < 0 else "not told apart"


def groups_table(groups: Sequence[Group]) -> Html:
    """A row for each group; the attribute is named once."""
    rows: list[list[Html]] = []
    for number, group in enumerate(groups):
        repeated = number > 0 and groups[number - 1].attribute == group.attribute
        cells = [_with_small(cell) for cell in group_cells(group)]
        rows.append([text("" if repeated else group.attribute), *cells])
    return table(["attribute", *GROUP_COLUMNS], rows)


def _with_small(cell: str) -> Html:
    """The interval after a rate in small print; any other cell as it is."""
    rate, _, interval = cell.partition(" ")
    if not interval or not rate[0].isdigit():
        return text(cell)
    return Html(text(rate) + element("small", text(interval)))


def leaks_table(leaks: Sequence[NamedLeak], *, first_is_ours: bool) -> Html:
    """How often the probe is right, and how often it would be by chance."""
    rows = [
        [
            text(named.system),
            Html(text(f"{100 * named.leak.rate:.1f}") + _small(named.leak.interval)),
            text(f"{100 * named.leak.chance:.1f}"),
            text(named.leak.images),
        ]
        for named in leaks
    ]
    head = ["vectors", "guessed right, %", "chance, %", "images"]
    return table(head, rows, ours=0 if first_is_ours else None)


def published_table() -> Html:
    """The paper's own rows, marked as such."""
    badge = element("span", text("published"), class_="badge")
    rows = [
        [
            Html(text(row.dataset) + badge),
            *(text("" if rate is None else f"{rate:.2f}") for rate in row.rank_1),
        ]
        for row in PUBLISHED
    ]
    return section(
        2,
        "Published rank-1 of the NULL paper",
        table(["data set", *METHODS], rows, class_="published"),
        note(NOTE),
        anchor="published",
    )
