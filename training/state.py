"""All that a run is at one moment: one object, one save, one load."""

import copy
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn, optim

from training.config import Compute, Config
from training.model import Critics, Null, build
from training.processes import Rank


@dataclass(eq=False)
class State:
    """Weights, their running average, optimisers, position and every source of randomness.

    The only mutable object of a run. `draws` decides which images and renderings a batch holds,
    `views` how they are moved and what the VAE samples; both are alike in all processes of a run.
    """

    config: Config
    model: Null
    critics: Critics
    average: Null
    encoder_optimiser: optim.Optimizer
    critic_optimiser: optim.Optimizer
    draws: np.random.Generator
    views: torch.Generator
    rank: Rank = Rank()
    steps: int = 0
    images_seen: int = 0
    seconds: float = 0.0

    @property
    def progress(self) -> float:
        """Share of the run that is done, in [0, 1]."""
        return min(1.0, self.images_seen / max(self.config.images, 1))

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.model.parameters()).device

    def average_weights(self) -> None:
        """Move the running average towards the weights (EMA, quick at first, then slow)."""
        keep = min(self.config.optimiser.ema, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            pairs = zip(self.average.parameters(), self.model.parameters(), strict=True)
            for slow, fast in pairs:
                slow.lerp_(fast, 1 - keep)
            for kept, now in zip(self.average.buffers(), self.model.buffers(), strict=True):
                kept.copy_(now)


def fresh(config: Config, device: torch.device, rank: Rank = Rank()) -> State:
    """A run at its start; everything random follows from `config.seed`."""
    torch.manual_seed(config.seed)
    model, critics = build(config)
    model, critics = model.to(device), critics.to(device)
    rates = config.optimiser
    return State(
        config=config,
        model=model,
        critics=critics,
        average=copy.deepcopy(model).requires_grad_(False),
        encoder_optimiser=optim.AdamW(
            model.parameters(), rates.learning_rate, (0.9, 0.99), weight_decay=rates.weight_decay
        ),
        critic_optimiser=optim.AdamW(critics.parameters(), rates.critic_rate, (0.5, 0.99)),
        draws=np.random.default_rng(config.seed),
        views=torch.Generator().manual_seed(config.seed),
        rank=rank,
    )


def begin(config: Config, checkpoint: Path, device: torch.device, rank: Rank = Rank()) -> State:
    """The run as its checkpoint left it, or a fresh one."""
    if checkpoint.exists():
        return load(config, checkpoint, device, rank)
    return fresh(config, device, rank)


def save(state: State, path: Path) -> None:
    """Write a checkpoint; a crash leaves the previous one whole."""
    unfinished = path.with_suffix(".part")
    torch.save(_snapshot(state), unfinished)
    os.replace(unfinished, path)


def load(config: Config, path: Path, device: torch.device, rank: Rank = Rank()) -> State:
    """Take up a run where `save` left it; it goes on as if it had never stopped.

    Raises:
        ValueError: the checkpoint is of another config.
    """
    stored = torch.load(path, weights_only=True, map_location="cpu")
    if _what_is_learnt(Config.model_validate_json(stored["config"])) != _what_is_learnt(config):
        raise ValueError(f"{path} is a checkpoint of another config; start in another folder.")
    state = fresh(config, device, rank)
    for name, part in _stateful(state).items():
        part.load_state_dict(stored[name])
    state.draws.bit_generator.state = stored["draws"]
    state.views.set_state(stored["views"])
    state.steps, state.images_seen = stored["steps"], stored["images_seen"]
    state.seconds = stored["seconds"]
    return state


def _what_is_learnt(config: Config) -> Config:
    """The config without how it is computed, which may change between two sessions of a run."""
    return config.model_copy(update={"compute": Compute()})


def load_average(config: Config, path: Path) -> Null:
    """The averaged weights of a checkpoint, for reading only.

    Raises:
        OSError: no such file.
        RuntimeError: its networks are of another shape than `config` says.
    """
    stored = torch.load(path, weights_only=True, map_location="cpu")
    model, _ = build(config)
    model.load_state_dict(stored["average"])
    return model.requires_grad_(False).eval()


def _snapshot(state: State) -> dict[str, Any]:
    parts: dict[str, Any] = {name: p.state_dict() for name, p in _stateful(state).items()}
    return parts | {
        "config": state.config.model_dump_json(),
        "draws": state.draws.bit_generator.state,
        "views": state.views.get_state(),
        "steps": state.steps,
        "images_seen": state.images_seen,
        "seconds": state.seconds,
    }


def _stateful(state: State) -> dict[str, nn.Module | optim.Optimizer]:
    return {
        "model": state.model,
        "critics": state.critics,
        "average": state.average,
        "encoder_optimiser": state.encoder_optimiser,
        "critic_optimiser": state.critic_optimiser,
    }
