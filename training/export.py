"""Trained Ec -> ONNX and a model bundle; the graph must agree with torch, or nothing is written."""

import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from faces.bundle import Bundle, CropFields, EncoderFields, Manifest, write_bundle
from faces.modality import Modality
from training.config import Config
from training.model import Null
from training.recipe import LocatorFiles
from training.revision import git_revision
from training.template import CROP

OPSET = 17
TOLERANCE = 1e-4
"""Largest difference allowed between torch and ONNX Runtime, relative to the largest output."""


class ParityError(RuntimeError):
    """The exported graph does not compute what torch computes."""


class _Mean(nn.Module):
    """The part of Ec that matching needs: the mean of q(c|x)."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, crops: Tensor, domain: Tensor) -> Tensor:
        mean: Tensor = self.encoder(crops, domain).mean
        return mean


def export_bundle(
    model: Null,
    config: Config,
    out: Path,
    *,
    name: str,
    locator: LocatorFiles,
    centres: Mapping[Modality, Sequence[float]],
) -> Bundle:
    """Write `out` as a complete bundle, or leave what was there untouched.

    Args:
        locator: the networks that go with the crops.
        centres: training mean of c by modality; empty for no centring.

    Raises:
        ParityError: ONNX Runtime and torch differ by more than TOLERANCE.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".bundle-") as made:
        folder = Path(made)
        shutil.copyfile(locator.faces, folder / "locator.onnx")
        shutil.copyfile(locator.points, folder / "landmarks.onnx")
        encoders = _export_encoders(model, config, folder)
        manifest = Manifest(
            name=name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            git_revision=git_revision(),
            dimension=256,
            crop=CropFields(size=CROP.size, colour=CROP.colour, template=CROP.template),
            encoders=encoders,
            locator="locator.onnx",
            landmarks="landmarks.onnx",
            centres={modality: list(centre) for modality, centre in centres.items()},
            files={},
        )
        write_bundle(folder, manifest)
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()  # not copytree: the temporary folder is closed to other users
        for file in folder.iterdir():
            shutil.copyfile(file, out / file.name)
    return write_bundle(out, manifest)


def _export_encoders(model: Null, config: Config, folder: Path) -> dict[Modality, EncoderFields]:
    if config.networks.share == "all":
        export_encoder(model.content_encoders[0], folder / "ec.onnx")
        return {
            modality: EncoderFields(file="ec.onnx", domain=number)
            for number, modality in enumerate(config.domains)
        }
    fields: dict[Modality, EncoderFields] = {}
    for number, modality in enumerate(config.domains):
        file = f"ec.{modality}.onnx"
        export_encoder(model.content_encoders[number], folder / file)
        fields[modality] = EncoderFields(file=file, domain=number)
    return fields


def export_encoder(encoder: nn.Module, path: Path) -> None:
    """Write one Ec as ONNX, batch axis dynamic, and compare it with torch on every domain.

    Raises:
        ParityError: see `export_bundle`.
    """
    graph = _Mean(encoder).cpu().eval()
    # The exporter merges initialisers of equal value, then loses some of them (an untrained
    # network has many); in a wrapper said to be training it merges none. Ec itself is in eval mode.
    graph.training = True
    crops = torch.rand(3, 1, CROP.size, CROP.size, generator=torch.Generator().manual_seed(0))
    with warnings.catch_warnings():
        # The TorchScript exporter needs no further package; torch is pinned, so it stays there.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            (crops, torch.tensor(0)),
            str(path),
            input_names=["crops", "domain"],
            output_names=["content"],
            dynamic_axes={"crops": {0: "n"}, "content": {0: "n"}},
            opset_version=OPSET,
            training=torch.onnx.TrainingMode.PRESERVE,
            dynamo=False,
        )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for domain in range(_domains(encoder)):
        _check_parity(graph, session, domain)


@torch.no_grad()
def _check_parity(graph: nn.Module, session: onnxruntime.InferenceSession, domain: int) -> None:
    for count in (1, 5):
        generator = torch.Generator().manual_seed(count)
        crops = torch.rand(count, 1, CROP.size, CROP.size, generator=generator)
        expected = graph(crops, torch.tensor(domain)).numpy()
        feeds = {"crops": crops.numpy(), "domain": np.array(domain, dtype=np.int64)}
        actual = session.run(None, feeds)[0]
        difference = float(np.abs(actual - expected).max() / np.abs(expected).max())
        if not difference <= TOLERANCE:
            raise ParityError(f"domain {domain}: torch and ONNX Runtime differ by {difference:.2e}")


def _domains(encoder: nn.Module) -> int:
    return int(encoder.get_buffer("norm.mean").shape[0])
