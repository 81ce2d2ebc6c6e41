"""`python -m training train | ladder | evaluate | export`."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import cv2
import torch
import typer

from training import state as states
from training.config import Config, read_config
from training.evaluation.cli import app as evaluation
from training.evaluation.protocols import (
    DataMissingError,
    Fold,
    ProtocolError,
    Trial,
    Unpaired,
    cufs,
    fs2k,
    lfw,
    trials_of,
)
from training.evaluation.results import Result
from training.evaluation.run import gather, identify
from training.evaluation.systems import System
from training.kept_aside import kept_aside
from training.ladder import Sets, climb, variant
from training.material import Material, load_material
from training.processes import joined
from training.recipe import recipe
from training.release import release
from training.rows import LadderName
from training.spread import markdown
from training.start import discriminant_start
from training.train import CHECKPOINT, train
from training.trained import read_run

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
app.add_typer(evaluation, name="evaluate")

CACHE = Path(".cache")
RUNS = Path("runs")
YuNet = Annotated[
    Path | None, typer.Option(help="Make the training crops with this YuNet file: faster.")
]
Processes = Annotated[int, typer.Option(help="Processes that make crops and renderings.")]


@app.callback(help=__doc__)
def main(context: typer.Context) -> None:
    """Give `evaluate`, which knows no torch, the means to read a run."""
    context.obj = read_run


@app.command("train")
def train_command(
    config: Annotated[Path, typer.Option(help="TOML file of the run.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run [default: runs/NAME].")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Replaces the seed of the config.")] = None,
    fold: Annotated[
        str | None, typer.Option(help="Replaces the fold of the protocol that is trained on.")
    ] = None,
    yunet: YuNet = None,
    processes: Processes = 2,
) -> None:
    """Train a run, or take it up where it stopped."""
    run = read_config(config)
    if fold is not None:
        run = run.model_copy(update={"data": run.data.of_fold(fold), "name": f"{run.name}-{fold}"})
    if seed is not None:
        run = run.model_copy(update={"seed": seed, "name": f"{run.name}-seed{seed}"})
    folder = out or RUNS / run.name
    cv2.setNumThreads(1)
    material = _material(run, yunet, processes)
    for modality, pool in material.pools.items():
        typer.echo(f"{modality}: {len(pool.crops)} images, {len(set(pool.people.tolist()))} labels")
    with joined() as (rank, device):
        state = states.begin(run, folder / CHECKPOINT, device, rank)
        if run.start.discriminants and state.steps == 0:
            for group, pairs in discriminant_start(state, material).items():
                typer.echo(f"{group}: {pairs} pseudo-pairs found")
        train(state, material, folder, time.monotonic)


@app.command("export")
def export_command(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    bundle: Annotated[Path, typer.Argument(help="Folder of the bundle to write.")],
    name: Annotated[
        str | None, typer.Option(help="Name of the bundle [default: the run's].")
    ] = None,
    terms: Annotated[str, typer.Option(help="Terms of use that the training data impose.")] = "",
    centring: Annotated[bool, typer.Option(help="Store training means of c by modality.")] = True,
    yunet: YuNet = None,
    processes: Processes = 2,
) -> None:
    """Write a run's averaged content encoder as a model bundle: centred, calibrated, measured."""
    config = Config.model_validate_json((run / "config.json").read_text())
    state = states.load(config, run / CHECKPOINT, torch.device("cpu"))
    revision = (run / "revision.txt").read_text().strip()
    release(
        state,
        _material(config, yunet, processes),
        bundle,
        name=name or config.name,
        centring=centring,
        revision=revision,
        terms=terms,
        cache=CACHE,
    )


@app.command("ladder")
def ladder_command(
    config: Annotated[Path, typer.Option(help="TOML file with every term of the paper on.")],
    setting: Annotated[
        Unpaired, typer.Option(help="Photos and sketches of different people, or of all.")
    ] = "halves",
    sets: Annotated[
        Sets | None, typer.Option("--set", help="Train and test on one set [default: on all].")
    ] = None,
    rows: Annotated[
        LadderName,
        typer.Option(help="The paper's four; what is beyond it, off in turn; the start's curve."),
    ] = "paper",
    seeds: Annotated[str, typer.Option(help="Seeds, separated by commas.")] = "0",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the ladder [default: runs/ladder/NAME].")
    ] = None,
    yunet: YuNet = None,
    processes: Processes = 2,
) -> None:
    """Train the rows of a ladder, or go on with them, and print the table."""
    run = variant(read_config(config), sets, setting)
    cv2.setNumThreads(1)
    tests = [
        trial
        for protocol in (cufs, fs2k)
        if sets in (None, protocol.__name__)
        for trial in _present(protocol, run.data.root)
    ]
    tests += kept_aside(run.data)
    images = gather(tests, recipe(yunet), cache=CACHE / "crops", processes=processes)

    def measure(system: System) -> list[Result]:
        return identify(system, tests, images)

    numbers = [int(seed) for seed in seeds.split(",")]
    folder = out or RUNS / "ladder" / f"{run.name}-{rows}"
    material = _material(run, yunet, processes)
    typer.echo(markdown(climb(run, numbers, material, measure, folder, rows)))


def _material(config: Config, yunet: Path | None, processes: int) -> Material:
    tests = _tests(config.data.root)
    try:
        return load_material(config, recipe(yunet), tests, cache=CACHE, processes=processes)
    except (ProtocolError, FileNotFoundError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def _tests(root: Path) -> list[Trial]:
    """Every test that the data folder holds, so that none of its people is trained on."""
    return [trial for protocol in (cufs, fs2k, lfw) for trial in _present(protocol, root)]


def _present(protocol: Callable[[Path], list[Fold]], root: Path) -> list[Trial]:
    try:
        return trials_of(protocol(root))
    except DataMissingError:
        return []
