"""A subject of several templates is compared by the best of them, or by their mean."""

import numpy as np
import pytest
from desk import Desk
from drawn import photo, png
from workers import DIMENSION

from service.adapters.index_means import Means
from service.adapters.index_shelf import Level, Shelf
from service.adapters.index_view import View
from service.core.gallery import Change
from service.core.gallery_settings import Fusion

PROBE = png(photo(1, style="nir"))


@pytest.fixture
def fused(desk: Desk) -> Desk:
    """The templates of ada are of two people, those of ben and cyd of one each."""
    desk.enroll("ada", png(photo(1)), png(photo(2)))
    desk.enroll("ben", png(photo(3)))
    desk.enroll("cyd", png(photo(4)), png(photo(4, side=100)), png(photo(4, side=90)))
    set_to(desk, "mean")
    return desk


def set_to(desk: Desk, fusion: str) -> None:
    assert desk.client.patch(desk.at(), json={"fusion": fusion}).status_code == 200


def test_a_subject_is_listed_once_by_the_mean_of_their_templates(fused: Desk) -> None:
    by_mean = fused.identify(PROBE).json()
    set_to(fused, "best")
    by_best = fused.identify(PROBE).json()

    assert (by_mean["searched"], by_best["searched"]) == (3, 6)
    assert [len(one["candidates"]) for one in (by_mean, by_best)] == [3, 3]
    mean, best = by_mean["candidates"][0], by_best["candidates"][0]
    assert mean["subject_id"] == best["subject_id"] == "ada"
    assert mean["template_id"] == best["template_id"]  # the most similar one stands for the mean
    assert mean["score"] < best["score"] - 0.1
    single = {one["subject_id"]: one["score"] for one in by_best["candidates"]}["ben"]
    assert {one["subject_id"]: one["score"] for one in by_mean["candidates"]}["ben"] == single


def test_the_mean_follows_templates_that_come_and_go(fused: Desk) -> None:
    before = fused.identify(PROBE, top_k=1).json()["candidates"][0]["score"]
    templates = fused.client.get(fused.at("subjects", "ada")).json()["templates"]
    fused.client.delete(fused.at("templates", templates[1]["template_id"]))
    alone = fused.identify(PROBE, top_k=1).json()["candidates"][0]["score"]
    fused.enroll("ada", png(photo(2)))
    again = fused.identify(PROBE, top_k=1).json()["candidates"][0]["score"]

    assert alone > before
    assert again == pytest.approx(before, abs=1e-6)
    fused.client.delete(fused.at("subjects", "ada"))
    assert fused.identify(PROBE).json()["searched"] == 2


def test_verification_compares_with_the_mean_too(fused: Desk) -> None:
    def verify() -> dict[str, float]:
        data = {"gallery": fused.gallery, "subject_id": "ada"}
        answer = fused.client.post("/verify", data=data, files={"image": ("image", PROBE)})
        assert answer.status_code == 200, answer.text
        return answer.json()

    mean = verify()
    listed = fused.identify(PROBE, top_k=1).json()["candidates"][0]
    assert mean["score"] == pytest.approx(listed["score"], abs=1e-6)
    assert listed["fpir"] == pytest.approx(1 - (1 - mean["fmr"]) ** 3)  # of one, of three
    set_to(fused, "best")
    assert verify()["score"] > mean["score"]


def change(template: int, subject: int, vector: np.ndarray | None) -> Change:
    return Change(template, template, vector, subject)


def unit(seed: int) -> np.ndarray:
    vector = np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
    return vector / np.linalg.norm(vector)


def view_of(*subjects: int) -> View:
    """A template for each number, in this order, of the subject of that number."""
    added = [change(place, subject, unit(place)) for place, subject in enumerate(subjects, 1)]
    return View.empty(DIMENSION).with_added(added)


def by_hand(view: View, probe: np.ndarray) -> dict[int, float]:
    kept = view.kept()
    scores = {}
    for subject in set(view.subjects[kept].tolist()):
        total = view.vectors[kept[view.subjects[kept] == subject]].sum(axis=0)
        scores[int(subject)] = float(total @ probe / np.linalg.norm(total))
    return scores


def found(means: Means, view: View, probe: np.ndarray) -> dict[int, float] | None:
    hits = means.search(view, probe, 100, None)
    used = slice(view.used)  # what lies beyond is memory that nobody has written to
    owner = dict(zip(view.templates[used].tolist(), view.subjects[used].tolist(), strict=True))
    return hits and {owner[hit.template]: hit.score for hit in hits.hits}


@pytest.mark.parametrize("step", ["added", "removed", "new subject", "older id", "closed up"])
def test_means_brought_forward_are_those_made_anew(step: str) -> None:
    view = view_of(5, 7, 5, 9, 7, 7)
    means, probe = Means.of(view), unit(99)
    later = {
        "added": lambda: view.with_added([change(20, 9, unit(20)), change(21, 5, unit(21))]),
        "removed": lambda: view.without([1, 4]),
        "new subject": lambda: view.with_added([change(20, 11, unit(20))]),
        "older id": lambda: view.with_added([change(20, 6, unit(20))]),
        "closed up": lambda: view.without([1, 4]).closed_up(),
    }[step]()

    assert found(means.brought_to(later), later, probe) == pytest.approx(by_hand(later, probe))
    assert found(Means.of(later), later, probe) == pytest.approx(by_hand(later, probe))


def test_what_is_erased_during_a_search_never_makes_a_wrong_mean() -> None:
    view = view_of(5, 5, 7)
    means = Means.of(view)
    view.without([1])

    assert means.search(view, unit(99), 10, None) is None
    shelf = Shelf(Level(view), page=10)
    shelf._means = means
    hits = shelf.search(unit(99), 10, Fusion.MEAN, None).hits
    assert {hit.template for hit in hits} == {2, 3}
    kept = {hit.template: hit.score for hit in hits}
    assert kept[2] == pytest.approx(float(unit(2) @ unit(99)), abs=1e-6)


def test_templates_that_cancel_out_are_like_nobody() -> None:
    one = unit(1)
    opposite = View.empty(DIMENSION).with_added([change(1, 5, one), change(2, 5, -one)])

    assert found(Means.of(opposite), opposite, one) == {5: 0.0}
    assert Means.of(View.empty(DIMENSION)).search(View.empty(DIMENSION), one, 5, None) is not None


def test_no_vector_is_kept_beside_those_of_the_templates() -> None:
    view = view_of(5, 5)
    means = Means.of(view)
    total = view.vectors[:2].sum(axis=0)
    mean = (total / np.linalg.norm(total)).astype(np.float32)

    held = b"".join(getattr(means, name).tobytes() for name in Means.__slots__)
    assert mean.tobytes() not in held
    assert unit(1).tobytes() not in held
