"""Trials of people of the training sets whom training leaves out: to choose a model by."""

from pathlib import Path

from faces.modality import Modality
from training.config import Data, Source
from training.data import calibration_paths
from training.evaluation.protocols import Sample, Trial

LEAST = 20
"""Fewer people say nothing."""


def kept_aside(data: Data) -> list[Trial]:
    """A trial for each set of which photos and another modality are trained on.

    Probes are the other modality's images; the gallery holds the photos of the same people and one
    photo of everybody kept aside of the sets that have photos only. File names say who is who, as
    in a test. Who is kept aside: `training.data.for_calibration`.
    """
    photos = [source for source in data.sources if source.modality is Modality.VIS]
    others = [source for source in data.sources if source.modality is not Modality.VIS]
    mated: dict[str, list[tuple[Source, Source]]] = {}
    for photo in photos:
        for other in others:
            if _set(photo) and _set(photo) == _set(other):
                mated.setdefault(_set(photo).split("/")[0], []).append((photo, other))
    in_pairs = {photo for pairs in mated.values() for photo, _ in pairs}
    strangers = [
        sample
        for source in photos
        if source not in in_pairs
        for sample in _samples(data.root, source)
    ]
    trials = [_trial(name, pairs, data.root, strangers) for name, pairs in sorted(mated.items())]
    return [trial for trial in trials if len(trial.probes) >= LEAST]


def _trial(
    name: str, pairs: list[tuple[Source, Source]], root: Path, strangers: list[Sample]
) -> Trial:
    gallery = [sample for photo, _ in pairs for sample in _samples(root, photo)]
    enrolled = {sample.subject for sample in gallery}
    probes = [sample for _, other in pairs for sample in _samples(root, other)]
    mated = tuple(probe for probe in probes if probe.subject in enrolled)
    return Trial(f"{name} kept aside", (*gallery, *strangers), mated)


def _set(source: Source) -> str:
    """Folder that holds the modalities of one set; empty where a folder is a set by itself."""
    if source.protocol:
        return ""
    parent = Path(source.path).parent.as_posix()
    return "" if parent == "." else parent


def _samples(root: Path, source: Source) -> list[Sample]:
    """One image of everybody of the source who is kept aside."""
    return [
        Sample(f"{_set(source) or source.path}/{person}", source.modality, paths[0])
        for person, paths in calibration_paths(root, source).items()
    ]
