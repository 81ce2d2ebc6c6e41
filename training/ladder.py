"""The ablation ladder: the paper's four rows from one config, several seeds, one table."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from rich.console import Console

from training import state as states
from training.config import Config
from training.crops import Recipe
from training.evaluation.bundles import bundle_system
from training.evaluation.floors import floors
from training.evaluation.protocols import Trial
from training.evaluation.run import evaluate, write_json
from training.evaluation.scoring import Result
from training.evaluation.screen import figure_text, show
from training.evaluation.systems import System, on_crops
from training.kmeans import kmeans_encoder
from training.material import Material
from training.release import centred_bundle
from training.train import CHECKPOINT, train

ABLATIONS: dict[str, dict[str, float]] = {
    "base": {"kl": 0, "gan": 0},
    "+VAE": {"gan": 0},
    "+LGAN": {"kl": 0},
    "+VAE+LGAN": {},
}
"""Weights that each row of the paper switches off (DESIGN section 3)."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One row with one seed."""

    row: str
    config: Config


def rungs(config: Config, seeds: Sequence[int]) -> Iterator[Rung]:
    """Every row with every seed; all rows of a seed come first, to compare if interrupted."""
    for seed in seeds:
        for row, off in ABLATIONS.items():
            weights = config.loss.weights.model_copy(update=off)
            update = {
                "name": f"{config.name}{row}-seed{seed}".lower(),
                "seed": seed,
                "loss": config.loss.model_copy(update={"weights": weights}),
            }
            yield Rung(row, config.model_copy(update=update))


def climb(
    config: Config,
    seeds: Sequence[int],
    material: Material,
    recipe: Recipe,
    trials: Sequence[Trial],
    out: Path,
    *,
    cache: Path,
    console: Console,
) -> list[Result]:
    """Train what is not trained yet, measure every row on `trials`, write results.json.

    Rows besides the four: the floors, the paper's k-means, and each seed's untrained Ec.
    """
    systems: list[System] = [*floors(), on_crops("k-means", kmeans_encoder(material))]
    for seed in seeds:
        start = states.fresh(config.model_copy(update={"seed": seed}), _device())
        systems.append(
            _system(start, material, out / f"untrained-seed{seed}", "untrained Ec", seed)
        )
    for rung in rungs(config, seeds):
        folder = out / rung.config.name
        state = _trained(rung.config, material, folder)
        systems.append(_system(state, material, folder / "bundle", rung.row, rung.config.seed))
    done = evaluate("ladder", trials, systems, recipe, cache=cache / "crops", console=console)
    show(console, done.results)
    write_json(out / "results.json", "ladder", done.results, [])
    return list(done.results)


def markdown(results: Sequence[Result]) -> str:
    """Rank-1 with its interval, a row a system, a column a trial."""
    trials = list(dict.fromkeys(result.trial for result in results))
    lines = [
        "| row | " + " | ".join(trials) + " |",
        "| --- |" + " --- |" * len(trials),
    ]
    for system in dict.fromkeys(result.system for result in results):
        rates = [
            figure_text(result.figure("rank-1"))
            for trial in trials
            for result in results
            if (result.system, result.trial) == (system, trial)
        ]
        lines.append(f"| {system} | " + " | ".join(rates) + " |")
    return "\n".join(lines) + "\n"


def _trained(config: Config, material: Material, folder: Path) -> states.State:
    state = states.begin(config, folder / CHECKPOINT, _device())
    return train(state, material, folder, time.monotonic)


def _system(state: states.State, material: Material, folder: Path, row: str, seed: int) -> System:
    bundle = centred_bundle(state, material, folder, name="row", centring=True)
    return replace(bundle_system(bundle), name=f"{row}, seed {seed}")


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
