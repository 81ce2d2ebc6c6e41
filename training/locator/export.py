"""The trained network -> ONNX, checked against torch."""

import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from training.locator.network import LocatorNetwork

OPSET = 17
TOLERANCE = 1e-3


class _Served(nn.Module):
    """What `faces.onestage` wants: a score in [0, 1] instead of a logit."""

    def __init__(self, network: LocatorNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        cells: Tensor = self.network(images)
        return torch.cat([torch.sigmoid(cells[:, :, :1]), cells[:, :, 1:]], dim=2)


def export(network: LocatorNetwork, path: Path) -> float:
    """Write `path` and return the largest difference from torch, in pixels of the input.

    Raises:
        ValueError: the two differ by more than `TOLERANCE`; the file is removed again.
    """
    served = _Served(network.to(memory_format=torch.contiguous_format)).eval()  # type: ignore[call-overload]
    with warnings.catch_warnings():
        # The TorchScript exporter needs no further package; torch is pinned, so it stays there.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            served,
            (torch.rand(2, 1, 96, 64),),
            path,
            opset_version=OPSET,
            input_names=["images"],
            output_names=["cells"],
            dynamic_axes={
                "images": {0: "n", 2: "height", 3: "width"},
                "cells": {0: "n", 1: "cells"},
            },
            dynamo=False,
        )
    difference = _difference(served, path)
    if difference > TOLERANCE:
        path.unlink()
        raise ValueError(f"ONNX and torch differ by {difference:.2g} pixels")
    return difference


def _difference(served: nn.Module, path: Path) -> float:
    images = torch.rand(3, 1, 128, 160, generator=torch.Generator().manual_seed(1))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    got = session.run(None, {"images": images.numpy()})[0]
    with torch.no_grad():
        wanted = served(images).numpy()
    return float(np.abs(got - wanted).max())
