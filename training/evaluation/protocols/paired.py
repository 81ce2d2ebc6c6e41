"""Trials of data sets that hold one photo and one sketch a person under one file name."""

from pathlib import Path

from faces.modality import Modality
from training.evaluation.protocols.trial import DataMissingError, Sample, Trial, images_in


def photo_sketch_trial(name: str, folder: Path, prefix: str) -> Trial:
    """Photos of `folder`/vis against sketches of `folder`/sketch; subjects are `prefix`/STEM.

    Raises:
        DataMissingError: a folder is missing, or a photo or a sketch has no partner.
    """
    photos = {path.stem: path for path in images_in(folder / "vis", name)}
    sketches = {path.stem: path for path in images_in(folder / "sketch", name)}
    alone = sorted(photos.keys() ^ sketches.keys())
    if alone:
        raise DataMissingError(
            f"{name}: photo or sketch missing in {folder} for {', '.join(alone[:5])}"
        )
    return Trial(
        name,
        gallery=tuple(Sample(f"{prefix}/{s}", Modality.VIS, p) for s, p in photos.items()),
        probes=tuple(Sample(f"{prefix}/{s}", Modality.SKETCH, p) for s, p in sketches.items()),
    )
