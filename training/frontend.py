"""The local-structure front ends: fixed oriented energies, nothing learnt.

Beyond the paper, so a switch. A photo, an NIR frame and a sketch of one face differ in grey level
far more than in where their edges lie and how those are oriented; these maps keep the latter.
Both give (n, 16, 32, 32): 8 directions at two scales.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own convention)
from torch import Tensor, nn

DIRECTIONS = 8
SCALES = (0.8, 1.8)
"""Gaussian sigma of each scale, in pixels of a 128 x 128 crop."""
CHANNELS = DIRECTIONS * len(SCALES)
CELLS = 32
WAVELENGTH = 4.5
"""Of the quadrature pairs, in pixels of the crop; twice that at half its size."""
BANDWIDTH = 0.6
"""Gaussian sigma over wavelength. 0.4 cost 6 points of rank-1, 0.75 cost 2 (docs/science.md)."""
DARKEST = 1e-3
"""Added before the square root, whose slope at black would have no bound."""
FrontEnd = Literal["gradient", "quadrature"]


class OrientedEnergies(nn.Module):
    """(n, 1, 128, 128) grey -> (n, 16, 32, 32) block-normalised gradient energies.

    As HOG (Dalal and Triggs 2005) without its hard bins: the energy of direction t at a pixel is
    |grad| * relu(cos 2(phi - t))^2, so dark-to-light and light-to-dark count alike; energies are
    taken at every second pixel (a quarter of the work, no rank lost), averaged over overlapping
    8 x 8 windows every 4 pixels and divided by the root mean square of
    their neighbourhood (L2-Hys).
    """

    kernels: Tensor
    cosines: Tensor
    sines: Tensor

    def __init__(self) -> None:
        super().__init__()
        kernels = torch.stack([_derivatives(sigma) for sigma in SCALES]).flatten(0, 1)
        self.register_buffer("kernels", kernels, persistent=False)
        angles = torch.arange(DIRECTIONS) * (math.pi / DIRECTIONS)
        self.register_buffer(
            "cosines", torch.cos(2 * angles)[None, None, :, None, None], persistent=False
        )
        self.register_buffer(
            "sines", torch.sin(2 * angles)[None, None, :, None, None], persistent=False
        )

    def forward(self, grey: Tensor) -> Tensor:
        """See the class."""
        radius = self.kernels.shape[-1] // 2
        padded = F.pad(grey, (radius,) * 4, mode="replicate")
        gradients = F.conv2d(padded, self.kernels, stride=2).unflatten(1, (len(SCALES), 2))
        dx, dy = gradients[:, :, :1], gradients[:, :, 1:]
        squared = dx * dx + dy * dy + 1e-8
        double_cosine = (dx * dx - dy * dy) / squared
        double_sine = 2 * dx * dy / squared
        tuned = F.relu(double_cosine * self.cosines + double_sine * self.sines)
        energies = (squared.sqrt() * tuned * tuned).flatten(1, 2)
        pooled = F.avg_pool2d(F.pad(energies, (1, 1, 1, 1)), 4, 2)
        return _normalise_blocks(pooled, block=5)


class QuadratureEnergies(nn.Module):
    """(n, 1, 128, 128) grey -> (n, 16, 32, 32) block-normalised energies of quadrature pairs.

    An artist draws one line where a photo has one edge. A gradient answers twice to the line, once
    on each flank, but once to the edge; the energy of an even and an odd filter (Morrone and Owens
    1987; complex Gabor filters, Daugman 1985) answers once to both, and in the same place. One bank
    of filters is applied to the crop and to the crop at half its size, an octave apart. They see
    the square root of the grey level, so that an edge in the dark counts for more.
    """

    bank: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("bank", _quadrature_pairs(), persistent=False)

    def forward(self, grey: Tensor) -> Tensor:
        """See the class."""
        tone = (grey + DARKEST).sqrt()
        octaves = [self._energies(tone, stride=2), self._energies(F.avg_pool2d(tone, 2), stride=1)]
        energies = torch.cat(octaves, 1)
        pooled = F.avg_pool2d(F.pad(energies, (1, 1, 1, 1), mode="replicate"), 4, 2)
        return _normalise_blocks(pooled, block=3)

    def _energies(self, grey: Tensor, stride: int) -> Tensor:
        radius = self.bank.shape[-1] // 2
        padded = F.pad(grey, (radius,) * 4, mode="replicate")
        even, odd = F.conv2d(padded, self.bank, stride=stride).chunk(2, dim=1)
        return (even * even + odd * odd + 1e-8).sqrt()


def _quadrature_pairs() -> Tensor:
    """(16, 1, k, k): even filters of 8 directions, then the odd ones, each of unit norm."""
    deviation = BANDWIDTH * WAVELENGTH
    radius = math.ceil(2.6 * deviation)
    axis = torch.arange(-radius, radius + 1, dtype=torch.float32)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    window = torch.exp(-(x * x + y * y) / (2 * deviation**2))
    angles = torch.arange(DIRECTIONS)[:, None, None] * (math.pi / DIRECTIONS)
    phase = (x * torch.cos(angles) + y * torch.sin(angles)) * (2 * math.pi / WAVELENGTH)
    even = window * torch.cos(phase)
    even = even - window * (even.sum((1, 2), keepdim=True) / window.sum())
    filters = torch.cat([even, window * torch.sin(phase)])
    return (filters / filters.square().sum((1, 2), keepdim=True).sqrt())[:, None]


def _derivatives(sigma: float) -> Tensor:
    """(2, 1, 9, 9): x and y derivatives of a Gaussian."""
    radius = 4
    axis = torch.arange(-radius, radius + 1, dtype=torch.float32)
    gauss = torch.exp(-axis * axis / (2 * sigma * sigma))
    gauss = gauss / gauss.sum()
    slope = axis * gauss
    slope = slope / (slope * axis).sum()
    return torch.stack([torch.outer(gauss, slope), torch.outer(slope, gauss)])[:, None]


def front_end(kind: FrontEnd) -> nn.Module:
    """The module of a front end by its name in the config."""
    return OrientedEnergies() if kind == "gradient" else QuadratureEnergies()


def _normalise_blocks(energies: Tensor, block: int) -> Tensor:
    """Divide by the energy of the `block` x `block` cells around, by scale; clip as L2-Hys does."""
    scales = energies.unflatten(1, (len(SCALES), DIRECTIONS))
    power = (scales * scales).sum(2)
    around = F.avg_pool2d(power, block, 1, block // 2, count_include_pad=False)
    floor = 0.02
    normalised: Tensor = scales / (around[:, :, None].sqrt() + floor)
    return normalised.clamp(max=1.5).flatten(1, 2)
