"""`null-face data check`: will this data work? Asked before training or evaluating on it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from faces.modality import Modality
from training.evaluation.check.inspect import inspect, looks_needed
from training.evaluation.check.screen import show, verdict
from training.evaluation.protocols import PROTOCOLS, Fold, ProtocolError, ProtocolName, folders
from training.recipe import recipe

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def data_command() -> None:
    """Look at data before training or evaluating on it."""


@app.command("check")
def check_command(
    path: Annotated[Path, typer.Argument(help="Folder of the data.")],
    protocol: Annotated[ProtocolName, typer.Option(help="Who trains, who is tested.")] = "folders",
    probes: Annotated[
        Modality, typer.Option(help="Modality of the folder `probes` of `folders`.")
    ] = Modality.SKETCH,
    sample: Annotated[
        int, typer.Option(min=1, help="Images looked at of each pool, gallery and set of probes.")
    ] = 24,
) -> None:
    """Say what is there, what is missing, whether faces are found; last line: ready, or why not."""
    console = Console()
    try:
        folds = _folds(protocol, path, probes)
    except ProtocolError as error:
        verdict(console, f"not ready, because {error}", ready=False)
        raise typer.Exit(1) from error
    with _progress() as progress:
        task = progress.add_task("looking at images", total=looks_needed(folds, sample))
        findings = inspect(folds, recipe(), size=sample, tick=lambda: progress.advance(task))
    show(console, findings, path)
    if not findings.is_ready:
        raise typer.Exit(1)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _folds(protocol: ProtocolName, path: Path, probes: Modality) -> list[Fold]:
    if protocol == "folders":
        return folders(path, probes)
    return PROTOCOLS[protocol](path)
