"""Which groups of people decide what a score is worth."""

import numpy as np

from training.calibration import _large_enough


def scores(count: int) -> np.ndarray:
    return np.zeros(count, np.float32)


def test_cohorts_too_small_to_tell_are_one() -> None:
    found = _large_enough({"b": scores(90), "at large": scores(5000), "a": scores(56)})

    assert {name: each.size for name, each in found.items()} == {"at large": 5000, "a with b": 146}


def test_what_is_too_small_even_together_decides_nothing() -> None:
    assert list(_large_enough({"at large": scores(5000), "a": scores(1), "b": scores(30)})) == [
        "at large"
    ]
