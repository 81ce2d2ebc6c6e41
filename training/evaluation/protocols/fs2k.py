"""FS2K: photos in the wild and hand-drawn sketches; styles 2 and 3 are the test."""

from pathlib import Path

from training.evaluation.protocols.paired import photo_sketch_trial
from training.evaluation.protocols.trial import Trial


def fs2k(data: Path) -> list[Trial]:
    """One trial over the test folder (337 people).

    Raises:
        DataMissingError: naming the folder or the partner that is missing.
    """
    return [photo_sketch_trial("fs2k", data / "fs2k" / "test", "fs2k")]
