"""What a score means is never stated better than it was measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faces.similarity import Calibration

TABLE = Calibration(scores=np.array([0.2, 0.5, 0.8]), fmr=np.array([0.1, 0.01, 0.001]))


@pytest.mark.parametrize(
    ("score", "fmr"),
    [(0.1, 1.0), (0.2, 0.1), (0.49, 0.1), (0.5, 0.01), (0.8, 0.001), (0.99, 0.001)],
)
def test_between_rows_the_lower_score_s_rate_holds(score, fmr):
    assert TABLE.fmr_of(score) == fmr


def test_fpir_of_many_references_is_the_chance_that_one_of_them_scores():
    assert TABLE.fpir_of(0.5, 1) == pytest.approx(0.01)
    assert TABLE.fpir_of(0.5, 100) == pytest.approx(1 - 0.99**100)
    assert TABLE.fpir_of(0.0, 5) == pytest.approx(1.0)
    assert TABLE.fpir_of(0.5, 0) == 0


def test_a_threshold_is_the_lowest_score_that_keeps_the_rate():
    assert TABLE.threshold_at_fmr(0.01) == 0.5
    assert TABLE.threshold_at_fmr(0.009) == 0.8
    assert TABLE.threshold_at_fmr(0.0001) == float("inf")


@pytest.mark.filterwarnings("error")
def test_any_false_positive_rate_is_kept_by_the_lowest_score_of_the_table():
    assert TABLE.threshold_at_fpir(1, 100) == 0.2


@given(st.floats(0.0005, 0.9), st.integers(1, 1000))
def test_a_threshold_at_a_false_positive_rate_keeps_it(fpir, searched):
    threshold = TABLE.threshold_at_fpir(fpir, searched)
    assert threshold == float("inf") or TABLE.fpir_of(threshold, searched) <= fpir + 1e-12
