"""Everything a run draws its batches from: pools of crops, renderings of photos, who is who."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faces.modality import Modality
from training.config import Config
from training.crops import Recipe
from training.data import NAMELESS, Pool, load_pools, source_paths
from training.evaluation.protocols import assert_disjoint, subject_of
from training.evaluation.protocols.trial import Trial
from training.renderings import cached_renderings


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What batches are drawn from.

    `renderings` maps a modality to (n, k, 128, 128) uint8 of the n photos of the VIS pool;
    `mates` holds for every photo the indices of its person's photos, itself included.
    """

    domains: tuple[Modality, ...]
    pools: dict[Modality, Pool]
    renderings: dict[Modality, NDArray[np.uint8]]
    mates: list[NDArray[np.int64]]


def load_material(
    config: Config, recipe: Recipe, tests: list[Trial], *, cache: Path, processes: int
) -> Material:
    """Crops and renderings of a run, from the cache or made.

    Args:
        tests: trials whose people must not be trained on.

    Raises:
        PeopleOverlapError: somebody of `tests` is among the training images.
        FileNotFoundError: a source has no images.
    """
    root = config.data.root
    trained_on = [path for source in config.data.sources for path in source_paths(root, source)]
    assert_disjoint((subject_of(path, root) for path in trained_on), tests)
    pools = load_pools(config.data, recipe, cache=cache / "crops", processes=processes)
    vis = pools[Modality.VIS]
    rendered = [
        modality
        for modality in config.domains
        if modality is not Modality.VIS and (config.loss.weights.contrast or modality not in pools)
    ]
    renderings: dict[Modality, NDArray[np.uint8]] = {
        modality: cached_renderings(
            vis.crops,
            modality,
            config.data.renderings,
            cache=cache / "renderings",
            processes=processes,
        )
        for modality in rendered
    }
    return Material(config.domains, pools, renderings, mates_of(vis.people))


def mates_of(people: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """For every image the indices of all images of its person; of a nameless one itself alone."""
    order = np.argsort(people, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(people[order])) + 1)
    members = {int(people[group[0]]): group for group in groups}
    return [
        np.array([row]) if person == NAMELESS else members[int(person)]
        for row, person in enumerate(people)
    ]
