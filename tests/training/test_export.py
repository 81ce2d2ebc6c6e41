"""What is exported is what was trained."""

import numpy as np
import pytest
import torch
from small_run import config, material

from faces.bundle import load_bundle
from faces.encode import Encoder
from faces.modality import Modality
from training import export
from training import state as states
from training.config import Networks
from training.release import centred_bundle
from training.train import train_step

CPU = torch.device("cpu")


def trained(run, count=3):
    state = states.fresh(run, CPU)
    drawn_from = material(run)
    for _ in range(count):
        train_step(state, drawn_from)
    return state, drawn_from


@pytest.mark.parametrize(("share", "files"), [("all", 1), ("none", 3)])
def test_onnx_runtime_computes_what_torch_computes(tmp_path, share, files):
    run = config(networks=Networks(width=0.25, image_size=32, share=share))
    state, drawn_from = trained(run)
    bundle = centred_bundle(state, drawn_from, tmp_path / "bundle", name="small", centring=False)
    assert len({fields.file for fields in bundle.manifest.encoders.values()}) == files
    crops = np.random.default_rng(5).random((4, 128, 128), dtype=np.float32)
    encoder = Encoder(load_bundle(tmp_path / "bundle"))
    model = state.average.eval()
    for number, modality in enumerate(run.domains):
        batch = torch.from_numpy(crops)[:, None]
        with torch.no_grad():
            both = [model.content(x, number).mean for x in (batch, batch.flip(3))]
        expected = torch.nn.functional.normalize(both[0] + both[1], dim=1).numpy()
        np.testing.assert_allclose(encoder(crops, modality), expected, atol=1e-4)


def test_centring_takes_the_training_mean_off(tmp_path):
    state, drawn_from = trained(config())
    bundle = centred_bundle(state, drawn_from, tmp_path / "bundle", name="small", centring=True)
    encoder = Encoder(bundle)
    sketches = drawn_from.pools[Modality.SKETCH].crops.astype(np.float32) / 255
    vectors = encoder(sketches, Modality.SKETCH)
    assert np.linalg.norm(vectors.mean(axis=0)) < 0.5
    assert np.linalg.norm(bundle.centre(Modality.SKETCH)) > 0


def test_a_graph_that_computes_something_else_is_not_written(tmp_path, monkeypatch):
    state, drawn_from = trained(config(), 0)
    monkeypatch.setattr(export, "TOLERANCE", -1.0)
    with pytest.raises(export.ParityError):
        centred_bundle(state, drawn_from, tmp_path / "bundle", name="small", centring=False)
    assert not (tmp_path / "bundle").exists()
