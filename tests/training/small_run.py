"""A run small enough for a test: generated crops, tiny networks, every term switched on."""

import cv2
import numpy as np

from faces.modality import Modality
from training.config import Config, Data, Loss, Networks, Source, Weights
from training.data import Pool
from training.material import Material, mates_of
from training.render import render

IMAGES = 12


def config(**changes) -> Config:
    sources = tuple(Source(path=str(m), modality=m) for m in (Modality.VIS, Modality.SKETCH))
    settings = {
        "name": "small",
        "images": 10_000,
        "batch": 4,
        "contrast_batch": 6,
        "data": Data(sources=sources),
        "networks": Networks(width=0.25, image_size=32, front_end="gradient"),
        "loss": Loss(weights=Weights(contrast=1, own_contrast=0.3), same_person=0.5),
    }
    return Config(**(settings | changes))


def _blobs(rng: np.random.Generator) -> np.ndarray:
    """(128, 128, 3) uint8: soft patches, so that a moved view still looks like itself."""
    return cv2.resize(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8), (128, 128))


def material(run: Config, seed: int = 0) -> Material:
    rng = np.random.default_rng(seed)
    photos = np.stack([_blobs(rng) for _ in range(IMAGES)])
    people = np.arange(IMAGES) // 2
    even = np.full(IMAGES, 1 / IMAGES)
    files = tuple(f"{number}.jpg" for number in range(IMAGES))
    same = np.full(IMAGES, "people")
    pools = {Modality.VIS: Pool(Modality.VIS, photos, people, even, files, same)}
    if Modality.SKETCH in run.domains:
        sketches = rng.integers(0, 256, (IMAGES, 128, 128), dtype=np.uint8)
        nameless = np.full(IMAGES, -1)
        pools[Modality.SKETCH] = Pool(Modality.SKETCH, sketches, nameless, even, files, same)
    renderings = {
        modality: np.stack([[render(photo, modality, rng)] * 2 for photo in photos])
        for modality in run.domains
        if modality is not Modality.VIS
    }
    return Material(run.domains, pools, renderings, mates_of(people))
