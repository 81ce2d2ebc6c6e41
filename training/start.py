"""Beyond the paper: a closed-form start for the head of Ec (`Config.start`).

The front end's energies are strongly correlated, and a head learnt from nothing spends most of a
short run finding that out. Whitening what differs within a person and keeping the directions that
vary most between people (linear discriminant analysis, Fukunaga 1990, ch. 10) needs one pass over
some thousand views and no cross-modal pair: 'within' is a photo against a rendering of the person,
and a real image against another view of itself. Where two modalities show the same people in no
known order, pairs can be guessed with what has been found so far, and the head be found again.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from faces.modality import Modality
from training.batches import contrast_batch
from training.data import Pool
from training.material import Material
from training.networks import CONTENT, ContentEncoder
from training.processes import Rank
from training.pseudo_pairs import mutual_neighbours
from training.state import State

RIDGE = 2.0
"""Times the mean of the within-person variances, added to each."""
DAMPING = 0.25
"""Each discriminant is scaled by its ratio of variances to minus this power."""
RENDERED_SHARE = 0.7
"""Of the within-person covariance; the rest is a real image against another view of itself."""
PAIRED_SHARE = 0.6
"""Of the within-person covariance, once pairs have been guessed."""
ITERATIONS = 8
OTHER_WEIGHTS = 0.0
"""What is left of the random weights of the convolutional stages: they start from silence."""
BATCH = 128


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What the views of a run show, in standard deviations of each energy.

    `within` and `total` are (d, d) covariances; `groups` maps a word of `Source.same_people` to the
    centred energies of the photos and of the other modality's images of these people.
    """

    within: Tensor
    total: Tensor
    groups: dict[str, tuple[Tensor, Tensor]]


@torch.no_grad()
def discriminant_start(state: State, material: Material) -> dict[str, int]:
    """Set the head of a shared Ec with front end; weights and norm of nothing else change.

    Returns:
        How many pairs were guessed in each group of the same people; empty where none was to be.
    """
    encoder = state.model.content_encoders[0]
    assert isinstance(encoder, ContentEncoder)  # noqa: S101 (narrows nn.Module)
    whole = replace(state, rank=Rank())  # every process computes the same start
    seen = _look(encoder, whole, material)
    projection = discriminants(seen.within, seen.total, CONTENT)
    found: dict[str, int] = {}
    for _ in range(state.config.start.pseudo_pair_rounds):
        within, found = _with_guessed_pairs(seen, projection)
        projection = discriminants(within, seen.total, CONTENT)
    encoder.head.weight[:CONTENT] *= OTHER_WEIGHTS
    encoder.head.weight[:CONTENT, : len(projection)] = projection.T
    encoder.head.bias[:CONTENT] = 0
    state.average.load_state_dict(state.model.state_dict())
    return found


def discriminants(within: Tensor, total: Tensor, count: int) -> Tensor:
    """Directions of much variance in all for little within a person.

    Args:
        within: (d, d) covariance of what differs between two views of one person, halved.
        total: (d, d) covariance of the views of all people.

    Returns:
        (d, count) projection after which the variance of every coordinate is its ratio of
        variances to the power 1 - 2 DAMPING.
    """
    noise = within.clone()
    noise.diagonal().add_(RIDGE * noise.diagonal().mean())
    lower = torch.linalg.cholesky(noise)
    half = torch.linalg.solve_triangular(lower, total, upper=False)
    ratio = torch.linalg.solve_triangular(lower, half.T.contiguous(), upper=False)
    values, vectors = _leading(ratio, count)
    projection: Tensor = torch.linalg.solve_triangular(lower.T, vectors, upper=True)
    return projection * values**-DAMPING


def covariance(rows: Tensor) -> Tensor:
    """(n, d) centred rows -> (d, d)."""
    return rows.T @ rows / len(rows)


