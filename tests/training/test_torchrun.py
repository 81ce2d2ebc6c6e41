"""Two processes under torchrun compute the run of one: whole batches, norms, contrast, resume."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from small_run import config, material

from training import state as states
from training.config import Compute
from training.processes import Rank
from training.train import CHECKPOINT, check_shares, train_step

CPU = torch.device("cpu")
STEPS = 3


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory) -> Path:
    """Folder of a run of STEPS steps that two gloo processes computed together."""
    folder = tmp_path_factory.mktemp("two")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    script = Path(__file__).parent / "parallel_run.py"
    subprocess.run(
        [*torchrun, str(script), str(folder), str(STEPS)],
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.getcwd()},
        timeout=240,
    )
    return folder


def test_two_processes_have_the_curve_of_one_with_the_whole_batch(two_processes):
    run = config()
    alone = states.fresh(run, CPU)
    expected = [train_step(alone, material(run)) for _ in range(STEPS)]
    curve = json.loads((two_processes / "curve.json").read_text())
    for together, one in zip(curve, expected, strict=True):
        assert together == pytest.approx(one, rel=2e-3)
    assert curve[0] == pytest.approx(expected[0], rel=1e-5)


def test_one_process_goes_on_where_two_stopped(two_processes):
    run = config()
    alone = states.fresh(run, CPU)
    for _ in range(STEPS):
        train_step(alone, material(run))
    taken_up = states.load(run, two_processes / CHECKPOINT, CPU)
    assert (taken_up.steps, taken_up.images_seen) == (alone.steps, alone.images_seen)
    drawn, expected = train_step(taken_up, material(run)), train_step(alone, material(run))
    assert drawn == pytest.approx(expected, rel=5e-3)


def test_a_batch_that_cannot_be_shared_equally_is_refused():
    with pytest.raises(ValueError, match="batch is no multiple of 4"):
        check_shares(config(batch=6, compute=Compute(accumulate=2)), Rank(0, 2))
