"""LFW: VIS against VIS, people whom training leaves out by the hash of their name."""

from pathlib import Path

import numpy as np

from faces.modality import Modality
from training.evaluation.protocols.fold import Fold, TrainImage
from training.evaluation.protocols.people import held_out
from training.evaluation.protocols.tree import images_in
from training.evaluation.protocols.trial import DataMissingError, Sample, Trial

SEED = 0
PROBES_PER_PERSON = 5
"""At most; some people have hundreds of photos and would be the whole result."""


def lfw(data: Path) -> list[Fold]:
    """Every held-out person with one photo in the gallery, up to five others as probes.

    All probes are compared with the whole gallery. Which photos are taken depends on `SEED` only.
    Everybody else is the VIS pool to train on.

    Raises:
        DataMissingError: no folder, or nobody held out with two photos.
    """
    root = data / "lfw" if (data / "lfw").is_dir() or data.name != "lfw" else data
    if not root.is_dir():
        raise DataMissingError(f"lfw: the folder {root} is missing.")
    people = sorted(path.name for path in root.iterdir() if path.is_dir())
    trial = _trial(root, [name for name in people if held_out(name)])
    pool = tuple(
        TrainImage(path, f"lfw/{name}")
        for name in people
        if not held_out(name)
        for path in images_in(root / name, "lfw")
    )
    return [Fold("1", (trial,), {Modality.VIS: pool})]


def _trial(root: Path, names: list[str]) -> Trial:
    rng = np.random.default_rng(SEED)
    gallery: list[Sample] = []
    probes: list[Sample] = []
    for name in names:
        photos = images_in(root / name, "lfw")
        drawn = [photos[i] for i in rng.permutation(len(photos))[: 1 + PROBES_PER_PERSON]]
        samples = [Sample(f"lfw/{name}", Modality.VIS, path) for path in drawn]
        gallery += samples[:1]
        probes += samples[1:]
    if not probes:
        raise DataMissingError(f"lfw: nobody held out has two photos in {root}.")
    return Trial("lfw", tuple(gallery), tuple(probes))
