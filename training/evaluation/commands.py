"""What `null-face evaluate` does, once its arguments are read."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
from rich.console import Console

from faces.bundle import load_bundle
from training.crops import Recipe
from training.evaluation.bundles import bundle_recipe, bundle_system
from training.evaluation.dlib_peer import PeerNotInstalledError, dlib_system
from training.evaluation.floors import floors
from training.evaluation.protocols import Trial
from training.evaluation.report import write_report
from training.evaluation.run import SEED, evaluate, refusals, write_json
from training.evaluation.scoring import Result, Setting, score_searches
from training.evaluation.screen import show
from training.evaluation.server import Served, run_trial
from training.evaluation.systems import System
from training.recipe import recipe as project_recipe


def systems(
    bundle: Path | None, with_floors: bool, yunet: Path | None, console: Console
) -> tuple[list[System], Recipe]:
    """The rows of the table, the bundle first, and the crops that all of them share.

    `yunet` replaces the bundle's locator by YuNet with that model file.

    Raises:
        BundleError: the bundle cannot be read.
    """
    rows: list[System] = []
    recipe = project_recipe(yunet)
    if bundle is not None:
        loaded = load_bundle(bundle)
        rows.append(bundle_system(loaded))
        recipe = replace(recipe, spec=loaded.crop_spec) if yunet else bundle_recipe(loaded)
    if with_floors or bundle is None:
        rows += floors()
        try:
            rows.append(dlib_system())
        except PeerNotInstalledError as error:
            console.print(f"dlib ResNet: {error}", markup=False, soft_wrap=True)
    return rows, recipe


def evaluate_systems(
    protocol: str,
    trials: Sequence[Trial],
    rows: Sequence[System],
    recipe: Recipe,
    folder: Path,
    *,
    processes: int,
    console: Console,
) -> None:
    """Measure, print, and write results.json and report.html into `folder`."""
    done = evaluate(protocol, trials, rows, recipe, processes=processes, console=console)
    show(console, done.results, done.differences)
    for code, files in refusals(done.images).items():
        console.print(f"refused, {code}: {', '.join(files)}", markup=False)
    write_json(folder / "results.json", protocol, done.results, done.differences)
    report = write_report(done, folder, title=f"{rows[0].name} on {protocol}")
    console.print(f"report (it shows faces, git ignores it): {report}", soft_wrap=True)


def evaluate_server(trials: Sequence[Trial], url: str, folder: Path, console: Console) -> None:
    """Measure a running service through its API, print, and write served.json into `folder`.

    Raises:
        ServerError: it cannot be reached, or does not keep its contract.
    """
    results: list[Result] = []
    with httpx.Client(base_url=url, timeout=60) as client:
        for trial in trials:
            served = run_trial(trial, client, console=console)
            results.append(_result_of(trial, served))
            _print_served(trial, served, console)
    show(console, results)
    write_json(folder / "served.json", trials[0].name, results)


def _print_served(trial: Trial, served: Served, console: Console) -> None:
    for refusal in served.refusals:
        role = "probe" if refusal.is_probe else "reference"
        console.print(f"refused {role}, {refusal.code}: {refusal.file}", markup=False)
    console.print(
        f"{trial.name}: enrolled {len(trial.gallery)} in {served.enroll_seconds:.1f} s, "
        f"identified {len(trial.probes)} in {served.identify_seconds:.1f} s"
    )


def _result_of(trial: Trial, served: Served) -> Result:
    setting = Setting(
        system=f"served: {served.model}",
        trial=trial.name,
        subjects=tuple(sorted(trial.subjects)),
        files=tuple(sample.path.name for sample in trial.probes),
        references=len(trial.gallery),
        fte=sum(not refusal.is_probe for refusal in served.refusals),
    )
    return score_searches(setting, served.searches, None, np.random.default_rng(SEED))
