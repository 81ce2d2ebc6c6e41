"""Results by group: who is in it, who is confused with whom, and how sure that is."""

import numpy as np
import pytest

from training.evaluation.comparisons import Scores
from training.evaluation.groups import by_group
from training.evaluation.metrics import threshold_at_fmr
from training.evaluation.protocols import Attribute

PEOPLE = 80
NAMES = np.array([f"{n:03d}" for n in range(PEOPLE)])
EVERYONE = np.ones(PEOPLE, dtype=bool)
HALF = PEOPLE // 2
SEX = Attribute("sex", "drawn", {n: "a" if int(n) < HALF else "b" for n in NAMES.tolist()})


def drawn(found=EVERYONE):
    """Half b is weakly told apart, and its people look alike."""
    rng = np.random.default_rng(0)
    similarity = rng.normal(0, 0.1, (PEOPLE, PEOPLE))
    similarity[HALF:, HALF:] += 0.3
    similarity[np.diag_indices(PEOPLE)] += np.where(np.arange(PEOPLE) < HALF, 1.0, 0.1)
    return Scores(similarity, NAMES, NAMES, found, EVERYONE)


def test_each_group_has_its_own_rate_and_the_whole_gallery_is_searched():
    scores = drawn()
    a, b = by_group([SEX], scores)
    assert (a.attribute, a.group, b.group) == ("sex", "a", "b")
    assert (a.people, a.probes, a.rank_1) == (HALF, HALF, 1.0)
    hits = scores.similarity[HALF:].argmax(1) == np.arange(HALF, PEOPLE)
    assert b.rank_1 == pytest.approx(hits.mean())
    assert b.interval[0] < b.rank_1 < b.interval[1]
    assert b.wilson[0] < b.rank_1 < b.wilson[1]


def test_everybody_is_held_to_one_threshold():
    scores = drawn()
    a, b = by_group([SEX], scores)
    strangers = ~np.eye(PEOPLE, dtype=bool)
    threshold = threshold_at_fmr(scores.similarity[strangers], 0.01)
    within = scores.similarity[HALF:, HALF:][strangers[HALF:, HALF:]]
    assert b.fmr == pytest.approx((within >= threshold).mean())
    assert a.fmr == 0.0
    assert b.fmr_interval[0] < b.fmr < b.fmr_interval[1]
    mates = np.diag(scores.similarity)
    assert b.fnmr == pytest.approx((mates[HALF:] < threshold).mean())


def test_a_face_that_was_not_found_is_a_miss_of_its_group():
    found = EVERYONE.copy()
    found[:4] = False
    a, b = by_group([SEX], drawn(found))
    assert (a.fta, b.fta) == (4, 0)
    assert a.rank_1 == pytest.approx(36 / 40)
    assert a.fnmr == pytest.approx(4 / 40)


def test_people_of_no_group_are_left_out():
    some = Attribute("glasses", "drawn", dict.fromkeys(NAMES[:10].tolist(), "glasses"))
    (group,) = by_group([some], drawn())
    assert (group.people, group.probes) == (10, 10)
    assert group.fmr is None, "90 comparisons do not support 1 %"


def test_a_group_that_nobody_of_the_trial_is_in_is_not_told():
    assert by_group([Attribute("sex", "drawn", {"somebody else": "a"})], drawn()) == ()


def test_all_images_of_a_person_are_drawn_together():
    """Ten probes each of two people, all hits or all misses: the interval is of two, not of 20."""
    references = np.array(["ada", "ben"])
    probes = np.repeat(references, 10)
    similarity = np.tile([1.0, 0.0], (20, 1))
    everyone = np.ones(20, dtype=bool)
    scores = Scores(similarity, probes, references, everyone, everyone[:2])
    (group,) = by_group([Attribute("x", "drawn", {"ada": "all", "ben": "all"})], scores)
    assert (group.people, group.probes, group.rank_1) == (2, 20, 0.5)
    assert group.interval == (0.0, 1.0)
