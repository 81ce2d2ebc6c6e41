"""Loss terms of NULL by name; their weights live in the config (DESIGN section 3).

Every function takes tensors and returns a scalar tensor. Which of them count, and how much, is
decided in one place, `training.step`.
"""

from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from training.networks import Gaussian

GanMode = Literal["log", "least_squares", "hinge"]


def l1(a: Tensor, b: Tensor) -> Tensor:
    """Mean absolute difference: L_x, L_c and L_s of the paper."""
    return (a - b).abs().mean()


def kl(posterior: Gaussian, free_bits: float = 0.0) -> Tensor:
    """L_KL to the standard normal, mean per dimension: 1/2 (mu^2 + sigma^2 - 1 - log sigma^2).

    A dimension whose batch mean is below `free_bits` (nats) is not pushed further down
    (Kingma et al. 2016), so that few dimensions collapse.
    """
    mean, log_variance = posterior.mean, posterior.log_variance
    per_dimension = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean(0)
    return per_dimension.clamp(min=free_bits).mean()


def critic(real: Tensor, fake: Tensor, mode: GanMode) -> Tensor:
    """L_GAN as the discriminator minimises it; arguments are logits."""
    if mode == "log":
        return F.softplus(-real).mean() + F.softplus(fake).mean()
    if mode == "least_squares":
        return ((real - 1) ** 2).mean() + (fake**2).mean()
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def adversarial(fake: Tensor, mode: GanMode) -> Tensor:
    """L_GAN as encoders and decoders minimise it (non-saturating, Goodfellow et al. 2014)."""
    if mode == "log":
        return F.softplus(-fake).mean()
    if mode == "least_squares":
        return ((fake - 1) ** 2).mean()
    return -fake.mean()


def info_nce(a: Tensor, b: Tensor, temperature: float, same: Tensor | None = None) -> Tensor:
    """Contrast of matching rows of two (n, d) batches, both ways (Oord et al. 2018; CLIP).

    Args:
        same: (n, n) bool, True where row i and row j show one person though i != j; such pairs
            are left out of the negatives.
    """
    logits = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T / temperature
    if same is not None:
        off_diagonal = same & ~torch.eye(len(a), dtype=torch.bool, device=a.device)
        logits = logits.masked_fill(off_diagonal, -torch.inf)
    target = torch.arange(len(a), device=a.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
