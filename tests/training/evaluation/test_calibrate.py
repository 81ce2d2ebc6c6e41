import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from faces.similarity import Calibration
from training.evaluation.calibrate import calibrate, calibrate_strictly

SCORES = arrays(
    np.float64, st.integers(4, 300), elements=st.floats(-1, 1) | st.sampled_from([0.0, 0.25])
)


def table_of(nonmated, **options):
    fields = calibrate(nonmated, "drawn scores", **options)
    return Calibration(np.array(fields.scores), np.array(fields.fmr))


@given(SCORES)
def test_scores_ascend_and_fmr_never_rises(nonmated):
    table = table_of(nonmated)
    assert (np.diff(table.scores) > 0).all()
    assert (np.diff(table.fmr) <= 0).all()


@given(SCORES, st.floats(-1.5, 1.5))
def test_the_rate_told_is_never_smaller_than_the_share_of_impostors_at_that_score(nonmated, score):
    assert table_of(nonmated, rows=7).fmr_of(score) >= (nonmated >= score).mean()


@given(SCORES, st.floats(0.001, 1))
def test_a_threshold_taken_from_the_table_keeps_its_fmr(nonmated, fmr):
    threshold = table_of(nonmated, rows=7).threshold_at_fmr(fmr)
    assert (nonmated >= threshold).mean() <= fmr


def test_no_rate_is_told_that_so_few_impostors_cannot_support():
    table = table_of(np.arange(300) / 300)
    assert table.fmr.min() == pytest.approx(3 / 300)
    assert table.fmr_of(5.0) == pytest.approx(3 / 300)


def test_a_large_table_is_close_to_the_truth_and_has_a_fixed_size():
    nonmated = np.random.default_rng(0).normal(0, 0.2, 200_000)
    table = table_of(nonmated)
    assert 100 <= len(table.scores) <= 150
    for fmr in (0.1, 0.01, 0.001):
        reached = (nonmated >= table.threshold_at_fmr(fmr)).mean()
        assert 0.9 * fmr < reached <= fmr


def test_three_impostors_calibrate_nothing():
    with pytest.raises(ValueError, match="3 non-mated comparisons support no"):
        calibrate(np.zeros(3), "too few")


def test_among_look_alikes_the_stated_rate_does_not_flatter():
    rng = np.random.default_rng(4)
    at_large = rng.normal(0.0, 0.1, 50_000)
    look_alikes, others_like_them = rng.normal(0.25, 0.12, (2, 400))
    fields = calibrate_strictly([at_large, look_alikes], "two cohorts")
    table = Calibration(np.array(fields.scores), np.array(fields.fmr))
    for rate in (0.1, 0.01):
        observed = (others_like_them >= table.threshold_at_fmr(rate)).mean()
        assert observed <= 2 * rate
    pooled = calibrate(np.concatenate([at_large, look_alikes]), "one pool")
    flattering = Calibration(np.array(pooled.scores), np.array(pooled.fmr)).threshold_at_fmr(0.01)
    assert (others_like_them >= flattering).mean() > 0.3


def test_a_cohort_of_one_comparison_is_refused():
    with pytest.raises(ValueError, match="two"):
        calibrate_strictly([np.zeros(1), np.arange(100.0)], "one is too small")
