"""Batches of training inputs with what the network should say; batch n is always the same."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from training.locator.album import Album
from training.locator.canvas import Canvas, close_up, draw_odds, scene
from training.locator.targets import targets


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """`images` (n, 1, side, side) in [0, 1]; `kinds` (n, cells), `points` (n, cells, 5, 2) and
    `sides` (n, cells) as `training.locator.targets` explains.
    """

    images: Tensor
    kinds: Tensor
    points: Tensor
    sides: Tensor


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many scenes and close-ups one step sees, and the sides of their canvases."""

    scenes: int = 10
    scene_side: int = 256
    close_ups: int = 24
    close_up_side: int = 128


def step_batches(album: Album, sizes: Sizes, seed: int, step: int) -> tuple[Batch, Batch]:
    """The scenes and the close-ups of one step: they follow from the seed and the step alone."""
    random = np.random.default_rng([seed, step])
    odds = draw_odds(album)
    scenes = [scene(album, odds, sizes.scene_side, random) for _ in range(sizes.scenes)]
    close = [close_up(album, odds, sizes.close_up_side, random) for _ in range(sizes.close_ups)]
    return batch_of(scenes), batch_of(close)


def batch_of(canvases: list[Canvas]) -> Batch:
    """Canvases of one size as tensors."""
    wanted = [targets(c.points, c.sure, *c.grey.shape) for c in canvases]
    kinds, points, sides = (np.stack(parts) for parts in zip(*wanted, strict=True))
    return Batch(_images(canvases), *map(torch.from_numpy, (kinds, points, sides)))


@dataclass(frozen=True, slots=True)
class Steps(Dataset[tuple[Batch, Batch]]):
    """`step_batches` by step, for a `DataLoader`."""

    album: Album
    sizes: Sizes
    seed: int

    def __getitem__(self, step: int) -> tuple[Batch, Batch]:
        return step_batches(self.album, self.sizes, self.seed, step)


def ahead(steps: Steps, first: int, stop: int, workers: int = 1) -> Iterator[tuple[Batch, Batch]]:
    """`steps[first]` to `steps[stop - 1]`, made a few ahead by processes of their own."""
    order = range(first, stop)
    yield from DataLoader(steps, batch_size=None, sampler=order, num_workers=workers)


def _images(canvases: list[Canvas]) -> Tensor:
    pixels: NDArray[np.uint8] = np.stack([canvas.grey for canvas in canvases])[:, None]
    return torch.from_numpy(pixels).float() / 255