def _leading(symmetric: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Largest eigenvalues and their vectors by subspace iteration; the last few are approximate."""
    generator = torch.Generator().manual_seed(0)
    size = min(len(symmetric), count + count // 4)
    basis = torch.linalg.qr(torch.randn(len(symmetric), size, generator=generator)).Q
    for _ in range(ITERATIONS):
        basis = torch.linalg.qr(symmetric @ basis).Q
    values, rotation = torch.linalg.eigh(basis.T @ symmetric @ basis)
    return values[-count:].clamp(min=1e-8), (basis @ rotation)[:, -count:]


def _with_guessed_pairs(seen: _Seen, projection: Tensor) -> tuple[Tensor, dict[str, int]]:
    gaps: list[Tensor] = []
    found: dict[str, int] = {}
    for group, (photos, others) in seen.groups.items():
        first, second = mutual_neighbours(photos @ projection, others @ projection)
        gaps.append(photos[first] - others[second])
        found[group] = len(first)
    if not sum(found.values()):
        return seen.within, found
    paired = covariance(torch.cat(gaps)) / 2
    return PAIRED_SHARE * paired + (1 - PAIRED_SHARE) * seen.within, found


def _look(encoder: ContentEncoder, state: State, material: Material) -> _Seen:
    """Draw some batches of the run; sets the norm of the energies on the way."""
    rendered, own, by_domain = _views(encoder, state, material)
    size = rendered.shape[1]
    scale = torch.stack([features.std(0) for features in by_domain.values()]).mean(0) + 1e-6
    for domain, features in by_domain.items():
        encoder.norm.mean[domain, :size] = features.mean(0)
        encoder.norm.variance[domain, :size] = scale**2
    within = covariance(rendered / scale) / 2
    if len(own):
        within = RENDERED_SHARE * within + (1 - RENDERED_SHARE) * covariance(own / scale) / 2
    centred = ((features - features.mean(0)) / scale for features in by_domain.values())
    total = torch.stack([covariance(features) for features in centred]).mean(0)
    rounds = state.config.start.pseudo_pair_rounds
    return _Seen(within, total, _groups(encoder, material, scale) if rounds else {})


def _views(
    encoder: ContentEncoder, state: State, material: Material
) -> tuple[Tensor, Tensor, dict[int, Tensor]]:
    """Gaps of photo and rendering, gaps of two views of a real image, all energies by domain."""
    rendered_gaps: list[Tensor] = []
    own_gaps: list[Tensor] = []
    by_domain: dict[int, list[Tensor]] = {}
    for _ in range(state.config.start.batches):
        batch = contrast_batch(state, material)
        photos = _energies(encoder, batch.photos)
        rendered = _energies(encoder, batch.renderings)
        by_domain.setdefault(0, []).append(photos)
        for domain in batch.rendered_as.unique().tolist():
            rows = batch.rendered_as == domain
            by_domain.setdefault(domain, []).append(rendered[rows])
            gap = photos[rows] - rendered[rows]
            rendered_gaps.append(gap - gap.mean(0))
        for domain, (first, second) in batch.real.items():
            views = _energies(encoder, first), _energies(encoder, second)
            by_domain.setdefault(domain, []).extend(views)
            own_gaps.append(views[0] - views[1])
    energies = {domain: torch.cat(parts) for domain, parts in by_domain.items()}
    return torch.cat(rendered_gaps), torch.cat(own_gaps or [photos[:0]]), energies


def _groups(
    encoder: ContentEncoder, material: Material, scale: Tensor
) -> dict[str, tuple[Tensor, Tensor]]:
    """Energies of the people whom VIS and one other modality show, each less its group's mean."""
    vis = material.pools[Modality.VIS]
    others = [pool for modality, pool in material.pools.items() if modality is not Modality.VIS]
    groups: dict[str, tuple[Tensor, Tensor]] = {}
    for pool in others:
        for group in sorted({*vis.groups.tolist()} & {*pool.groups.tolist()} - {""}):
            photos, images = (_centred(encoder, p, group, scale) for p in (vis, pool))
            groups[f"{group}, {pool.modality}"] = photos, images
    return groups


def _centred(encoder: ContentEncoder, pool: Pool, group: str, scale: Tensor) -> Tensor:
    rows = np.flatnonzero(pool.groups == group)
    chunks = np.split(rows, range(BATCH, len(rows), BATCH))
    energies = torch.cat([_energies(encoder, pool.grey(chunk)) for chunk in chunks])
    return (energies - energies.mean(0)) / scale


def _energies(encoder: ContentEncoder, crops: Tensor) -> Tensor:
    assert encoder.front_end is not None  # noqa: S101 (the config checks it)
    device = next(encoder.parameters()).device
    return F.avg_pool2d(encoder.front_end(crops.to(device)), 2).flatten(1).cpu()
