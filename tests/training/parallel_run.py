"""One process of a small run, for `torchrun`: takes it up or starts it, and writes its curve."""

import json
import sys
from pathlib import Path

import torch
from small_run import config, material

from training import state as states
from training.processes import joined
from training.train import CHECKPOINT, train_step

if __name__ == "__main__":
    torch.set_num_threads(1)
    folder, steps = Path(sys.argv[1]), int(sys.argv[2])
    run = config()
    with joined() as (rank, device):
        state = states.begin(run, folder / CHECKPOINT, device, rank)
        curve = [train_step(state, material(run)) for _ in range(steps)]
        if rank.number == 0:
            states.save(state, folder / CHECKPOINT)
            (folder / "curve.json").write_text(json.dumps(curve))
