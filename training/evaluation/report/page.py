"""The page as a whole: what was measured, the summary, a chapter a trial, the small print."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from training.evaluation.analysis import Analysis
from training.evaluation.report.chapter import chapter
from training.evaluation.report.markup import Html, element, join, note, section, text
from training.evaluation.report.tables import published_table
from training.evaluation.results import Result
from training.evaluation.run import Evaluation, refusals
from training.evaluation.screen import figure_text
from training.evaluation.trained import TrainedRun

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What a browser may load for this page: nothing that is not in it."""

WARNING = (
    "This page shows faces of real people, for research only. It stays in the folder it was "
    "written to, which git ignores: do not publish it. To share figures, send results.json."
)
HOW_COUNTED = (
    "Percent. Small figures are 95 % intervals from drawing people (1,000 draws, all images of a "
    "person together), not spreads over folds. Ties, and faces that were not found in a probe or "
    "in the gallery, count against a system. A threshold never passes more impostors than the "
    "stated rate. n/m: not measurable, fewer than 3 / rate comparisons. FTA: probes, FTE: "
    "references without a face."
)


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """All that the page tells; `facts` say what was measured with what."""

    title: str
    facts: Mapping[str, str]
    evaluation: Evaluation
    analysis: Analysis
    run: TrainedRun | None


def write_report(report: Report, folder: Path) -> Path:
    """Write `folder`/report.html, and a .gitignore that keeps the whole folder out of git."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    path = folder / "report.html"
    path.write_text(_page(report), encoding="utf-8")
    return path


def _page(report: Report) -> str:
    style = files("training.evaluation.report").joinpath("report.css").read_text("utf-8")
    trials = dict.fromkeys(result.trial for result in report.evaluation.headline)
    body = [
        element("h1", text(report.title)),
        element("p", text(WARNING), class_="warning"),
        _facts(report.facts),
        _summary(report.evaluation.headline),
        note(HOW_COUNTED),
        _contents(list(trials)),
        *(chapter(report.evaluation, report.analysis, report.run, name) for name in trials),
        _refused(report.evaluation),
        published_table(),
    ]
    head = (
        "<!doctype html>\n<html lang=en>\n<head><meta charset=utf-8>"
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(report.title)}</title>\n<style>\n{style}</style></head>\n<body>\n"
    )
    return f"{head}{join(body)}\n</body>\n</html>\n"


def _facts(facts: Mapping[str, str]) -> Html:
    pairs = (
        Html(element("dt", text(name)) + element("dd", text(value)))
        for name, value in facts.items()
    )
    return element("dl", *pairs)


def _summary(results: Sequence[Result]) -> Html:
    """Rank-1 of the first system on each trial, beside the best of the others."""
    return element("div", *_cards(results), class_="cards")


def _cards(results: Sequence[Result]) -> Iterator[Html]:
    for trial in dict.fromkeys(result.trial for result in results):
        ours, *others = [result for result in results if result.trial == trial]
        lines = [f"{ours.probes} probes, {ours.references} references"]
        if others:
            best = max(others, key=lambda other: other.figure("rank-1").value or 0)
            lines.append(f"best other: {best.system} {figure_text(best.figure('rank-1'))}")
        rate, *interval = figure_text(ours.figure("rank-1")).split(" ", 1)
        yield element(
            "div",
            element("span", text(f"{trial}: rank-1 of {ours.system}, %")),
            element("b", text(rate)),
            element("span", text(" ".join(interval))),
            *(element("span", text(line)) for line in lines),
            class_="card",
        )


def _contents(trials: Sequence[str]) -> Html:
    links = [element("a", text(name), href=f"#{name}") for name in trials]
    published = element("a", text("published"), href="#published")
    return element("nav", *links, published)


def _refused(evaluation: Evaluation) -> Html:
    by_code = refusals(evaluation.images)
    if not by_code:
        return section(2, "Refused images", element("p", text("None.")))
    lines = [
        element("li", element("b", text(code)), text(" " + ", ".join(Path(f).name for f in found)))
        for code, found in by_code.items()
    ]
    return section(2, "Refused images", element("ul", *lines))
