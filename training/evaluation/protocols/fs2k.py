"""FS2K: photos in the wild and hand-drawn sketches; style 1 trains, styles 2 and 3 are the test."""

from dataclasses import replace
from pathlib import Path

from faces.modality import Modality
from training.evaluation.protocols.annotations import own_annotations
from training.evaluation.protocols.fold import Fold, size_notes
from training.evaluation.protocols.paired import photo_sketch_pools, photo_sketch_trial
from training.evaluation.protocols.tree import set_folder
from training.evaluation.protocols.trial import Attribute, DataMissingError, Trial

TRAIN, TEST = 1529, 337
"""Images of style 1, and of styles 2 and 3 together."""
SERIES = "one of few actors"
"""In our annotations: photos of the same few people, whom file names take for as many as photos."""


def fs2k(data: Path) -> list[Fold]:
    """One fold over the test folder: `fs2k`, and `fs2k-distinct` without the repeated actors.

    File names tell the style and the pair but not who is shown: some celebrities are in style 1
    twice, so halves by name are as strict as names are.

    Raises:
        DataMissingError: naming the folder or the partner that is missing, or a test image of
            style 1.
    """
    root = set_folder(data, "fs2k", "test")
    trial = photo_sketch_trial("fs2k", root / "test", "fs2k")
    _refuse_style_1(trial)
    trial = replace(trial, attributes=(_part(trial), *own_annotations("fs2k")))
    trials = (trial, *_distinct(trial))
    sizes = {"test": (len(trial.probes), TEST)}
    try:
        pools = photo_sketch_pools("fs2k", root / "train", "fs2k")
    except DataMissingError as error:
        return [Fold("1", trials, no_train=str(error), notes=size_notes(sizes))]
    sizes["train"] = (len(pools[Modality.VIS]), TRAIN)
    return [Fold("1", trials, pools, notes=size_notes(sizes))]


def _part(trial: Trial) -> Attribute:
    told_by = "first digit of the file name: the set's folder, photo2 or photo3"
    return Attribute("part", told_by, {probe.subject: probe.path.stem[0] for probe in trial.probes})


def _distinct(trial: Trial) -> tuple[Trial, ...]:
    """The trial without whoever is in it under several names; none where nobody is.

    With them an actor's other photo counts as an impostor, and finding it first as a miss.
    """
    (series,) = [each.groups for each in trial.attributes if each.name == "series"]
    gallery, probes = (
        tuple(sample for sample in samples if series.get(sample.subject) != SERIES)
        for samples in (trial.gallery, trial.probes)
    )
    if len(probes) in (0, len(trial.probes)):
        return ()
    return (replace(trial, name="fs2k-distinct", gallery=gallery, probes=probes),)


def _refuse_style_1(trial: Trial) -> None:
    wrong = [s.path.name for s in trial.samples if s.path.stem.startswith("1_")]
    if wrong:
        raise DataMissingError(
            f"fs2k: {wrong[0]} in the test folder is of style 1, which is for training: the test "
            "is styles 2 and 3."
        )
