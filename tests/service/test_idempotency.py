"""An Idempotency-Key makes a repeated enrolment harmless."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from desk import Desk
from drawn import photo, png

pytestmark = pytest.mark.every_database


def test_a_repeated_request_is_answered_as_the_first(desk: Desk) -> None:
    images = (png(photo(1)), png(photo()))

    first = desk.enroll(None, *images, key="once-1", name="Ada")
    again = desk.enroll(None, *images, key="once-1", name="Ada")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert desk.client.get(desk.at()).json()["templates"] == 1


@pytest.mark.parametrize("changed", ["image", "subject", "name", "gallery", "modality"])
def test_the_same_key_for_another_request_is_a_conflict(desk: Desk, changed: str) -> None:
    key = f"conflict-{changed}"
    desk.enroll("a", png(photo(1)), key=key)

    answer = {
        "image": lambda: desk.enroll("a", png(photo(2)), key=key),
        "subject": lambda: desk.enroll("b", png(photo(1)), key=key),
        "name": lambda: desk.enroll("a", png(photo(1)), key=key, name="Ada"),
        "gallery": lambda: Desk(desk.client, "default").enroll("a", png(photo(1)), key=key),
        "modality": lambda: desk.enroll("a", png(photo(1)), key=key, modality="nir"),
    }[changed]()

    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_conflict")
    assert desk.client.get(desk.at()).json()["templates"] == 1


def test_a_refused_request_may_be_sent_again(desk: Desk) -> None:
    assert desk.enroll("a", png(photo()), key="refused").status_code == 422
    assert desk.enroll("a", png(photo(1)), key="refused").status_code == 201


def test_requests_at_the_same_time_are_carried_out_once(desk: Desk, url: str) -> None:
    image = png(photo(1))

    def send(_: int) -> httpx.Response:
        with httpx.Client(base_url=url, timeout=60) as client:
            return Desk(client, desk.gallery).enroll(None, image, key="at-once")

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(12)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["subject"]["subject_id"] for answer in answers}) == 1
    assert desk.client.get(desk.at()).json()["templates"] == 1


def test_an_answer_is_forgotten_with_what_it_told_of(desk: Desk) -> None:
    image = png(photo(1))
    template = desk.enroll("a", image, key="gone").json()["templates"][0]["template_id"]
    desk.client.delete(desk.at("templates", template))

    after_template = desk.enroll("a", image, key="gone")
    desk.client.delete(desk.at("subjects", "a"))
    after_subject = desk.enroll("a", image, key="gone")

    for answer in (after_template, after_subject):
        assert answer.status_code == 201
        assert "idempotent-replayed" not in answer.headers
    assert desk.found(image) == ["a"]


@pytest.mark.parametrize("key", ["a b", "x" * 201, "\u00fc"])
def test_a_key_is_printable_ascii(desk: Desk, key: str) -> None:
    answer = desk.client.post(
        "/enroll",
        files={"image": png(photo(1))},
        data={"gallery": desk.gallery},
        headers={"Idempotency-Key": key.encode()},
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
