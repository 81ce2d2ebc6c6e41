"""Two faces, one person?"""

import httpx
import pytest
from desk import Desk
from drawn import photo, png


def verify(
    desk: Desk, image: bytes, reference: bytes | None = None, **fields: str
) -> httpx.Response:
    files = {"image": ("a", image)} | ({"reference": ("b", reference)} if reference else {})
    data = {"gallery": desk.gallery, **fields}
    return desk.client.post("/verify", files=files, data=data)


def test_two_images_of_a_person_match_and_of_two_people_do_not(desk: Desk) -> None:
    same = verify(desk, png(photo(1, style="sketch")), png(photo(1))).json()
    other = verify(desk, png(photo(1, style="sketch")), png(photo(2))).json()

    assert same["match"] is True
    assert same["score"] > 0.9
    assert same["fmr"] == 0.00001
    assert same["threshold"] == 0.6  # the first score with an FMR of at most 0.001
    assert other["match"] is False
    assert other["fmr"] > 0.001


def test_a_subject_is_compared_by_its_best_template(desk: Desk) -> None:
    desk.enroll("a", png(photo(1)), png(photo(2)))

    answer = verify(desk, png(photo(2, style="nir")), subject_id="a").json()

    assert answer["match"] is True
    assert answer["fmr"] == pytest.approx(2 * 0.00001, rel=1e-3)  # two chances
    assert answer["threshold"] == 0.9  # 0.001 over two templates is below the entry at 0.6


def test_the_threshold_is_the_callers_where_one_is_sent(desk: Desk) -> None:
    assert verify(desk, png(photo(1)), png(photo(1)), min_score="1").json()["threshold"] == 1
    assert verify(desk, png(photo(1)), png(photo(2)), min_score="-1").json()["match"] is True
    assert verify(desk, png(photo(1)), png(photo(2)), target_fmr="0.05").json()["threshold"] == 0.3


def test_a_rate_below_the_calibration_matches_nobody(desk: Desk) -> None:
    answer = verify(desk, png(photo(1)), png(photo(1)), target_fmr="1e-9").json()

    assert answer["match"] is False
    assert answer["threshold"] is None
    assert [warning["code"] for warning in answer["warnings"]] == ["target_unreachable"]


def test_a_claim_needs_a_subject_that_is_there(desk: Desk) -> None:
    answer = verify(desk, png(photo(1)), subject_id="nobody")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_subject")


def test_a_subject_whose_last_template_is_gone_cannot_be_compared(desk: Desk) -> None:
    template = desk.enroll("a", png(photo(1))).json()["templates"][0]["template_id"]
    desk.client.delete(desk.at("templates", template))

    answer = verify(desk, png(photo(1)), subject_id="a")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_subject")


@pytest.mark.parametrize("both", [True, False])
def test_either_a_reference_or_a_subject_is_sent(desk: Desk, both: bool) -> None:
    answer = (
        verify(desk, png(photo(1)), png(photo(1)), subject_id="a")
        if both
        else verify(desk, png(photo(1)))
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
