"""Stated rates beside observed ones, where the truth is drawn."""

import numpy as np
import pytest

from faces.similarity import Calibration
from training.evaluation.calibrate import calibrate
from training.evaluation.comparisons import Scores
from training.evaluation.reliability import reliability

PEOPLE = 120
NAMES = np.array([f"{n:03d}" for n in range(PEOPLE)])
EVERYONE = np.ones(PEOPLE, dtype=bool)


def calibrated(scale=0.1):
    drawn = np.random.default_rng(1).normal(0, scale, 200_000)
    fields = calibrate(drawn, "drawn")
    return Calibration(np.array(fields.scores), np.array(fields.fmr))


def trial(scale=0.1, *, found=EVERYONE):
    similarity = np.random.default_rng(2).normal(0, scale, (PEOPLE, PEOPLE))
    return Scores(similarity + np.eye(PEOPLE), NAMES, NAMES, found, EVERYONE)


def at(curve, rate):
    return next(point for point in curve if point.stated == pytest.approx(rate))


def test_a_calibration_from_the_same_kind_of_impostors_holds_in_the_test():
    held = reliability("drawn", trial(), calibrated())
    for rate, spread in ((0.1, 0.05), (0.01, 0.35), (0.001, 0.6)):  # 14,280 comparisons
        assert at(held.fmr, rate).observed == pytest.approx(rate, rel=spread)
    low, high = at(held.fpir, 0.1).interval
    assert low <= 0.1 <= high


def test_impostors_more_alike_than_those_calibrated_on_show_above_the_diagonal():
    broken = reliability("drawn", trial(scale=0.13), calibrated())
    assert at(broken.fmr, 0.01).observed > 0.02
    assert at(broken.fmr, 0.01).interval[0] > 0.01
    assert at(broken.fpir, 0.1).observed > 0.25


def test_what_so_few_attempts_can_show_is_stated():
    held = reliability("drawn", trial(), calibrated())
    assert held.fmr[0].floor == pytest.approx(3 / (PEOPLE * (PEOPLE - 1)))
    assert held.fpir[0].floor == pytest.approx(3 / PEOPLE)


def test_a_rate_that_the_bundle_has_no_threshold_for_is_left_out():
    small = Calibration(np.array([0.0, 0.2]), np.array([0.5, 0.02]))
    held = reliability("drawn", trial(), small)
    assert min(point.stated for point in held.fmr) >= 0.02


def test_probes_without_a_face_are_no_impostors():
    found = EVERYONE.copy()
    found[:60] = False
    held = reliability("drawn", trial(found=found), calibrated())
    assert held.fpir[0].floor == pytest.approx(3 / 60)
    assert at(held.fmr, 0.01).observed == pytest.approx(0.01, rel=0.35)


def test_the_threshold_for_a_search_knows_how_many_others_are_enrolled():
    """Twice the references, twice the chances: the stated FPIR asks for a higher threshold."""
    rng = np.random.default_rng(3)
    references = np.concatenate([NAMES, [f"other {n}" for n in range(PEOPLE)]])
    similarity = rng.normal(0, 0.1, (PEOPLE, 2 * PEOPLE))
    similarity[:, :PEOPLE] += np.eye(PEOPLE)
    large = Scores(similarity, NAMES, references, EVERYONE, np.ones(2 * PEOPLE, dtype=bool))
    low, high = at(reliability("large", large, calibrated()).fpir, 0.1).interval
    assert low <= 0.1 <= high
