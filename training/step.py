"""One step of NULL: which terms are computed on a batch, and how they are added up.

The critic's half and the encoders' half are two functions; neither touches the other's weights.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from training import losses
from training.config import Config, Weights
from training.model import Critics, Null
from training.networks import CONTENT, Gaussian, still

Terms = dict[str, Tensor]
Swap = tuple[int, int]
"""(j, i): the content of domain j decoded in the style of domain i, x_{j->i} of the paper."""


@dataclass(frozen=True, slots=True, eq=False)
class Translations:
    """All that D makes of one unpaired batch.

    `content` and `style` are the posteriors by domain, `targets` the images at the decoders' size,
    `own` the self reconstructions x_ii, `swapped` the translations x_{j->i}.
    """

    content: list[Gaussian]
    style: list[Gaussian]
    targets: list[Tensor]
    own: list[Tensor]
    swapped: dict[Swap, Tensor]
    codes: list[Tensor]
    style_codes: list[Tensor]


def translate(
    model: Null, batch: Sequence[Tensor], noise: Sequence[Tensor] | None, *, image_size: int
) -> Translations:
    """Encode an unpaired batch and decode it, each image in its own and in the other styles.

    Args:
        batch: one (n, 1, 128, 128) tensor a domain, drawn independently; the hub (VIS) first.
        noise: (n, 256 + 32) a domain, to draw c and s from their posteriors (the VAE); without
            it their means are taken.
    """
    targets = [_shrink(crops, image_size) for crops in batch]
    content = [model.content(crops, i) for i, crops in enumerate(batch)]
    style = [model.style(images, i) for i, images in enumerate(targets)]
    codes, style_codes = [c.mean for c in content], [s.mean for s in style]
    if noise is not None:
        codes = [c.sample(e[:, :CONTENT]) for c, e in zip(content, noise, strict=True)]
        style_codes = [s.sample(e[:, CONTENT:]) for s, e in zip(style, noise, strict=True)]
    own = [model.decode(c, s, i) for i, (c, s) in enumerate(zip(codes, style_codes, strict=True))]
    swapped = {(j, i): model.decode(codes[j], style_codes[i], i) for j, i in swaps(len(batch))}
    return Translations(content, style, targets, own, swapped, codes, style_codes)


def swaps(domains: int) -> list[Swap]:
    """Every translation from the hub (domain 0) and to it."""
    return [swap for other in range(1, domains) for swap in ((0, other), (other, 0))]


def encoder_terms(model: Null, critics: Critics, made: Translations, config: Config) -> Terms:
    """The terms that encoders and decoders minimise; only those of non-zero weight."""
    weights, loss = config.loss.weights, config.loss
    terms: Terms = {}
    if weights.x:
        terms["x"] = _mean(losses.l1(a, b) for a, b in zip(made.own, made.targets, strict=True))
    if weights.c:
        with still(model):  # only real images are matched later
            terms["c"] = _mean(
                losses.l1(_content_again(model, image, i), made.content[j].mean.detach())
                for (j, i), image in made.swapped.items()
            )
    if weights.s:
        terms["s"] = _mean(
            losses.l1(model.style(image, i).mean, made.style[i].mean.detach())
            for (_, i), image in made.swapped.items()
        )
    if weights.kl:
        terms["kl"] = _mean(
            losses.kl(posterior, loss.free_bits) for posterior in (*made.content, *made.style)
        )
    if weights.gan:
        with frozen(critics):
            terms["gan"] = _mean(
                losses.adversarial(critics.of[i](image), loss.gan_mode)
                for (_, i), image in made.swapped.items()
            )
    return terms


def critic_loss(critics: Critics, made: Translations, config: Config) -> Tensor:
    """L_GAN for the discriminators, mean over translations; no gradient reaches the encoders."""
    return _mean(
        losses.critic(
            critics.of[i](made.targets[i]), critics.of[i](image.detach()), config.loss.gan_mode
        )
        for (_, i), image in made.swapped.items()
    )


def total(terms: Terms, weights: Weights, kl_share: float) -> Tensor:
    """Sum of lambda times term; `kl_share` in [0, 1] warms L_KL up from nothing."""
    factors = weights.model_dump() | {"kl": weights.kl * kl_share}
    return torch.stack([factors[name] * term for name, term in terms.items()]).sum()


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Let gradients pass through `module` without reaching its weights."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)


def _mean(values: Iterator[Tensor]) -> Tensor:
    return torch.stack(list(values)).mean()


def _shrink(crops: Tensor, image_size: int) -> Tensor:
    return F.avg_pool2d(crops, crops.shape[-1] // image_size)


def _content_again(model: Null, image: Tensor, domain: int) -> Tensor:
    """Mean of c of a decoder's image, grown where the front end wants the size of a crop."""
    if model.front_end:
        image = F.interpolate(image, size=(128, 128), mode="bilinear", align_corners=False)
    return model.content(image, domain).mean
