"""`python -m training.landmarks label | cut | train | mine | export`."""

from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import torch
import typer
from rich.progress import track

from faces.landmarks import LandmarkNetwork
from training.landmarks.export import export
from training.landmarks.labels import label, load_labels, save_labels
from training.landmarks.mining import mine
from training.landmarks.network import Landmarks
from training.landmarks.patches import Patches, assemble
from training.landmarks.sources import Part, sources
from training.landmarks.train import TrainConfig, train

app = typer.Typer(no_args_is_help=True, add_completion=False)

WIDE = ("lfw_full_frame/", "fs2k/", "cufs/")
"""Sets whose images show more than a face."""

SHIPPED = Path(__file__).with_name("landmarks.onnx")

Data = Annotated[Path, typer.Option(help="Folder that holds cufs, fs2k, lfw and the others.")]
Yunet = Annotated[Path, typer.Option(help="YuNet's ONNX file, for labels and to compare with.")]


@app.command("label")
def label_command(
    data: Data,
    yunet: Yunet,
    out: Path = Path("runs/landmarks/labels.npz"),
    processes: int = 2,
) -> None:
    """Run YuNet over every training image and its mirror image."""
    out.parent.mkdir(parents=True, exist_ok=True)
    paths = [source.path for source in sources(data, Part.TRAIN)]
    found = label(yunet, data, paths, processes)
    labels = dict(track(found, description="labels", total=len(paths)))
    save_labels(out, labels)
    typer.echo(f"{sum(v is not None for v in labels.values())} of {len(labels)} have a face: {out}")


@app.command("cut")
def cut_command(
    data: Data,
    labels: Path = Path("runs/landmarks/labels.npz"),
    out: Path = Path("runs/landmarks/patches"),
    processes: int = 2,
) -> None:
    """Cut and render the labelled faces, and backgrounds, once for all training runs."""
    patches = assemble(data, sources(data, Part.TRAIN), load_labels(labels), processes=processes)
    patches.save(out)
    typer.echo(f"{len(patches.looks)} faces, {len(patches.backgrounds)} backgrounds: {out}")


@app.command("mine")
def mine_command(
    data: Data,
    landmarks: Path,
    labels: Path = Path("runs/landmarks/labels.npz"),
    out: Path = Path("runs/landmarks/mined.npy"),
    images: int = 800,
    seed: int = 0,
) -> None:
    """Collect what the network at LANDMARKS wrongly takes for faces in training images."""
    cv2.setNumThreads(1)
    wide = [source for source in sources(data, Part.TRAIN) if source.path.startswith(WIDE)]
    chosen = np.random.default_rng(seed).permutation(len(wide))[:images]
    found = mine(
        data,
        [wide[index] for index in chosen],
        load_labels(labels),
        LandmarkNetwork(landmarks),
        seed,
    )
    mined = np.stack(list(found))
    np.save(out, mined)
    typer.echo(f"{len(mined)} mistakes: {out}")


@app.command("train")
def train_command(
    patches: Path = Path("runs/landmarks/patches"),
    out: Path = Path("runs/landmarks/landmarks.pt"),
    steps: int = 4000,
    rate: float = 3e-3,
    seed: int = 0,
    start: Annotated[Path | None, typer.Option(help="Weights of an earlier run.")] = None,
    mined: Annotated[Path | None, typer.Option(help="Mistakes of an earlier run.")] = None,
) -> None:
    """Train on the patches and save the weights."""
    torch.manual_seed(seed)
    network = Landmarks() if start is None else load_weights(start)
    config = TrainConfig(steps=steps, seed=seed, rate=rate)
    mistakes = None if mined is None else np.load(mined)
    out.parent.mkdir(parents=True, exist_ok=True)

    def report(step: int, terms: dict[str, float], averaged: Landmarks) -> None:
        said = " ".join(f"{name} {value:.3f}" for name, value in terms.items())
        typer.echo(f"{step:6d} {said}")
        torch.save(averaged.state_dict(), out)

    averaged = train(network, Patches.load(patches, mistakes), config, report)
    torch.save(averaged.state_dict(), out)


@app.command("export")
def export_command(
    weights: Path = Path("runs/landmarks/landmarks.pt"), out: Path = SHIPPED
) -> None:
    """Write the ONNX file and check it against torch."""
    difference = export(load_weights(weights), out)
    typer.echo(f"{out}: {out.stat().st_size:,} bytes, within {difference:.1e} pixels of torch")


def load_weights(path: Path) -> Landmarks:
    """The network that `train` saved."""
    network = Landmarks()
    network.load_state_dict(torch.load(path, weights_only=True))
    return network.eval()


if __name__ == "__main__":
    app()
