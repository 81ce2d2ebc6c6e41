"""The five-point network: a small hourglass of 0.2 million weights."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from faces.landmarks import SIZE

REACH = 1.3
"""Width of the area in which a point may lie, in sides of the input."""


class Landmarks(nn.Module):
    """(n, 1, SIZE, SIZE) grey in [0, 1] -> (n, 5, 2) points in pixels and (n,) face logits.

    Each input is brought to zero mean and unit spread first, so brightness and contrast of the
    whole crop do not matter. A point is the mean of its own map of SIZE / 4 cells a side, which
    a few hundred steps teach what full connections need thousands for, and a small correction.
    """

    cells: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(_conv(1, 16, 2), _conv(16, 32, 2), _conv(32, 32))
        self.middle = nn.Sequential(_conv(32, 64, 2), _conv(64, 64))
        self.coarse = nn.Sequential(_conv(64, 64, 2), _conv(64, 64))
        self.coarse_to_middle = nn.Conv2d(64, 64, 1)
        self.merged_middle = _conv(64, 64)
        self.middle_to_fine = nn.Conv2d(64, 32, 1)
        self.merged_fine = _conv(32, 48)
        self.maps = nn.Conv2d(48, 5, 1)
        self.whole = nn.Sequential(
            nn.Flatten(), nn.Linear(64 * (SIZE // 16) ** 2, 32), nn.ReLU(), nn.Linear(32, 11)
        )
        count = SIZE // 4
        places = (torch.arange(count) + 0.5) / count - 0.5
        self.register_buffer("cells", (SIZE - 1) / 2 + SIZE * REACH * places)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Points and logits of a batch."""
        centred = crops - crops.mean(dim=(2, 3), keepdim=True)
        spread = (centred * centred).mean(dim=(2, 3), keepdim=True).sqrt() + 1e-2
        fine = self.fine(centred / spread)
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        middle = self.merged_middle(middle + _doubled(self.coarse_to_middle(coarse)))
        fine = self.merged_fine(fine + _doubled(self.middle_to_fine(middle)))
        whole = self.whole(coarse)
        return self._means(self.maps(fine)) + whole[:, :10].view(-1, 5, 2), whole[:, 10]

    def _means(self, maps: Tensor) -> Tensor:
        """(n, 5, 2) mean place under the softmax of each map."""
        weights = maps.flatten(2).softmax(dim=2).view_as(maps)
        x = (weights.sum(dim=2) * self.cells).sum(dim=2)
        y = (weights.sum(dim=3) * self.cells).sum(dim=2)
        return torch.stack([x, y], dim=2)


def _doubled(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
