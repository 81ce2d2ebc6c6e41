"""The locator's network: anchor-free, depthwise separable, three strides, 0.2 million weights."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from faces.onestage import STRIDES

WIDTH = 64
"""Channels of the merged features at every stride."""


class LocatorNetwork(nn.Module):
    """(n, 1, height, width) grey in [0, 1] -> (n, cells, 11): face logit, then five points x, y.

    Sides are multiples of the largest stride. Cells run through the strides, the finest first, and
    row by row; points are in pixels of the input. Each input is brought to zero mean and unit
    spread first, so that brightness and contrast of the whole do not matter.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 16, 3, 2, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)
        )
        self.stride_8 = nn.Sequential(
            Unit(16, 32, 2), Unit(32, 32), Unit(32, 64, 2), Unit(64, 64), Unit(64, 64)
        )
        self.stride_16 = nn.Sequential(Unit(64, 96, 2), Unit(96, 96), Unit(96, 96))
        self.stride_32 = nn.Sequential(Unit(96, 128, 2), Unit(128, 128), Unit(128, 128))
        self.lateral = nn.ModuleList(nn.Conv2d(width, WIDTH, 1) for width in (64, 96, 128))
        self.merge = nn.ModuleList(Unit(WIDTH, WIDTH) for _ in STRIDES)
        self.face = nn.Sequential(Unit(WIDTH, WIDTH), nn.Conv2d(WIDTH, 1, 1))
        self.points = nn.Sequential(Unit(WIDTH, WIDTH), nn.Conv2d(WIDTH, 10, 1))
        final = self.face[1]
        assert isinstance(final, nn.Conv2d) and final.bias is not None  # noqa: S101, PT018
        nn.init.constant_(final.bias, -4.0)  # faces are rare: start from there, not from a half

    def forward(self, images: Tensor) -> Tensor:
        """All cells of a batch."""
        centred = images - images.mean(dim=(2, 3), keepdim=True)
        spread = (centred * centred).mean(dim=(2, 3), keepdim=True).sqrt() + 2e-2
        fine = self.stride_8(self.stem(centred / spread))
        middle = self.stride_16(fine)
        coarse = self.stride_32(middle)
        coarse = self.merge[2](self.lateral[2](coarse))
        middle = self.merge[1](self.lateral[1](middle) + _doubled(coarse))
        fine = self.merge[0](self.lateral[0](fine) + _doubled(middle))
        levels = zip((fine, middle, coarse), STRIDES, strict=True)
        return torch.cat([self._cells(features, stride) for features, stride in levels], dim=1)

    def _cells(self, features: Tensor, stride: int) -> Tensor:
        height, width = features.shape[2:]
        centres = cell_centres(height, width, stride).to(features).repeat(1, 5)
        logits = self.face(features).flatten(2).transpose(1, 2)
        offsets = self.points(features).flatten(2).transpose(1, 2)
        return torch.cat([logits, centres + float(stride) * offsets], dim=2)


class Unit(nn.Module):
    """Depthwise 3x3, pointwise, norm, ReLU; adds its input where the shape allows."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, stride, padding=1, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.adds = inputs == outputs and stride == 1

    def forward(self, features: Tensor) -> Tensor:
        """Features of the next layer."""
        out: Tensor = functional.relu(self.norm(self.pointwise(self.depthwise(features))))
        return features + out if self.adds else out


def cell_centres(height: int, width: int, stride: int) -> Tensor:
    """(height * width, 2) x and y of the middle of each cell, in pixels of the input."""
    y = (torch.arange(height, dtype=torch.float32) + 0.5) * stride - 0.5
    x = (torch.arange(width, dtype=torch.float32) + 0.5) * stride - 0.5
    return torch.stack([x.repeat(height), y.repeat_interleave(width)], dim=1)


def _doubled(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")
