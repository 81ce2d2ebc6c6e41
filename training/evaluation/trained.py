"""What a training run adds to a report. Reading it takes torch, so `training.trained` does that."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from faces.modality import Modality
from training.crops import Recipe
from training.evaluation.protocols import Trial
from training.evaluation.systems import CropEncoder, GreyCrops, System

Translate = Callable[[GreyCrops, Modality, GreyCrops, Modality], GreyCrops]
"""`translate(x, i, y, j)` is D_j(c of x, s of y) for (n, size, size) crops x of domain i and y of
domain j, pictures in [0, 1]."""


class RowError(Exception):
    """A row of the table cannot be had; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainedRun:
    """One run: rows of the table that need its training data, and its Es and D.

    `style` gives the mean of q(s|x) of crops of one of `domains`.
    """

    name: str
    domains: tuple[Modality, ...]
    rows: tuple[System, ...]
    style: CropEncoder
    translate: Translate


RunReader = Callable[[Path, Sequence[Trial], Recipe, int], TrainedRun]
"""Folder of a run, what it will be tested on, crops to make of its training images, processes."""
