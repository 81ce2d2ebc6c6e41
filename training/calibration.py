"""What a bundle's scores are worth, measured on people kept out of training and of every test."""

import itertools
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.bundle import Bundle, CalibrationFields
from faces.encode import Encoder
from faces.modality import Modality
from training.config import Source
from training.crops import cached_crops
from training.data import calibration_paths
from training.evaluation.bundles import bundle_recipe
from training.evaluation.calibrate import calibrate_strictly
from training.render import render

BATCH = 64
MIN_COHORT = 50
"""Fewer say nothing of a mean and a deviation, not even together."""
MIN_COMPARISONS = 1000
"""Fewer fix neither the mean and the deviation of a cohort nor a table worth serving."""


def calibrate_bundle(
    bundle: Bundle, sources: tuple[Source, ...], root: Path, cache: Path
) -> dict[Modality, CalibrationFields]:
    """Non-mated scores of people kept out of training, each probe against photos of its own set.

    A probe from another set than the photo is the easier impostor, so such pairs do not count, and
    the set whose strangers are most alike decides; sets too small to tell are one set. Without NIR
    sources NIR probes are renderings; the text of the table says so.
    """
    encoder = Encoder(bundle, threads=2)
    photos = [s for s in sources if s.modality is Modality.VIS]
    found: dict[Modality, CalibrationFields] = {}
    for modality in bundle.manifest.encoders:
        probes = [source for source in sources if source.modality is modality]
        simulated = modality is Modality.NIR and not probes
        probes = photos if simulated else probes
        cohorts = _large_enough(
            {
                probe.path: _nonmated(encoder, bundle, root, probe, photo, modality, cache)
                for probe, photo in itertools.product(probes, photos)
                if _drawn_alike(probe, photo)
            }
        )
        if sum(scores.size for scores in cohorts.values()) < MIN_COMPARISONS:
            continue
        source = (
            "non-mated comparisons of people kept out of training"
            f"{', NIR simulated from photos' if simulated else ''}, the worst of these cohorts: "
            + ", ".join(sorted(f"{name} ({scores.size})" for name, scores in cohorts.items()))
        )
        found[modality] = calibrate_strictly(list(cohorts.values()), source)
    return found


def _large_enough(cohorts: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Cohorts of `MIN_COMPARISONS` as they are; smaller ones together are one.

    Ten people (90 comparisons) by themselves once set a threshold that held the rate 25 times over.
    """
    large = {name: scores for name, scores in cohorts.items() if scores.size >= MIN_COMPARISONS}
    small = {name: scores for name, scores in cohorts.items() if name not in large and scores.size}
    if sum(scores.size for scores in small.values()) < MIN_COHORT:
        return large
    return large | {" with ".join(sorted(small)): np.concatenate(list(small.values()))}


def _drawn_alike(probe: Source, photo: Source) -> bool:
    """Whether both sources are of one set: one protocol, or folders that differ in their last."""
    if probe.protocol or photo.protocol:
        return probe.protocol == photo.protocol
    return probe == photo or Path(probe.path).parent == Path(photo.path).parent != Path()


def _nonmated(
    encoder: Encoder,
    bundle: Bundle,
    root: Path,
    probe: Source,
    photo: Source,
    modality: Modality,
    cache: Path,
) -> NDArray[np.float32]:
    """Scores of every probe against every photo of another person."""
    probes, probe_people = _encode(encoder, bundle, root, probe, modality, cache)
    photos, photo_people = _encode(encoder, bundle, root, photo, Modality.VIS, cache)
    different = probe_people[:, None] != photo_people[None]
    return np.asarray((probes @ photos.T)[different], dtype=np.float32)


def _encode(
    encoder: Encoder, bundle: Bundle, root: Path, source: Source, modality: Modality, cache: Path
) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    people = calibration_paths(root, source)
    paths = [path for images in people.values() for path in images]
    names = np.array([person for person, images in people.items() for _ in images])
    recipe = bundle_recipe(bundle)
    if source.modality is Modality.VIS:
        recipe = replace(recipe, spec=replace(recipe.spec, colour="rgb"))
    made = cached_crops(paths, recipe, cache=cache / "crops", processes=2)
    crops = np.asarray(made.crops[made.found])
    if source.modality is Modality.VIS:
        crops = _photos_as(modality, crops)
    vectors = [
        encoder(crops[start : start + BATCH].astype(np.float32) / np.float32(255), modality)
        for start in range(0, len(crops), BATCH)
    ]
    return np.concatenate(vectors), names[made.found]


def _photos_as(modality: Modality, photos: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n, 128, 128, 3) RGB crops as grey ones, or rendered as NIR."""
    if modality is Modality.VIS:
        return np.stack([cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY) for photo in photos])
    rng = np.random.default_rng(0)
    return np.stack([render(photo, modality, rng) for photo in photos])
