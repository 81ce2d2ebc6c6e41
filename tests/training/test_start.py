"""The closed-form start finds what tells people apart."""

import torch
from small_run import config, material

from training import state as states
from training.batches import contrast_batch
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

    def mated_rate(state):
        batch = contrast_batch(state, drawn_from)
        model = state.model.eval()
        with torch.no_grad():
            photos = model.content(batch.photos, 0).mean
            rows = torch.nonzero(batch.rendered_as == 2).flatten()
            rendered = model.content(batch.renderings[rows], 2).mean
        unit = torch.nn.functional.normalize
        nearest = (unit(rendered, dim=1) @ unit(photos, dim=1).T).argmax(1)
        return (batch.people[nearest] == batch.people[rows]).float().mean().item()

    state = states.fresh(run, CPU)
    before = {name: p.clone() for name, p in state.model.named_parameters() if "head" not in name}
    discriminant_start(state, drawn_from)
    assert all(torch.equal(dict(state.model.named_parameters())[n], p) for n, p in before.items())
    assert mated_rate(state) >= 0.5
