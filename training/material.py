"""Everything a run draws its batches from: pools of crops, renderings of photos, who is who."""

import hashlib
import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faces.modality import Modality
from training.config import Config
from training.crops import Recipe
from training.data import NAMELESS, Pool, known_subjects, load_pools
from training.evaluation.protocols import Trial, assert_disjoint, assert_unpaired
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
        PeopleOverlapError: somebody of `tests` is among the training images, or in a run of
            halves somebody is in two modalities.
        FileNotFoundError, ProtocolError: a source has no images, or not what its protocol needs.
    """
    root = config.data.root
    trained_on: dict[Modality, list[str | None]] = {}
    for source in config.data.sources:
        trained_on.setdefault(source.modality, []).extend(known_subjects(root, source))
    assert_disjoint(itertools.chain(*trained_on.values()), tests)
    if config.data.unpaired == "halves":
        assert_unpaired(trained_on)
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
    whole = Material(config.domains, pools, renderings, mates_of(vis.people))
    return restricted(whole, config.data.people)


def restricted(material: Material, people: float) -> Material:
    """What shows a share of the people, by a hash; the same ones in every modality.

    A person is a label where names may be used, else the file's stem.
    """
    if people == 1:
        return material
    rows = {modality: _rows(pool, people) for modality, pool in material.pools.items()}
    pools = {modality: pool.of(rows[modality]) for modality, pool in material.pools.items()}
    photos = rows[Modality.VIS]
    renderings = {modality: made[photos] for modality, made in material.renderings.items()}
    return Material(material.domains, pools, renderings, mates_of(pools[Modality.VIS].people))


def _rows(pool: Pool, people: float) -> NDArray[np.int64]:
    names = [
        Path(file).stem if label == NAMELESS else str(label)
        for file, label in zip(pool.files, pool.people.tolist(), strict=True)
    ]
    return np.flatnonzero([_in_share(name, people) for name in names])


def _in_share(name: str, share: float) -> bool:
    """Not by the first byte of the hash: that one tells the halves apart."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[1:5], "big") < share * 2**32


def mates_of(people: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """For every image the indices of all images of its person; of a nameless one itself alone."""
    order = np.argsort(people, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(people[order])) + 1)
    members = {int(people[group[0]]): group for group in groups}
    return [
        np.array([row]) if person == NAMELESS else members[int(person)]
        for row, person in enumerate(people)
    ]
