"""`null-face evaluate`: measure a bundle, or a running service, on a protocol."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from faces.errors import BundleError
from faces.modality import Modality
from training.evaluation.protocols import (
    PROTOCOLS,
    Fold,
    ProtocolError,
    ProtocolName,
    folders,
    trials_of,
)
from training.evaluation.server import ServerError
from training.evaluation.trained import RowError

app = typer.Typer(add_completion=False)


@app.callback(invoke_without_command=True)
def evaluate_command(
    context: typer.Context,
    protocol: Annotated[ProtocolName, typer.Option(help="Who is gallery and who is probe.")],
    data: Annotated[Path, typer.Option(help="Folder of the data.")] = Path("../shared/data"),
    bundle: Annotated[
        Path, typer.Option(help="Model bundle to measure; {fold} stands for each fold.")
    ] = Path("models/default"),
    no_bundle: Annotated[
        bool, typer.Option("--no-bundle", help="Measure the floors only.")
    ] = False,
    server: Annotated[str | None, typer.Option(help="URL: measure a running service.")] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help="API key for the service, of scope admin.",
            envvar="NULL_FACE_KEY",
            show_default=False,
        ),
    ] = None,
    yunet: Annotated[
        Path | None,
        typer.Option(help="YuNet's model file: locate with it, not as the bundle does."),
    ] = None,
    probes: Annotated[Modality, typer.Option(help="Modality of the probes of `folders`.")] = (
        Modality.SKETCH
    ),
    compare: Annotated[
        list[str] | None,
        typer.Option(help="NAME=BUNDLE: a further row, from a bundle or a run of the ladder."),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="Folder of the bundle's training run: k-means, untrained Ec, pictures."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for results and report.")] = Path("runs/eval"),
    floors: Annotated[bool, typer.Option(help="Also pixels, HOG and, if installed, dlib.")] = True,
    processes: Annotated[int, typer.Option(help="Processes that make crops.")] = 1,
) -> None:
    """Measure a bundle, or a running service: rank-k, CMC, ROC, with intervals over people."""
    # Plots are no part of what serving installs, and slow to import; `null-face` reads this file
    # for its list of commands.
    console = Console()
    try:
        from training.evaluation import commands
    except ModuleNotFoundError as error:
        _print_error(console, f"{error}: pip install 'null-face[cpu,evaluate]'")
        raise typer.Exit(1) from error
    folder = out / protocol
    try:
        folds = _folds(protocol, data, probes)
        trials = trials_of(folds)
        for note in dict.fromkeys(note for fold in folds for note in fold.notes):
            console.print(f"note: {note}", markup=False, highlight=False, soft_wrap=True)
        if server:
            commands.evaluate_server(trials, server, folder, console, key)
        else:
            wanted = commands.Wanted(
                protocol=protocol,
                bundle=None if no_bundle else bundle,
                compare=_named(compare or []),
                run=run,
                floors=floors,
                yunet=yunet,
            )
            rows = commands.line_up(wanted, folds, context.obj, console, processes=processes)
            commands.evaluate_systems(
                protocol, trials, rows, folder, processes=processes, console=console
            )
    except (ProtocolError, BundleError, ServerError, RowError) as error:
        _print_error(console, str(error))
        raise typer.Exit(1) from error


def _named(compare: list[str]) -> dict[str, Path]:
    pairs = [each.partition("=") for each in compare]
    named = {name: Path(folder) for name, _, folder in pairs}
    if len(named) < len(pairs) or not all(name and folder for name, _, folder in pairs):
        raise typer.BadParameter("NAME=BUNDLE, each NAME once.", param_hint="--compare")
    return named


def _print_error(console: Console, text: str) -> None:
    console.print(text, style="red", markup=False, highlight=False, soft_wrap=True)


def _folds(protocol: ProtocolName, data: Path, probes: Modality) -> list[Fold]:
    if protocol == "folders":
        return folders(data, probes)
    return PROTOCOLS[protocol](data)
