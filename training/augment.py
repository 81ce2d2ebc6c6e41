"""Random moves of crops, on a whole batch at once. Training only: nothing in `faces` is random."""

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Jitter:
    """How far a view may stray; lengths as a share of the crop's side.

    About as far as the locator errs: twice as much cost rank-1 (docs/science.md).
    """

    degrees: float = 3.0
    scale: float = 0.03
    shift: float = 0.015
    stretch: float = 0.03
    warp: float = 0.009
    gamma: float = 0.4
    erase: float = 0.2


class Uniform(Protocol):
    """Draws a tensor of `shape` uniformly from [low, high)."""

    def __call__(self, *shape: int, low: float = -1.0, high: float = 1.0) -> Tensor:
        """Draw once."""
        ...


def view(crops: Tensor, jitter: Jitter, generator: torch.Generator) -> Tensor:
    """One random view of each crop: mirror, similarity, aspect, smooth warp, tone, patch erased.

    Args:
        crops: (n, 1, h, h) float32 in [0, 1].

    Returns:
        The same shape, in [0, 1].
    """
    n, side = len(crops), crops.shape[-1]

    def uniform(*shape: int, low: float = -1.0, high: float = 1.0) -> Tensor:
        return torch.rand(*shape, generator=generator) * (high - low) + low

    angle = uniform(n) * jitter.degrees * torch.pi / 180
    scale = 1 + uniform(n) * jitter.scale
    stretch = 1 + uniform(n) * jitter.stretch
    mirror = torch.where(uniform(n) < 0, -1.0, 1.0)
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    shift = uniform(n, 2) * 2 * jitter.shift
    rows = [
        torch.stack([cosine * mirror * stretch, -sine / stretch, shift[:, 0]], 1),
        torch.stack([sine * mirror * stretch, cosine / stretch, shift[:, 1]], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), [n, 1, side, side], align_corners=False)
    flow = torch.randn(n, 2, 6, 6, generator=generator) * 2 * jitter.warp
    grid = grid + F.interpolate(flow, (side, side), mode="bicubic").permute(0, 2, 3, 1)
    moved = F.grid_sample(crops, grid, padding_mode="border", align_corners=False)
    exponent = torch.exp(uniform(n, 1, 1, 1) * jitter.gamma)
    toned = moved.clamp(1e-3, 1) ** exponent
    return _erase(toned, jitter.erase, uniform)


def _erase(crops: Tensor, probability: float, uniform: Uniform) -> Tensor:
    """Grey out one rectangle in some crops, as a hand, a hat or a beam of light would."""
    n, side = len(crops), crops.shape[-1]
    centre = uniform(n, 2, low=0.0)
    half = uniform(n, 2, low=0.05, high=0.2)
    line = (torch.arange(side) + 0.5) / side
    inside_x = (line - centre[:, :1]).abs() < half[:, :1]
    inside_y = (line - centre[:, 1:]).abs() < half[:, 1:]
    chosen = uniform(n, low=0.0) < probability
    mask = inside_y[:, :, None] & inside_x[:, None, :] & chosen[:, None, None]
    return torch.where(mask[:, None], uniform(n, 1, 1, 1, low=0.0), crops)
