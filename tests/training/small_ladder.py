"""A ladder small enough to be killed: blobs for faces, one trial of photos against themselves."""

import sys
from pathlib import Path

import numpy as np
import torch
from small_run import IMAGES, config, material

from faces.modality import Modality
from training.config import Config, Loss, Weights
from training.crops import Crops
from training.evaluation.protocols import Sample, Trial
from training.evaluation.results import Result
from training.evaluation.run import compare_on
from training.evaluation.scoring import part_of, score
from training.evaluation.systems import Images, System
from training.ladder import climb
from training.spread import Row

RUN = config(name="ladder", images=40, loss=Loss(weights=Weights()), minutes_between_checkpoints=0)


def measure(system: System) -> list[Result]:
    """Noisy copies of photos, searched for among the photos."""
    photos = material(RUN).pools[Modality.VIS].crops
    noise = np.random.default_rng(1).integers(0, 60, photos.shape, dtype=np.uint8)
    gallery = tuple(Sample(str(n), Modality.VIS, Path(f"{n}.jpg")) for n in range(IMAGES))
    probes = tuple(Sample(str(n), Modality.VIS, Path(f"{n}-probe.jpg")) for n in range(IMAGES))
    found = np.ones(2 * IMAGES, dtype=bool)
    faces = np.zeros((2 * IMAGES, 15), np.float32)
    grey = np.concatenate([photos, photos // 2 + noise]).mean(3).astype(np.uint8)
    images = Images(gallery + probes, Crops(grey, found, faces, [""] * 2 * IMAGES))
    trial = Trial("copies", gallery, probes)
    scores = compare_on(system, trial, images, system.encode(images))
    files = [probe.path.name for probe in probes]
    rng = np.random.default_rng(0)
    return [score(part_of(scores, files, system=system.name, trial=trial.name), rng)]


def run(out: Path, seeds: list[int], of: Config = RUN) -> list[Row]:
    """Climb, or go on climbing."""
    return climb(of, seeds, material(of), measure, out)


if __name__ == "__main__":
    torch.set_num_threads(1)
    run(Path(sys.argv[1]), [0, 1])
