"""Rates against cases worked out by hand, and against a slow independent count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.comparisons import MISS, Scores, compare, search
from training.evaluation.metrics import (
    cmc,
    d_prime,
    eer,
    fnir_at_fpir,
    is_measurable,
    roc,
    threshold_at_fmr,
    vr_at_fmr,
)


def scores(similarity, probes, references, *, lost_probes=(), lost_references=()):
    probe_found = np.ones(len(probes), dtype=bool)
    probe_found[list(lost_probes)] = False
    reference_found = np.ones(len(references), dtype=bool)
    reference_found[list(lost_references)] = False
    return Scores(
        np.array(similarity, dtype=np.float32),
        np.array(probes),
        np.array(references),
        probe_found,
        reference_found,
    )


THREE = scores(
    [
        [0.9, 0.1, 0.2],  # ada: first
        [0.7, 0.5, 0.1],  # ben: ada before him, so second
        [0.8, 0.6, 0.3],  # cyd: last
    ],
    ["ada", "ben", "cyd"],
    ["ada", "ben", "cyd"],
)


# Identification


def test_cmc_worked_out_by_hand():
    assert search(THREE).rank.tolist() == [1, 2, 3]
    assert cmc(search(THREE), 4).tolist() == pytest.approx([1 / 3, 2 / 3, 1, 1])


def test_a_tie_with_another_subject_costs_a_rank():
    tied = scores([[0.5, 0.5, 0.5], [0.1, 0.5, 0.5]], ["ada", "ben"], ["ada", "ben", "cyd"])
    assert search(tied).rank.tolist() == [3, 2]


def test_a_matcher_that_says_the_same_of_everybody_gets_nothing():
    same = scores(np.zeros((3, 3)), ["ada", "ben", "cyd"], ["ada", "ben", "cyd"])
    assert cmc(search(same), 2).tolist() == [0, 0]


def test_a_probe_without_a_face_is_a_miss_at_every_rank():
    lost = scores(THREE.similarity, THREE.probes, THREE.references, lost_probes=[0])
    assert search(lost).rank.tolist() == [MISS, 2, 3]
    assert cmc(search(lost), 3).tolist() == pytest.approx([0, 1 / 3, 2 / 3])


def test_a_reference_without_a_face_cannot_be_found_nor_stand_in_the_way():
    lost = scores(THREE.similarity, THREE.probes, THREE.references, lost_references=[0])
    assert search(lost).rank.tolist() == [MISS, 1, 2]


def test_similarities_of_lost_faces_are_not_even_read():
    similarity = THREE.similarity.copy()
    similarity[0] = np.nan
    lost = scores(similarity, THREE.probes, THREE.references, lost_probes=[0])
    assert search(lost).rank.tolist() == [MISS, 2, 3]


def test_the_best_template_of_a_subject_stands_for_it():
    several = scores(
        [[0.1, 0.6, 0.5, 0.4], [0.1, 0.6, 0.5, 0.4]],
        ["ada", "ben"],
        ["ada", "ben", "ada", "cyd"],
    )
    # ada's templates 0.1 and 0.5 count as one candidate at 0.5, behind ben at 0.6
    assert search(several).rank.tolist() == [2, 1]


def test_many_templates_of_one_subject_fill_one_rank_only():
    crowded = scores([[0.9] * 50 + [0.5]], ["ben"], ["ada"] * 50 + ["ben"])
    assert search(crowded).rank.tolist() == [2]


def test_a_probe_whose_person_was_never_enrolled_is_refused():
    with pytest.raises(ValueError, match="not a closed set: no reference of zoe"):
        search(scores([[0.5]], ["zoe"], ["ada"]))


def test_a_similarity_that_is_not_a_number_is_refused():
    with pytest.raises(ValueError, match="finite"):
        scores([[np.nan]], ["ada"], ["ada"])


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="1 probes and 2 references"):
        scores([[0.5]], ["ada"], ["ada", "ben"])


def slow_rank(similarity, probe, subject, references, probe_found, reference_found):
    """One candidate list, written out: sort subjects by score, the own subject last of its tie."""
    if not probe_found:
        return MISS
    best = {}
    for column, name in enumerate(references):
        if reference_found[column]:
            best[name] = max(best.get(name, -9.0), float(similarity[probe][column]))
    if subject not in best:
        return MISS
    ranking = sorted(best, key=lambda name: (-best[name], name == subject))
    return ranking.index(subject) + 1


@st.composite
def searched_galleries(draw):
    references = draw(st.lists(st.sampled_from("abcde"), min_size=1, max_size=8))
    probes = draw(st.lists(st.sampled_from(references), min_size=1, max_size=6))
    cells = st.integers(0, 4).map(lambda n: n / 4)  # coarse, so that ties are common
    row = st.lists(cells, min_size=len(references), max_size=len(references))
    return scores(
        draw(st.lists(row, min_size=len(probes), max_size=len(probes))),
        probes,
        references,
        lost_probes=draw(st.sets(st.integers(0, len(probes) - 1))),
        lost_references=draw(st.sets(st.integers(0, len(references) - 1))),
    )


@given(searched_galleries())
def test_ranks_equal_those_of_a_candidate_list_written_out(case):
    expected = [
        slow_rank(
            case.similarity,
            probe,
            str(subject),
            case.references.tolist(),
            case.probe_found[probe],
            case.reference_found,
        )
        for probe, subject in enumerate(case.probes)
    ]
    assert search(case).rank.tolist() == expected


@given(searched_galleries())
def test_cmc_never_falls_with_rank(case):
    assert (np.diff(cmc(search(case), 6)) >= 0).all()


# Verification


def test_roc_worked_out_by_hand():
    curve = roc(compare(THREE))
    # mated 0.9 0.5 0.3; non-mated 0.8 0.7 0.6 0.2 0.1 0.1
    at = {round(float(t), 3): i for i, t in enumerate(curve.threshold)}
    for threshold, fmr, vr in [
        (0.1, 6 / 6, 3 / 3),
        (0.2, 4 / 6, 3 / 3),
        (0.3, 3 / 6, 3 / 3),
        (0.5, 3 / 6, 2 / 3),
        (0.6, 3 / 6, 1 / 3),
        (0.8, 1 / 6, 1 / 3),
        (0.9, 0 / 6, 1 / 3),
    ]:
        assert curve.fmr[at[threshold]] == pytest.approx(fmr)
        assert curve.vr[at[threshold]] == pytest.approx(vr)


def test_a_score_equal_to_the_threshold_is_accepted():
    curve = roc(compare(scores([[0.5, 0.5]], ["ada"], ["ada", "ben"])))
    assert (curve.fmr.tolist(), curve.vr.tolist()) == ([1.0], [1.0])


def test_eer_worked_out_by_hand():
    # at 0.5: FMR 3/6, FNMR 1/3; at 0.9: FMR 0, FNMR 2/3; the least of the larger is 1/2
    assert eer(compare(THREE)) == pytest.approx(0.5)


def test_eer_of_separated_scores_is_zero_and_of_inverted_ones_is_one():
    assert eer(compare(scores(np.eye(3), list("abc"), list("abc")))) == 0
    assert eer(compare(scores(1 - np.eye(3), list("abc"), list("abc")))) == 1


def test_lost_probes_are_false_non_matches_but_no_impostors():
    lost = compare(scores(THREE.similarity, THREE.probes, THREE.references, lost_probes=[0]))
    assert sorted(lost.mated.tolist()) == pytest.approx([-np.inf, 0.3, 0.5])
    assert lost.nonmated.size == 4
    assert roc(lost).vr.max() == pytest.approx(2 / 3)


def test_the_threshold_is_just_above_the_first_impostor_that_may_not_pass():
    nonmated = np.array([0.1, 0.2, 0.3, 0.4])
    threshold = threshold_at_fmr(nonmated, 0.25)
    assert 0.3 < threshold < 0.3 + 1e-9
    assert threshold_at_fmr(nonmated, 0.2499) > 0.4
    assert threshold_at_fmr(nonmated, 1.0) < -1e300


def test_tied_impostors_pass_or_fail_together():
    assert threshold_at_fmr(np.array([0.5, 0.5, 0.5, 0.1]), 0.5) > 0.5


@given(
    st.lists(st.floats(-1, 1, width=32) | st.sampled_from([0.0, 0.5]), min_size=1, max_size=60),
    st.floats(0, 1) | st.sampled_from([0.01, 0.29, 0.07, 0.1, 1 / 3]),
)
def test_a_threshold_never_exceeds_the_stated_fmr_and_the_next_lower_one_would(nonmated, fmr):
    nonmated = np.array(nonmated)
    threshold = threshold_at_fmr(nonmated, fmr)
    assert (nonmated >= threshold).mean() <= fmr
    lower = nonmated[nonmated < threshold]
    if lower.size:
        assert (nonmated >= lower.max()).mean() > fmr


def ladder(impostors):
    """One mated score at 0.5 among impostors spread over [0, 1)."""
    similarity = np.concatenate([[0.5], np.arange(impostors) / impostors])[None]
    references = ["ada", *(f"other {n}" for n in range(impostors))]
    return compare(scores(similarity, ["ada"], references))


def test_vr_at_fmr_worked_out_by_hand():
    assert vr_at_fmr(ladder(100), [0.50])[0] == 1.0  # exactly 50 of 100 impostors are >= 0.5
    assert vr_at_fmr(ladder(100), [0.48])[0] == 0.0


def test_a_rate_that_too_few_impostors_support_is_not_measurable():
    assert vr_at_fmr(ladder(299), [0.01])[0] is None
    assert vr_at_fmr(ladder(300), [0.01])[0] is not None
    assert is_measurable(0.001, 3000)
    assert not is_measurable(0.001, 2999)


def test_vr_at_an_fmr_of_one_still_counts_lost_probes_as_misses():
    lost = scores(THREE.similarity, THREE.probes, THREE.references, lost_probes=[0])
    assert vr_at_fmr(compare(lost), [1.0])[0] == pytest.approx(2 / 3)


def test_d_prime_worked_out_by_hand():
    pairs = compare(scores([[0.8, 0.1], [0.3, 0.6]], ["ada", "ben"], ["ada", "ben"]))
    # means 0.7 and 0.2, both of standard deviation 0.1
    assert d_prime(pairs) == pytest.approx(5.0, abs=1e-5)


def test_d_prime_of_one_pair_is_not_measurable():
    assert d_prime(compare(scores([[0.8, 0.1]], ["ada"], ["ada", "ben"]))) is None


# Open set


def open_set(mated, others):
    """n people with a mated score each, whose best impostor scores as in `others`."""
    n = len(mated)
    similarity = np.full((n, n), -1.0)
    for probe in range(n):
        similarity[probe, (probe + 1) % n] = others[probe]
        similarity[probe, probe] = mated[probe]
    names = [f"{i:03d}" for i in range(n)]
    return search(scores(similarity, names, names))


def test_fnir_at_fpir_worked_out_by_hand():
    others = np.arange(30) / 100  # 0.00 .. 0.29; FPIR 10 % lets three through: above 0.26
    mated = np.where(np.arange(30) < 10, 0.9, 0.265)
    searches = open_set(mated, others)
    # 0.265 is first in its list only where the best other is below, i.e. for probes 10 .. 26,
    # and all of those pass the threshold; 27, 28 and 29 are outranked
    assert fnir_at_fpir(searches, [0.1])[0] == pytest.approx(3 / 30)


def test_a_mated_search_below_the_threshold_is_a_false_negative():
    searches = open_set(np.full(30, 0.2), np.full(30, 0.1))
    assert fnir_at_fpir(searches, [0.1])[0] == 0
    # four non-mated searches at 0.5 are more than 10 % of thirty: the threshold rises above 0.5
    searches = open_set(np.full(30, 0.2), np.array([0.5] * 4 + [0.1] * 26))
    assert fnir_at_fpir(searches, [0.1])[0] == 1


def test_fnir_is_not_measurable_with_too_few_searches():
    assert fnir_at_fpir(open_set(np.full(29, 0.9), np.zeros(29)), [0.1]) == [None]


# Weights: the bootstrap's way to repeat people


@given(st.lists(st.integers(0, 3), min_size=3, max_size=3).filter(any))
def test_weights_of_two_count_as_the_person_there_twice(weights):
    rng = np.random.default_rng(0)
    case = scores(rng.random((6, 3)), list("abcabc"), list("abc"))
    repeated = np.repeat(np.arange(6), np.array(weights * 2))
    again = scores(case.similarity[repeated], case.probes[repeated].tolist(), list("abc"))
    weighted = cmc(search(case).weighted(np.array(weights, dtype=float)), 3)
    assert weighted.tolist() == pytest.approx(cmc(search(again), 3).tolist())


def test_a_person_drawn_twice_counts_twice_in_mated_and_four_times_in_pairs_of_two_such():
    pairs = compare(THREE).weighted(np.array([2.0, 2.0, 1.0]))
    assert pairs.mated_weight.tolist() == [2, 2, 1]
    # descending 0.8 cyd-ada, 0.7 ben-ada, 0.6 cyd-ben, 0.2 ada-cyd, then 0.1 twice
    assert pairs.nonmated_weight.tolist()[:4] == [2, 4, 2, 2]
    assert d_prime(pairs) != d_prime(compare(THREE))


def test_weights_of_one_change_nothing():
    rng = np.random.default_rng(0)
    names = [f"{i:02d}" for i in range(40)]
    case = scores(rng.random((40, 40)) + np.eye(40) / 2, names, names)
    pairs, searches = compare(case), search(case)
    again, searched_again = pairs.weighted(np.ones(40)), searches.weighted(np.ones(40))
    assert vr_at_fmr(again, [0.01]) == vr_at_fmr(pairs, [0.01])
    assert fnir_at_fpir(searched_again, [0.1]) == fnir_at_fpir(searches, [0.1])
    assert d_prime(again) == d_prime(pairs)
    assert eer(again) == eer(pairs)
