"""Signals that a trainer watches, against cases whose answer is known."""

import numpy as np
import pytest

from training.signals import effective_dimensions

RNG = np.random.default_rng(0)


def test_content_of_one_direction_has_one_effective_dimension():
    along = RNG.normal(size=(50, 1)).astype(np.float32) * np.ones((1, 8), np.float32)
    assert effective_dimensions([along, along + 5]) == pytest.approx(1)


def test_content_that_varies_alike_everywhere_has_as_many_as_it_is_long():
    signs = np.array(np.meshgrid(*[[-1, 1]] * 4)).reshape(4, -1).T.astype(np.float32)
    assert effective_dimensions([signs]) == pytest.approx(4)
    assert effective_dimensions([signs, signs + 100]) == pytest.approx(4)
