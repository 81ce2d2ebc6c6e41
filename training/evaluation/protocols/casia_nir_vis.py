"""CASIA NIR-VIS 2.0: ten folds of view 2, NIR frames searched in one VIS image a person.

The data set's own lists say who is who: `vis_train_k.txt`, `nir_train_k.txt`, `vis_gallery_k.txt`,
`nir_probe_k.txt` (k = 1 .. 10; `dev` for view 1, on which alone hyper-parameters are chosen).
TRAP: the lists of bob.db repeat view 1's training list in every fold of view 2, where it shows
about half of the test people. A list that does so is refused, whatever its name.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faces.modality import Modality
from training.evaluation.protocols.fold import Fold, Pools, train_pool
from training.evaluation.protocols.tree import Images, child
from training.evaluation.protocols.trial import (
    DataMissingError,
    PeopleOverlapError,
    Sample,
    Trial,
    check_mates,
    some,
)

NAME = "casia-nir-vis-2.0"
VIEW_1 = f"{NAME}-view-1"
FOLDS = tuple(str(k) for k in range(1, 11))
HINT = (
    "Train on vis_train_K.txt and nir_train_K.txt as they come with the data set; view 1's list "
    "(vis_train_dev.txt, nir_train_dev.txt, bob.db's norm/train_world.lst) is not for view 2."
)
_LINE = re.compile(r"(s\d+)[\\/]+(vis|nir)[\\/]+(\w+)[\\/]+([^\\/\s,]+)", re.IGNORECASE)
"""s1\\VIS\\00001\\001.jpg, wherever in the line and whichever way the slashes lean."""


@dataclass(frozen=True, slots=True)
class _Lists:
    """The four lists of one fold; the train ones may be missing."""

    gallery: Path
    probes: Path
    train: dict[Modality, Path]
    no_train: str


def casia_nir_vis(data: Path) -> list[Fold]:
    """View 2: ten folds with 358 people in each test; the mean over the folds counts.

    Raises:
        DataMissingError: naming the list that is missing, or how many listed images are.
        PeopleOverlapError: a training list shows people of the test of its fold.
    """
    return _folds(data, FOLDS, NAME, averaged=True)


def casia_nir_vis_view_1(data: Path) -> list[Fold]:
    """View 1, for choosing hyper-parameters; its people are in the tests of view 2 too.

    Raises:
        As `casia_nir_vis`.
    """
    return _folds(data, ("dev",), VIEW_1, averaged=False)


def _folds(data: Path, folds: Sequence[str], name: str, *, averaged: bool) -> list[Fold]:
    root, lists = _root(data)
    images = Images(root)
    return [_fold(images, _lists(lists, k), k, name, averaged=averaged) for k in folds]


def _fold(images: Images, lists: _Lists, k: str, name: str, *, averaged: bool) -> Fold:
    trial = Trial(
        f"{name} fold {k}" if averaged else name,
        gallery=_samples(images, lists.gallery, Modality.VIS),
        probes=_samples(images, lists.probes, Modality.NIR),
        mean_of=name if averaged else None,
    )
    _one_image_each(trial, lists.gallery)
    check_mates(trial)
    train: Pools = {m: train_pool(_samples(images, path, m)) for m, path in lists.train.items()}
    try:
        return Fold(k, (trial,), train, no_train=lists.no_train)
    except PeopleOverlapError as error:
        names = " and ".join(path.name for path in lists.train.values())
        raise PeopleOverlapError(f"{names}: {error}. {HINT}") from error


def _root(data: Path) -> tuple[Path, Path]:
    """The folder of the images, and that of the lists."""
    if not data.is_dir():
        raise DataMissingError(f"{NAME}: the folder {data} is missing.")
    for root in (data, *(path for path in sorted(data.iterdir()) if path.is_dir())):
        lists = child(root, "protocols", "lists")
        if lists and (child(root, "s1", "s2", "s3", "s4") or child(lists, "vis_gallery_1.txt")):
            return root, lists
    raise DataMissingError(
        f"{NAME}: no folder `protocols` beside folders s1 .. s4 in {data} or one level below. Give "
        "the folder that holds them (NIR-VIS-2.0 in the data set as it comes)."
    )


def _lists(folder: Path, k: str) -> _Lists:
    """The data set's lists of fold `k`; for gallery and probes those of bob.db will do."""
    gallery, probes = child(folder, f"vis_gallery_{k}.txt"), child(folder, f"nir_probe_{k}.txt")
    bob = child(folder, "view2_1" if k == "dev" else f"view2_{k}")
    group = child(bob, "dev" if k == "dev" else "eval") if bob else None
    if group:
        gallery, probes = (
            gallery or child(group, "for_models.lst"),
            probes or child(group, "for_probes.lst"),
        )
    if gallery is None or probes is None:
        lost = f"vis_gallery_{k}.txt" if gallery is None else f"nir_probe_{k}.txt"
        raise DataMissingError(f"{NAME}: {lost} is missing in {folder}.")
    train = {m: child(folder, f"{m}_train_{k}.txt") for m in (Modality.VIS, Modality.NIR)}
    there = {m: path for m, path in train.items() if path}
    if len(there) == len(train):
        return _Lists(gallery, probes, there, "")
    missing = " and ".join(f"{m}_train_{k}.txt" for m in train if m not in there)
    return _Lists(gallery, probes, {}, f"{NAME}: {missing} is missing in {folder}. {HINT}")


def _samples(images: Images, path: Path, modality: Modality) -> tuple[Sample, ...]:
    """The images of one modality that a list names; a list may hold both."""
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    found = [(number, _LINE.search(line)) for number, line in enumerate(lines, 1) if line.strip()]
    strange = next((number for number, match in found if match is None), None)
    if strange is not None:
        raise DataMissingError(
            f"{NAME}: line {strange} of {path} names no image like s1/VIS/00001/001.jpg."
        )
    parts = [match.groups() for _, match in found if match]
    listed = [part for part in parts if part[1].casefold() == modality]
    if not listed:
        raise DataMissingError(f"{NAME}: {path} lists no {str(modality).upper()} image.")
    paths = images.find_all(["/".join(part) for part in listed], path, NAME)
    return tuple(
        Sample(f"casia/{person}", modality, image)
        for (_, _, person, _), image in zip(listed, paths, strict=True)
    )


def _one_image_each(trial: Trial, listed_in: Path) -> None:
    counts = Counter(sample.subject for sample in trial.gallery)
    several = [subject for subject, count in counts.items() if count > 1]
    if several:
        raise DataMissingError(
            f"{trial.name}: the gallery holds one VIS image a person, but {listed_in.name} has "
            f"more of {some(several)}."
        )
