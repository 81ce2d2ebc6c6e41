"""The four networks of NULL: content encoder Ec, style encoder Es, decoder D, discriminator Dis.

DESIGN section 3 and the NULL paper's section on architecture; where the paper is silent or
misprinted, the comment says what was chosen and why.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from training import processes
from training.frontend import CELLS, CHANNELS, FrontEnd, front_end

CONTENT = 256
STYLE = 32
MOMENTUM = 0.05
"""Share of a batch in the running statistics of norms."""
EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class Gaussian:
    """A diagonal Gaussian posterior; both tensors are (n, d)."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """Reparameterised draw from standard normal noise (Kingma and Welling 2014)."""
        return self.mean + noise * torch.exp(0.5 * self.log_variance)


class DomainNorm(nn.Module):
    """Batch normalisation with statistics per domain and one affine map for all.

    With unshared statistics each domain's features are centred alike, which a shared encoder
    needs to treat a sketch and a photo as the same thing (DESIGN section 3). While `moves` is
    False, a batch is normalised by itself and leaves no trace in the running statistics.
    """

    mean: Tensor
    variance: Tensor
    moves = True

    def __init__(self, channels: int, domains: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(domains, channels))
        self.register_buffer("variance", torch.ones(domains, channels))

    def forward(self, x: Tensor, domain: int | Tensor) -> Tensor:
        """Normalise (n, channels, h, w) or (n, channels) features of one domain."""
        mean, variance = self.mean[domain], self.variance[domain]
        if self.training and not processes.several():
            kept = mean if self.moves else None, variance if self.moves else None
            return F.batch_norm(
                x, kept[0], kept[1], self.weight, self.bias, True, MOMENTUM, EPSILON
            )
        if self.training:
            mean, variance = self._of_all_processes(x, domain)
        scale = self.weight * torch.rsqrt(variance + EPSILON)
        shift = self.bias - mean * scale
        broadcast = (-1,) + (1,) * (x.dim() - 2)
        return x * scale.view(broadcast) + shift.view(broadcast)

    def _of_all_processes(self, x: Tensor, domain: int | Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of the whole batch, of which this process holds a share."""
        over = (0, *range(2, x.dim()))
        wide = x.float()
        mean, square = processes.mean(torch.stack([wide.mean(over), (wide * wide).mean(over)]))
        variance = (square - mean * mean).clamp(min=0)
        if self.moves:
            count = x.numel() // x.shape[1] * dist.get_world_size()
            with torch.no_grad():
                self.mean[domain].lerp_(mean, MOMENTUM)
                self.variance[domain].lerp_(variance * count / (count - 1), MOMENTUM)
        return mean, variance


@contextmanager
def still(module: nn.Module) -> Iterator[None]:
    """Keep the running statistics inside `module` as they are, however it is called."""
    norms = [part for part in module.modules() if isinstance(part, DomainNorm)]
    for norm in norms:
        norm.moves = False
    try:
        yield
    finally:
        for norm in norms:
            norm.moves = True


