"""The training loop: an even rate, then a cooling; checkpoints that continue exactly."""

import copy
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from training.locator.album import Album
from training.locator.batches import Batch, Sizes, Steps, ahead
from training.locator.network import LocatorNetwork
from training.locator.targets import EITHER, FACE

REPORT_EVERY = 50
SAVE_EVERY = 100


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Length of a run in steps, and how fast it learns.

    The rate is even until the last `cooling` steps, over which it falls to nothing; so until then a
    run may be taken up with another length, and with other sizes.
    """

    steps: int = 3000
    cooling: int = 1000
    rate: float = 3e-3
    decay: float = 0.02
    points_weight: float = 8.0
    keep: float = 0.998
    seed: int = 0
    sizes: Sizes = field(default_factory=Sizes)


@dataclass(eq=False)
class Run:
    """All that a run is at one moment. Batches follow from the step, so no generator is kept."""

    network: LocatorNetwork
    averaged: LocatorNetwork
    optimiser: torch.optim.Optimizer
    step: int = 0

    def save(self, path: Path, config: TrainConfig) -> None:
        """Write a checkpoint; a crash leaves the previous one whole."""
        stored = {
            "config": asdict(config),
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
        }
        unfinished = path.with_suffix(".part")
        torch.save(stored, unfinished)
        os.replace(unfinished, path)


def fresh(config: TrainConfig) -> Run:
    """A run at its start."""
    torch.manual_seed(config.seed)
    network = LocatorNetwork().train()
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), config.rate, weight_decay=config.decay)
    return Run(network, copy.deepcopy(network), optimiser)


def load(path: Path, config: TrainConfig) -> Run:
    """Take up a run where `save` left it.

    Raises:
        ValueError: the checkpoint is of another config.
    """
    stored = torch.load(path, weights_only=True)
    begun = TrainConfig(**stored["config"] | {"sizes": Sizes(**stored["config"]["sizes"])})
    even = min(_even(begun), _even(config))
    if begun != config and not (_of_one_kind(begun, config) and stored["step"] <= even):
        raise ValueError(f"{path} is a checkpoint of another config; start in another folder.")
    run = fresh(config)
    run.network.load_state_dict(stored["network"])
    run.averaged.load_state_dict(stored["averaged"])
    run.optimiser.load_state_dict(stored["optimiser"])
    run.step = stored["step"]
    return run


def losses(cells: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Named terms: face or not (focal, over all cells that must answer), and the points' error in
    sides of the face's box (of cells that answer for a face).
    """
    is_face = batch.kinds == FACE
    count = is_face.sum().clamp(min=1)
    logits, wanted = cells[:, :, 0], is_face.float()
    entropy = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    missed = (wanted - torch.sigmoid(logits)).abs()
    weights = (batch.kinds != EITHER).float() * missed.detach() ** 2
    points = cells[:, :, 1:][is_face].view(-1, 5, 2)
    apart = torch.sqrt(((points - batch.points[is_face]) ** 2).sum(dim=2) + 1e-2).mean(dim=1)
    return {
        "face": (entropy * weights).sum() / count,
        "points": (apart / batch.sides[is_face]).sum() / count,
    }


def train(
    run: Run,
    album: Album,
    config: TrainConfig,
    checkpoint: Path,
    say: Callable[[str], None],
) -> None:
    """Go on with `run` to its end, saving as it goes."""
    steps = Steps(album, config.sizes, config.seed)
    started = time.monotonic()
    for batches in ahead(steps, run.step, config.steps):
        terms = train_step(run, batches, config)
        if run.step % REPORT_EVERY == 0:
            said = " ".join(f"{name} {value:.4f}" for name, value in terms.items())
            say(f"{run.step:6d} {said} {time.monotonic() - started:.0f}s")
        if run.step % SAVE_EVERY == 0 or run.step == config.steps:
            run.save(checkpoint, config)


def train_step(run: Run, batches: tuple[Batch, Batch], config: TrainConfig) -> dict[str, float]:
    """One update from the scenes and the close-ups together."""
    _set_rate(run, config)
    run.optimiser.zero_grad()
    said: dict[str, float] = {}
    for name, batch in zip(("scene", "close"), batches, strict=True):
        images = batch.images.to(memory_format=torch.channels_last)
        terms = losses(run.network(images), batch)
        total = terms["face"] + config.points_weight * terms["points"]
        total.backward()
        said |= {f"{name} {term}": value.item() for term, value in terms.items()}
    torch.nn.utils.clip_grad_norm_(run.network.parameters(), 10.0)
    run.optimiser.step()
    run.step += 1
    _average(run, min(config.keep, run.step / (run.step + 10)))
    return said


def _of_one_kind(a: TrainConfig, b: TrainConfig) -> bool:
    return replace(a, steps=b.steps, cooling=b.cooling, sizes=b.sizes) == b


def _even(config: TrainConfig) -> int:
    """How many steps come before the cooling."""
    return config.steps - config.cooling


def _set_rate(run: Run, config: TrainConfig) -> None:
    warm = min(1.0, (run.step + 1) / 200)
    cool = min(1.0, (config.steps - run.step) / config.cooling)
    for group in run.optimiser.param_groups:
        group["lr"] = config.rate * warm * cool


def _average(run: Run, keep: float) -> None:
    with torch.no_grad():
        pairs = zip(
            run.averaged.state_dict().values(), run.network.state_dict().values(), strict=True
        )
        for mean, new in pairs:
            if mean.is_floating_point():
                mean.lerp_(new, 1 - keep)
            else:
                mean.copy_(new)
