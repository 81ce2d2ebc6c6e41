"""The training loop: read it as the recipe of a run."""

import json
import math
import resource
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.utils.tensorboard import SummaryWriter

from training import state as states
from training.batches import Files, UnpairedBatch, contrast_batch, unpaired_batch
from training.config import Config
from training.contrast import ContrastBatch, contrast_terms
from training.grid import translation_grid
from training.material import Material
from training.processes import Rank, average_gradients, mean
from training.revision import git_revision
from training.signals import signals
from training.state import State
from training.step import Terms, critic_loss, encoder_terms, total, translate

CHECKPOINT = "checkpoint.pt"
REPORT = "diverged.json"
NORM = "gradient norm"
GRADIENT_NORM = 5.0
SMOOTHING = 0.98


class Diverged(RuntimeError):
    """A loss term or a gradient is not finite; `report` says which, when and on what batch."""

    def __init__(self, message: str, report: dict[str, object]) -> None:
        super().__init__(message)
        self.report = report


def train(state: State, material: Material, out: Path, clock: Callable[[], float]) -> State:
    """Train until `config.images` have been seen, leaving checkpoints and curves in `out`.

    Of several processes the first writes; a run does not depend on how many there are.

    Raises:
        Diverged: something is not finite; the last checkpoint before it is kept, and a report.
        ValueError: the batch cannot be shared equally among parts and processes.
    """
    config = state.config
    check_shares(config, state.rank)
    torch.use_deterministic_algorithms(config.compute.deterministic)
    if state.rank.number:
        while state.images_seen < config.images:
            train_step(state, material)
        return state
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(config.model_dump_json(indent=1))
    (out / "revision.txt").write_text(git_revision() + "\n")
    smooth: dict[str, float] = {}
    with SummaryWriter(str(out / "tensorboard")) as curves, _bar() as bar:
        task = bar.add_task(config.name, total=config.images, completed=state.images_seen, note="")
        started, saved = clock() - state.seconds, clock()
        while state.images_seen < config.images:
            before = state.images_seen
            for name, value in _step_or_report(state, material, out).items():
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


def check_shares(config: Config, rank: Rank) -> None:
    """Means over parts and processes are those of the batch only if all are of one size.

    Raises:
        ValueError: naming the batch that cannot be shared.
    """
    shares = config.compute.accumulate * rank.of
    for name in ("batch", "contrast_batch"):
        if getattr(config, name) % shares:
            raise ValueError(f"{name} is no multiple of {shares} (accumulate times processes).")


def train_step(state: State, material: Material) -> dict[str, float]:
    """One update of encoders and decoders and one of the critics; returns the terms.

    Raises:
        Diverged: a term or a gradient is not finite; no weight has been touched by it.
    """
    config, weights = state.config, state.config.loss.weights
    null = contrast = None
    if state.steps % config.loss.null_every == 0:
        null = unpaired_batch(state, material)
    if weights.contrast or weights.own_contrast:
        contrast = contrast_batch(state, material)
    _set_rates(state)
    state.encoder_optimiser.zero_grad()
    state.critic_optimiser.zero_grad()
    summed: Terms = {}
    for part in range(config.compute.accumulate):
        rows = slice(part, None, config.compute.accumulate)
        terms = _add_gradients(state, null and null.of(rows), contrast and contrast.of(rows))
        summed = {name: summed.get(name, 0) + term for name, term in terms.items()}
    average_gradients([*state.model.parameters(), *state.critics.parameters()])
    norm = clip_grad_norm_(state.model.parameters(), GRADIENT_NORM)
    values = _values(summed, config.compute.accumulate, norm)
    _check_finite(values, state, null.files if null else {})
    state.encoder_optimiser.step()
    if "critic" in values:
        state.critic_optimiser.step()
    state.steps += 1
    state.images_seen += sum(len(files) for files in null.files.values()) if null else 0
    state.images_seen += len(contrast.photos) * state.rank.of if contrast else 0
    state.average_weights()
    del values[NORM]
    return values


