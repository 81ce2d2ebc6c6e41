"""The closed-form start finds what tells people apart."""

import dataclasses

import numpy as np
import pytest
import torch
from small_run import config, material

from faces.modality import Modality
from training import state as states
from training.batches import as_batch
from training.config import Config, Networks, Start
from training.pseudo_pairs import mutual_neighbours
from training.start import DAMPING, covariance, discriminant_start, discriminants

CPU = torch.device("cpu")


def test_discriminants_ignore_what_varies_within_a_person():
    generator = torch.Generator().manual_seed(0)
    people = torch.randn(4000, 2, generator=generator)
    noise = [torch.randn(4000, 2, generator=generator) for _ in range(2)]
    first, second = (torch.cat([people, part], dim=1) for part in noise)
    spread = torch.cat([first, second])
    within, total = covariance(first - second) / 2, covariance(spread - spread.mean(0))
    projection = discriminants(within, total, 2)
    strength = projection.abs().sum(1)
    assert strength[:2].min() > 3 * strength[2:].max()


def test_each_discriminant_is_damped_by_its_ratio_of_variances():
    within = torch.eye(3) * 1e-4
    total = torch.diag(torch.tensor([9.0, 4.0, 1.0]))
    projection = discriminants(within, total, 2)
    noise = 3e-4  # within and RIDGE times its mean
    spread = (projection.T @ total @ projection).diagonal()
    expected = (torch.tensor([4.0, 9.0]) / noise) ** (1 - 2 * DAMPING)
    assert torch.allclose(spread, expected, rtol=1e-3)


def test_only_mutual_neighbours_are_paired():
    photos = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    sketches = torch.tensor([[0.1, 1.0], [1.0, 0.2]])
    first, second = mutual_neighbours(photos, sketches)
    assert dict(zip(first.tolist(), second.tolist(), strict=True)) == {0: 1, 1: 0}


@pytest.mark.parametrize("front_end", ["gradient", "quadrature"])
def test_the_start_brings_a_photo_near_its_rendering(front_end):
    networks = Networks(width=0.25, image_size=32, front_end=front_end)
    run = config(networks=networks, start=Start(discriminants=True))
    drawn_from = material(run)
    state = states.fresh(run, CPU)
    heads = {name for name, _ in state.model.named_parameters() if ".head." in name}
    before = {name: p.clone() for name, p in state.model.named_parameters()}

    discriminant_start(state, drawn_from)

    after = dict(state.model.named_parameters())
    assert all(torch.equal(after[name], before[name]) for name in before.keys() - heads)
    vis = drawn_from.pools[Modality.VIS]
    photos = vis.grey(np.arange(len(vis.crops)))
    rendered = as_batch(drawn_from.renderings[Modality.NIR][:, 0])
    model = state.average.eval()
    content = [model.content(batch, n).mean for n, batch in enumerate((photos, rendered))]
    a, b = (torch.nn.functional.normalize(c - c.mean(0), dim=1) for c in content)
    rate = ((b @ a.T).argmax(1) == torch.arange(len(photos))).float().mean().item()
    assert rate > 0.6  # chance is 1 in 12


def test_guessed_pairs_bring_drawings_near_their_photos_without_a_name():
    networks = Networks(width=0.25, image_size=32, front_end="quadrature")
    run = shuffled(config(networks=networks), Start(discriminants=True, pseudo_pair_rounds=2))
    drawn_from = material(run)
    vis = drawn_from.pools[Modality.VIS]
    order = np.random.default_rng(3).permutation(len(vis.crops))
    greys = (vis.grey(order)[:, 0].numpy() * 255).astype(np.uint8)
    sketches = dataclasses.replace(drawn_from.pools[Modality.SKETCH], crops=255 - greys)
    drawn_from = dataclasses.replace(
        drawn_from, pools={**drawn_from.pools, Modality.SKETCH: sketches}
    )

    found = discriminant_start(states.fresh(run, CPU), drawn_from)

    assert found == {"people, sketch": len(order)}


def shuffled(run: Config, start: Start) -> Config:
    data = run.data.model_copy(update={"unpaired": "shuffled"})
    return Config.model_validate({**run.model_dump(), "data": data, "start": start})
