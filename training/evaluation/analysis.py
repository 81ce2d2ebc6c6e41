"""What is told beside rates: results by group, leaks of c and s, whether calibration holds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from faces.bundle import Bundle
from training.evaluation.comparisons import Scores
from training.evaluation.groups import Group, by_group
from training.evaluation.leaks import Leak, identity_leak, modality_leak
from training.evaluation.measured import measured_attributes
from training.evaluation.protocols import Attribute
from training.evaluation.reliability import Reliability, reliability
from training.evaluation.run import Evaluation, Outcome
from training.evaluation.systems import Images, Vectors, on_crops
from training.evaluation.trained import TrainedRun

STYLE = "s"
CONTENT = "c"


@dataclass(frozen=True, slots=True)
class NamedLeak:
    """A leak of one system's vectors (or of `s`) on one trial."""

    trial: str
    system: str
    leak: Leak


@dataclass(frozen=True, slots=True)
class Breakdown:
    """One system's results on one trial by groups; `told_by` says what each attribute rests on."""

    trial: str
    system: str
    told_by: dict[str, str]
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Analysis:
    """All of it that could be had of a run; what JSON holds as it is.

    `breakdowns` and `modality_leaks` of every system, the latter of trials that show two
    modalities. `identity_leaks` of the run's s, and of c by the same probe for comparison.
    `reliability` of the bundle's calibration.
    """

    modality_leaks: tuple[NamedLeak, ...]
    identity_leaks: tuple[NamedLeak, ...]
    reliability: tuple[Reliability, ...]
    breakdowns: tuple[Breakdown, ...] = ()


def analyse(evaluation: Evaluation, bundle: Bundle | None, run: TrainedRun | None) -> Analysis:
    """Everything that can be said of the systems, the first of which is `bundle` where given."""
    ours = evaluation.of_first_system
    return Analysis(
        modality_leaks=tuple(_modality_leaks(evaluation.outcomes)),
        identity_leaks=tuple(_identity_leaks(evaluation.images, ours, run)) if run else (),
        reliability=tuple(_reliability(ours, bundle)) if bundle else (),
        breakdowns=tuple(_breakdowns(evaluation)),
    )


def _breakdowns(evaluation: Evaluation) -> Iterator[Breakdown]:
    attributes: dict[str, tuple[Attribute, ...]] = {}
    for outcome in evaluation.outcomes:
        trial = outcome.trial
        if trial.name not in attributes:
            measured = measured_attributes(trial, evaluation.images)
            attributes[trial.name] = trial.attributes + measured
        told_by = {each.name: each.told_by for each in attributes[trial.name]}
        groups = by_group(attributes[trial.name], outcome.scores)
        if groups:
            yield Breakdown(trial.name, outcome.result.system, told_by, groups)


def _modality_leaks(outcomes: Sequence[Outcome]) -> Iterator[NamedLeak]:
    for outcome in outcomes:
        trial, scores = outcome.trial, outcome.scores
        found = np.concatenate([scores.probe_found, scores.reference_found])
        shown = (*trial.probes, *trial.gallery)
        leak = modality_leak(
            np.concatenate([outcome.probes, outcome.references])[found],
            np.array([str(sample.modality) for sample in shown])[found],
            np.array([sample.subject for sample in shown])[found],
        )
        if leak:
            yield NamedLeak(trial.name, outcome.result.system, leak)


def _identity_leaks(
    images: Images, outcomes: Sequence[Outcome], run: TrainedRun
) -> Iterator[NamedLeak]:
    if not {sample.modality for sample in images.samples} <= set(run.domains):
        return
    style = on_crops(STYLE, run.style).encode(images).vectors
    for outcome in outcomes:
        trial = outcome.trial
        of_style = style[images.rows_of(trial.probes)], style[images.rows_of(trial.gallery)]
        for name, probes, references in (
            (f"{STYLE} of {run.name}", *of_style),
            (f"{CONTENT} of {outcome.result.system}", outcome.probes, outcome.references),
        ):
            leak = _identity_leak(outcome.scores, probes, references)
            if leak:
                yield NamedLeak(trial.name, name, leak)


def _identity_leak(scores: Scores, probes: Vectors, references: Vectors) -> Leak | None:
    """Of those probes that have a face, and whose mate has one."""
    enrolled = scores.reference_found
    asked = scores.probe_found & np.isin(scores.probes, scores.references[enrolled])
    return identity_leak(
        probes[asked], references[enrolled], scores.probes[asked], scores.references[enrolled]
    )


def _reliability(outcomes: Sequence[Outcome], bundle: Bundle) -> Iterator[Reliability]:
    for outcome in outcomes:
        modalities = {sample.modality for sample in outcome.trial.probes}
        if len(modalities) == 1 and (calibration := bundle.calibration(*modalities)):
            yield reliability(outcome.trial.name, outcome.scores, calibration)
