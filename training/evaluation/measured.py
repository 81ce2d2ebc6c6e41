"""Attributes of a trial's people that are measured from its images, not told by anybody.

Cuts were fixed before any result was looked at: thirds of the people measured, and for the turn of
the head the nose a seventh of the eye distance off the middle.
"""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.align import similarity_transform
from faces.image import decode
from faces.modality import Modality
from training.crops import face_of_row
from training.evaluation.protocols import Attribute, Sample, Trial
from training.evaluation.systems import Images

CHEEK = 0.12
"""Half the side of the square that is looked at on each cheek, in eye distances."""
COLOURLESS = 2.0
"""Chroma in CIE Lab below which a photo is taken for a grey one."""
TURNED = 1 / 7
"""Nose off the middle of the eyes, in eye distances: about 20 degrees."""
FEWEST = 30
"""People; a third of fewer says nothing."""

Points = NDArray[np.float32]


def measured_attributes(trial: Trial, images: Images) -> tuple[Attribute, ...]:
    """Skin tone and turn of the head in the photo, and how far probe and photo differ in shape.

    Of people whose photo (first reference) shows a face; whoever is in no group had none.
    """
    points = _points(images)
    photos = {sample.subject: sample for sample in reversed(trial.gallery) if sample in points}
    tones = {
        subject: tone
        for subject, photo in photos.items()
        if photo.modality is Modality.VIS
        and (tone := skin_tone(_pixels(photo), points[photo])) is not None
    }
    turns = {subject: turn(points[photo]) for subject, photo in photos.items()}
    gaps: dict[str, float] = {}
    for probe in reversed(trial.probes):
        if probe in points and probe.subject in photos:
            gaps[probe.subject] = shape_gap(points[probe], points[photos[probe.subject]])
    found = (
        Attribute(
            "skin tone",
            "individual typology angle of the median colour of both cheeks in the photo: its light "
            "and exposure are in it, so it is not the skin's alone; thirds of these people",
            thirds(tones, ("1st third (darkest)", "2nd third", "3rd third (lightest)")),
        ),
        Attribute(
            "head",
            "in the photo; turned: nose off the middle of the eyes by more than a seventh of their "
            "distance (about 20 degrees), by the points of the locator",
            {s: "turned" if value > TURNED else "frontal" for s, value in turns.items()},
        ),
        Attribute(
            "shape",
            "distance of the five points of probe and photo after a similarity, by the points of "
            "the locator: exaggeration, another pose, or a fault of the locator; thirds",
            thirds(gaps, ("1st third (nearest)", "2nd third", "3rd third (farthest)")),
        ),
    )
    return tuple(attribute for attribute in found if attribute.groups)


def skin_tone(image: NDArray[np.uint8], points: Points) -> float | None:
    """Individual typology angle in degrees (Chardon et al. 1991), more is lighter.

    Args:
        image: (height, width, 3) RGB, upright.

    Returns:
        None where the cheeks lie outside of the image, or it has no colour.
    """
    half = max(1.0, CHEEK * _eye_distance(points))
    pixels = np.concatenate([_square(image, centre, half) for centre in _cheeks(points)])
    if not pixels.size:
        return None
    lab = cv2.cvtColor(pixels[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    lightness, a, b = np.median(lab, axis=0)
    if np.hypot(a, b) < COLOURLESS:
        return None
    return float(np.degrees(np.arctan2(lightness - 50, b)))


def turn(points: Points) -> float:
    """How far the nose lies off the middle of the eyes along their line, in eye distances."""
    left, right, nose = points[:3]
    axis = (right - left) / _eye_distance(points)
    return float(abs((nose - (left + right) / 2) @ axis) / _eye_distance(points))


def shape_gap(points: Points, others: Points) -> float:
    """Root mean square distance of five points to others after a similarity, in eye distances."""
    matrix = similarity_transform(points, others)
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    squared = ((moved - others) ** 2).sum(1).mean()
    return float(np.sqrt(squared) / _eye_distance(others))


def thirds(values: Mapping[str, float], names: Sequence[str]) -> dict[str, str]:
    """The people of the lowest, middle and highest third of `values`; nobody where they are few."""
    if len(values) < FEWEST:
        return {}
    cuts = np.quantile(list(values.values()), [1 / 3, 2 / 3])
    return {who: names[int(np.searchsorted(cuts, value))] for who, value in values.items()}


def _points(images: Images) -> dict[Sample, Points]:
    crops = images.crops
    return {
        sample: face_of_row(row).points
        for sample, row, there in zip(images.samples, crops.faces, crops.found, strict=True)
        if there
    }


def _pixels(photo: Sample) -> NDArray[np.uint8]:
    return decode(photo.path.read_bytes())


def _cheeks(points: Points) -> tuple[Points, Points]:
    """Halfway down from each eye to its corner of the mouth, and a little outwards."""
    left, right, _, left_mouth, right_mouth = points
    outwards = 0.1 * (right - left)
    return (left + left_mouth) / 2 - outwards, (right + right_mouth) / 2 + outwards


def _square(image: NDArray[np.uint8], centre: Points, half: float) -> NDArray[np.uint8]:
    """(n, 3) pixels around `centre` that lie in the image."""
    low = np.maximum(np.floor(centre - half), 0).astype(int)
    high = np.ceil(centre + half).astype(int)
    return image[low[1] : max(high[1], 0), low[0] : max(high[0], 0)].reshape(-1, 3)


def _eye_distance(points: Points) -> float:
    return float(np.linalg.norm(points[1] - points[0]))
