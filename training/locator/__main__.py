"""`python -m training.locator album | train | export | evaluate`."""

from pathlib import Path
from typing import Annotated

import cv2
import torch
import typer

import training.landmarks
from faces.landmarks import LandmarkNetwork
from faces.locate import Locator
from faces.onestage import OneStageLocator
from faces.yunet import YunetLocator
from training.landmarks.labels import load_labels
from training.landmarks.sources import Part, sources
from training.locator.album import Album, assemble
from training.locator.batches import Sizes
from training.locator.evaluate import judge, table
from training.locator.export import export
from training.locator.network import LocatorNetwork
from training.locator.train import TrainConfig, fresh, load, train

app = typer.Typer(no_args_is_help=True, add_completion=False)

SHIPPED = Path(__file__).with_name("locator.onnx")
LANDMARKS = Path(training.landmarks.__file__).with_name("landmarks.onnx")

Data = Annotated[Path, typer.Option(help="Folder that holds cufs, fs2k, lfw and the others.")]
Yunet = Annotated[Path, typer.Option(help="YuNet's ONNX file, for labels and to compare with.")]


@app.command("album")
def album_command(
    data: Data,
    labels: Path = Path("runs/landmarks/labels.npz"),
    out: Path = Path("runs/locator/album"),
    processes: int = 2,
) -> None:
    """Read and render the labelled images once for all training runs."""
    album = assemble(data, sources(data, Part.TRAIN), load_labels(labels), processes=processes)
    album.save(out)
    typer.echo(f"{len(album)} images, {len(album.points)} faces: {out}")


@app.command("train")
def train_command(
    album: Path = Path("runs/locator/album"),
    out: Path = Path("runs/locator/run"),
    steps: int = 3000,
    cooling: Annotated[int, typer.Option(help="Last steps, over which the rate falls.")] = 1000,
    rate: float = 3e-3,
    seed: int = 0,
    scenes: int = 10,
    close_ups: int = 24,
    threads: int = 1,
) -> None:
    """Train on the album; run it again to go on after an interruption."""
    cv2.setNumThreads(1)
    torch.set_num_threads(threads)
    config = TrainConfig(steps, cooling, rate, seed=seed, sizes=Sizes(scenes, close_ups=close_ups))
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = out / "checkpoint.pt"
    run = load(checkpoint, config) if checkpoint.exists() else fresh(config)
    train(run, Album.load(album), config, checkpoint, typer.echo)


@app.command("export")
def export_command(
    checkpoint: Path = Path("runs/locator/run/checkpoint.pt"), out: Path = SHIPPED
) -> None:
    """Write the averaged weights as ONNX and check them against torch."""
    network = LocatorNetwork()
    network.load_state_dict(torch.load(checkpoint, weights_only=True)["averaged"])
    difference = export(network, out)
    typer.echo(f"{out}: {out.stat().st_size:,} bytes, within {difference:.1e} pixels of torch")


@app.command("evaluate")
def evaluate_command(
    data: Data,
    yunet: Yunet,
    network: Path = SHIPPED,
    part: Annotated[Part, typer.Option(help="validation to choose by, test to judge.")] = Part.TEST,
    most: Annotated[int, typer.Option(help="Most images of a set.")] = 400,
    failures: Annotated[Path | None, typer.Option(help="Write what was missed there.")] = None,
) -> None:
    """Print the table of docs/locator.md."""
    cv2.setNumThreads(1)
    locators: dict[str, Locator] = {
        "ours": OneStageLocator(network, LandmarkNetwork(LANDMARKS)),
        "YuNet": YunetLocator(yunet),
    }
    tallies = judge(data, yunet, locators, part, most, typer.echo)
    typer.echo(table(tallies))
    if failures:
        rows = (tally for row in tallies.values() for tally in row)
        lines = [f"{tally.name} {path}" for tally in rows for path in tally.failures]
        failures.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    app()
