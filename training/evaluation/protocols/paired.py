"""Data sets that hold one photo and one sketch a person under one file name."""

from pathlib import Path

from faces.modality import Modality
from training.evaluation.protocols.fold import Pools, train_pool
from training.evaluation.protocols.tree import images_in
from training.evaluation.protocols.trial import DataMissingError, Sample, Trial, some


def photo_sketch_trial(name: str, folder: Path, prefix: str) -> Trial:
    """Photos of `folder`/vis against sketches of `folder`/sketch; subjects are `prefix`/STEM.

    Raises:
        DataMissingError: a folder is missing, or a photo or a sketch has no partner.
    """
    photos = _samples(folder, Modality.VIS, name, prefix)
    sketches = _samples(folder, Modality.SKETCH, name, prefix)
    alone = sorted({s.path.stem for s in photos} ^ {s.path.stem for s in sketches})
    if alone:
        raise DataMissingError(f"{name}: photo or sketch missing in {folder} for {some(alone, 5)}")
    return Trial(name, gallery=photos, probes=sketches)


def photo_sketch_pools(name: str, folder: Path, prefix: str) -> Pools:
    """The photos and the sketches of `folder`, to train on; partners are not looked for.

    Raises:
        DataMissingError: a folder is missing or empty.
    """
    return {
        modality: train_pool(_samples(folder, modality, name, prefix))
        for modality in (Modality.VIS, Modality.SKETCH)
    }


def _samples(folder: Path, modality: Modality, name: str, prefix: str) -> tuple[Sample, ...]:
    images = images_in(folder / modality, name)
    return tuple(Sample(f"{prefix}/{path.stem}", modality, path) for path in images)
