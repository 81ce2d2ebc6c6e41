"""Linear probes on vectors whose leak is known, since the test put it there."""

import numpy as np
import pytest

from training.evaluation.leaks import identity_leak, modality_leak

PEOPLE = 100
TWICE = np.repeat([f"{n:03d}" for n in range(PEOPLE)], 2)
KINDS = np.tile(["sketch", "vis"], PEOPLE)


def vectors(dimension, *, rng=0):
    return np.random.default_rng(rng).normal(size=(2 * PEOPLE, dimension))


def test_vectors_that_do_not_know_the_modality_are_guessed_at_chance_no_more_and_no_less():
    leaks = [modality_leak(vectors(256, rng=draw), KINDS, TWICE) for draw in range(10)]
    assert (leaks[0].chance, leaks[0].images) == (0.5, 200)
    assert np.mean([leak.rate for leak in leaks]) == pytest.approx(0.5, abs=0.04)


def test_one_axis_that_gives_the_modality_away_is_found_among_hundreds():
    c = vectors(256)
    c[KINDS == "vis", 17] += 6
    assert modality_leak(c, KINDS, TWICE).rate > 0.95


def test_knowing_a_person_again_is_not_knowing_the_modality():
    """Each image is there three times. A probe that may fit on a copy is right about every one."""
    copies = np.repeat(vectors(256), 3, axis=0)
    leak = modality_leak(copies, np.repeat(KINDS, 3), np.repeat(TWICE, 3))
    assert leak.rate < 0.6


def test_a_rare_modality_counts_as_much_as_a_common_one():
    """Four photos to a sketch: always saying vis is right four times in five, and worth nothing."""
    kinds = np.tile(["sketch", *["vis"] * 4], PEOPLE)
    rng = np.random.default_rng(0)
    leak = modality_leak(rng.normal(size=(5 * PEOPLE, 8)), kinds, np.repeat(TWICE[::2], 5))
    assert leak.rate == pytest.approx(0.5, abs=0.08)


def test_one_modality_alone_has_nothing_to_guess():
    assert modality_leak(vectors(8), np.full(200, "vis"), TWICE) is None


def test_three_modalities_have_a_chance_of_one_in_three():
    kinds = np.tile(["nir", "sketch", "vis"], PEOPLE)
    draws = [np.random.default_rng(n).normal(size=(3 * PEOPLE, 16)) for n in range(6)]
    leaks = [modality_leak(c, kinds, np.repeat(TWICE[::2], 3)) for c in draws]
    assert leaks[0].chance == pytest.approx(1 / 3)
    assert np.mean([leak.rate for leak in leaks]) == pytest.approx(1 / 3, abs=0.05)


def test_the_interval_of_a_leak_draws_people():
    leak = modality_leak(vectors(4), KINDS, TWICE)
    low, high = leak.interval
    assert low < leak.rate < high
    assert 0.05 < high - low < 0.2


NAMES = TWICE[::2]


def test_styles_that_know_nobody_find_nobody():
    rng = np.random.default_rng(0)
    s, t = rng.normal(size=(2, PEOPLE, 32))
    leak = identity_leak(s, t, NAMES, NAMES)
    assert leak.chance == pytest.approx(1 / 20)  # a fold of twenty people
    assert leak.interval[0] < leak.chance + 0.03
    assert leak.rate < 0.15


def test_identity_is_found_through_axes_that_another_domain_numbers_otherwise():
    rng = np.random.default_rng(0)
    person = rng.normal(size=(PEOPLE, 16))
    elsewhere = person @ rng.normal(size=(16, 16)) + 0.05 * rng.normal(size=(PEOPLE, 16))
    assert identity_leak(person, elsewhere, NAMES, NAMES).rate > 0.9


def test_the_map_was_fitted_on_other_people_than_it_finds():
    """With more numbers than people, a map may send every probe it has seen to its own mate."""
    rng = np.random.default_rng(0)
    s, t = rng.normal(size=(2, PEOPLE, 500))
    assert identity_leak(s, t, NAMES, NAMES).rate < 0.15


def test_equal_styles_are_ties_and_ties_are_misses():
    same = np.ones((PEOPLE, 4))
    assert identity_leak(same, same, NAMES, NAMES).rate == 0


def test_a_gallery_may_hold_people_who_are_never_searched():
    rng = np.random.default_rng(0)
    s = rng.normal(size=(PEOPLE, 8))
    leak = identity_leak(s[:60], s, NAMES[:60], NAMES)
    assert leak.images == 60
    assert leak.rate > 0.9


def test_of_too_few_people_nothing_is_said():
    s = np.eye(9)
    assert identity_leak(s, s, NAMES[:9], NAMES[:9]) is None
