"""The ablation runner: a killed ladder ends as one that was left alone; seeds are not people."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from small_ladder import RUN, run
from small_run import config, material

from faces.modality import Modality
from training.config import Data, Source
from training.evaluation.comparisons import MISS, Searches
from training.evaluation.scoring import Part, Setting, score
from training.ladder import MEASURED, rungs, variant
from training.rows import PAPER
from training.spread import markdown, over_seeds
from training.train import CHECKPOINT

LEARNT = list(PAPER)
FLOORS = ["pixels", "HOG 64x64", "HOG 64x64 root"]


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Path:
    """Folder of a ladder that was killed in the middle of a row and then taken up again."""
    out = tmp_path_factory.mktemp("killed")
    script = Path(__file__).parent / "small_ladder.py"
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.getcwd()}
    climbing = subprocess.Popen([sys.executable, str(script), str(out)], env=env)
    deadline = time.monotonic() + 240
    while not (out / "seed0" / "+LGAN" / CHECKPOINT).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    climbing.kill()
    climbing.wait()
    assert not (out / "seed0" / "+LGAN" / MEASURED).exists(), "killed too late to test anything"
    run(out, [0, 1])
    return out


@pytest.mark.slow
def test_a_killed_ladder_ends_as_one_that_was_left_alone(killed, tmp_path):
    run(tmp_path, [0])
    for row in LEARNT:
        interrupted, alone = (
            json.loads((out / "seed0" / row / MEASURED).read_text()) for out in (killed, tmp_path)
        )
        assert interrupted == alone, row


@pytest.mark.slow
def test_the_table_has_every_row_with_its_seeds(killed):
    rows = {row["row"]: row for row in json.loads((killed / "results.json").read_text())["rows"]}
    assert list(rows) == [*FLOORS, "k-means", *LEARNT]
    assert [len(rows[name]["seeds"]) for name in rows] == [1, 1, 1, 2, 2, 2, 2, 2, 2]
    table = (killed / "table.md").read_text()
    assert all(f"| {name} |" in table for name in rows)
    assert "published" in table
    assert "80.03" in table


@pytest.mark.slow
def test_what_is_measured_is_not_measured_again(killed):
    before = {path: path.stat().st_mtime_ns for path in killed.rglob(MEASURED)}
    run(killed, [0, 1])
    assert before == {path: path.stat().st_mtime_ns for path in killed.rglob(MEASURED)}


def test_a_ladder_of_another_config_is_not_mixed_in(tmp_path):
    run(tmp_path, [])
    with pytest.raises(ValueError, match="another config"):
        run(tmp_path, [], RUN.model_copy(update={"images": 50}))


def test_all_rows_of_a_seed_come_before_the_next_seed(tmp_path):
    folders = [rung.folder for rung in rungs(RUN, [0, 1], material(RUN), tmp_path, "paper")]
    assert folders == FLOORS + [
        f"seed{seed}/{row}" for seed in (0, 1) for row in ("k-means", *LEARNT)
    ]


def test_halves_keep_people_apart_and_shuffled_takes_all():
    sources = tuple(
        Source(path=f"{name}/train/{modality}", modality=modality, half=half)
        for name in ("cufs", "fs2k")
        for modality, half in ((Modality.VIS, "a"), (Modality.SKETCH, "b"))
    )
    run = config(data=Data(sources=sources))
    assert variant(run, None, "halves").data.sources == sources
    shuffled = variant(run, "fs2k", "shuffled")
    assert [(s.path, s.half) for s in shuffled.data.sources] == [
        ("fs2k/train/vis", None),
        ("fs2k/train/sketch", None),
    ]
    assert shuffled.name == "small-fs2k-shuffled"


def searched(ranks: list[int]):
    """The result of one seed, a person for each rank."""
    count = len(ranks)
    people = tuple(f"p{number}" for number in range(count))
    searches = Searches(
        subject=np.arange(count),
        rank=np.array([MISS if rank == 0 else rank for rank in ranks]),
        mated=np.ones(count),
        nonmated=np.zeros(count),
        acquired=np.ones(count, dtype=bool),
        weight=np.ones(count),
    )
    setting = Setting("base", "t", people, people, count, 0)
    return score(Part(setting, searches, None), np.random.default_rng(0))


def test_seeds_are_averaged_before_people_are_drawn():
    """Two seeds, each of which finds another half of the people: 50 % whoever is drawn."""
    row = over_seeds([searched([1, 1, 2, 2]), searched([2, 2, 1, 1])])[0]
    assert (row.mean, row.spread, row.interval) == (0.5, 0.0, (0.5, 0.5))
    row = over_seeds([searched([1, 1, 1, 1]), searched([2, 2, 1, 1])])[0]
    assert row.mean == 0.75
    assert row.spread == pytest.approx(np.std([1.0, 0.5], ddof=1))
    assert "75.0 ± 35.4 [" in markdown([row])
