"""What a gallery asks of the images enrolled into it."""

from collections.abc import Sequence
from dataclasses import dataclass

from faces.errors import LowQuality
from faces.modality import Modality
from faces.quality import OF_PHOTOS, Quality


@dataclass(frozen=True, slots=True)
class Bound:
    """Least and greatest value of one measure of `faces.quality.Quality`; both are allowed."""

    measure: str
    minimum: float | None = None
    maximum: float | None = None


def require(quality: Quality, modality: Modality, bounds: Sequence[Bound]) -> None:
    """Raises LowQuality, naming the first bound that the image is beyond.

    A sketch is not measured by what only means something in a photograph.
    """
    for bound in bounds:
        if modality is Modality.SKETCH and bound.measure in OF_PHOTOS:
            continue
        value = getattr(quality, bound.measure)
        if bound.minimum is not None and not value >= bound.minimum:
            raise LowQuality(
                f"{bound.measure} is {value:.4g}; this gallery asks for at least {bound.minimum:g}."
            )
        if bound.maximum is not None and not value <= bound.maximum:
            raise LowQuality(
                f"{bound.measure} is {value:.4g}; this gallery asks for at most {bound.maximum:g}."
            )
