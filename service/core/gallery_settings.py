"""What can be set of a gallery."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict

from service.core.quality import Bound


class Fusion(StrEnum):
    """How a probe is compared with a subject of several templates.

    `best`: the most similar one counts. `mean`: their mean, of unit length again, counts.
    """

    BEST = "best"
    MEAN = "mean"


@dataclass(frozen=True, slots=True)
class DuplicateCheck:
    """From which score on an enrolment tells that another subject has this face.

    `target_fpir`: so that at most this share of the enrolments of strangers tells so, given the
    size of the gallery; or `min_score`; neither: it is not looked for.
    """

    target_fpir: float | None = None
    min_score: float | None = None

    @property
    def is_on(self) -> bool:
        """Whether duplicates are looked for."""
        return self.target_fpir is not None or self.min_score is not None


DEFAULT_CHECK = DuplicateCheck(target_fpir=0.05)


@dataclass(frozen=True, slots=True)
class GallerySettings:
    """What an image has to be like to be enrolled, how subjects are compared, and when a template
    is erased: so many days after its enrolment, or never.
    """

    quality: tuple[Bound, ...] = ()
    fusion: Fusion = Fusion.BEST
    duplicates: DuplicateCheck = DEFAULT_CHECK
    retention_days: int | None = None


class SettingsChange(TypedDict, total=False):
    """What to change of a gallery's settings; a key that is absent leaves its value alone."""

    quality: tuple[Bound, ...]
    fusion: Fusion
    duplicates: DuplicateCheck
    retention_days: int | None
