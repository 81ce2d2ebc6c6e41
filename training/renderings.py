"""Renderings of every VIS crop, made once: drawing one takes longer than training on it."""

import hashlib
import json
import multiprocessing
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.modality import Modality
from training.render import render

VERSION = 1
"""Raised whenever `training.render` draws otherwise."""


def cached_renderings(
    photos: NDArray[np.uint8], modality: Modality, count: int, *, cache: Path, processes: int
) -> NDArray[np.uint8]:
    """`count` renderings of each photo, from `cache` or made and put there.

    Args:
        photos: (n, 128, 128, 3) uint8 RGB.

    Returns:
        (n, count, 128, 128) uint8, a read-only memory map.
    """
    recipe = json.dumps([VERSION, modality, count]).encode()
    key = hashlib.sha256(recipe + hashlib.sha256(np.ascontiguousarray(photos).data).digest())
    path = cache / f"{modality}-{key.hexdigest()[:20]}.npy"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _make(photos, modality, count, path, processes)
    made: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    return made


def _make(
    photos: NDArray[np.uint8], modality: Modality, count: int, path: Path, processes: int
) -> None:
    unfinished = path.with_suffix(".part")
    shape = (len(photos), count, *photos.shape[1:3])
    out = np.lib.format.open_memmap(unfinished, mode="w+", dtype=np.uint8, shape=shape)
    work = ((photo, modality, count, number) for number, photo in enumerate(photos))
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        for number, drawn in enumerate(pool.imap(_render_one, work, chunksize=32)):
            out[number] = drawn
    out.flush()
    unfinished.rename(path)


def _render_one(work: tuple[NDArray[np.uint8], Modality, int, int]) -> NDArray[np.uint8]:
    photo, modality, count, number = work
    rng = np.random.default_rng([number, count])
    return np.stack([render(photo, modality, rng) for _ in range(count)])
