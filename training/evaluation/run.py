"""Systems on trials: crops once, vectors once per system, scores per trial."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from training.crops import CACHE, Recipe, cached_crops
from training.evaluation.metrics import Scores
from training.evaluation.protocols import Sample, Trial
from training.evaluation.scoring import Difference, Result, difference, score
from training.evaluation.systems import Encoded, Images, System

SEED = 0


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One system on one trial: what was measured, and the similarities it was measured from."""

    trial: Trial
    result: Result
    scores: Scores


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A whole run, the systems of each trial in the order they were given."""

    protocol: str
    images: Images
    outcomes: tuple[Outcome, ...]
    differences: tuple[Difference, ...]

    @property
    def results(self) -> list[Result]:
        """What was measured, without the similarities."""
        return [outcome.result for outcome in self.outcomes]

    def crop_of(self, sample: Sample) -> NDArray[np.uint8]:
        """The crop of one image of the run; zeros where no face was found."""
        return np.asarray(self.images.crops.crops[self.images.samples.index(sample)])


def evaluate(
    protocol: str,
    trials: Sequence[Trial],
    systems: Sequence[System],
    recipe: Recipe,
    *,
    cache: Path = CACHE,
    processes: int = 1,
    console: Console | None = None,
) -> Evaluation:
    """Measure every system on every trial; the first system is compared with each other one."""
    console = console or Console(stderr=True)
    images = gather(trials, recipe, cache=cache, processes=processes)
    outcomes: list[Outcome] = []
    for system in track(systems, "systems", console=console, transient=True):
        encoded = system.encode(images)
        outcomes += [_outcome(system, trial, images, encoded) for trial in trials]
    rng = np.random.default_rng(SEED)
    return Evaluation(protocol, images, tuple(outcomes), tuple(_differences(outcomes, rng)))


def gather(
    trials: Sequence[Trial], recipe: Recipe, *, cache: Path = CACHE, processes: int = 1
) -> Images:
    """Every image of the trials once, with its crop."""
    samples = tuple(dict.fromkeys(s for trial in trials for s in (*trial.gallery, *trial.probes)))
    paths = [sample.path for sample in samples]
    return Images(samples, cached_crops(paths, recipe, cache=cache, processes=processes))


def compare_on(system: System, trial: Trial, images: Images, encoded: Encoded) -> Scores:
    """Similarities of every probe of `trial` with every reference."""
    row_of = {sample: row for row, sample in enumerate(images.samples)}
    references = [row_of[sample] for sample in trial.gallery]
    probes = [row_of[sample] for sample in trial.probes]
    return Scores(
        similarity=system.compare(encoded.vectors[probes], encoded.vectors[references]),
        probes=np.array([sample.subject for sample in trial.probes]),
        references=np.array([sample.subject for sample in trial.gallery]),
        probe_found=encoded.found[probes],
        reference_found=encoded.found[references],
    )


def _outcome(system: System, trial: Trial, images: Images, encoded: Encoded) -> Outcome:
    scores = compare_on(system, trial, images, encoded)
    files = [sample.path.name for sample in trial.probes]
    rng = np.random.default_rng(SEED)
    return Outcome(
        trial, score(scores, files, system=system.name, trial=trial.name, rng=rng), scores
    )


def _differences(outcomes: Sequence[Outcome], rng: np.random.Generator) -> list[Difference]:
    found: list[Difference] = []
    first: dict[str, Result] = {}
    for result in (outcome.result for outcome in outcomes):
        ours = first.setdefault(result.trial, result)
        if ours is not result:
            found.append(difference(ours, result, rng))
    return found


def write_json(
    path: Path, protocol: str, results: Sequence[Result], differences: Sequence[Difference] = ()
) -> None:
    """Figures, curves and per-probe ranks; no image in it."""
    document = {
        "protocol": protocol,
        "date": datetime.now(UTC).date().isoformat(),
        "results": [asdict(result) for result in results],
        "differences": [asdict(difference) for difference in differences],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def refusals(images: Images) -> dict[str, list[str]]:
    """Refused images by code, for the screen."""
    refused: dict[str, list[str]] = {}
    for sample, code in zip(images.samples, images.crops.refusals, strict=True):
        if code:
            refused.setdefault(code, []).append(str(sample.path))
    return refused
