"""Beyond the paper: a closed-form start for the head of Ec (`networks.discriminant_start`).

The front end's energies are strongly correlated, and a head learnt from nothing spends most of a
short run finding that out. Whitening what differs within a person and keeping the directions that
vary most between people (linear discriminant analysis, Fukunaga 1990, ch. 10) needs one pass over
some thousand views and no cross-modal pair: 'within' is a photo against a rendering of the person,
and a real image against another view of itself.
"""

from dataclasses import replace

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from training.batches import contrast_batch
from training.material import Material
from training.networks import CONTENT, ContentEncoder
from training.processes import Rank
from training.state import State

BATCHES = 80
RIDGE = 1.0
"""Times the mean of the within-person variances, added to each."""
ITERATIONS = 8
OTHER_WEIGHTS = 0.0
"""What is left of the random weights of the convolutional stages: they start from silence."""


@torch.no_grad()
def discriminant_start(state: State, material: Material) -> None:
    """Set the head of a shared Ec with front end; weights and norm of nothing else change."""
    encoder = state.model.content_encoders[0]
    assert isinstance(encoder, ContentEncoder)  # noqa: S101 (narrows nn.Module)
    whole = replace(state, rank=Rank())  # every process computes the same start
    within, by_domain = _views(encoder, whole, material)
    size = within.shape[1]
    for domain, features in by_domain.items():
        encoder.norm.mean[domain, :size] = features.mean(0)
        encoder.norm.variance[domain, :size] = features.var(0)
    scale = torch.stack([features.std(0) for features in by_domain.values()]).mean(0) + 1e-6
    spread = torch.cat([(f - f.mean(0)) / scale for f in by_domain.values()])
    projection = discriminants(within / scale, spread, CONTENT)
    encoder.head.weight[:CONTENT] *= OTHER_WEIGHTS
    encoder.head.weight[:CONTENT, :size] = projection.T
    encoder.head.bias[:CONTENT] = 0
    state.average.load_state_dict(state.model.state_dict())


def discriminants(within: Tensor, spread: Tensor, count: int) -> Tensor:
    """Directions of much variance in `spread` for little in `within`.

    Args:
        within: (n, d) differences of two views of one person.
        spread: (m, d) centred views of all people.

    Returns:
        (d, count) projection after which every coordinate of `spread` has variance 1.
    """
    noise = within.T @ within / (2 * len(within))
    total = spread.T @ spread / len(spread)
    noise.diagonal().add_(RIDGE * noise.diagonal().mean())
    lower = torch.linalg.cholesky(noise)
    half = torch.linalg.solve_triangular(lower, total, upper=False)
    ratio = torch.linalg.solve_triangular(lower, half.T.contiguous(), upper=False)
    values, vectors = _leading(ratio, count)
    projection: Tensor = torch.linalg.solve_triangular(lower.T, vectors, upper=True)
    return projection * values.rsqrt()


def _leading(symmetric: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Largest eigenvalues and their vectors by subspace iteration; the last few are approximate."""
    generator = torch.Generator().manual_seed(0)
    size = min(len(symmetric), count + count // 4)
    basis = torch.linalg.qr(torch.randn(len(symmetric), size, generator=generator)).Q
    for _ in range(ITERATIONS):
        basis = torch.linalg.qr(symmetric @ basis).Q
    values, rotation = torch.linalg.eigh(basis.T @ symmetric @ basis)
    return values[-count:].clamp(min=1e-8), (basis @ rotation)[:, -count:]


def _views(
    encoder: ContentEncoder, state: State, material: Material
) -> tuple[Tensor, dict[int, Tensor]]:
    """Differences within a person, and all features by domain, of some batches of the run."""
    differences: list[Tensor] = []
    by_domain: dict[int, list[Tensor]] = {}
    for _ in range(BATCHES):
        batch = contrast_batch(state, material)
        photos = _energies(encoder, batch.photos)
        rendered = _energies(encoder, batch.renderings)
        by_domain.setdefault(0, []).append(photos)
        for domain in batch.rendered_as.unique().tolist():
            rows = batch.rendered_as == domain
            by_domain.setdefault(domain, []).append(rendered[rows])
            gap = photos[rows] - rendered[rows]
            differences.append(gap - gap.mean(0))
        for domain, (first, second) in batch.real.items():
            views = _energies(encoder, first), _energies(encoder, second)
            by_domain.setdefault(domain, []).extend(views)
            differences.append(views[0] - views[1])
    return torch.cat(differences), {d: torch.cat(parts) for d, parts in by_domain.items()}


def _energies(encoder: ContentEncoder, crops: Tensor) -> Tensor:
    assert encoder.front_end is not None  # noqa: S101 (the config checks it)
    return F.avg_pool2d(encoder.front_end(crops), 2).flatten(1).cpu()
