"""Use case: serve a gallery with another model, by embedding its kept crops anew beside it.

One run, from any process on the database of the services, is `begin`, `embed`, `switch`. Killed at
any point, it is run again. See decision 7.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.core import galleries
from service.core.errors import NotYet, ReembeddingRefused
from service.core.gallery import Gallery, Page
from service.core.ports import Store
from service.core.reembedding import (
    EncodeCrops,
    Progress,
    Reembedding,
    Reembeddings,
    Reenrolment,
    Target,
)

BATCH = 32
"""Crops encoded at once and committed together."""


def begin(store: Store, work: Reembeddings, name: str, target: Target) -> Reembedding | None:
    """Begin or go on; None where the gallery is of this model already.

    Raises UnknownGallery, ReembeddingRefused.
    """
    gallery = galleries.find(store, name)
    if gallery.model.identity == target.model.identity:
        return None
    return work.begin(gallery, target)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a gallery is on its way; without `under_way`, what a model of the same crops meets."""

    gallery: Gallery
    under_way: Reembedding | None
    progress: Progress


def standing(store: Store, work: Reembeddings, name: str) -> Standing:
    """How far a gallery is on its way to another model; raises UnknownGallery."""
    gallery = galleries.find(store, name)
    one = work.of(gallery)
    return Standing(gallery, one, work.progress(gallery, one.target if one else None))


def reenrolments(
    store: Store,
    work: Reembeddings,
    name: str,
    after: int,
    limit: int,
    target: Target | None = None,
) -> Page[Reenrolment]:
    """Who must be enrolled again for `target`, or for what is under way, or for any other model.

    Raises UnknownGallery.
    """
    gallery = galleries.find(store, name)
    if target is None and (one := work.of(gallery)):
        target = one.target
    return work.reenrolments(gallery, target, after, limit)


def embed(
    work: Reembeddings,
    one: Reembedding,
    encode: EncodeCrops,
    done: Callable[[int], None] = lambda count: None,
    batch: int = BATCH,
) -> None:
    """Embed all that is pending, also what is enrolled meanwhile; `done` is told of each batch."""
    after = 0
    while pending := work.pending(one, after, batch):
        for modality in sorted({crop.modality for crop in pending}):
            crops = [crop for crop in pending if crop.modality is modality]
            vectors = _checked(encode([crop.pixels for crop in crops], modality))
            work.add(one, [(crop.number, row) for crop, row in zip(crops, vectors, strict=True)])
        done(len(pending))
        after = pending[-1].number


def switch(
    work: Reembeddings,
    one: Reembedding,
    encode: EncodeCrops,
    wait: Callable[[int], None],
    *,
    leave_out: bool = False,
) -> None:
    """Switch as soon as that can be; `wait` is told how many imports have to end first.

    Raises ReembeddingRefused.
    """
    while True:
        try:
            work.switch(one, leave_out=leave_out)
        except NotYet as error:
            if error.pending:
                embed(work, one, encode)
            else:
                wait(error.imports)
        else:
            return


def _checked(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    if not np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3):  # also where not finite
        raise ReembeddingRefused(
            "The new model's vector of a crop is not finite or not of length 1."
        )
    return vectors
