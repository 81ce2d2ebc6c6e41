"""A gallery on its way to another model, and what its use cases need of the world.

While that goes on, the gallery serves as it is. Its successor is another gallery, which no list
shows, with its own id, model and log; new vectors wait there. The switch gives the successor the
name, subjects and templates in one transaction, so that no id ever stands for two models.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from faces.modality import Modality
from service.core.access import Actor
from service.core.gallery import Gallery, Model, Page

EncodeCrops = Callable[[Sequence[bytes], Modality], NDArray[np.float32]]
"""Crops of one modality -> (n, d) unit vectors of the new model."""


class Reason(StrEnum):
    """Why a template cannot be embedded anew, so that its subject must be enrolled again."""

    NO_CROP = "no_crop"
    OTHER_CROP = "other_crop"
    UNSUPPORTED_MODALITY = "unsupported_modality"


@dataclass(frozen=True, slots=True)
class Target:
    """The model that a gallery is to be of, which crops it takes, and what it encodes."""

    model: Model
    crop_kind: str
    modalities: frozenset[Modality]


@dataclass(frozen=True, slots=True)
class Reembedding:
    """A gallery on its way to another model. `successor` is the id that it will have then."""

    gallery: Gallery
    successor: int
    target: Target
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Progress:
    """Of so many `templates`, how many are `done`, and how many must be enrolled again."""

    templates: int
    done: int
    reenrolments: int

    @property
    def pending(self) -> int:
        """How many are still to be embedded."""
        return self.templates - self.done - self.reenrolments


@dataclass(frozen=True, slots=True)
class Reenrolment:
    """A template that cannot be embedded anew; what is needed is an image of its subject."""

    subject_id: str
    template_id: str
    reason: Reason


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    """A template still to be embedded: its number, and the pixels of its crop."""

    number: int
    pixels: bytes
    modality: Modality


class Reembeddings(Protocol):
    """Where they are kept. Every method that changes something returns after the commit.

    All may be called again after a crash, and from several processes at once: what is done is
    passed over. Raises UnknownGallery, or Replaced where the gallery was switched meanwhile.
    """

    def acting_for(self, actor: Actor) -> "Reembeddings":
        """These, for what `actor` does."""

    def begin(self, gallery: Gallery, target: Target) -> Reembedding:
        """Begin, or go on with what was begun for the same model.

        Raises ReembeddingRefused where it was begun for another one.
        """

    def of(self, gallery: Gallery) -> Reembedding | None:
        """What was begun and is not yet switched or cancelled."""

    def progress(self, gallery: Gallery, target: Target | None) -> Progress:
        """How far it is; without a target, how far any model of the same crops could come."""

    def reenrolments(
        self, gallery: Gallery, target: Target | None, after: int, limit: int
    ) -> Page[Reenrolment]:
        """The next templates that cannot be embedded anew for `target`, oldest first."""

    def pending(self, one: Reembedding, after: int, limit: int) -> Sequence[Pending]:
        """The next templates to be embedded, with a number above `after`, oldest first."""

    def add(self, one: Reembedding, vectors: Sequence[tuple[int, NDArray[np.float32]]]) -> None:
        """Keep new vectors of those of the templates that are still there and have none yet.

        Raises ReembeddingRefused where it was cancelled meanwhile.
        """

    def switch(self, one: Reembedding, *, leave_out: bool) -> None:
        """Put the successor in the gallery's place: all of it or nothing. The old vectors are gone.

        With `leave_out`, templates that cannot be embedded anew are erased; their subjects stay.

        Raises:
            NotYet: templates are pending, or imports into the gallery are under way.
            ReembeddingRefused: it was cancelled, or some must be enrolled again.
        """

    def cancel(self, gallery: Gallery) -> bool:
        """Drop the successor; the gallery stays as it is. False where nothing was begun."""

    def erase_crops(self, gallery: Gallery) -> int:
        """Erase what was kept of a gallery for other models; how many crops there were."""

    def successors(self, model: Model) -> Sequence[int]:
        """Ids of the galleries that are being made for a model."""

    def tidy(self) -> bool:
        """Let nothing erased linger in SQLite's log; False where a reader is still in it."""