def _add_gradients(
    state: State, null: UnpairedBatch | None, contrast: ContrastBatch | None
) -> Terms:
    """Add both sides' gradients on one part of the batch; translations are made once for both."""
    config = state.config
    made = None
    terms: Terms = {}
    with _precision(state):
        if null is not None:
            noise = null.noise if config.loss.weights.kl else None
            size = config.networks.image_size
            made = translate(state.model, null.images, noise, image_size=size)
            terms |= encoder_terms(state.model, state.critics, made, config)
        if contrast is not None:
            terms |= contrast_terms(state.model, contrast, config.loss)
        warm = min(1.0, state.images_seen / max(config.loss.kl_warmup_images, 1))
        loss = total(terms, config.loss.weights, warm)
    (loss / config.compute.accumulate).backward()
    if made is not None and config.loss.weights.gan:
        with _precision(state):
            terms["critic"] = critic_loss(state.critics, made, config)
        (terms["critic"] / config.compute.accumulate).backward()
    return {name: term.detach().float() for name, term in terms.items()}


def _values(summed: Terms, parts: int, norm: Tensor) -> dict[str, float]:
    """Means over parts and processes, fetched from the device at once."""
    stacked = torch.stack([*(term / parts for term in summed.values()), norm.detach()])
    return dict(zip([*summed, NORM], mean(stacked).tolist(), strict=True))


def _precision(state: State) -> AbstractContextManager[object]:
    half = state.config.compute.precision == "bfloat16"
    return torch.autocast(state.device.type, torch.bfloat16, enabled=half)


def rate_share(config: Config, progress: float) -> float:
    """Learning rate as a share of its start: constant, then down to zero on a half cosine."""
    start = config.optimiser.anneal_from
    if progress <= start or start >= 1:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (progress - start) / (1 - start)))


def _set_rates(state: State) -> None:
    rates = state.config.optimiser
    share = rate_share(state.config, state.progress) * min(
        1, (state.steps + 1) / rates.warm_up_steps
    )
    for optimiser, rate in (
        (state.encoder_optimiser, rates.learning_rate),
        (state.critic_optimiser, rates.critic_rate),
    ):
        for group in optimiser.param_groups:
            group["lr"] = rate * share


def _check_finite(values: dict[str, float], state: State, files: Files) -> None:
    wrong = [name for name, value in values.items() if not math.isfinite(value)]
    if not wrong:
        return
    report = {
        "not_finite": wrong,
        "step": state.steps,
        "images_seen": state.images_seen,
        "terms": {name: str(v) if name in wrong else v for name, v in values.items()},
        "batch": files,
    }
    raise Diverged(
        f"{', '.join(wrong)} not finite at step {state.steps} ({state.images_seen} images).", report
    )


def _step_or_report(state: State, material: Material, out: Path) -> dict[str, float]:
    try:
        return train_step(state, material)
    except Diverged as error:
        checkpoint = str(out / CHECKPOINT) if (out / CHECKPOINT).exists() else None
        report = error.report | {"last_checkpoint": checkpoint}
        (out / REPORT).write_text(json.dumps(report, indent=1) + "\n")
        raise


def _report(
    state: State, material: Material, curves: SummaryWriter, out: Path, smooth: dict[str, float]
) -> None:
    measured = signals(state.average, material, state.config.networks.image_size)
    for name, value in measured.items():
        curves.add_scalar(f"signal/{name}", value, state.images_seen)
    curves.add_image(
        "translations", translation_grid(state.average, material, state.config), state.images_seen
    )
    line = {
        "images": state.images_seen,
        "seconds": round(state.seconds),
        "images_per_second": round(state.images_seen / max(state.seconds, 1e-9), 1),
        "peak_memory_mib": round(peak_memory(state.device)),
        **smooth,
        **measured,
    }
    with (out / "history.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def _note(smooth: dict[str, float], state: State) -> str:
    terms = " ".join(f"{name} {value:.3f}" for name, value in smooth.items())
    speed = state.images_seen / max(state.seconds, 1e-9)
    return f"{speed:.0f} img/s  {peak_memory(state.device):.0f} MiB  {terms}"


def peak_memory(device: torch.device) -> float:
    """Most memory held so far, in MiB: the GPU's where there is one, else the process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        refresh_per_second=1,
    )
