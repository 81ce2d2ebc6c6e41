"""Counting outcomes, showing progress, and what was refused and why."""

import csv
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from service.cli.bulk import DUPLICATE, ENROLLED, Outcome
from service.cli.output import err, out

EXAMPLES = 3


class Tally:
    """What became of the photos so far; of those that are enrolled, holds warnings only."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.refused: list[Outcome] = []
        self.warned: list[Outcome] = []
        self.before = 0
        self._sent = 0
        self._subjects: set[str] = set()
        self._started = time.monotonic()

    @property
    def present(self) -> int:
        """How many of the photos are in the gallery now."""
        return self.counts[ENROLLED] + self.counts[DUPLICATE] + self.before

    def add(self, outcome: Outcome) -> None:
        """Count an outcome of this run, or of the one before that it continues."""
        if outcome.refused:
            self.refused.append(outcome)
        else:
            self._subjects.add(outcome.photo.subject_id)
            if outcome.code == ENROLLED and outcome.detail:
                self.warned.append(outcome)
        if outcome.earlier:
            self.before += not outcome.refused
        else:
            self._sent += 1
            self.counts[outcome.code] += 1

    def line(self) -> str:
        """The state in a few words."""
        there = self.counts[DUPLICATE] + self.before
        return (
            f"{self.counts[ENROLLED]:,} enrolled, {there:,} there already, "
            f"{len(self.refused):,} refused"
        )

    def show(self, report: Path | None) -> None:
        """Print the result, a line for each warning; write every refusal to `report`."""
        seconds = max(time.monotonic() - self._started, 1e-9)
        out.print(
            f"{self.line()}; {len(self._subjects):,} subjects. "
            f"{seconds:.1f} s, {self._sent / seconds:.1f} photos/s.",
            soft_wrap=True,
        )
        for one in sorted(self.warned, key=lambda outcome: outcome.photo.place):
            line = printable(f"{one.photo.place}, enrolled as {one.photo.subject_id}: {one.detail}")
            out.print(line, markup=False, soft_wrap=True)
        if self.refused:
            out.print(self._table())
        if report is not None:
            write_report(report, self.refused)
            out.print(f"Every refused file: {report}", soft_wrap=True)

    def _table(self) -> Table:
        by_code: dict[str, list[Outcome]] = defaultdict(list)
        for outcome in sorted(self.refused, key=lambda outcome: outcome.photo.place):
            by_code[outcome.code].append(outcome)
        table = Table("refused", "reason", "for example", title="Refused photos")
        table.columns[0].justify = "right"
        table.columns[2].overflow = "fold"
        for code, outcomes in sorted(by_code.items(), key=lambda item: -len(item[1])):
            places = [printable(one.photo.place) for one in outcomes[:EXAMPLES]]
            more = [f"... and {len(outcomes) - EXAMPLES:,} more"] * (len(outcomes) > EXAMPLES)
            reason = Text(f"{code}\n", style="bold").append(outcomes[0].detail, style="dim")
            table.add_row(f"{len(outcomes):,}", reason, Text("\n".join(places + more)))
        return table


def write_report(path: Path, refused: list[Outcome]) -> None:
    """One row a refused file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("file", "subject_id", "code", "detail"))
        for one in sorted(refused, key=lambda outcome: outcome.photo.place):
            photo = one.photo
            names = printable(photo.place), printable(photo.subject_id)
            rows.writerow((*names, one.code, one.detail))


def printable(name: str) -> str:
    """A file name as text: bytes that are no UTF-8 are shown as question marks."""
    return name.encode(errors="replace").decode()


@contextmanager
def progress_bar(total: int, tally: Tally) -> Iterator[Callable[[], None]]:
    """A bar on standard error; call what it gives once a photo is done."""
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=err) as progress:
        task: TaskID = progress.add_task(tally.line(), total=total)
        yield lambda: progress.update(task, advance=1, description=tally.line())
