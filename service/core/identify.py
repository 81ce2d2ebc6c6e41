"""Use case: whose face is this, among the subjects of a gallery?"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.locate import FacePolicy
from faces.modality import Modality
from faces.similarity import Calibration
from service.core import galleries
from service.core.audit import Action, Detail, Event, note_search
from service.core.errors import Uncalibrated
from service.core.gallery import Candidate, Encoded, Gallery
from service.core.gallery_settings import Fusion
from service.core.metadata_filter import MetadataFilter
from service.core.ports import Found, Index, Parts, Store
from service.core.rank import is_complete, rank

WIDEN = 4
"""How many hits are fetched for each candidate wanted, and by how much more if they do not do."""

Scale = Callable[[int], tuple[float, Callable[[float], float | None]]]
"""Number of references searched -> threshold, and score -> FPIR."""


@dataclass(frozen=True, slots=True)
class Search:
    """What a caller wants to know of an image. Modality None: guess it.

    With `wanted`, there are no other subjects to this search.
    """

    gallery: str
    modality: Modality | None
    policy: FacePolicy
    top_k: int
    min_score: float | None = None
    target_fpir: float | None = None
    purpose: str | None = None
    wanted: MetadataFilter | None = None


@dataclass(frozen=True, slots=True)
class Identification:
    """A candidate list. `threshold` is the least score listed; -inf without one, inf where the
    calibration reaches no such rate.
    """

    probe: Encoded
    gallery: str
    model: str
    candidates: Sequence[Candidate]
    searched: int
    threshold: float


def identify(data: bytes, search: Search, parts: Parts) -> Identification:
    """Rank the subjects of a gallery by their similarity with the face in an image.

    Every enrolment acknowledged before the image was encoded is searched. A search that is to be
    recorded and cannot be is not answered.

    Raises:
        UnknownGallery, ModelMismatch: see `galleries.opened`.
        Uncalibrated: a target FPIR needs a calibration that the model lacks.
        ImageError, NoFace, SeveralFaces, LowQuality, UnsupportedModality, Busy: see `Encode`.
    """
    gallery, parts = galleries.opened(parts, search.gallery)
    probe = parts.encode(data, search.modality, search.policy)
    scale = _scale(search, probe.modality, parts.calibration(probe.modality))
    parts.index.catch_up(parts.store, gallery.id)
    wanted = search.wanted
    among = None if wanted is None else parts.store.matching(gallery, wanted)
    found, candidates, threshold = look(
        probe.vector, gallery, search.top_k, scale, among, store=parts.store, index=parts.index
    )
    detail: Detail = {
        "searched": found.searched,
        "listed": len(candidates),
        "modality": probe.modality,
        "purpose": search.purpose,
        "filter": None if wanted is None else sorted(wanted.any_of),
    }
    note_search(parts.store, Event(Action.IDENTIFY, gallery.name, detail=detail))
    return Identification(
        probe, gallery.name, parts.model.name, candidates, found.searched, threshold
    )


def look(
    vector: NDArray[np.float32],
    gallery: Gallery,
    top_k: int,
    scale: Scale,
    among: Sequence[int] | None = None,
    *,
    store: Store,
    index: Index,
) -> tuple[Found, list[Candidate], float]:
    """Search, wider and wider until the first `top_k` subjects are certain.

    `among` are the store's numbers of those who are searched; None: everybody.
    """
    k, fusion, again = top_k * WIDEN, gallery.settings.fusion, False
    while True:
        found = index.search(gallery.id, vector, k, fusion=fusion, among=among)
        owners = store.owners(gallery, [hit.template for hit in found.hits])
        if fusion is Fusion.MEAN and len(owners) < len(found.hits) and not again:
            index.catch_up(store, gallery.id)  # erased just now; its subject may have others
            again = True
            continue
        threshold, fpir = scale(found.searched)
        candidates = rank(found.hits, owners, top_k=top_k, threshold=threshold, fpir=fpir)
        if is_complete(candidates, found, top_k=top_k, threshold=threshold):
            return found, candidates, threshold
        k *= WIDEN


def _scale(search: Search, modality: Modality, calibration: Calibration | None) -> Scale:
    """What scores mean to this search."""
    if calibration is None:
        if search.target_fpir is not None:
            raise Uncalibrated(
                f"The model's scores are not calibrated for {modality} probes: "
                "use min_score instead of target_fpir."
            )
        least = -math.inf if search.min_score is None else search.min_score
        return lambda searched: (least, lambda score: None)

    def calibrated(searched: int) -> tuple[float, Callable[[float], float | None]]:
        least = -math.inf if search.min_score is None else search.min_score
        if search.target_fpir is not None:
            least = calibration.threshold_at_fpir(search.target_fpir, searched)
        return least, lambda score: calibration.fpir_of(score, searched)

    return calibrated
