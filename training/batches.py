"""Drawing the batches of a run from its pools; nothing here pairs one modality with another."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from faces.modality import Modality
from training.augment import Jitter, draw_moves, view
from training.config import Config
from training.contrast import ContrastBatch
from training.data import NAMELESS
from training.material import Material
from training.networks import CONTENT, STYLE
from training.state import State

Files = dict[str, list[str]]
"""Names of images by domain."""

SKETCH_SHARE = 0.8
"""Share of renderings that imitate sketches; the rest imitate NIR, which is the easier step."""


@dataclass(frozen=True, slots=True, eq=False)
class UnpairedBatch:
    """This process's rows of a batch, by domain.

    `images` are (n, 1, 128, 128) views, each domain drawn by itself; `noise` (n, 256 + 32) draws c
    and s from their posteriors; `files` names the images of the whole batch, for a report.
    """

    images: list[Tensor]
    noise: list[Tensor]
    files: Files

    def of(self, rows: slice) -> "UnpairedBatch":
        """Some rows of every domain."""
        images, noise = [x[rows] for x in self.images], [x[rows] for x in self.noise]
        return replace(self, images=images, noise=noise)


def unpaired_batch(state: State, material: Material) -> UnpairedBatch:
    """Views of every domain, each drawn by itself.

    A domain without real training images (NIR here) is stood in for by renderings of VIS photos
    that are drawn independently of the VIS batch.
    """
    batch = UnpairedBatch([], [], {})
    for domain in material.domains:
        source = material.pools.get(domain) or material.pools[Modality.VIS]
        rows = source.draw(state.config.batch, state.draws)
        own = rows[state.rank.rows]
        if domain in material.pools:
            crops = source.grey(own)
        else:
            crops = as_batch(_renderings(material, domain, rows, state.draws)[state.rank.rows])
        batch.images.append(_view(state, crops, len(rows)))
        noise = torch.randn(len(rows), CONTENT + STYLE, generator=state.views)
        batch.noise.append(noise[state.rank.rows].to(state.device))
        batch.files[domain] = [source.files[row] for row in rows]
    return batch


def contrast_batch(state: State, material: Material) -> ContrastBatch:
    """Photos with their renderings, and two views each of real images of other domains."""
    config, rng, own = state.config, state.draws, state.rank.rows
    vis = material.pools[Modality.VIS]
    rows = vis.draw(config.contrast_batch, rng)
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
        photos=_view(state, vis.grey(rows[own]), len(rows)),
        renderings=_view(state, as_batch(drawn[own]), len(rows)),
        rendered_as=torch.from_numpy(domains[picked][own]).to(state.device),
        people=torch.from_numpy(people[own]).to(state.device),
        real=_two_views(state, material),
    )


def _view(state: State, crops: Tensor, count: int) -> Tensor:
    """Views of this process's crops, of `count` in the whole batch."""
    moves = draw_moves(count, Jitter(), state.views)
    return view(crops, moves.of(state.rank.rows)).to(state.device)


def _split(rows: int, modalities: int) -> NDArray[np.int64]:
    """Which modality each row is rendered in: fixed shares, since a norm needs two rows or more."""
    picked = np.zeros(rows, dtype=np.int64)
    if modalities > 1:
        picked[: max(2, round((1 - SKETCH_SHARE) * rows))] = 1
    return picked


def as_batch(crops: NDArray[np.uint8]) -> Tensor:
    """(n, 128, 128) uint8 -> (n, 1, 128, 128) float32 in [0, 1]."""
    return torch.from_numpy(np.asarray(crops)[:, None].astype(np.float32) / np.float32(255))


def _renderings(
    material: Material, modality: Modality, rows: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.uint8]:
    return np.stack([_rendering(material, modality, row, rng) for row in rows])


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
        rows = pool.draw(state.config.batch, state.draws)
        crops = pool.grey(rows[state.rank.rows])
        views[number] = (_view(state, crops, len(rows)), _view(state, crops, len(rows)))
    return views
