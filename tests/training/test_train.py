"""What the trainer promises: exact resume, nothing paired, ablations, a stop on NaN."""

import itertools
import json

import numpy as np
import pytest
import torch
from small_run import config, material

from faces.modality import Modality
from training import state as states
from training.batches import unpaired_batch
from training.config import Compute, Loss, Networks, Weights
from training.train import CHECKPOINT, REPORT, Diverged, rate_share, train, train_step

CPU = torch.device("cpu")


def steps(state, drawn_from, count):
    return [train_step(state, drawn_from) for _ in range(count)]


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path):
    run = config()
    drawn_from = material(run)
    straight = states.fresh(run, CPU)
    steps(straight, drawn_from, 3)
    states.save(straight, tmp_path / CHECKPOINT)
    expected = steps(straight, drawn_from, 3)

    resumed = states.load(run, tmp_path / CHECKPOINT, CPU)
    assert steps(resumed, drawn_from, 3) == expected
    pairs = zip(straight.average.parameters(), resumed.average.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_a_checkpoint_of_another_config_is_refused(tmp_path):
    states.save(states.fresh(config(), CPU), tmp_path / CHECKPOINT)
    with pytest.raises(ValueError, match="another config"):
        states.load(config(seed=1), tmp_path / CHECKPOINT, CPU)


def test_one_seed_is_one_run():
    run = config()
    first, second = states.fresh(run, CPU), states.fresh(run, CPU)
    torch.manual_seed(3)
    a = steps(first, material(run), 1)
    torch.manual_seed(3)
    assert steps(second, material(run), 1) == a


def test_pairs_meet_in_a_batch_as_often_as_chance_has_it():
    """Row r of the VIS batch and row r of the sketch batch are drawn independently."""
    run = config(batch=8)
    drawn_from = material(run)
    for pool in drawn_from.pools.values():  # image number k is painted with grey level 20 k
        for number in range(len(pool.crops)):
            pool.crops[number] = 20 * number
    state = states.fresh(run, CPU)
    same = trials = 0
    for _ in range(150):
        drawn = [
            drawn_from.pools[m].draw(run.batch, state.draws)
            for m in (Modality.VIS, Modality.SKETCH)
        ]
        same += int((drawn[0] == drawn[1]).sum())
        trials += run.batch
    chance = 1 / 12
    deviation = np.sqrt(trials * chance * (1 - chance))
    assert abs(same - trials * chance) < 4 * deviation
    vis, sketch = unpaired_batch(state, drawn_from).images[:2]
    assert vis.shape == sketch.shape == (8, 1, 128, 128)


ABLATIONS = {
    "base": (Weights(kl=0, gan=0), {"x", "c", "s"}),
    "vae": (Weights(gan=0), {"x", "c", "s", "kl"}),
    "lgan": (Weights(kl=0), {"x", "c", "s", "gan", "critic"}),
    "vae+lgan": (Weights(), {"x", "c", "s", "kl", "gan", "critic"}),
}


@pytest.mark.parametrize("name", ABLATIONS)
def test_an_ablation_computes_its_terms_and_no_other(name):
    weights, terms = ABLATIONS[name]
    run = config(loss=Loss(weights=weights))
    assert set(train_step(states.fresh(run, CPU), material(run))) == terms


@pytest.mark.parametrize("share", ["all", "high", "none"])
def test_sharing_says_which_weights_the_domains_have_in_common(share):
    run = config(networks=Networks(width=0.25, image_size=32, share=share))
    first, second = states.fresh(run, CPU).model.content_encoders[:2]
    low = first.stages[0][0].conv.weight is second.stages[0][0].conv.weight
    high = first.head.weight is second.head.weight
    assert (low, high) == {"all": (True, True), "high": (False, True), "none": (False, False)}[
        share
    ]


@pytest.mark.parametrize("front_end", ["gradient", "quadrature", None])
def test_every_weight_of_the_encoders_learns(front_end):
    networks = Networks(width=0.25, image_size=32, front_end=front_end)
    run = config(networks=networks)
    state = states.fresh(run, CPU)
    before = {name: p.clone() for name, p in state.model.named_parameters()}
    steps(state, material(run), 2)
    unmoved = [n for n, p in state.model.named_parameters() if torch.equal(p, before[n])]
    assert unmoved == []


def test_reconstruction_improves(tmp_path):
    run = config(loss=Loss(weights=Weights(kl=0, gan=0)), batch=8)
    state = states.fresh(run, CPU)
    history = steps(state, material(run), 40)
    early, late = (np.mean([h["x"] for h in part]) for part in (history[:5], history[-5:]))
    assert late < 0.95 * early


def test_nan_stops_the_run_before_any_weight_is_touched():
    run = config()
    state = states.fresh(run, CPU)
    before = {k: v.clone() for k, v in state.model.state_dict().items() if "head" in k}
    with torch.no_grad():
        state.model.decoders[0].grey.bias.fill_(float("nan"))
    with pytest.raises(Diverged, match=r"x.* not finite at step 0"):
        train_step(state, material(run))
    after = state.model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_a_run_leaves_config_checkpoint_curves_and_history(tmp_path):
    run = config(images=60)
    clock = itertools.count().__next__
    train(states.fresh(run, CPU), material(run), tmp_path, lambda: float(clock()))
    names = {path.name for path in tmp_path.iterdir()}
    assert {"config.json", "revision.txt", CHECKPOINT, "history.jsonl", "tensorboard"} <= names
    assert '"modality_probe"' in (tmp_path / "history.jsonl").read_text()


def test_the_rate_is_constant_then_falls_to_zero():
    run = config()
    assert rate_share(run, 0.2) == 1
    assert 0 < rate_share(run, 0.7) < 1
    assert rate_share(run, 1.0) == pytest.approx(0)


def test_a_batch_in_parts_has_the_gradient_of_the_whole():
    """Norms are frozen here: where they train, each part is normalised by itself."""
    run = config(loss=Loss(weights=Weights()))
    whole = states.fresh(run, CPU)
    parts = states.fresh(config(loss=Loss(weights=Weights()), compute=Compute(accumulate=2)), CPU)
    for state in (whole, parts):
        state.model.eval()
    for _ in range(2):
        expected = train_step(whole, material(run))
        assert train_step(parts, material(run)) == pytest.approx(expected, rel=1e-4)


def test_a_run_in_parts_resumes_exactly(tmp_path):
    run = config(loss=Loss(weights=Weights()), compute=Compute(accumulate=2))
    drawn_from = material(run)
    straight = states.fresh(run, CPU)
    steps(straight, drawn_from, 2)
    states.save(straight, tmp_path / CHECKPOINT)
    expected = steps(straight, drawn_from, 2)
    assert steps(states.load(run, tmp_path / CHECKPOINT, CPU), drawn_from, 2) == expected


def test_how_a_run_is_computed_may_change_between_two_sessions(tmp_path):
    states.save(states.fresh(config(), CPU), tmp_path / CHECKPOINT)
    states.load(config(compute=Compute(accumulate=2)), tmp_path / CHECKPOINT, CPU)


def test_half_precision_computes_every_term():
    half = config(compute=Compute(precision="bfloat16"))
    full = train_step(states.fresh(config(), CPU), material(half))
    assert train_step(states.fresh(half, CPU), material(half)) == pytest.approx(full, rel=0.1)


def test_a_deterministic_run_uses_no_kernel_that_differs_from_run_to_run(tmp_path):
    run = config(images=20, compute=Compute(deterministic=True))
    try:
        train(states.fresh(run, CPU), material(run), tmp_path, lambda: 0.0)
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


def test_a_stop_on_nan_leaves_a_report(tmp_path):
    run = config()
    state = states.fresh(run, CPU)
    with torch.no_grad():
        state.model.decoders[0].grey.bias.fill_(float("nan"))
    with pytest.raises(Diverged):
        train(state, material(run), tmp_path, lambda: 0.0)
    report = json.loads((tmp_path / REPORT).read_text())
    assert "x" in report["not_finite"]
    assert report["terms"]["x"] == "nan"
    assert (report["step"], report["images_seen"], report["last_checkpoint"]) == (0, 0, None)
    assert len(report["batch"]["vis"]) == run.batch


def test_an_infinite_gradient_stops_the_run_though_every_term_is_finite():
    run = config(loss=Loss(weights=Weights(x=1e38)))
    state = states.fresh(run, CPU)
    with torch.no_grad():
        state.model.decoders[0].grey.weight.mul_(1e-3)
        state.model.decoders[0].head.weight.mul_(1e3)
    with pytest.raises(Diverged, match="gradient norm"):
        steps(state, material(run), 5)
