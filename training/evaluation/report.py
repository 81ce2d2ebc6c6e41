"""One self-contained HTML page about a run. It shows faces: keep it out of version control."""

import base64
import html
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.evaluation.metrics import MISS, search
from training.evaluation.plots import cmc_plot, roc_plot
from training.evaluation.protocols import Sample
from training.evaluation.published import METHODS, NOTE, PUBLISHED
from training.evaluation.run import Evaluation, Outcome, refusals
from training.evaluation.scoring import Result
from training.evaluation.screen import difference_text, figure_text, interval_text, title_of

SHOWN = 6
"""Best and worst matches shown of the first system."""

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72em; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; margin: 1em 0; font-variant-numeric: tabular-nums }
th, td { padding: .25em .7em; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left }
small { color: #666 } figure { display: inline-block; margin: .4em } svg { max-width: 34em }
figcaption { font-size: 12px; max-width: 20em } img { width: 6em }
"""


def write_report(evaluation: Evaluation, folder: Path, *, title: str) -> Path:
    """Write `folder`/report.html, and a .gitignore that keeps the whole folder out of git."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    path = folder / "report.html"
    path.write_text(_page(evaluation, title), encoding="utf-8")
    return path


def _page(evaluation: Evaluation, title: str) -> str:
    by_trial: dict[str, list[Outcome]] = {}
    for outcome in evaluation.outcomes:
        by_trial.setdefault(outcome.trial.name, []).append(outcome)
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(title)}</title>",
        f"<style>{STYLE}</style><h1>{html.escape(title)}</h1>",
        f"<p>{datetime.now(UTC).date().isoformat()}. Percent with 95 % intervals from drawing "
        "people; ties and faces not found count against the system; n/m: not measurable, too few "
        "comparisons. <b>This page shows faces of real people: do not publish it.</b></p>",
        *(_trial_section(evaluation, outcomes) for outcomes in by_trial.values()),
        _differences_section(evaluation),
        _refusals_section(evaluation),
        _published_section(),
    ]
    return "\n".join(parts) + "\n</html>\n"


def _trial_section(evaluation: Evaluation, outcomes: Sequence[Outcome]) -> str:
    results = [outcome.result for outcome in outcomes]
    return "\n".join(
        [
            f"<h2>{html.escape(title_of(results[0]))}</h2>",
            _results_table(results),
            cmc_plot(results),
            roc_plot(results),
            _matches(evaluation, outcomes[0]),
        ]
    )


def _results_table(results: Sequence[Result]) -> str:
    names = list(dict.fromkeys(f.name for result in results for f in result.figures))
    rows = [
        [
            result.system,
            *(figure_text(result.figure(name)) for name in names),
            interval_text(result.rank_1_wilson),
            str(result.fta),
            str(result.fte),
        ]
        for result in results
    ]
    return _table(["system", *names, "rank-1, Wilson", "FTA", "FTE"], rows)


def _matches(evaluation: Evaluation, outcome: Outcome) -> str:
    """Thumbnails of the best and worst matches, by how far the mate scores above anyone else."""
    searches = search(outcome.scores)
    found = np.flatnonzero(searches.rank != MISS)
    margin = searches.mated[found] - searches.nonmated[found]
    order = found[np.argsort(-margin, kind="stable")]
    best, worst = order[:SHOWN], order[::-1][:SHOWN]
    name = html.escape(outcome.result.system)
    return (
        f"<h3>{name}: best matches</h3>{_thumbnails(evaluation, outcome, best)}"
        f"<h3>{name}: worst matches</h3>{_thumbnails(evaluation, outcome, worst)}"
        "<small>Each: the probe, its mate, and the most similar other subject.</small>"
    )


def _thumbnails(evaluation: Evaluation, outcome: Outcome, probes: Iterable[int]) -> str:
    return "".join(_match(evaluation, outcome, int(probe)) for probe in probes)


def _match(evaluation: Evaluation, outcome: Outcome, probe: int) -> str:
    scores, trial = outcome.scores, outcome.trial
    similarity = np.where(scores.reference_found, scores.similarity[probe], -np.inf)
    own = scores.references == scores.probes[probe]
    mate = int(np.where(own, similarity, -np.inf).argmax())
    other = int(np.where(own, -np.inf, similarity).argmax())
    shown: list[Sample] = [trial.probes[probe], trial.gallery[mate], trial.gallery[other]]
    result = outcome.result.searches[probe]
    caption = (
        f"{html.escape(result.file)}: rank {result.rank}, "
        f"mate {similarity[mate]:.3f}, other {similarity[other]:.3f}"
    )
    images = "".join(_image(evaluation.crop_of(sample)) for sample in shown)
    return f"<figure>{images}<figcaption>{caption}</figcaption></figure>"


def _image(crop: NDArray[np.uint8]) -> str:
    file = io.BytesIO()
    Image.fromarray(crop).save(file, format="PNG")
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}">'


def _differences_section(evaluation: Evaluation) -> str:
    if not evaluation.differences:
        return ""
    lines = "".join(f"<li>{html.escape(difference_text(d))}" for d in evaluation.differences)
    return f"<h2>Differences in rank-1</h2><ul>{lines}</ul>"


def _refusals_section(evaluation: Evaluation) -> str:
    by_code = refusals(evaluation.images)
    if not by_code:
        return "<h2>Refused images</h2><p>None.</p>"
    lines = "".join(
        f"<li><b>{html.escape(code)}</b> {html.escape(', '.join(files))}"
        for code, files in by_code.items()
    )
    return f"<h2>Refused images</h2><ul>{lines}</ul>"


def _published_section() -> str:
    rows = [
        [f"{row.dataset} (published)", *("" if r is None else f"{r:.2f}" for r in row.rank_1)]
        for row in PUBLISHED
    ]
    table = _table(["data set", *METHODS], rows)
    return f"<h2>Published rank-1</h2>{table}<small>{html.escape(NOTE)}</small>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    header = "".join(f"<th>{html.escape(cell)}" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(c)}" for c in row) for row in rows)
    return f"<table><tr>{header}{body}</table>"
