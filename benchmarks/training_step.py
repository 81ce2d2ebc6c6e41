"""Images per second of our training step beside a plain MUNIT-style loop on the same networks.

The plain loop is that of MUNIT (Huang et al. 2018): the critics' update encodes and translates for
itself, then the generators' update does it again. Networks, losses, batches and optimisers are
ours in both; rounds alternate, so that a busy machine slows both alike.

    python -m benchmarks.training_step [--config FILE] [--rounds 7] [--steps 3]
"""

import time
from pathlib import Path
from statistics import median
from typing import Annotated

import numpy as np
import torch
import typer

from faces.modality import Modality
from training import state as states
from training.batches import unpaired_batch
from training.config import Config, read_config
from training.data import Pool
from training.material import Material, mates_of
from training.state import State
from training.step import critic_loss, encoder_terms, total, translate
from training.train import peak_memory, train_step

CONFIG = Path(__file__).parents[1] / "training" / "configs" / "paper.toml"
IMAGES = 128


def plain_step(state: State, material: Material) -> None:
    """One update of the critics, then one of encoders and decoders, each with its own passes."""
    config = state.config
    size, weights = config.networks.image_size, config.loss.weights
    batch = unpaired_batch(state, material)
    noise = batch.noise if weights.kl else None
    if weights.gan:
        state.critic_optimiser.zero_grad()
        made = translate(state.model, batch.images, noise, image_size=size)
        critic_loss(state.critics, made, config).backward()
        state.critic_optimiser.step()
    state.encoder_optimiser.zero_grad()
    made = translate(state.model, batch.images, noise, image_size=size)
    total(encoder_terms(state.model, state.critics, made, config), weights, 1.0).backward()
    state.encoder_optimiser.step()


def noise_material(config: Config) -> Material:
    """Pools of random crops: speed does not hang on what they show."""
    rng = np.random.default_rng(0)
    people = np.arange(IMAGES)
    even = np.full(IMAGES, 1 / IMAGES)
    pools = {
        modality: Pool(
            modality,
            rng.integers(0, 256, (IMAGES, 128, 128, *channels), dtype=np.uint8),
            people,
            even,
            tuple(str(number) for number in people),
        )
        for modality in config.domains
        for channels in [(3,) if modality is Modality.VIS else ()]
    }
    return Material(config.domains, pools, {}, mates_of(people))


def main(
    config: Annotated[Path, typer.Option(help="TOML file of the run.")] = CONFIG,
    rounds: Annotated[int, typer.Option(help="Rounds, each of both loops.")] = 7,
    steps: Annotated[int, typer.Option(help="Steps a loop and round.")] = 3,
) -> None:
    """Print medians and their ratio; exit 1 if ours is the slower."""
    run = read_config(config)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    material = noise_material(run)
    loops = {"plain": plain_step, "ours": train_step}
    started = {name: states.fresh(run, device) for name in loops}
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    busy: dict[str, list[float]] = {name: [] for name in loops}
    for number in range(rounds + 1):
        for name, step in loops.items():
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(steps):
                step(started[name], material)
            if device.type == "cuda":
                torch.cuda.synchronize()
            if number:  # the first round warms up
                seconds[name].append(time.perf_counter() - wall)
                busy[name].append(time.process_time() - cpu)
    images = run.batch * len(run.domains) * steps
    for name in loops:
        print(
            f"{name:6} {images / median(seconds[name]):7.1f} images/s  "
            f"{images / median(busy[name]):7.1f} images a CPU second"
        )
    ratio = median(seconds["plain"]) / median(seconds["ours"])
    processor = median(busy["plain"]) / median(busy["ours"])
    print(f"ours / plain: {ratio:.2f} by the clock, {processor:.2f} by the processor")
    print(
        f"{run.name}, batch {run.batch}, {device}, {torch.get_num_threads()} threads, "
        f"at most {peak_memory(device):.0f} MiB"
    )
    raise typer.Exit(int(max(ratio, processor) < 1))


if __name__ == "__main__":
    typer.run(main)
