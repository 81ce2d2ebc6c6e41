import numpy as np
import pytest

from training.evaluation.intervals import bootstrap, mcnemar, paired_difference, wilson


def rate_of(hits, subject):
    def figures(weights):
        each = weights[subject]
        return np.array([(hits * each).sum() / each.sum()])

    return figures


def width(interval):
    return interval[1] - interval[0]


def test_the_bootstrap_draws_people_not_images():
    """Ten people, hit or missed with all their images: a hundred images each add no certainty."""
    hits = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
    people = np.arange(10)
    once = bootstrap(rate_of(hits, people), 10, np.random.default_rng(0))[0]
    often = bootstrap(
        rate_of(np.repeat(hits, 100), np.repeat(people, 100)), 10, np.random.default_rng(0)
    )[0]
    assert often == once
    assert width(once) > 0.5


def test_the_bootstrap_narrows_with_more_people():
    hits = np.tile([1, 0], 500)
    few = bootstrap(rate_of(hits[:20], np.arange(20)), 20, np.random.default_rng(0))[0]
    many = bootstrap(rate_of(hits, np.arange(1000)), 1000, np.random.default_rng(0))[0]
    assert width(many) < width(few) / 4
    assert many[0] == pytest.approx(0.5 - 1.96 * 0.5 / 1000**0.5, abs=0.01)


def test_a_seed_fixes_the_interval():
    figures = rate_of(np.linspace(0, 1, 40), np.arange(40))
    first, again, other = (bootstrap(figures, 40, np.random.default_rng(s))[0] for s in (1, 1, 2))
    assert first == again
    assert first != other


def test_what_cannot_be_measured_has_no_interval():
    assert bootstrap(lambda weights: np.array([np.nan]), 5, np.random.default_rng(0)) == [None]


def test_wilson_against_published_values():
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe 1998, table I
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0000, 0.1611), abs=1e-4)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=1e-4)


def test_wilson_of_no_probes_is_refused():
    with pytest.raises(ValueError, match="0 hits of 0"):
        wilson(0, 0)


def hits(text):
    return np.array([letter == "+" for letter in text])


def test_mcnemar_worked_out_by_hand():
    # five probes only ours, one only theirs: 2 * (C(6,0) + C(6,1)) / 2^6
    assert mcnemar(hits("+++++-++--"), hits("-----+++--")) == pytest.approx(14 / 64)


def test_mcnemar_is_symmetric_and_certain_of_nothing_when_equal():
    assert mcnemar(hits("++-"), hits("++-")) == 1.0
    assert mcnemar(hits("++++--"), hits("----+-")) == mcnemar(hits("----+-"), hits("++++--"))


def test_a_real_difference_between_two_systems_excludes_zero():
    ours, theirs = np.ones(100, dtype=bool), np.arange(100) < 80
    difference, (low, high) = paired_difference(
        ours, theirs, np.arange(100), np.random.default_rng(0)
    )
    assert difference == pytest.approx(0.2)
    assert 0.1 < low < 0.2 < high < 0.3


def test_a_difference_that_hangs_on_one_person_is_not_significant():
    """Fifty probes of one person are one person's luck."""
    ours = np.array([True] * 50 + [False] * 9)
    theirs = np.zeros(59, dtype=bool)
    subject = np.array([0] * 50 + list(range(1, 10)))
    _, (low, _) = paired_difference(ours, theirs, subject, np.random.default_rng(0))
    assert low == 0.0


def test_intervals_hold_the_truth_as_often_as_they_say_and_intervals_over_images_do_not():
    """60 people of 20 images each, who are easy or hard as a person; the true rate is 0.7."""
    rng = np.random.default_rng(0)
    subject = np.repeat(np.arange(60), 20)
    held, held_by_images = 0, 0
    for _ in range(120):
        easy = rng.beta(0.7, 0.3, 60)
        hits = rng.random(1200) < easy[subject]
        low, high = bootstrap(rate_of(hits, subject), 60, rng, draws=200)[0]
        held += low <= 0.7 <= high
        low, high = wilson(int(hits.sum()), 1200)
        held_by_images += low <= 0.7 <= high
    assert 0.88 < held / 120 <= 0.99
    assert held_by_images / 120 < 0.7
