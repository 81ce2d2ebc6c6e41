"""Names of people, and the promise that nobody is both trained on and tested."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from training.evaluation.protocols.trial import PeopleOverlapError, Trial, some

HELD_OUT = frozenset({0, 1})
"""Last decimal digits of the sha256. The copy of LFW in ../shared lacks everybody with a 0 (our
reading of its names), so a 0 alone would hold out nobody there; with complete LFW both apply."""


def held_out(name: str) -> bool:
    """Whether the LFW person `name` ("Aaron_Eckhart") belongs to the test and never to training.

    By the sha256 of the name: no list to lose, the same on every machine.
    """
    digest = hashlib.sha256(name.encode("utf-8")).digest()
    return int.from_bytes(digest, "big") % 10 in HELD_OUT


def subject_of(path: Path, data: Path) -> str | None:
    """Subject id of an image under `data`, as the protocols give it; None where no name is known.

    LFW photos and their full frames have one id. CelebA's people have numbers, so the celebrities
    it shares with LFW and FS2K cannot be seen from names.
    """
    parts = path.relative_to(data).parts
    match parts[0]:
        case "cufs" | "fs2k":
            return f"{parts[0]}/{path.stem}"
        case "lfw" | "lfw_full_frame":
            return f"lfw/{parts[1]}"
        case "celeba":
            return f"celeba/{parts[1]}"
    return None


def assert_disjoint(trained_on: Iterable[str | None], trials: Iterable[Trial]) -> None:
    """Check that no subject of `trials` is among the subject ids of the training images.

    Raises:
        PeopleOverlapError: naming the trial and some of the people.
    """
    known = frozenset(subject for subject in trained_on if subject is not None)
    for trial in trials:
        both = sorted(known & trial.subjects)
        if both:
            raise PeopleOverlapError(
                f"{len(both)} of {len(trial.subjects)} people of the test {trial.name} are also "
                f"trained on: {some(both, 5)}"
            )
