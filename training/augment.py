"""Random moves of crops, on a whole batch at once. Training only: nothing in `faces` is random."""

from dataclasses import dataclass, fields

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


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """All that is random of the views of n crops; every tensor has n rows.

    `similarity` (n, 2, 3) includes the mirror image and the aspect, `flow` (n, 2, 6, 6) is the
    warp, `exponent` (n, 1, 1, 1) the tone; a patch of `centre` and `half` size (n, 2 each) becomes
    `grey` (n, 1, 1, 1) where `erased` (n,).
    """

    similarity: Tensor
    flow: Tensor
    exponent: Tensor
    centre: Tensor
    half: Tensor
    erased: Tensor
    grey: Tensor

    def of(self, rows: slice) -> "Moves":
        """The moves of some rows."""
        return Moves(*(getattr(self, field.name)[rows] for field in fields(self)))


def draw_moves(n: int, jitter: Jitter, generator: torch.Generator) -> Moves:
    """Random moves for n crops."""

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
    return Moves(
        similarity=torch.stack(rows, 1),
        flow=torch.randn(n, 2, 6, 6, generator=generator) * 2 * jitter.warp,
        exponent=torch.exp(uniform(n, 1, 1, 1) * jitter.gamma),
        centre=uniform(n, 2, low=0.0),
        half=uniform(n, 2, low=0.05, high=0.2),
        erased=uniform(n, low=0.0) < jitter.erase,
        grey=uniform(n, 1, 1, 1, low=0.0),
    )


def view(crops: Tensor, moves: Moves) -> Tensor:
    """One view of each crop: mirror, similarity, aspect, smooth warp, tone, patch erased.

    Args:
        crops: (n, 1, h, h) float32 in [0, 1].

    Returns:
        The same shape, in [0, 1].
    """
    n, side = len(crops), crops.shape[-1]
    grid = F.affine_grid(moves.similarity, [n, 1, side, side], align_corners=False)
    grid = grid + F.interpolate(moves.flow, (side, side), mode="bicubic").permute(0, 2, 3, 1)
    moved = F.grid_sample(crops, grid, padding_mode="border", align_corners=False)
    return _erase(moved.clamp(1e-3, 1) ** moves.exponent, moves)


def _erase(crops: Tensor, moves: Moves) -> Tensor:
    """Grey out one rectangle in some crops, as a hand, a hat or a beam of light would."""
    side = crops.shape[-1]
    line = (torch.arange(side) + 0.5) / side
    inside_x = (line - moves.centre[:, :1]).abs() < moves.half[:, :1]
    inside_y = (line - moves.centre[:, 1:]).abs() < moves.half[:, 1:]
    mask = inside_y[:, :, None] & inside_x[:, None, :] & moves.erased[:, None, None]
    return torch.where(mask[:, None], moves.grey, crops)
