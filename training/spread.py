"""One row of several seeds: mean, spread over seeds, and an interval that draws people."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.config import Config
from training.evaluation.intervals import Interval, bootstrap
from training.evaluation.published import NOTE, PUBLISHED
from training.evaluation.results import Result
from training.revision import git_revision


@dataclass(frozen=True, slots=True)
class Row:
    """Rank-1 of one row on one trial.

    `spread` is the standard deviation over `seeds` (their rates in the order measured), None of
    one; `interval` is of the mean over these seeds, 95 %, and says how it hangs on who was tested.
    """

    row: str
    trial: str
    mean: float
    spread: float | None
    seeds: tuple[float, ...]
    interval: Interval | None


def over_seeds(results: Iterable[Result]) -> list[Row]:
    """A row for each system and trial, in the order they first appear."""
    grouped: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        grouped.setdefault((result.system, result.trial), []).append(result)
    return [_row(system, trial, seeds) for (system, trial), seeds in grouped.items()]


def markdown(rows: Sequence[Row]) -> str:
    """A table of rank-1 in percent: mean ± spread over seeds, 95 % interval over people."""
    trials = list(dict.fromkeys(row.trial for row in rows))
    lines = ["| row | " + " | ".join(trials) + " |", "| --- |" + " --- |" * len(trials)]
    for name in dict.fromkeys(row.row for row in rows):
        cells = {row.trial: _cell(row) for row in rows if row.row == name}
        lines.append(f"| {name} | " + " | ".join(cells.get(trial, "") for trial in trials) + " |")
    lines += ["", "Mean ± standard deviation over seeds, [95 % interval by drawing people].", ""]
    for paper in PUBLISHED:
        rates = " / ".join("-" if rate is None else f"{rate:.2f}" for rate in paper.rank_1)
        lines.append(f"* published, {paper.dataset}: {rates}")
    return "\n".join(
        [*lines, "", f"In the order k-means / base / +VAE / +LGAN / +VAE+LGAN; {NOTE}\n"]
    )


def write_rows(out: Path, config: Config, rows: Sequence[Row]) -> None:
    """Write `table.md` and `results.json`."""
    document = {
        "date": datetime.now(UTC).date().isoformat(),
        "revision": git_revision(),
        "config": config.model_dump(mode="json"),
        "rows": [asdict(row) for row in rows],
        "published": [asdict(paper) for paper in PUBLISHED],
    }
    (out / "results.json").write_text(json.dumps(document, indent=1) + "\n")
    (out / "table.md").write_text(markdown(rows))


def _row(system: str, trial: str, results: Sequence[Result]) -> Row:
    """Hits of a probe are averaged over seeds first: seeds are not further people."""
    hits = np.array([[s.rank == 1 for s in result.searches] for result in results], dtype=float)
    each = hits.mean(0)
    people, index = np.unique([s.subject for s in results[0].searches], return_inverse=True)

    def rate(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        drawn = weights[index]
        return np.array([(each * drawn).sum() / drawn.sum()])

    (interval,) = bootstrap(rate, len(people), np.random.default_rng(0))
    seeds = hits.mean(1)
    spread = float(seeds.std(ddof=1)) if len(seeds) > 1 else None
    return Row(system, trial, float(each.mean()), spread, tuple(seeds.tolist()), interval)


def _cell(row: Row) -> str:
    spread = "" if row.spread is None else f" ± {100 * row.spread:.1f}"
    if row.interval is None:
        return f"{100 * row.mean:.1f}{spread}"
    low, high = row.interval
    return f"{100 * row.mean:.1f}{spread} [{100 * low:.1f}, {100 * high:.1f}]"
