"""CUFSF: 1,194 FERET photos and sketches that exaggerate; 250 + 250 people train, 694 are tested.

Photos of 250 people and sketches of 250 others, so that no pair is trained on. The published lists
are not to be had: five draws with seeds are averaged. File names begin with FERET's five digits of
the person, as they come: sketches 00001.jpg, photos 00001fb010_930831.png.
"""

import re
from pathlib import Path

import numpy as np

from faces.modality import Modality
from training.evaluation.protocols.fold import Fold, size_notes, train_pool
from training.evaluation.protocols.tree import child, images_in
from training.evaluation.protocols.trial import DataMissingError, Sample, Trial, some

TRAIN_EACH = 250
PEOPLE = 1194
DRAWS = 5
PHOTOS = ("photo", "photos", "vis", "cropped_photo", "original_photo", "feret")
DRAWN = "names_of_photos_used_for_drawing_sketches.txt"
SKETCHES = ("original_sketch", "sketch", "sketches", "cropped_sketch")
_PERSON = re.compile(r"\d{5}")
_STEM = re.compile(r"\d{5}\w+")


def cufsf(data: Path) -> list[Fold]:
    """The draws.

    Raises:
        DataMissingError: naming the folder that is missing, or people without a partner.
    """
    root = _root(data)
    photos = _by_person(_drawn_from(root), Modality.VIS)
    sketches = _by_person(images_in(_folder(root, SKETCHES), "cufsf"), Modality.SKETCH)
    alone = sorted(photos.keys() ^ sketches.keys())
    people = sorted(photos.keys() & sketches.keys())
    if len(people) <= 2 * TRAIN_EACH:
        raise DataMissingError(
            f"cufsf: {len(people)} people have a photo and a sketch in {root}; more than "
            f"{2 * TRAIN_EACH} are needed. Without a partner: {some(alone) or 'none'}."
        )
    notes = size_notes({"photo and sketch": (len(people), PEOPLE)})
    if alone:
        notes += (f"without a photo or a sketch, left out: {some(alone)}",)
    return [_draw(photos, sketches, people, seed, notes) for seed in range(1, DRAWS + 1)]


def _draw(
    photos: dict[str, Sample],
    sketches: dict[str, Sample],
    people: list[str],
    seed: int,
    notes: tuple[str, ...],
) -> Fold:
    order = [people[i] for i in np.random.default_rng(seed).permutation(len(people))]
    first, second = order[:TRAIN_EACH], order[TRAIN_EACH : 2 * TRAIN_EACH]
    test = sorted(order[2 * TRAIN_EACH :])
    trial = Trial(
        f"cufsf draw {seed}",
        gallery=tuple(photos[person] for person in test),
        probes=tuple(sketches[person] for person in test),
        mean_of="cufsf",
    )
    pools = {
        Modality.VIS: train_pool(photos[person] for person in first),
        Modality.SKETCH: train_pool(sketches[person] for person in second),
    }
    return Fold(str(seed), (trial,), pools, notes=notes)


def _root(data: Path) -> Path:
    for root in (data, child(data, "cufsf")):
        if root and child(root, *SKETCHES):
            return root
    raise DataMissingError(
        f"cufsf: no folder {SKETCHES[0]} (nor {', '.join(SKETCHES[1:])}) in {data} or in its "
        "folder cufsf."
    )


def _folder(root: Path, names: tuple[str, ...]) -> Path:
    found = child(root, *names)
    if found is None:
        raise DataMissingError(
            f"cufsf: no folder {names[0]} (nor {', '.join(names[1:])}) in {root}. The photos are "
            "FERET's and come apart; those drawn are listed in "
            f"{DRAWN}."
        )
    return found


def _drawn_from(root: Path) -> list[Path]:
    """The photos, of all of FERET those that were drawn if their list is there."""
    photos = images_in(_folder(root, PHOTOS), "cufsf")
    listed_in = child(root, DRAWN)
    if listed_in is None:
        return photos
    drawn = set(_STEM.findall(listed_in.read_text(encoding="utf-8-sig")))
    return [path for path in photos if path.stem in drawn] or photos


def _by_person(paths: list[Path], modality: Modality) -> dict[str, Sample]:
    """One image a person, the first by name; its first five digits are the person."""
    found: dict[str, Sample] = {}
    for path in paths:
        match = _PERSON.match(path.name)
        if match is None:
            raise DataMissingError(
                f"cufsf: {path} does not begin with FERET's five digits of the person."
            )
        found.setdefault(match[0], Sample(f"cufsf/{match[0]}", modality, path))
    return found
