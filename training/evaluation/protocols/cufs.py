"""CUHK face sketches (CUFS): standard test people, one photo and one sketch each."""

from pathlib import Path

from training.evaluation.protocols.paired import photo_sketch_trial
from training.evaluation.protocols.trial import Trial


def cufs(data: Path) -> list[Trial]:
    """`cufs` (student and ar test in one gallery), then each alone, and xm2vts where it exists.

    Raises:
        DataMissingError: naming the folder or the partner that is missing.
    """
    root = data / "cufs"
    student = photo_sketch_trial("cufs-student", root / "student" / "test", "cufs")
    ar = photo_sketch_trial("cufs-ar", root / "ar" / "test", "cufs")
    both = Trial("cufs", student.gallery + ar.gallery, student.probes + ar.probes)
    trials = [both, student, ar]
    xm2vts = root / "xm2vts" / "test"
    if xm2vts.is_dir():
        trials.append(photo_sketch_trial("cufs-xm2vts", xm2vts, "cufs"))
    return trials
