"""The closed-form start finds what tells people apart."""

import numpy as np
import torch
from small_run import config, material

from faces.modality import Modality
from training import state as states
from training.batches import as_batch
from training.config import Networks
from training.start import discriminant_start, discriminants

CPU = torch.device("cpu")


def test_discriminants_ignore_what_varies_within_a_person():
    generator = torch.Generator().manual_seed(0)
    people = torch.randn(4000, 2, generator=generator)
    noise = [torch.randn(4000, 2, generator=generator) for _ in range(2)]
    first, second = (torch.cat([people, part], dim=1) for part in noise)
    spread = torch.cat([first, second])
    projection = discriminants(first - second, spread - spread.mean(0), 2)
    strength = projection.abs().sum(1)
    assert strength[:2].min() > 3 * strength[2:].max()
    variance = ((spread - spread.mean(0)) @ projection).var(0)
    assert torch.allclose(variance, torch.ones(2), atol=0.05)


def test_the_start_brings_a_photo_near_its_rendering():
    networks = Networks(width=0.25, image_size=32, front_end=True, discriminant_start=True)
    run = config(networks=networks)
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
