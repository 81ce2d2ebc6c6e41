"""What `null-face evaluate` does, once its arguments are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
from rich.console import Console

from faces.bundle import Bundle, load_bundle
from training.crops import Recipe
from training.evaluation.analysis import analyse
from training.evaluation.bundles import bundle_recipe, bundle_system, compared
from training.evaluation.dlib_peer import PeerNotInstalledError, dlib_system
from training.evaluation.floors import floors
from training.evaluation.fold_bundles import is_pattern, load_folded, refuse_trained
from training.evaluation.protocols import Fold, Trial, trials_of
from training.evaluation.record import write_json
from training.evaluation.report import Report, write_report
from training.evaluation.run import SEED, evaluate, means_over_folds, refusals
from training.evaluation.scoring import Part, Setting, score
from training.evaluation.screen import show, show_groups
from training.evaluation.server import Served, run_trial
from training.evaluation.systems import Row, System
from training.evaluation.trained import RowError, RunReader, TrainedRun
from training.recipe import recipe as project_recipe
from training.revision import git_revision


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure: `bundle` first, `compare` as further rows by name, floors and dlib.

    `yunet` replaces the bundle's locator by YuNet with that model file.
    """

    protocol: str
    bundle: Path | None
    compare: Mapping[str, Path]
    run: Path | None
    floors: bool
    yunet: Path | None


@dataclass(frozen=True, slots=True, eq=False)
class LineUp:
    """The rows of the table, and the crops that all of them share."""

    systems: tuple[Row, ...]
    recipe: Recipe
    bundle: Bundle | None  # the one that is measured; None where each fold has its own
    run: TrainedRun | None

    @property
    def facts(self) -> dict[str, str]:
        """What was measured with what, in words."""
        told = {"code": git_revision(), "crops": f"recipe {self.recipe.key}"}
        if self.bundle:
            made = self.bundle.manifest
            told["bundle"] = f"{made.name}, made {made.created} by {made.git_revision[:12]}"
            told["bundle identity"] = self.bundle.identity
        if self.run:
            told["run"] = self.run.name
        return told | {"rows": ", ".join(system.name for system in self.systems)}


def line_up(
    wanted: Wanted,
    folds: Sequence[Fold],
    read_run: RunReader | None,
    console: Console,
    *,
    processes: int,
) -> LineUp:
    """Open everything that is wanted.

    Raises:
        BundleError: a bundle cannot be read, or takes other crops than the first.
        RowError: a run is wanted that cannot be read, or two rows have one name.
    """
    rows: list[Row] = []
    bundle = None
    if wanted.bundle:
        row, bundle = _measured(wanted.bundle, wanted.protocol, folds)
        rows.append(row)
    recipe = _recipe(bundle, wanted.yunet)
    rows += [compared(name, folder, recipe) for name, folder in wanted.compare.items()]
    run = None
    if wanted.run:
        if read_run is None:
            raise RowError("--run needs torch: use `python -m training evaluate`.")
        run = read_run(wanted.run, trials_of(folds), recipe, processes)
        rows += run.rows
    if wanted.floors or not rows:
        rows += [*floors(), *_dlib(console)]
    names = [row.name for row in rows]
    if len(set(names)) < len(names):
        raise RowError(f"two rows have one name: {', '.join(names)}")
    one = None if wanted.bundle and is_pattern(wanted.bundle) else bundle
    return LineUp(tuple(rows), recipe, one, run)


def _measured(path: Path, protocol: str, folds: Sequence[Fold]) -> tuple[Row, Bundle]:
    if is_pattern(path):
        return load_folded(path, protocol, folds)
    bundle = load_bundle(path)
    refuse_trained(bundle, protocol, folds)
    return bundle_system(bundle), bundle


def _recipe(bundle: Bundle | None, yunet: Path | None) -> Recipe:
    if bundle is None:
        return project_recipe(yunet)
    if yunet:
        return replace(project_recipe(yunet), spec=bundle.crop_spec)
    return bundle_recipe(bundle)


def _dlib(console: Console) -> list[System]:
    try:
        return [dlib_system()]
    except PeerNotInstalledError as error:
        console.print(f"dlib ResNet: {error}", markup=False, soft_wrap=True)
        return []


def evaluate_systems(
    protocol: str,
    trials: Sequence[Trial],
    rows: LineUp,
    folder: Path,
    *,
    processes: int,
    console: Console,
) -> None:
    """Measure, print, and write results.json and report.html into `folder`."""
    done = evaluate(
        protocol, trials, rows.systems, rows.recipe, processes=processes, console=console
    )
    show(console, done.headline, done.differences)
    for code, files in refusals(done.images).items():
        console.print(f"refused, {code}: {', '.join(files)}", markup=False)
    analysis = analyse(done, rows.bundle, rows.run)
    told = {result.trial for result in done.headline}  # folds are averaged, not told one by one
    show_groups(console, [each for each in analysis.breakdowns if each.trial in told])
    facts = {"protocol": protocol, "date": datetime.now(UTC).date().isoformat(), **rows.facts}
    write_json(
        folder / "results.json",
        protocol,
        done.results,
        done.differences,
        analysis=analysis,
        facts=facts,
    )
    title = f"{rows.systems[0].name} on {protocol}"
    report = write_report(Report(title, facts, done, analysis, rows.run), folder)
    console.print(f"report (it shows faces, git ignores it): {report}", soft_wrap=True)


def evaluate_server(
    trials: Sequence[Trial], url: str, folder: Path, console: Console, key: str | None = None
) -> None:
    """Measure a running service through its API, print, and write served.json into `folder`.

    `key` is the API key where the service asks for one.

    Raises:
        ServerError: it cannot be reached, or does not keep its contract.
    """
    parts: list[tuple[Trial, Part]] = []
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(base_url=url, timeout=60, headers=headers) as client:
        for trial in trials:
            served = run_trial(trial, client, console=console)
            parts.append((trial, _part_of(trial, served)))
            _print_served(trial, served, console)
    means = means_over_folds(parts)
    each = [(trial, score(part, np.random.default_rng(SEED))) for trial, part in parts]
    show(console, [*means, *(result for trial, result in each if trial.mean_of is None)])
    write_json(folder / "served.json", trials[0].name, [*means, *(result for _, result in each)])


def _print_served(trial: Trial, served: Served, console: Console) -> None:
    for refusal in served.refusals:
        role = "probe" if refusal.is_probe else "reference"
        console.print(f"refused {role}, {refusal.code}: {refusal.file}", markup=False)
    console.print(
        f"{trial.name}: enrolled {len(trial.gallery)} in {served.enroll_seconds:.1f} s, "
        f"identified {len(trial.probes)} in {served.identify_seconds:.1f} s"
    )


def _part_of(trial: Trial, served: Served) -> Part:
    setting = Setting(
        system=f"served: {served.model}",
        trial=trial.name,
        subjects=tuple(sorted(trial.subjects)),
        files=tuple(sample.path.name for sample in trial.probes),
        references=len(trial.gallery),
        fte=sum(not refusal.is_probe for refusal in served.refusals),
    )
    return Part(setting, served.searches, None)