class MaxFeatureMap(nn.Module):
    """Convolution, norm, and the maximum of two channel halves (Wu et al. 2018, LightCNN)."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, domains: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, 2 * outputs, kernel, stride, kernel // 2, bias=False)
        self.norm = DomainNorm(2 * outputs, domains)

    def forward(self, x: Tensor, domain: int | Tensor) -> Tensor:
        """(n, inputs, h, w) -> (n, outputs, h / stride, w / stride)."""
        first, second = self.norm(self.conv(x), domain).chunk(2, dim=1)
        return torch.maximum(first, second)


class Stage(nn.ModuleList):
    """Convolutions between two max-pools."""

    def forward(self, x: Tensor, condition: int | Tensor) -> Tensor:
        """Apply each layer; `condition` is what all of them take beside x (a domain, a style)."""
        for layer in self:
            x = layer(x, condition)
        return x


class ContentEncoder(nn.Module):
    """Ec: nine convolutions, three max-pools, one fully connected layer over every stage.

    Without the front end the first convolution is 5 x 5 with stride 2; with it the energies come
    at 32 x 32 already and the first convolution is 3 x 3 with stride 1, and the energies are a
    stage of their own in the multi-scale aggregation.
    """

    def __init__(
        self, *, width: float, domains: int, energies: FrontEnd | None, image_size: int
    ) -> None:
        super().__init__()
        channels = [round(width * c) for c in (48, 96, 128, 192)]
        self.image_size = image_size
        self.front_end = front_end(energies) if energies else None
        first = (
            MaxFeatureMap(CHANNELS, channels[0], 3, domains)
            if energies
            else MaxFeatureMap(1, channels[0], 5, domains, stride=2)
        )
        one, two, three, four = channels
        self.stages = nn.ModuleList(
            [
                Stage([first]),
                Stage([MaxFeatureMap(one, one, 1, domains), MaxFeatureMap(one, two, 3, domains)]),
                Stage([MaxFeatureMap(two, two, 1, domains), MaxFeatureMap(two, three, 3, domains)]),
                Stage(
                    [
                        MaxFeatureMap(three, three, 1, domains),
                        MaxFeatureMap(three, four, 3, domains),
                        MaxFeatureMap(four, four, 1, domains),
                        MaxFeatureMap(four, four, 3, domains),
                    ]
                ),
            ]
        )
        features = sum(c * 25 for c in channels)
        if energies:
            features += CHANNELS * (CELLS // 2) ** 2
        self.norm = DomainNorm(features, domains)
        self.head = nn.Linear(features, 2 * CONTENT)

    def forward(self, grey: Tensor, domain: int | Tensor) -> Gaussian:
        """(n, 1, 128, 128) grey in [0, 1], or a decoder's size without front end -> q(c|x)."""
        pooled = []
        if self.front_end is not None:
            x = self.front_end(grey)
            pooled.append(F.avg_pool2d(x, 2).flatten(1))
        else:
            x = F.avg_pool2d(grey, int(grey.shape[-1]) // self.image_size) * 2 - 1
        for number, stage in enumerate(self.stages):
            if number:
                x = F.max_pool2d(x, 2)
            x = stage(x, domain)
            pooled.append(_to_5x5(x).flatten(1))
        mean, log_variance = self.head(self.norm(torch.cat(pooled, 1), domain)).chunk(2, dim=1)
        return Gaussian(mean, log_variance.clamp(-8, 4))


def _to_5x5(x: Tensor) -> Tensor:
    """Average to 5 x 5 cells; resampled first where the side is no multiple of five.

    `adaptive_avg_pool2d` cannot be exported for such sides.
    """
    cells = 5
    side = int(x.shape[-1])
    if side % cells:
        multiple = max(cells, cells * round(side / cells))
        x = F.interpolate(x, size=(multiple, multiple), mode="bilinear", align_corners=False)
    return F.avg_pool2d(x, int(x.shape[-1]) // cells)


class StyleEncoder(nn.Module):
    """Es: three convolutions and one max-pool, no normalisation (it would erase style)."""

    def __init__(self, *, width: float) -> None:
        super().__init__()
        channels = [round(width * c) for c in (32, 64, 128)]
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, channels[0], 5, 2, 2),
            nn.LeakyReLU(0.2),
            nn.MaxPool2d(2),
            nn.Conv2d(channels[0], channels[1], 3, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(channels[1], channels[2], 3, 2, 1),
            nn.LeakyReLU(0.2),
        )
        self.head = nn.Linear(channels[2], 2 * STYLE)

    def forward(self, image: Tensor) -> Gaussian:
        """(n, 1, h, w) grey in [0, 1] -> posterior of s; position is averaged away."""
        features = self.convolutions(image * 2 - 1).mean((2, 3))
        mean, log_variance = self.head(features).chunk(2, dim=1)
        return Gaussian(mean, log_variance.clamp(-8, 4))


class AdaptiveConvolution(nn.Module):
    """3 x 3 convolution whose instance-normalised output is scaled and shifted by s.

    AdaIN (Huang and Belongie 2017): s is not concatenated to c, so less identity leaks into it.
    With `upsample` the input is doubled (nearest neighbour) first.
    """

    def __init__(self, inputs: int, outputs: int, *, upsample: bool = False) -> None:
        super().__init__()
        self.upsample = upsample
        self.conv = nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False)
        self.film = nn.Linear(STYLE, 2 * outputs)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(n, inputs, h, w) and (n, 32) -> (n, outputs, h, w), or 2h and 2w with `upsample`."""
        scale, shift = self.film(style)[:, :, None, None].chunk(2, dim=1)
        x = doubled_convolution(x, self.conv.weight) if self.upsample else self.conv(x)
        return F.leaky_relu(torch.addcmul(shift, F.instance_norm(x), 1 + scale), 0.2)


def doubled_convolution(x: Tensor, weight: Tensor) -> Tensor:
    """A 3 x 3 convolution of x doubled by nearest neighbour, without making the doubled x.

    Neighbours that are copies of one pixel share the sum of their weights, so it equals a
    transposed convolution of stride 2 with these sums: 4/9 of the multiplications.
    """
    flipped = weight.flip(2, 3).transpose(0, 1)
    pairs = torch.ones(1, 1, 2, 2, dtype=weight.dtype, device=weight.device)
    sums = F.conv2d(flipped.reshape(-1, 1, 3, 3), pairs, padding=1)
    return F.conv_transpose2d(x, sums.unflatten(0, flipped.shape[:2]).squeeze(2), None, 2, 1)


class Decoder(nn.Module):
    """D: nine convolutions and three up-samplings (the paper prints 'max-pooling' here)."""

    def __init__(self, *, width: float, image_size: int) -> None:
        super().__init__()
        channels = [round(width * c) for c in (192, 128, 96, 48)]
        self.side = image_size // 8
        self.first = channels[0]
        self.head = nn.Linear(CONTENT, channels[0] * self.side**2)
        before = [channels[0], *channels[:3]]
        self.blocks = nn.ModuleList(
            Stage([AdaptiveConvolution(a, b, upsample=number > 0), AdaptiveConvolution(b, b)])
            for number, (a, b) in enumerate(zip(before, channels, strict=True))
        )
        self.grey = nn.Conv2d(channels[3], 1, 3, 1, 1)

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        """(n, 256) and (n, 32) -> (n, 1, image_size, image_size) grey in (0, 1)."""
        x = self.head(content).unflatten(1, (self.first, self.side, self.side))
        for block in self.blocks:
            x = block(x, style)
        return torch.sigmoid(self.grey(x))


class Discriminator(nn.Module):
    """Dis: four strided convolutions to a map of real/translated logits (patches)."""

    def __init__(self, *, width: float, spectral: bool) -> None:
        super().__init__()
        channels = [1, *(round(width * c) for c in (32, 64, 128, 128))]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(channels):
            layers += [
                _maybe_spectral(nn.Conv2d(inputs, outputs, 4, 2, 1), spectral),
                nn.LeakyReLU(0.2),
            ]
        layers.append(_maybe_spectral(nn.Conv2d(channels[-1], 1, 1), spectral))
        self.layers = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> Tensor:
        """(n, 1, h, w) grey in [0, 1] -> (n, 1, h / 16, w / 16) logits, high for real."""
        logits: Tensor = self.layers(image * 2 - 1)
        return logits


def _maybe_spectral(layer: nn.Module, spectral: bool) -> nn.Module:
    return spectral_norm(layer) if spectral else layer
