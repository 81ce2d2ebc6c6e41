"""The trained network -> ONNX, checked against torch."""

from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from faces.landmarks import SIZE
from training.landmarks.network import Landmarks

OPSET = 17
TOLERANCE = 1e-3


class _Served(nn.Module):
    """What the locator wants: scores in [0, 1] instead of logits."""

    def __init__(self, network: Landmarks) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        points, logits = self.network(crops)
        return points, torch.sigmoid(logits)


def export(network: Landmarks, path: Path) -> float:
    """Write `path` and return the largest difference from torch, in pixels of the input.

    Raises:
        ValueError: the two differ by more than `TOLERANCE`; the file is removed again.
    """
    served = _Served(network).eval()
    example = torch.rand(2, 1, SIZE, SIZE)
    torch.onnx.export(
        served,
        (example,),
        path,
        opset_version=OPSET,
        input_names=["crops"],
        output_names=["points", "scores"],
        dynamic_axes={"crops": {0: "n"}, "points": {0: "n"}, "scores": {0: "n"}},
        dynamo=False,
    )
    difference = _difference(served, path)
    if difference > TOLERANCE:
        path.unlink()
        raise ValueError(f"ONNX and torch differ by {difference:.2g} pixels")
    return difference


def _difference(served: nn.Module, path: Path) -> float:
    crops = torch.rand(5, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    got = session.run(None, {"crops": crops.numpy()})
    with torch.no_grad():
        wanted = served(crops)
    return max(float(np.abs(g - w.numpy()).max()) for g, w in zip(got, wanted, strict=True))
