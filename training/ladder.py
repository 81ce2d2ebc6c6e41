"""The ablation ladder: the paper's rows from one config, over seeds, taken up where it stopped."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from pydantic import TypeAdapter, ValidationError

from training import state as states
from training.config import Config
from training.evaluation.bundles import bundle_system
from training.evaluation.floors import floors
from training.evaluation.protocols import Unpaired
from training.evaluation.results import Result
from training.evaluation.systems import System, on_crops
from training.kmeans import kmeans_encoder
from training.material import Material
from training.release import centred_bundle
from training.spread import Row, over_seeds, write_rows
from training.train import CHECKPOINT, train

ABLATIONS: dict[str, dict[str, float]] = {
    "base": {"kl": 0, "gan": 0},
    "+VAE": {"gan": 0},
    "+LGAN": {"kl": 0},
    "+VAE+LGAN": {},
}
"""Weights that each row of the paper switches off (DESIGN section 3)."""

Sets = Literal["cufs", "fs2k"]
Measure = Callable[[System], list[Result]]

RESULTS = TypeAdapter(list[Result])
MEASURED = "measured.json"


@dataclass(frozen=True, slots=True)
class Rung:
    """One system of the table; `folder` keeps what was measured of it."""

    row: str
    folder: str
    system: Callable[[], System]


def variant(config: Config, sets: Sets | None, setting: Unpaired) -> Config:
    """The config on one data set, or on all it names.

    `halves` takes photos of one half of the people and sketches of the other, so that no pair
    exists even by accident; `shuffled`, the paper's, takes all of both and draws them
    independently.
    """
    sources = [source for source in config.data.sources if source.path.startswith(sets or "")]
    if setting == "shuffled":
        sources = [source.model_copy(update={"half": None}) for source in sources]
    name = "-".join(part for part in (config.name, sets, setting) if part)
    data = config.data.model_copy(update={"sources": tuple(sources), "unpaired": setting})
    return config.model_copy(update={"name": name, "data": data})


def climb(
    config: Config, seeds: Sequence[int], material: Material, measure: Measure, out: Path
) -> list[Row]:
    """Train and measure what is not done yet; the table is written anew after each rung.

    Raises:
        ValueError: `out` holds a ladder of another config.
    """
    _claim(out, config)
    results: list[Result] = []
    for rung in rungs(config, seeds, material, out):
        results += _measured(rung, out / rung.folder / MEASURED, measure)
        write_rows(out, config, over_seeds(results))
    return over_seeds(results)


def rungs(config: Config, seeds: Sequence[int], material: Material, out: Path) -> Iterator[Rung]:
    """The floors, then every row with every seed; all rows of a seed before the next seed."""
    for floor in floors():
        yield Rung(floor.name, floor.name, partial(_same, floor))
    for seed in seeds:
        here = config.model_copy(update={"seed": seed})
        yield Rung("k-means", f"seed{seed}/k-means", partial(_kmeans, material, seed))
        for row, off in {"untrained Ec": None, **ABLATIONS}.items():
            folder = f"seed{seed}/{row}"
            learn = partial(_learnt, _ablation(here, row, off), material, out / folder)
            yield Rung(row, folder, learn)


def _same(system: System) -> System:
    return system


def _ablation(config: Config, row: str, off: dict[str, float] | None) -> Config:
    """The config of a row; of the untrained one, a run of no images."""
    update: dict[str, object] = {"name": f"{config.name}-{row}-seed{config.seed}"}
    if off is None:
        return config.model_copy(update=update | {"images": 0})
    weights = config.loss.weights.model_copy(update=off)
    return config.model_copy(
        update=update | {"loss": config.loss.model_copy(update={"weights": weights})}
    )


def _kmeans(material: Material, seed: int) -> System:
    return on_crops("k-means", kmeans_encoder(material, seed))


def _learnt(config: Config, material: Material, folder: Path) -> System:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    state = states.begin(config, folder / CHECKPOINT, device)
    state = train(state, material, folder, time.monotonic)
    return bundle_system(
        centred_bundle(state, material, folder / "bundle", name="rung", centring=True)
    )


def _measured(rung: Rung, path: Path, measure: Measure) -> list[Result]:
    """What was measured of a rung, now or before, under the name of its row.

    What an earlier version of this code wrote in another form is measured again.
    """
    if path.exists():
        with suppress(ValidationError):
            return RESULTS.validate_json(path.read_bytes())
    system = rung.system()
    results = measure(System(rung.row, system.encode, system.compare))
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(RESULTS.dump_json(results))
    os.replace(unfinished, path)
    return results


def _claim(out: Path, config: Config) -> None:
    out.mkdir(parents=True, exist_ok=True)
    claimed, ours = out / "config.json", config.model_dump_json(indent=1)
    if claimed.exists() and claimed.read_text() != ours:
        raise ValueError(f"{out} holds a ladder of another config; name another folder.")
    claimed.write_text(ours)
