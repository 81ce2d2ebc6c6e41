"""What was found, on one screen; the last line says whether the data are ready."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from training.evaluation.check.inspect import Findings
from training.evaluation.check.sampling import Look, Sampled
from training.evaluation.protocols.trial import some

SHOWN = 3
"""Files named of each kind of trouble."""


def show(console: Console, findings: Findings, root: Path) -> None:
    """Print a table of the parts, then a line for each thing worth knowing."""
    console.print(_table(findings))
    for topic, text in _lines(findings, root):
        console.print(f"{topic + ':':<12}{text}", markup=False, highlight=False, soft_wrap=True)
    verdict(console, findings.verdict, ready=findings.is_ready)


def verdict(console: Console, text: str, *, ready: bool) -> None:
    """The last line."""
    style = "bold green" if ready else "bold red"
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _table(findings: Findings) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("found")
    for column in ("images", "named people", "readable", "face found"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in findings.sampled:
        readable = len(one.looks) - len(one.unreadable)
        table.add_row(
            one.part.name,
            _range(one.part.images),
            _range(one.part.people) if any(one.part.people) else "none",
            f"{readable} of {len(one.looks)}",
            f"{one.cropped} of {readable}",
        )
    return table


def _range(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,}-{high:,}"


def _lines(findings: Findings, root: Path) -> list[tuple[str, str]]:
    lines = [("folds", f"{findings.folds}, counts are those of each")] if findings.folds > 1 else []
    lines += [("note", note) for note in findings.notes]
    for topic, paths in (("empty", findings.empty), ("not read", findings.ignored)):
        lines += [(topic, f"{len(paths)} files: {_files(paths, root)}")] if paths else []
    lines += [
        ("unreadable", _look(one, one.unreadable, root))
        for one in findings.sampled
        if one.unreadable
    ]
    lines += [
        ("no face", _look(one, one.faceless, root)) for one in findings.sampled if one.faceless
    ]
    lines += [("look again", text) for one in findings.sampled if (text := _wrong(one))]
    lines += [("people", text) for text in _people(findings, root)]
    return lines


def _look(one: Sampled, looks: Sequence[Look], root: Path) -> str:
    why = looks[0].unreadable or looks[0].faceless
    files = _files([look.path for look in looks], root)
    return f"{len(looks)} of {len(one.looks)} tried of {one.part.name}: {files} ({why})"


def _wrong(one: Sampled) -> str:
    wrong = one.wrong_modality
    if wrong is None:
        return ""
    kind = "drawings" if one.part.modality == "vis" else "colour photos"
    return f"most of {one.part.name} look like {kind}; are the folders the right way round?"


def _people(findings: Findings, root: Path) -> list[str]:
    train = [one.part for one in findings.sampled if one.part.is_train]
    test = [one.part for one in findings.sampled if not one.part.is_train]
    lines = []
    if findings.copies:
        files = _files(findings.copies, root)
        lines.append(f"{len(findings.copies)} test images are trained on too: {files}")
    if train and test:
        nameless = [part.name for part in train if not all(part.people)]
        lines.append(
            f"nobody in {', '.join(nameless)} has a name, so people of the test may be among them"
            if nameless
            else "nobody of the test is trained on, as far as names tell"
        )
    if findings.in_both:
        lines.append(
            f"{findings.in_both} are in two train pools (shuffled; for the strict setting take "
            "half = 'a' of vis and half = 'b' of the other)"
        )
    return lines


def _files(paths: Sequence[Path], root: Path) -> str:
    inside = [str(p.relative_to(root)) if p.is_relative_to(root) else str(p) for p in paths]
    return some(inside, SHOWN)
