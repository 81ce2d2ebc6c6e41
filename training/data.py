"""Folders of images -> pools of crops by modality, and unpaired batches drawn from them."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from faces.modality import Modality
from training.config import Data, Source
from training.crops import Recipe, cached_crops
from training.evaluation.protocols import (
    PROTOCOLS,
    DataMissingError,
    Fold,
    ProtocolName,
    TrainImage,
    half_of,
    held_out,
    subject_of,
)
from training.template import CROP

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
NAMELESS = -1
CALIBRATION_DIGIT = 2
"""Last decimal digit of the sha256 of a name; 0 and 1 are kept for the LFW test."""


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """All training crops of one modality.

    `crops` is (n, 128, 128, 3) uint8 RGB for vis and (n, 128, 128) grey otherwise; `people` (n,)
    int64 labels, NAMELESS where no name may be used; `weights` (n,) float64 draws every source of
    the modality in proportion to the square root of its size, so that a large one does not drown
    the others; `files` names each image, `groups` (n,) holds its `Source.same_people`.
    """

    modality: Modality
    crops: NDArray[np.uint8]
    people: NDArray[np.int64]
    weights: NDArray[np.float64]
    files: tuple[str, ...]
    groups: NDArray[np.str_]

    def draw(self, count: int, rng: Generator) -> NDArray[np.int64]:
        """Indices of `count` different images (all, if there are fewer), in random order.

        Drawn independently of any other pool.
        """
        size = min(count, len(self.crops))
        return rng.choice(len(self.crops), size, replace=False, p=self.weights)

    def of(self, rows: NDArray[np.int64]) -> "Pool":
        """Some of the images; how often each source is drawn stays in proportion to them."""
        weights = self.weights[rows]
        return Pool(
            self.modality,
            np.asarray(self.crops[rows]),
            self.people[rows],
            weights / weights.sum(),
            tuple(self.files[row] for row in rows),
            self.groups[rows],
        )

    def grey(self, indices: NDArray[np.int64]) -> Tensor:
        """(n, 1, 128, 128) float32 in [0, 1]."""
        crops = np.asarray(self.crops[indices])
        if crops.ndim == 4:
            crops = np.stack([cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) for crop in crops])
        return torch.from_numpy(crops[:, None].astype(np.float32) / np.float32(255))


def load_pools(
    data: Data, recipe: Recipe, *, cache: Path, processes: int, at_most: int | None = None
) -> dict[Modality, Pool]:
    """Locate, align and cache the images of every source.

    Args:
        at_most: so many images a modality, spread over its sources; all where None.

    Raises:
        FileNotFoundError: a source has no images, or no face in them; the message names it.
        ProtocolError: the protocol of a source does not find what it needs.
    """
    parts: dict[Modality, list[tuple[Source, list[TrainImage]]]] = {}
    for source in data.sources:
        parts.setdefault(source.modality, []).append((source, source_images(data.root, source)))
    return {
        modality: _pool(modality, _thinned(sources, at_most), recipe, cache, processes)
        for modality, sources in parts.items()
    }


def _thinned(
    sources: list[tuple[Source, list[TrainImage]]], at_most: int | None
) -> list[tuple[Source, list[TrainImage]]]:
    total = sum(len(images) for _, images in sources)
    step = 1 if at_most is None else max(1, -(-total // at_most))
    return [(source, images[::step]) for source, images in sources]


def source_images(root: Path, source: Source) -> list[TrainImage]:
    """Images of one source in a fixed order: halves applied, held-out people left out.

    Raises:
        FileNotFoundError: none are left.
        ProtocolError: the source's protocol does not find what it needs.
    """
    images = [
        image
        for image in _images(root, source)
        if not for_calibration(_person(image, root, source))
        and (source.half is None or half_of(image.subject or image.path.stem) == source.half)
        and not (source.hold_out and held_out(image.path.parent.name))
    ]
    if not images:
        raise FileNotFoundError(f"{root / source.path}: no images to train on ({source.modality}).")
    return images


def known_subjects(root: Path, source: Source) -> list[str | None]:
    """Whom a source shows, as the protocols name people; None where no name is known."""
    return [
        image.subject if source.protocol else subject_of(image.path, root)
        for image in source_images(root, source)
    ]


def calibration_paths(root: Path, source: Source) -> dict[str, list[Path]]:
    """Images of the people who are kept for calibration, by person; nobody trains on them."""
    people: dict[str, list[Path]] = {}
    for image in _images(root, source):
        person = _person(image, root, source)
        if for_calibration(person) and not held_out(person):
            people.setdefault(person, []).append(image.path)
    return people


def for_calibration(person: str) -> bool:
    """Whether a person of a training source is kept for calibration: one in ten, by hash."""
    return int.from_bytes(hashlib.sha256(person.encode()).digest(), "big") % 10 == CALIBRATION_DIGIT


def _images(root: Path, source: Source) -> list[TrainImage]:
    """Every image of a source; `subject` is set by protocols only."""
    folder = root / source.path
    if source.protocol:
        return list(_fold(folder, source.protocol, source.fold).pools().get(source.modality, ()))
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if source.least > 1:
        images = Counter(path.parent for path in paths)
        paths = [path for path in paths if images[path.parent] >= source.least]
    return [TrainImage(path) for path in paths]


def _fold(folder: Path, protocol: ProtocolName, name: str) -> Fold:
    folds = {fold.name: fold for fold in PROTOCOLS[protocol](folder)}
    if name not in folds:
        raise DataMissingError(f"{protocol}: no fold {name}; there are {', '.join(folds)}.")
    return folds[name]


def _person(image: TrainImage, root: Path, source: Source) -> str:
    """The subject without its set; else the sub-folder an image lies in; else the file's stem."""
    if image.subject:
        return image.subject.rpartition("/")[2]
    path = image.path
    in_no_folder = source.protocol or path.parent == root / source.path
    return path.stem if in_no_folder else path.parent.name


