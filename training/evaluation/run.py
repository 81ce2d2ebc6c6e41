"""Systems on trials: crops once, vectors once per system, scores per trial."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from training.crops import CACHE, Recipe, cached_crops
from training.evaluation.comparisons import Scores
from training.evaluation.protocols import Sample, Trial
from training.evaluation.results import Difference, Result
from training.evaluation.scoring import Part, difference, part_of, score, score_mean
from training.evaluation.systems import Encoded, Folded, Images, Row, System, Vectors

SEED = 0


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One system on one trial: what was measured, and what it was measured from.

    `probes` and `references` are the vectors in the order of the trial, meaningless where `scores`
    says that no face was found.
    """

    trial: Trial
    result: Result
    scores: Scores
    probes: Vectors
    references: Vectors


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A whole run, the systems of each trial in the order they were given.

    `means` are those over trials of one `mean_of`; `differences` are of what counts (`headline`).
    """

    protocol: str
    images: Images
    outcomes: tuple[Outcome, ...]
    means: tuple[Result, ...]
    differences: tuple[Difference, ...]

    @property
    def results(self) -> list[Result]:
        """What was measured, without the similarities: means over folds first, then each trial."""
        return [*self.means, *(outcome.result for outcome in self.outcomes)]

    @property
    def headline(self) -> list[Result]:
        """What counts: the mean in place of its folds."""
        return [*self.means, *(o.result for o in self.outcomes if o.trial.mean_of is None)]

    @property
    def of_first_system(self) -> list[Outcome]:
        """Its outcome on every trial."""
        return [o for o in self.outcomes if o.result.system == self.outcomes[0].result.system]

    def crops_of(self, samples: Sequence[Sample]) -> NDArray[np.uint8]:
        """Crops of some images of the run; zeros where no face was found."""
        return np.asarray(self.images.crops.crops[self.images.rows_of(samples)])


def evaluate(
    protocol: str,
    trials: Sequence[Trial],
    systems: Sequence[Row],
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
    means: list[Result] = []
    for system in track(systems, "systems", console=console, transient=True):
        made = _measure(system, trials, images)
        outcomes += made
        means += _means(made)
    done = Evaluation(protocol, images, tuple(outcomes), tuple(means), ())
    return replace(done, differences=tuple(_differences(done.headline)))


def gather(
    trials: Sequence[Trial], recipe: Recipe, *, cache: Path = CACHE, processes: int = 1
) -> Images:
    """Every image of the trials once, with its crop."""
    samples = tuple(dict.fromkeys(s for trial in trials for s in (*trial.gallery, *trial.probes)))
    paths = [sample.path for sample in samples]
    return Images(samples, cached_crops(paths, recipe, cache=cache, processes=processes))


def _measure(row: Row, trials: Sequence[Trial], images: Images) -> list[Outcome]:
    if isinstance(row, Folded):
        models = {trial: replace(model, name=row.name) for trial, model in row.by_trial.items()}
        return [
            outcome
            for trial in trials
            for outcome in _measure(models[trial.name], [trial], images.of(trial.samples))
        ]
    encoded = row.encode(images)
    return [_outcome(row, trial, images, encoded) for trial in trials]


def compare_on(system: System, trial: Trial, images: Images, encoded: Encoded) -> Scores:
    """Similarities of every probe of `trial` with every reference."""
    references, probes = images.rows_of(trial.gallery), images.rows_of(trial.probes)
    return Scores(
        similarity=system.compare(encoded.vectors[probes], encoded.vectors[references]),
        probes=np.array([sample.subject for sample in trial.probes]),
        references=np.array([sample.subject for sample in trial.gallery]),
        probe_found=encoded.found[probes],
        reference_found=encoded.found[references],
    )


def identify(system: System, trials: Sequence[Trial], images: Images) -> list[Result]:
    """Searches only, of which a table of rank-1 is made: no curve, nothing of verification."""
    encoded = system.encode(images)
    parts = (
        replace(_part(trial, compare_on(system, trial, images, encoded), system.name), pairs=None)
        for trial in trials
    )
    return [score(part, np.random.default_rng(SEED)) for part in parts]


def _outcome(system: System, trial: Trial, images: Images, encoded: Encoded) -> Outcome:
    scores = compare_on(system, trial, images, encoded)
    result = score(_part(trial, scores, system.name), np.random.default_rng(SEED))
    probes, references = (images.rows_of(shown) for shown in (trial.probes, trial.gallery))
    return Outcome(trial, result, scores, encoded.vectors[probes], encoded.vectors[references])


def _part(trial: Trial, scores: Scores, system: str) -> Part:
    files = [sample.path.name for sample in trial.probes]
    return part_of(scores, files, system=system, trial=trial.name)


def _means(outcomes: Sequence[Outcome]) -> list[Result]:
    return means_over_folds(
        (o.trial, _part(o.trial, o.scores, o.result.system)) for o in outcomes if o.trial.mean_of
    )


def means_over_folds(parts: Iterable[tuple[Trial, Part]]) -> list[Result]:
    """Of one system, the mean over the trials that belong together; none for a trial by itself."""
    folds: dict[str, list[Part]] = {}
    for trial, part in parts:
        if trial.mean_of:
            folds.setdefault(trial.mean_of, []).append(part)
    return [score_mean(name, parts, np.random.default_rng(SEED)) for name, parts in folds.items()]


def _differences(results: Sequence[Result]) -> list[Difference]:
    rng = np.random.default_rng(SEED)
    found: list[Difference] = []
    first: dict[str, Result] = {}
    for result in results:
        ours = first.setdefault(result.trial, result)
        if ours is not result:
            found.append(difference(ours, result, rng))
    return found


def refusals(images: Images) -> dict[str, list[str]]:
    """Refused images by code, for the screen."""
    refused: dict[str, list[str]] = {}
    for sample, code in zip(images.samples, images.crops.refusals, strict=True):
        if code:
            refused.setdefault(code, []).append(str(sample.path))
    return refused
