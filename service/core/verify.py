"""Use case: do two images, or an image and a subject, show one person?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.locate import FacePolicy
from faces.modality import Modality
from faces.similarity import Calibration
from service.core import galleries
from service.core.audit import Action, Event, note_search
from service.core.errors import Uncalibrated, UnknownSubject
from service.core.gallery import Encoded
from service.core.gallery_settings import Fusion
from service.core.ports import Parts

DEFAULT_FMR = 0.001


@dataclass(frozen=True, slots=True)
class Reference:
    """The claimed person: an image of them, or a subject of a gallery."""

    image: bytes | None = None
    modality: Modality | None = Modality.VIS
    gallery: str = ""
    subject_id: str = ""


@dataclass(frozen=True, slots=True)
class Threshold:
    """When two faces match: at a least score, or at a rate of false matches."""

    min_score: float | None = None
    target_fmr: float | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """`fmr` is the false match rate of a threshold at `score`; None where not calibrated.

    `match` is score >= threshold; None where neither a least score nor a calibration says.
    `threshold` is inf where the calibration reaches no such rate.
    """

    probe: Encoded
    model: str
    score: float
    fmr: float | None
    match: bool | None
    threshold: float | None


def verify(
    data: bytes,
    modality: Modality | None,
    policy: FacePolicy,
    reference: Reference,
    at: Threshold,
    parts: Parts,
    purpose: str | None = None,
) -> Verification:
    """Compare a face with a reference; a subject's several templates as its gallery says.

    Raises:
        UnknownGallery, ModelMismatch, UnknownSubject: the reference is not there.
        Uncalibrated: a target FMR needs a calibration that the model lacks.
        ImageError, NoFace, SeveralFaces, LowQuality, UnsupportedModality, Busy: see `Encode`.
    """
    references, parts = _references(reference, policy, parts)
    probe = parts.encode(data, modality, policy)
    score = min(1.0, float((references @ probe.vector).max()))
    calibration = parts.calibration(probe.modality)
    threshold = _threshold(at, calibration, len(references), probe.modality)
    fmr = None if calibration is None else _fmr(calibration, score, len(references))
    match = None if threshold is None else score >= threshold
    note_search(parts.store, _event(reference, purpose))
    return Verification(probe, parts.model.name, score, fmr, match, threshold)


def _event(reference: Reference, purpose: str | None) -> Event:
    if reference.image is not None:
        return Event(Action.VERIFY, detail={"against": "image", "purpose": purpose})
    detail = {"against": "subject", "purpose": purpose}
    return Event(Action.VERIFY, reference.gallery, reference.subject_id, detail)


def _references(
    reference: Reference, policy: FacePolicy, parts: Parts
) -> tuple[NDArray[np.float32], Parts]:
    """The vectors to compare with, and the parts of the model that they come from."""
    if reference.image is not None:
        return parts.encode(reference.image, reference.modality, policy).vector[None], parts
    gallery, parts = galleries.opened(parts, reference.gallery)
    vectors = parts.store.vectors(gallery, galleries.possible(reference.subject_id))
    if not len(vectors):
        raise UnknownSubject(f"The subject {reference.subject_id!r} has no template left.")
    fused = gallery.settings.fusion is Fusion.MEAN
    return (mean(vectors)[None] if fused else vectors), parts


def mean(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of unit vectors, made unit length again; 0 where they cancel out."""
    total = vectors.sum(axis=0, dtype=np.float64)
    length = float(np.linalg.norm(total))
    return np.asarray(total / length if length > 1e-6 else 0 * total, np.float32)


def _threshold(
    at: Threshold, calibration: Calibration | None, references: int, modality: Modality
) -> float | None:
    if at.min_score is not None:
        return at.min_score
    if calibration is not None:
        wanted = DEFAULT_FMR if at.target_fmr is None else at.target_fmr
        if references == 1:
            return calibration.threshold_at_fmr(wanted)
        return calibration.threshold_at_fpir(wanted, references)
    if at.target_fmr is not None:
        raise Uncalibrated(
            f"The model's scores are not calibrated for {modality} probes: "
            "use min_score instead of target_fmr."
        )
    return None


def _fmr(calibration: Calibration, score: float, references: int) -> float:
    """The best of n references is n chances of a false match: the FPIR over n."""
    if references == 1:
        return calibration.fmr_of(score)
    return calibration.fpir_of(score, references)
