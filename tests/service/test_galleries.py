"""Galleries, subjects and templates: made, listed, changed, erased."""

import sqlite3
from pathlib import Path

import httpx
import pytest
from bundles import make_bundle
from desk import Desk
from drawn import jpeg, locate, photo, png
from serving import in_thread, settings_for

from faces.bundle import Bundle
from service.app import create_app
from service.wiring import wire

pytestmark = pytest.mark.every_database


def test_an_id_with_a_nul_in_it_is_nobody_s(desk: Desk) -> None:
    """PostgreSQL takes no such text, which must not end in an internal error."""
    template = desk.at("templates", "%00")
    asked = [("GET", template), ("DELETE", template), ("GET", "/jobs/%00"), ("DELETE", "/jobs/%00")]
    asked += [("GET", "/audit?subject_id=%00"), ("GET", "/audit?gallery=%00")]

    answers = [desk.client.request(*one).status_code for one in asked]

    assert answers == [404, 404, 422, 422, 422, 422]


def test_a_gallery_is_made_listed_and_erased(client: httpx.Client) -> None:
    made = client.post("/galleries", json={"gallery": "short-lived"})

    assert made.status_code == 201
    assert made.json()["subjects"] == made.json()["templates"] == 0
    assert made.json()["model"] == "drawn"
    assert client.get("/galleries/short-lived").json() == made.json()
    assert "short-lived" in {one["gallery"] for one in everything(client, "/galleries")}
    again = client.post("/galleries", json={"gallery": "short-lived"})
    assert (again.status_code, again.json()["code"]) == (409, "duplicate")
    assert client.delete("/galleries/short-lived").status_code == 204
    assert client.delete("/galleries/short-lived").json()["code"] == "unknown_gallery"


def everything(client: httpx.Client, path: str, limit: int = 2) -> list[dict[str, object]]:
    """Every item of a list, part by part."""
    items: list[dict[str, object]] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get(path, params={"limit": limit, **cursor}).json()
        [part] = [value for value in page.values() if isinstance(value, list)]
        assert len(part) <= limit
        items += part
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
def test_subjects_come_in_parts_and_none_is_left_out(desk: Desk, count: int) -> None:
    ids = [desk.enroll_person(person) for person in range(count)]

    listed = everything(desk.client, desk.at("subjects"))

    assert [subject["subject_id"] for subject in listed] == ids


def test_a_list_stays_right_while_subjects_come_and_go(desk: Desk) -> None:
    for person in range(6):
        desk.enroll_person(person)
    first = desk.client.get(desk.at("subjects"), params={"limit": 3}).json()
    desk.client.delete(desk.at("subjects", "person-2"))
    desk.client.delete(desk.at("subjects", "person-4"))
    desk.enroll_person(6)

    rest = desk.client.get(desk.at("subjects"), params={"cursor": first["next_cursor"]}).json()

    assert [one["subject_id"] for one in rest["subjects"]] == ["person-3", "person-5", "person-6"]


