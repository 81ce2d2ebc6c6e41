"""What the networks promise where they compute otherwise than they are written."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from small_run import config, material

from training import state as states
from training.config import Loss, Weights
from training.networks import doubled_convolution
from training.train import train_step

CPU = torch.device("cpu")


@pytest.mark.parametrize("side", [1, 2, 5])
def test_a_doubled_convolution_is_that_of_the_doubled_map(side):
    generator = torch.Generator().manual_seed(side)
    x = torch.randn(2, 3, side, side, generator=generator, dtype=torch.double)
    weight = torch.randn(4, 3, 3, 3, generator=generator, dtype=torch.double)
    expected = F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), weight, padding=1)
    assert torch.allclose(doubled_convolution(x, weight), expected, atol=1e-12)


def test_translations_leave_no_trace_in_the_statistics_of_norms():
    """What is matched later is real images, so norms must know those alone."""
    kept = []
    for weight in (0, 1):
        run = config(loss=Loss(weights=Weights(c=weight, kl=0, gan=0)))
        state = states.fresh(run, CPU)
        train_step(state, material(run))
        kept.append(dict(state.model.content_encoders.named_buffers()))
    assert all(torch.equal(kept[0][name], kept[1][name]) for name in kept[0])
