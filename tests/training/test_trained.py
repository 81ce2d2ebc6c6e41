"""A run that has been trained, as rows and pictures of a report."""

from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from small_run import config

from faces.locate import Face
from faces.modality import Modality
from training import state as states
from training.config import Data, Networks, Source
from training.crops import Recipe
from training.evaluation.protocols import PeopleOverlapError, Sample, Trial
from training.evaluation.trained import RowError
from training.template import CROP
from training.train import CHECKPOINT
from training.trained import read_run

VIS, SKETCH = Modality.VIS, Modality.SKETCH
SIDE = 32


def draw(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(blocks).resize((128, 128)).save(path)


def everything(image):
    """A face that fills the image."""
    points = np.array(CROP.template, dtype=np.float32)
    return [Face((0.0, 0.0, 128.0, 128.0), points, 0.9)]


RECIPE = Recipe(CROP, partial(lambda: everything), "everything")


def trial(root, number, modality=SKETCH):
    photo, probe = (root / f"test/{kind}/{number:03d}.png" for kind in ("vis", "other"))
    draw(photo, 100 + number)
    draw(probe, 200 + number)
    who = f"cufs/{number:03d}"
    return Trial("drawn", (Sample(who, VIS, photo),), (Sample(who, modality, probe),))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A run at its start on eight photos and eight sketches of cufs people 000 to 007."""
    monkeypatch.chdir(tmp_path)
    for kind in (VIS, SKETCH):
        for number in range(8):
            draw(tmp_path / f"data/cufs/{kind}/{number:03d}.png", number)
    sources = tuple(Source(path=f"cufs/{m}", modality=m) for m in (VIS, SKETCH))
    run = config(
        data=Data(root=tmp_path / "data", sources=sources),
        networks=Networks(width=0.25, image_size=SIDE),
    )
    made = tmp_path / "run"
    made.mkdir()
    (made / "config.json").write_text(run.model_dump_json())
    states.save(states.fresh(run, torch.device("cpu")), made / CHECKPOINT)
    return made


def crops(count=3):
    return np.random.default_rng(0).random((count, 128, 128), dtype=np.float32)


def test_a_run_brings_rows_a_style_and_pictures(folder, tmp_path):
    run = read_run(folder, [trial(tmp_path, 50)], RECIPE, 1)
    assert [row.name for row in run.rows] == ["k-means", "untrained Ec"]
    assert set(run.domains) == {VIS, SKETCH, Modality.NIR}
    assert run.style(crops(), SKETCH).shape == (3, 32)
    made = run.translate(crops(), SKETCH, crops()[::-1].copy(), VIS)
    assert made.shape == (3, SIDE, SIDE)
    assert (made.min() > 0, made.max() < 1) == (True, True)


def test_content_comes_from_the_first_image_and_style_from_the_second(folder, tmp_path):
    run = read_run(folder, [trial(tmp_path, 50)], RECIPE, 1)
    x, y = crops()[:1], crops()[1:2]
    itself = run.translate(x, VIS, x, VIS)
    assert np.abs(run.translate(y, VIS, x, VIS) - itself).max() > 1e-4
    assert np.abs(run.translate(x, VIS, y, VIS) - itself).max() > 1e-6
    assert np.allclose(run.translate(x, VIS, x, VIS), itself)


def test_people_who_were_trained_on_are_not_tested(folder, tmp_path):
    with pytest.raises(PeopleOverlapError, match="cufs/003"):
        read_run(folder, [trial(tmp_path, 3)], RECIPE, 1)


def test_a_run_of_an_older_version_is_refused_in_one_line(folder, tmp_path):
    path = folder / "config.json"
    path.write_text(path.read_text().replace('"image_size"', '"size_of_images"'))
    with pytest.raises(RowError, match=r"another version .* networks.size_of_images: ") as refused:
        read_run(folder, [trial(tmp_path, 50)], RECIPE, 1)
    assert "\n" not in str(refused.value)


def test_what_is_no_run_is_said_in_one_line(folder, tmp_path):
    with pytest.raises(RowError, match="not a run"):
        read_run(tmp_path, [trial(tmp_path, 50)], RECIPE, 1)
    (folder / CHECKPOINT).unlink()
    with pytest.raises(RowError, match="cannot be read"):
        read_run(folder, [trial(tmp_path, 50)], RECIPE, 1)
