"""Rates at a threshold, against a slow count over every threshold there is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.evaluation.comparisons import Scores, compare, search
from training.evaluation.metrics import fnir_at_fpir, is_measurable, vr_at_fmr

RATES = [0.5, 0.25, 0.2, 0.1]


@st.composite
def galleries(draw):
    """Up to 12 people with one reference and one probe each, many ties, some faces lost."""
    n = draw(st.integers(6, 12))
    names = np.array([f"{i:02d}" for i in range(n)])
    cells = draw(st.lists(st.integers(0, 6), min_size=n * n, max_size=n * n))
    lost = draw(st.sets(st.integers(0, n - 1), max_size=3))
    gone = draw(st.sets(st.integers(0, n - 1), max_size=3))
    probe_found, reference_found = np.ones(n, dtype=bool), np.ones(n, dtype=bool)
    probe_found[list(lost)] = reference_found[list(gone)] = False
    similarity = np.array(cells, dtype=float).reshape(n, n) / 6
    return Scores(similarity, names, names, probe_found, reference_found)


def thresholds(scores):
    """Every score there is, and one that nobody reaches."""
    return [*np.unique(scores.similarity), 2.0]


def best_within(rate, attempts, at_threshold):
    """The best gain of all (error, gain) whose error stays within `rate`."""
    if not is_measurable(rate, attempts):
        return None
    return max(gain for error, gain in at_threshold if error <= rate)


@given(galleries())
@settings(max_examples=100, deadline=None)
def test_vr_is_the_best_of_all_thresholds_that_keep_the_fmr(scores):
    n = len(scores.probes)
    there = scores.probe_found[:, None] & scores.reference_found[None, :]
    own = np.eye(n, dtype=bool)
    impostors = scores.similarity[there & ~own]

    def at(threshold):
        passed = there & own & (scores.similarity >= threshold)
        return (impostors >= threshold).mean(), passed.sum() / n

    if not impostors.size:
        return
    points = [at(threshold) for threshold in thresholds(scores)]
    expected = [best_within(rate, impostors.size, points) for rate in RATES]
    assert vr_at_fmr(compare(scores), RATES) == pytest.approx(expected)


@given(galleries())
@settings(max_examples=100, deadline=None)
def test_fnir_is_the_best_of_all_thresholds_that_keep_the_fpir(scores):
    n = len(scores.probes)
    searches = [probe for probe in range(n) if scores.probe_found[probe]]
    enrolled = np.flatnonzero(scores.reference_found)

    def at(threshold):
        alarms, found = 0, 0
        for probe in searches:
            row = scores.similarity[probe]
            others = [row[r] for r in enrolled if r != probe]
            alarms += any(score >= threshold for score in others)
            mine = row[probe] if probe in enrolled else -1
            found += mine >= threshold and all(mine > score for score in others)
        return alarms / max(len(searches), 1), found / n

    points = [at(threshold) for threshold in thresholds(scores)]
    expected = [best_within(rate, len(searches), points) for rate in RATES]
    measured = fnir_at_fpir(search(scores), RATES)
    assert [None if fnir is None else 1 - fnir for fnir in measured] == pytest.approx(expected)