def _label(image: TrainImage, source: Source) -> str:
    """Whom the trainer may know an image to show; empty where it may not, or nobody knows."""
    if not source.names:
        return ""
    if source.protocol:
        return image.subject or ""
    return f"{source.path}/{image.path.parent.name}"


def _pool(
    modality: Modality,
    sources: list[tuple[Source, list[TrainImage]]],
    recipe: Recipe,
    cache: Path,
    processes: int,
) -> Pool:
    colour = replace(CROP, colour="rgb") if modality is Modality.VIS else CROP
    recipe = replace(recipe, spec=colour)
    crops: list[NDArray[np.uint8]] = []
    weights: list[NDArray[np.float64]] = []
    names: list[str] = []
    groups: list[str] = []
    files: list[str] = []
    for source, images in sources:
        paths = [image.path for image in images]
        made = cached_crops(paths, recipe, cache=cache, processes=processes)
        found = [image for image, there in zip(images, made.found, strict=True) if there]
        if not found:
            raise FileNotFoundError(
                f"{source.path}: no face was found in any of its {len(images)} images "
                f"({source.modality}); `null-face data check` shows why."
            )
        crops.append(np.asarray(made.crops)[made.found])
        weights.append(np.full(len(found), len(found) ** -0.5))
        names += [_label(image, source) for image in found]
        files += [f"{source.path}/{image.path.name}" for image in found]
        groups += [source.same_people] * len(found)
    chances = np.concatenate(weights)
    return Pool(
        modality,
        np.concatenate(crops),
        _labels(names),
        chances / chances.sum(),
        tuple(files),
        np.array(groups),
    )


def _labels(names: Iterable[str]) -> NDArray[np.int64]:
    numbers: dict[str, int] = {}
    return np.array(
        [numbers.setdefault(name, len(numbers)) if name else NAMELESS for name in names],
        dtype=np.int64,
    )
