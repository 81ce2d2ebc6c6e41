"""The training loop: augmented batches made beside it, one cosine, one average of weights."""

import copy
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from queue import Queue

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.landmarks.network import Landmarks
from training.landmarks.patches import Patches
from training.landmarks.sampling import Batch, batches


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Length of a run in steps of `batch` inputs, and how fast it learns."""

    steps: int = 4000
    batch: int = 128
    rate: float = 3e-3
    decay: float = 0.02
    face_weight: float = 0.5
    seed: int = 0
    threads: int = 1


def losses(points: Tensor, logits: Tensor, wanted: Tensor, is_face: Tensor) -> dict[str, Tensor]:
    """Named terms: point error in pixels of the input (faces only), and face or not."""
    apart = torch.sqrt(((points - wanted) ** 2).sum(dim=2) + 0.01).mean(dim=1)
    return {
        "points": (apart * is_face).sum() / is_face.sum().clamp(min=1),
        "face": functional.binary_cross_entropy_with_logits(logits, is_face),
    }


def train(
    network: Landmarks,
    patches: Patches,
    config: TrainConfig,
    report: Callable[[int, dict[str, float], Landmarks], None],
) -> Landmarks:
    """Train `network` in place; what is returned is the running average of its weights.

    `report` hears of every hundredth step: its number, the terms, and the average so far.
    """
    torch.set_num_threads(config.threads)
    network = network.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(network.parameters(), config.rate, weight_decay=config.decay)
    started = time.monotonic()
    for step, batch in enumerate(islice(_supply(patches, config), config.steps)):
        _set_rate(optimiser, config, step)
        crops = torch.from_numpy(batch.crops[:, None]).float() / 255
        points, logits = network(crops)
        terms = losses(
            points, logits, torch.from_numpy(batch.points), torch.from_numpy(batch.is_face)
        )
        total = terms["points"] + config.face_weight * terms["face"]
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        _average(averaged, network, min(0.998, step / (step + 10)))
        if step % 100 == 99:
            seconds = time.monotonic() - started
            said = {name: value.item() for name, value in terms.items()} | {"seconds": seconds}
            report(step + 1, said, averaged)
    return averaged.eval()


def _set_rate(optimiser: torch.optim.Optimizer, config: TrainConfig, step: int) -> None:
    warm = min(1.0, (step + 1) / 200)
    for group in optimiser.param_groups:
        group["lr"] = config.rate * warm * 0.5 * (1 + math.cos(math.pi * step / config.steps))


def _average(averaged: Landmarks, network: Landmarks, keep: float) -> None:
    with torch.no_grad():
        for mean, new in zip(
            averaged.state_dict().values(), network.state_dict().values(), strict=True
        ):
            if mean.is_floating_point():
                mean.lerp_(new, 1 - keep)
            else:
                mean.copy_(new)


def _supply(patches: Patches, config: TrainConfig) -> Iterator[Batch]:
    """Batches made by a thread of their own, a few ahead; NumPy and OpenCV let torch run beside."""
    ready: Queue[Batch] = Queue(maxsize=8)
    stopped = threading.Event()

    def produce() -> None:
        for batch in batches(patches, config.batch, np.random.default_rng(config.seed)):
            ready.put(batch)
            if stopped.is_set():
                return

    threading.Thread(target=produce, daemon=True).start()
    try:
        while True:
            yield ready.get()
    finally:
        stopped.set()
        while not ready.empty():
            ready.get()