def test_a_subject_is_changed_only_as_sent(desk: Desk) -> None:
    desk.enroll("a", png(photo(1)), name="Ada", metadata='{"x": 1}')
    address = desk.at("subjects", "a")

    assert desk.client.patch(address, json={}).json()["name"] == "Ada"
    assert desk.client.patch(address, json={"metadata": {"y": 2}}).json()["metadata"] == {"y": 2}
    changed = desk.client.patch(address, json={"name": None}).json()

    assert changed["name"] is None
    assert changed["metadata"] == {"y": 2}
    assert len(changed["templates"]) == 1
    assert changed["updated_at"] > changed["created_at"]
    unknown = desk.client.patch(address, json={"subject_id": "b"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_field")


def test_an_erased_template_is_not_found_and_its_subject_stays(desk: Desk) -> None:
    answer = desk.enroll("a", png(photo(1)), png(photo(2)))
    first = answer.json()["templates"][0]["template_id"]
    assert desk.found(png(photo(1)), min_score=0.9) == ["a"]

    assert desk.client.delete(desk.at("templates", first)).status_code == 204

    assert desk.found(png(photo(1)), min_score=0.9) == []
    assert desk.found(png(photo(2)), min_score=0.9) == ["a"]
    assert desk.client.get(desk.at("subjects", "a")).json()["template_count"] == 1
    again = desk.client.delete(desk.at("templates", first))
    assert (again.status_code, again.json()["code"]) == (404, "unknown_template")


def test_templates_come_in_parts_each_with_whose_it_is(desk: Desk) -> None:
    for person in range(3):
        desk.enroll(f"person-{person}", png(photo(person)), png(photo(person + 10)))

    listed = everything(desk.client, desk.at("templates"))

    assert [one["subject_id"] for one in listed] == [
        f"person-{person}" for person in (0, 0, 1, 1, 2, 2)
    ]
    assert "vector" not in str(listed)
    for one in listed:
        address = desk.at("templates", str(one["template_id"]))
        assert desk.client.get(address).json() == one
    of_subject = desk.client.get(desk.at("subjects", "person-1")).json()["templates"]
    assert [one["template_id"] for one in of_subject] == [one["template_id"] for one in listed[2:4]]
    assert desk.client.get(desk.at("templates", "0" * 32)).json()["code"] == "unknown_template"


def test_a_template_of_another_gallery_is_out_of_reach(client: httpx.Client, desk: Desk) -> None:
    client.post("/galleries", json={"gallery": "another"})
    template = desk.enroll("a", png(photo(1))).json()["templates"][0]["template_id"]

    answer = client.delete(f"/galleries/another/templates/{template}")

    assert answer.json()["code"] == "unknown_template"
    assert desk.found(png(photo(1))) == ["a"]


def test_an_image_can_be_enrolled_again_once_it_is_erased(desk: Desk) -> None:
    image = jpeg(photo(1))
    template = desk.enroll("a", image).json()["templates"][0]["template_id"]
    desk.client.delete(desk.at("templates", template))

    assert desk.enroll("a", image).status_code == 201


def test_a_gallery_made_again_under_its_name_is_empty(desk: Desk) -> None:
    desk.enroll_person(1)
    assert desk.found(png(photo(1))) == ["person-1"]
    desk.client.delete(desk.at())
    desk.client.post("/galleries", json={"gallery": desk.gallery})

    assert desk.found(png(photo(1))) == []
    desk.enroll_person(2)
    assert desk.found(png(photo(1))) == ["person-2"]


def test_galleries_do_not_see_each_other(client: httpx.Client, desk: Desk) -> None:
    client.post("/galleries", json={"gallery": "next-door"})
    Desk(client, "next-door").enroll_person(1, "neighbour")
    desk.enroll_person(1, "here")

    assert desk.found(png(photo(1))) == ["here"]
    client.delete("/galleries/next-door")
    assert desk.found(png(photo(1))) == ["here"]


def test_a_gallery_of_another_model_is_refused(
    database: str, tmp_path: Path, bundle: Bundle
) -> None:
    image = png(photo(1))
    first = wire(settings_for(database, bundle.folder), locate)
    with in_thread(create_app(first)) as url, httpx.Client(base_url=url) as client:
        Desk(client, "default").enroll_person(1)
    other = make_bundle(tmp_path / "other", name="other", seed=1)

    with (
        in_thread(create_app(wire(settings_for(database, other.folder), locate))) as url,
        httpx.Client(base_url=url) as client,
    ):
        desk = Desk(client, "default")
        answers = [
            desk.enroll("b", image),
            desk.identify(image),
            client.post("/verify", data={"subject_id": "person-1"}, files={"image": image}),
        ]
        assert [answer.status_code for answer in answers] == [409] * 3
        assert {answer.json()["code"] for answer in answers} == {"model_mismatch"}
        assert client.get("/galleries/default").json()["model"] == "drawn"
        assert client.post("/galleries", json={"gallery": "new"}).json()["model"] == "other"
        Desk(client, "new").enroll_person(1)
        assert Desk(client, "new").found(image) == ["person-1"]


def test_an_erased_vector_is_in_no_file_of_the_database(tmp_path: Path, bundle: Bundle) -> None:
    database = tmp_path / "gallery.db"
    parts = wire(settings_for(f"sqlite:///{database}", bundle.folder), locate)
    with in_thread(create_app(parts)) as url, httpx.Client(base_url=url) as client:
        desk = Desk(client, "default")
        desk.enroll("keep", png(photo(1)))
        desk.enroll("secret-subject", png(photo(2)), png(photo(3)), name="secret-name", key="k")
        with sqlite3.connect(database) as reader:
            vectors = [row[0] for row in reader.execute("SELECT vector FROM template ORDER BY id")]
        reader.close()
        traces = [vectors[1], vectors[2], b"secret-subject", b"secret-name"]
        assert all(trace in everything_in(tmp_path) for trace in traces)

        assert client.delete("/galleries/default/subjects/secret-subject").status_code == 204

        left = everything_in(tmp_path)
        assert [trace for trace in traces if trace in left] == []
        assert vectors[0] in left
        assert client.delete("/galleries/default").status_code == 204
        assert vectors[0] not in everything_in(tmp_path)


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("gallery.db*"))
