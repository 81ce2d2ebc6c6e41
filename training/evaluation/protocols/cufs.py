"""CUHK face sketches (CUFS): one photo and one sketch a person, standard divisions."""

from dataclasses import replace
from pathlib import Path

from faces.modality import Modality
from training.evaluation.protocols.annotations import own_annotations
from training.evaluation.protocols.fold import Fold, Pools, size_notes
from training.evaluation.protocols.paired import photo_sketch_pools, photo_sketch_trial
from training.evaluation.protocols.tree import set_folder
from training.evaluation.protocols.trial import DataMissingError, Trial

PEOPLE = {"student": (88, 100), "ar": (80, 43), "xm2vts": (100, 195)}
"""Train and test people of each part, as published."""


def cufs(data: Path) -> list[Fold]:
    """One fold: `cufs` (student and ar in one gallery), then each alone, xm2vts where it exists.

    Raises:
        DataMissingError: naming the test folder or the partner that is missing.
    """
    root = set_folder(data, "cufs", "student")
    parts = {part: _test(root, part) for part in ("student", "ar")}
    student, ar = parts.values()
    both = Trial("cufs", student.gallery + ar.gallery, student.probes + ar.probes)
    both = replace(both, attributes=own_annotations("cufs"))
    notes: tuple[str, ...] = ()
    if (root / "xm2vts" / "test").is_dir():
        parts["xm2vts"] = _test(root, "xm2vts")
    else:
        notes = ("xm2vts: no test folder (195 people, licensed apart), so it is not measured",)
    sizes = {f"{part} test": (len(t.probes), PEOPLE[part][1]) for part, t in parts.items()}
    trials = (both, *parts.values())
    try:
        train = _train(root)
    except DataMissingError as error:
        return [Fold("1", trials, no_train=str(error), notes=size_notes(sizes) + notes)]
    sizes |= {
        f"{part} train": (len(train[part][Modality.VIS]) if part in train else 0, people)
        for part, (people, _) in PEOPLE.items()
    }
    return [Fold("1", trials, _joined(train), notes=size_notes(sizes) + notes)]


def _test(root: Path, part: str) -> Trial:
    return photo_sketch_trial(f"cufs-{part}", root / part / "test", "cufs")


def _train(root: Path) -> dict[str, Pools]:
    """Pools of the parts that are there: few people have all three."""
    there = [part for part in PEOPLE if (root / part / "train").is_dir()]
    if not there:
        raise DataMissingError(f"cufs: no part of {root} has a folder `train`.")
    return {p: photo_sketch_pools(f"cufs-{p}", root / p / "train", "cufs") for p in there}


def _joined(parts: dict[str, Pools]) -> Pools:
    return {
        modality: tuple(image for pools in parts.values() for image in pools[modality])
        for modality in (Modality.VIS, Modality.SKETCH)
    }
