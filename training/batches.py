"""Drawing the batches of a run from its pools; nothing here pairs one modality with another."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from faces.modality import Modality
from training.augment import Jitter, view
from training.config import Config
from training.contrast import ContrastBatch
from training.data import NAMELESS
from training.material import Material
from training.state import State

SKETCH_SHARE = 0.8
"""Share of renderings that imitate sketches; the rest imitate NIR, which is the easier step."""


def unpaired_batch(state: State, material: Material) -> list[Tensor]:
    """(batch, 1, 128, 128) views a domain, each drawn by itself.

    A domain without real training images (NIR here) is stood in for by renderings of VIS photos
    that are drawn independently of the VIS batch.
    """
    return [
        view(_real_or_rendered(state, material, domain), Jitter(), state.views).to(state.device)
        for domain in material.domains
    ]


def contrast_batch(state: State, material: Material) -> ContrastBatch:
    """Photos with their renderings, and two views each of real images of other domains."""
    config, rng = state.config, state.draws
    vis = material.pools[Modality.VIS]
    count = config.contrast_batch
    rows = vis.draw(count, rng)
    shown = np.array([_another(row, material, config, rng) for row in rows])
    modalities = [m for m in (Modality.SKETCH, Modality.NIR) if m in material.renderings]
    picked = _split(len(rows), len(modalities))
    drawn = np.stack(
        [
            _rendering(material, modalities[m], row, rng)
            for m, row in zip(picked, shown, strict=True)
        ]
    )
    domains = np.array([material.domains.index(m) for m in modalities])
    people = np.where(vis.people[rows] == NAMELESS, -1 - rows, vis.people[rows])
    return ContrastBatch(
        photos=view(vis.grey(rows), Jitter(), state.views).to(state.device),
        renderings=view(as_batch(drawn), Jitter(), state.views).to(state.device),
        rendered_as=torch.from_numpy(domains[picked]).to(state.device),
        people=torch.from_numpy(people).to(state.device),
        real=_two_views(state, material),
    )


def _split(rows: int, modalities: int) -> NDArray[np.int64]:
    """Which modality each row is rendered in: fixed shares, since a norm needs two rows or more."""
    picked = np.zeros(rows, dtype=np.int64)
    if modalities > 1:
        picked[: max(2, round((1 - SKETCH_SHARE) * rows))] = 1
    return picked


def as_batch(crops: NDArray[np.uint8]) -> Tensor:
    """(n, 128, 128) uint8 -> (n, 1, 128, 128) float32 in [0, 1]."""
    return torch.from_numpy(np.asarray(crops)[:, None].astype(np.float32) / np.float32(255))


def _real_or_rendered(state: State, material: Material, domain: Modality) -> Tensor:
    pool = material.pools.get(domain)
    if pool is not None:
        return pool.grey(pool.draw(state.config.batch, state.draws))
    rows = material.pools[Modality.VIS].draw(state.config.batch, state.draws)
    return as_batch(np.stack([_rendering(material, domain, row, state.draws) for row in rows]))


def _rendering(
    material: Material, modality: Modality, row: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    drawn = material.renderings[modality][row]
    chosen: NDArray[np.uint8] = drawn[rng.integers(len(drawn))]
    return chosen


def _another(row: int, material: Material, config: Config, rng: np.random.Generator) -> int:
    if rng.random() >= config.loss.same_person:
        return row
    return int(rng.choice(material.mates[row]))


def _two_views(state: State, material: Material) -> dict[int, tuple[Tensor, Tensor]]:
    if not state.config.loss.weights.own_contrast:
        return {}
    views: dict[int, tuple[Tensor, Tensor]] = {}
    for number, domain in enumerate(material.domains):
        if domain is Modality.VIS or domain not in material.pools:
            continue
        pool = material.pools[domain]
        crops = pool.grey(pool.draw(state.config.batch, state.draws))
        first, second = (view(crops, Jitter(), state.views).to(state.device) for _ in range(2))
        views[number] = (first, second)
    return views
