"""A sample of a part's images put through `faces.prepare`: can they be read, are there faces."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from faces.align import CropSpec
from faces.errors import FaceError, ImageError
from faces.locate import Locator
from faces.modality import Modality, guess
from faces.prepare import prepare
from training.evaluation.check.parts import Part


@dataclass(frozen=True, slots=True)
class Look:
    """One image looked at: why it cannot be read, or no face was cropped; what it looks like.

    `between_eyes` is in pixels.
    """

    path: Path
    unreadable: str = ""
    faceless: str = ""
    looks_like: Modality | None = None
    between_eyes: float = math.nan


@dataclass(frozen=True, slots=True)
class Sampled:
    """A part, and what its sample showed."""

    part: Part
    looks: tuple[Look, ...]

    @property
    def unreadable(self) -> list[Look]:
        """Images that are not one still picture in a format we decode."""
        return [look for look in self.looks if look.unreadable]

    @property
    def faceless(self) -> list[Look]:
        """Images that can be read, but give no crop."""
        return [look for look in self.looks if look.faceless]

    @property
    def cropped(self) -> int:
        """In how many a face was found and aligned."""
        return len(self.looks) - len(self.unreadable) - len(self.faceless)

    @property
    def between_eyes(self) -> float:
        """Median distance of the eyes in pixels; NaN without a face."""
        found = [look.between_eyes for look in self.looks if look.looks_like]
        return statistics.median(found) if found else math.nan

    @property
    def wrong_modality(self) -> Modality | None:
        """What most of it looks like, if that cannot be right: photos for NIR, drawings for VIS."""
        seen = [look.looks_like for look in self.looks if look.looks_like]
        most = max(seen, key=seen.count, default=None)
        if most is None or 2 * seen.count(most) <= len(seen):
            return None
        is_vis = self.part.modality is Modality.VIS
        wrong = most is Modality.SKETCH if is_vis else most is Modality.VIS
        return most if wrong else None


def sample(
    part: Part, size: int, locate: Locator, spec: CropSpec, tick: Callable[[], None]
) -> Sampled:
    """Look at `size` images, spread evenly over the part in the order of their paths."""
    looks = []
    for path in spread(sorted(part.paths), size):
        looks.append(_look(path, locate, spec))
        tick()
    return Sampled(part, tuple(looks))


def spread(paths: Sequence[Path], size: int) -> list[Path]:
    """At most `size` of `paths`, at even steps: every folder has a chance, and none is random."""
    count = min(size, len(paths))
    return [paths[i * len(paths) // count] for i in range(count)]


def _look(path: Path, locate: Locator, spec: CropSpec) -> Look:
    try:
        prepared = prepare(path.read_bytes(), locate=locate, spec=spec)
    except ImageError as error:
        return Look(path, unreadable=error.detail)
    except OSError as error:
        return Look(path, unreadable=error.strerror or str(error))
    except FaceError as error:
        return Look(path, faceless=error.detail)
    left, right = prepared.face.points[:2]
    return Look(
        path,
        looks_like=guess(prepared.pixels, prepared.face),
        between_eyes=math.dist(left, right),
    )
