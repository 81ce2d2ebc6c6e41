"""What was found, on one screen; the last line says whether the data are ready."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from faces.modality import Modality
from faces.quality import MIN_INTER_EYE_DISTANCE
from training.evaluation.check.inspect import Findings
from training.evaluation.check.sampling import Look, Sampled
from training.evaluation.metrics import is_measurable
from training.evaluation.protocols.trial import some

SHOWN = 3
"""Files named of each kind of trouble."""
FEW = 100
RATES = (0.01, 0.001, 0.0001)


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
    for column in ("images", "named", "readable", "faces", "eyes apart"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in findings.sampled:
        readable = len(one.looks) - len(one.unreadable)
        table.add_row(
            one.part.name,
            _range(one.part.images),
            _range(one.part.people) if any(one.part.people) else "none",
            f"{readable} of {len(one.looks)}",
            f"{one.cropped} of {readable}",
            f"{one.between_eyes:.0f} px" if one.cropped else "",
        )
    return table


def _range(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,}-{high:,}"


def _lines(findings: Findings, root: Path) -> list[tuple[str, str]]:
    """Topic and text of each line."""
    sampled = findings.sampled
    lines = [("folds", f"{findings.folds}, counts are those of each")] if findings.folds > 1 else []
    lines += [("note", note) for note in findings.notes]
    for topic, paths in (("empty", findings.empty), ("not read", findings.ignored)):
        lines += [(topic, f"{len(paths)} files: {_files(paths, root)}")] if paths else []
    lines += [("unreadable", _look(s, s.unreadable, root)) for s in sampled if s.unreadable]
    lines += [("no face", _look(s, s.faceless, root)) for s in sampled if s.faceless]
    lines += [("look again", text) for s in sampled for text in _doubts(s)]
    lines += [("people", text) for text in _people(findings, root)]
    lines += [("test", _support(*each)) for each in findings.comparisons.items()]
    return lines


def _support(trial: str, comparisons: int) -> str:
    """The smallest rate of false matches that so many comparisons support."""
    supported = [rate for rate in RATES if is_measurable(rate, comparisons)]
    enough = (
        f"enough for FMR {supported[-1] * 100:g} %"
        if supported
        else f"too few for FMR {RATES[0] * 100:g} %"
    )
    return f"{trial}: {comparisons:,} comparisons of different people, {enough}"


def _look(one: Sampled, looks: Sequence[Look], root: Path) -> str:
    why = looks[0].unreadable or looks[0].faceless
    files = _files([look.path for look in looks], root)
    return f"{len(looks)} of {len(one.looks)} tried of {one.part.name}: {files} ({why})"


def _doubts(one: Sampled) -> list[str]:
    """What will not stop a run, and yet is unlikely to be meant."""
    doubts = []
    if one.wrong_modality is not None:
        kind = "drawings" if one.part.modality is Modality.VIS else "colour photos"
        doubts.append(
            f"most of {one.part.name} look like {kind}; are the folders the right way round?"
        )
    if one.between_eyes < MIN_INTER_EYE_DISTANCE:
        doubts.append(
            f"faces of {one.part.name} are small: {one.between_eyes:.0f} pixels between the eyes; "
            f"the service refuses less than {MIN_INTER_EYE_DISTANCE:.0f}"
        )
    if one.part.is_train and min(one.part.images) < FEW:
        doubts.append(f"{one.part.name} has few images to learn from; hundreds are the least")
    return doubts


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
        left = ", ".join(f"{count:,} {modality}" for modality, count in findings.halved.items())
        lines.append(
            f"{findings.in_both} are in two train pools: unpaired = 'shuffled'"
            + (f"; halves (half = 'a' of vis, 'b' of the rest) leaves {left}" if left else "")
        )
    return lines


def _files(paths: Sequence[Path], root: Path) -> str:
    inside = [str(p.relative_to(root)) if p.is_relative_to(root) else str(p) for p in paths]
    return some(inside, SHOWN)
