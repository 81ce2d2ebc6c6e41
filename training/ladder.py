"""Ladders of one config: rows that change a switch or two, over seeds; taken up where stopped."""

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
from training.material import Material, restricted
from training.release import centred_bundle
from training.rows import LADDERS, LadderName, changed
from training.spread import Row, over_seeds, write_rows
from training.start import discriminant_start
from training.train import CHECKPOINT, train

Sets = Literal["cufs", "fs2k"]
Measure = Callable[[System], list[Result]]

RESULTS = TypeAdapter(list[Result])
MEASURED = "measured.json"
CENTRE_IMAGES = 500
"""A modality, for each rung; more takes as long as a short row trains."""


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
    config: Config,
    seeds: Sequence[int],
    material: Material,
    measure: Measure,
    out: Path,
    ladder: LadderName = "paper",
) -> list[Row]:
    """Train and measure what is not done yet; the table is written anew after each rung.

    Raises:
        ValueError: `out` holds a ladder of another config.
    """
    _claim(out, config)
    results: list[Result] = []
    for rung in rungs(config, seeds, material, out, ladder):
        results += _measured(rung, out / rung.folder / MEASURED, measure)
        write_rows(out, config, over_seeds(results))
    return over_seeds(results)


def rungs(
    config: Config, seeds: Sequence[int], material: Material, out: Path, ladder: LadderName
) -> Iterator[Rung]:
    """The floors, then every row with every seed; all rows of a seed before the next seed."""
    for floor in floors():
        yield Rung(floor.name, floor.name, partial(_same, floor))
    for seed in seeds:
        if ladder == "paper":
            yield Rung("k-means", f"seed{seed}/k-means", partial(_kmeans, material, seed))
        for row, change in LADDERS[ladder].items():
            folder = f"seed{seed}/{row}"
            name = {"name": f"{config.name}-{row}-seed{seed}", "seed": seed}
            learn = partial(_learnt, changed(config, name | dict(change)), material, out / folder)
            yield Rung(row, folder, learn)


def _same(system: System) -> System:
    return system


def _kmeans(material: Material, seed: int) -> System:
    return on_crops("k-means", kmeans_encoder(material, seed))


def _learnt(config: Config, material: Material, folder: Path) -> System:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    state = states.begin(config, folder / CHECKPOINT, device)
    drawn_from = restricted(material, config.data.people)
    if config.start.discriminants and state.steps == 0:
        discriminant_start(state, drawn_from)
    state = train(state, drawn_from, folder, time.monotonic)
    bundle = centred_bundle(
        state, drawn_from, folder / "bundle", name="rung", centring=True, images=CENTRE_IMAGES
    )
    return bundle_system(bundle)


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
    claimed = out / "config.json"
    # Parsed, so that a switch which came later and is at its default makes no other config.
    if claimed.exists() and Config.model_validate_json(claimed.read_text()) != config:
        raise ValueError(f"{out} holds a ladder of another config; name another folder.")
    claimed.write_text(config.model_dump_json(indent=1))
