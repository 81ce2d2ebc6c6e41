"""The training loop: read it as the recipe of a run."""

import json
import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch.nn.utils import clip_grad_norm_
from torch.utils.tensorboard import SummaryWriter

from training import state as states
from training.batches import contrast_batch, unpaired_batch
from training.config import Config
from training.contrast import contrast_terms
from training.grid import translation_grid
from training.material import Material
from training.revision import git_revision
from training.signals import signals
from training.state import State
from training.step import Terms, Translations, critic_loss, encoder_terms, total, translate

CHECKPOINT = "checkpoint.pt"
WARM_UP_STEPS = 100
GRADIENT_NORM = 5.0
SMOOTHING = 0.98


class Diverged(RuntimeError):
    """A loss term is not finite; the message says which, and when."""


def train(state: State, material: Material, out: Path, clock: Callable[[], float]) -> State:
    """Train until `config.images` have been seen, leaving checkpoints and curves in `out`.

    Raises:
        Diverged: a loss is not finite; the last checkpoint before it is kept.
    """
    config = state.config
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(config.model_dump_json(indent=1))
    (out / "revision.txt").write_text(git_revision() + "\n")
    smooth: dict[str, float] = {}
    with SummaryWriter(str(out / "tensorboard")) as curves, _bar() as bar:
        task = bar.add_task(config.name, total=config.images, completed=state.images_seen, note="")
        started, saved = clock() - state.seconds, clock()
        while state.images_seen < config.images:
            before = state.images_seen
            for name, value in train_step(state, material).items():
                smooth[name] = SMOOTHING * smooth.get(name, value) + (1 - SMOOTHING) * value
            state.seconds = clock() - started
            bar.update(task, completed=state.images_seen, note=_note(smooth, state))
            if state.steps % 20 == 0:
                for name, value in smooth.items():
                    curves.add_scalar(f"loss/{name}", value, state.images_seen)
            due = clock() - saved > 60 * config.minutes_between_checkpoints
            if due or state.images_seen >= config.images:
                _report(state, material, curves, out, smooth)
                states.save(state, out / CHECKPOINT)
                saved = clock()
            assert state.images_seen > before  # noqa: S101 (or the loop would never end)
    return state


def train_step(state: State, material: Material) -> dict[str, float]:
    """One update of encoders and decoders, then one of the critics; returns the terms.

    Raises:
        Diverged: a term is not finite; no weight has been touched by it.
    """
    config = state.config
    _set_rates(state)
    with _half_precision(state.device):
        made, terms = _forward(state, material)
    values = {name: float(term.detach()) for name, term in terms.items()}
    _check_finite(values, state)
    warm = min(1.0, state.images_seen / max(config.loss.kl_warmup_images, 1))
    state.encoder_optimiser.zero_grad()
    total(terms, config.loss.weights, warm).backward()
    clip_grad_norm_(state.model.parameters(), GRADIENT_NORM)
    state.encoder_optimiser.step()
    if made is not None and config.loss.weights.gan:
        state.critic_optimiser.zero_grad()
        loss = critic_loss(state.critics, made, config)
        loss.backward()
        state.critic_optimiser.step()
        values["critic"] = float(loss.detach())
    state.steps += 1
    state.average_weights()
    return values


def _forward(state: State, material: Material) -> tuple[Translations | None, Terms]:
    config, weights = state.config, state.config.loss.weights
    terms: Terms = {}
    made = None
    if state.steps % config.loss.null_every == 0:
        batch = unpaired_batch(state, material)
        size = config.networks.image_size
        made = translate(state.model, batch, sampling=weights.kl > 0, image_size=size)
        terms |= encoder_terms(state.model, state.critics, made, config)
        state.images_seen += sum(len(images) for images in batch)
    if weights.contrast or weights.own_contrast:
        contrasted = contrast_batch(state, material)
        terms |= contrast_terms(state.model, contrasted, config.loss)
        state.images_seen += len(contrasted.photos)
    return made, terms


def _half_precision(device: torch.device) -> AbstractContextManager[object]:
    """bfloat16 on a GPU; on a CPU it is no faster here, so float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


def rate_share(config: Config, progress: float) -> float:
    """Learning rate as a share of its start: constant, then down to zero on a half cosine."""
    start = config.optimiser.anneal_from
    if progress <= start or start >= 1:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (progress - start) / (1 - start)))


def _set_rates(state: State) -> None:
    rates = state.config.optimiser
    share = rate_share(state.config, state.progress) * min(1, (state.steps + 1) / WARM_UP_STEPS)
    for optimiser, rate in (
        (state.encoder_optimiser, rates.learning_rate),
        (state.critic_optimiser, rates.critic_rate),
    ):
        for group in optimiser.param_groups:
            group["lr"] = rate * share


def _check_finite(values: dict[str, float], state: State) -> None:
    wrong = [name for name, value in values.items() if not math.isfinite(value)]
    if wrong:
        raise Diverged(
            f"{', '.join(wrong)} not finite at step {state.steps} ({state.images_seen} images)."
        )


def _report(
    state: State, material: Material, curves: SummaryWriter, out: Path, smooth: dict[str, float]
) -> None:
    measured = signals(state.average, material, state.config.networks.image_size)
    for name, value in measured.items():
        curves.add_scalar(f"signal/{name}", value, state.images_seen)
    curves.add_image(
        "translations", translation_grid(state.average, material, state.config), state.images_seen
    )
    line = {"images": state.images_seen, "seconds": round(state.seconds), **smooth, **measured}
    with (out / "history.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def _note(smooth: dict[str, float], state: State) -> str:
    terms = " ".join(f"{name} {value:.3f}" for name, value in smooth.items())
    return f"{state.images_seen / max(state.seconds, 1e-9):.0f} img/s  {terms}"


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        refresh_per_second=1,
    )
