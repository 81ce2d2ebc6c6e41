"""Hits become a candidate list; by hand."""

import math

from service.core.gallery import Hit, Owner
from service.core.ports import Found
from service.core.rank import is_complete, rank

OWNERS = {number: Owner(name, None, f"t{number}") for number, name in enumerate("aabbc")}


def ranked(
    hits: list[tuple[int, float]], top_k: int = 10, threshold: float = -math.inf
) -> list[str]:
    found = rank(
        [Hit(*hit) for hit in hits],
        OWNERS,
        top_k=top_k,
        threshold=threshold,
        fpir=lambda score: None,
    )
    return [f"{one.rank}{one.subject_id}{one.template_id}" for one in found]


def test_the_best_template_of_a_subject_stands_for_it() -> None:
    assert ranked([(0, 0.2), (1, 0.9), (2, 0.5), (4, 0.1)]) == ["1at1", "2bt2", "3ct4"]


def test_equal_scores_go_by_order_of_enrolment() -> None:
    assert ranked([(4, 0.5), (2, 0.5), (0, 0.5)]) == ["1at0", "2bt2", "3ct4"]


def test_a_template_without_an_owner_does_not_count() -> None:
    assert ranked([(99, 0.9), (2, 0.5)]) == ["1bt2"]


def test_the_threshold_itself_counts() -> None:
    assert ranked([(0, 0.5), (2, 0.4999)], threshold=0.5) == ["1at0"]


def test_the_list_is_cut_after_subjects_were_joined() -> None:
    assert ranked([(0, 0.9), (1, 0.8), (2, 0.7), (4, 0.6)], top_k=2) == ["1at0", "2bt2"]


def complete(hits: list[tuple[int, float]], searched: int, top_k: int, threshold: float) -> bool:
    found = Found([Hit(*hit) for hit in hits], searched)
    candidates = rank(found.hits, OWNERS, top_k=top_k, threshold=threshold, fpir=lambda score: None)
    return is_complete(candidates, found, top_k=top_k, threshold=threshold)


def test_a_search_has_looked_far_enough() -> None:
    none = -math.inf
    assert complete([], 0, 1, none)
    assert complete([(0, 0.9)], 1, 5, none), "there is nothing more"
    assert not complete([], 1, 1, none), "all that was seen is being removed at this moment"
    assert complete([(0, 0.9), (2, 0.5)], 100, 1, none), "what follows is below the last wanted"
    assert not complete([(0, 0.9), (2, 0.9)], 100, 2, none), "what follows may tie"
    assert not complete([(0, 0.9), (1, 0.5)], 100, 2, none), "a second subject may follow"
    assert complete([(0, 0.9), (1, 0.5)], 100, 2, 0.6), "what follows is below the threshold"
    assert not complete([(0, 0.9), (1, 0.6)], 100, 2, 0.6), "what follows may be at the threshold"
