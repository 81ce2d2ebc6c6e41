"""An enrolment tells when another subject has this face, and is never refused for it."""

import csv
from collections.abc import Iterator

import pytest
from databases import NewDatabase
from desk import Desk
from drawn import jpeg, photo, png
from guarded import guarded
from workers import Worker, vector_of
from zips import Importing, picture, zipped

from faces.bundle import Bundle
from service.adapters.sql_store import SqlStore
from service.core import duplicates, galleries
from service.core.access import Scope
from service.core.duplicates import resemblances
from service.core.gallery_settings import DuplicateCheck, SettingsChange

pytestmark = pytest.mark.every_database

ADA, ADA_AGAIN, BEN = png(photo(1)), jpeg(photo(1, side=110)), png(photo(2))


def alike(desk: Desk, subject_id: str | None, *images: bytes, **sent: str) -> list[str]:
    answer = desk.enroll(subject_id, *images, **sent)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    codes = [one["code"] for one in told["warnings"]]
    assert codes == (["possible_duplicate"] if told["possible_duplicates"] else [])
    return [one["subject_id"] for one in told["possible_duplicates"]]


def test_the_face_of_another_subject_is_told_and_enrolled_all_the_same(desk: Desk) -> None:
    assert alike(desk, "ada", ADA, name="Ada") == []
    assert alike(desk, "ben", BEN) == []

    answer = desk.enroll("who", ADA_AGAIN).json()

    [found] = answer["possible_duplicates"]
    assert (found["subject_id"], found["name"]) == ("ada", "Ada")
    template = desk.client.get(desk.at("subjects", "ada")).json()["templates"][0]
    assert found["template_id"] == template["template_id"]
    scores = {one["subject_id"]: one for one in desk.identify(ADA_AGAIN).json()["candidates"]}
    assert found["score"] == pytest.approx(scores["ada"]["score"], abs=1e-6)
    assert "1" in answer["warnings"][0]["detail"]
    assert scores.keys() == {"ada", "ben", "who"}


def test_another_image_of_the_subject_itself_is_no_duplicate(desk: Desk) -> None:
    assert alike(desk, "ada", ADA) == []
    assert alike(desk, "ada", ADA_AGAIN) == []
    assert alike(desk, None, ADA, ADA_AGAIN) == ["ada"]  # once, by the better of both


@pytest.mark.parametrize(
    ("setting", "expected"), [({"min_score": -1}, ["ada"]), ({"min_score": 1}, []), (None, [])]
)
def test_the_threshold_is_the_gallerys(desk: Desk, setting: object, expected: list[str]) -> None:
    desk.client.patch(desk.at(), json={"duplicates": setting}).raise_for_status()
    desk.enroll("ada", ADA)

    assert alike(desk, "ben", BEN) == expected


def test_the_very_image_is_told_where_no_rate_can_be_kept(desk: Desk) -> None:
    """The made-up table reaches no FPIR of a millionth: nobody but the image itself would match."""
    desk.client.patch(desk.at(), json={"duplicates": {"target_fpir": 1e-6}}).raise_for_status()
    desk.enroll("ada", ADA)

    assert alike(desk, "blurred", png(photo(1, style="sketch", side=60))) == []
    assert alike(desk, "again", ADA) == ["ada"]


def test_an_answer_given_again_tells_the_same_but_nobody_erased_since(desk: Desk) -> None:
    desk.enroll("ada", ADA)
    first = desk.enroll("who", ADA_AGAIN, key=f"k-{desk.gallery}")
    again = desk.enroll("who", ADA_AGAIN, key=f"k-{desk.gallery}")
    assert again.json() == first.json()
    assert first.json()["possible_duplicates"]

    desk.client.delete(desk.at("subjects", "ada"))

    after = desk.enroll("who", ADA_AGAIN, key=f"k-{desk.gallery}")
    assert after.headers["idempotent-replayed"] == "true"
    assert (after.json()["possible_duplicates"], after.json()["warnings"]) == ([], [])


def test_the_report_of_an_import_tells_it_file_by_file(desk: Desk) -> None:
    importing = Importing(desk.client, desk.gallery)
    desk.enroll("ada", picture(1), name="Ada")
    content = zipped({"other/1.png": png(photo(1, side=64)), "ben/1.jpg": picture(2)})
    job_id = importing.begin(content)
    importing.ended(job_id)

    files = importing.client.get(f"/jobs/{job_id}/files").json()["files"]
    told = {one["file"]: [who["subject_id"] for who in one["possible_duplicates"]] for one in files}
    assert told == {"other/1.png": ["ada"], "ben/1.jpg": []}
    assert {one["code"] for one in files} == {"enrolled"}
    rows = list(csv.DictReader(importing.client.get(f"/jobs/{job_id}/report.csv").text.split("\n")))
    assert [row["alike"] for row in rows] == ["1", "0"]
    assert '"subject_id": "ada"' in rows[0]["possible_duplicates"]

    desk.client.delete(desk.at("subjects", "ada"))
    assert "ada" not in importing.client.get(f"/jobs/{job_id}/report.csv").text
    files = importing.client.get(f"/jobs/{job_id}/files").json()["files"]
    assert [one["alike"] for one in files] == [0, 0]


def test_whoever_may_not_search_is_not_told_who_it_is(
    new_database: NewDatabase, bundle: Bundle
) -> None:
    with guarded(new_database(), bundle.folder, access="keys") as service:
        admin = service.caller(service.token("admin"))
        admin.post("/galleries", json={"gallery": "g"})
        Desk(admin, "g").enroll("ada", ADA)
        clerk = Desk(service.caller(service.token("clerk", Scope.ENROL)), "g")
        answer = clerk.enroll("who", ADA_AGAIN).json()
        importing = Importing(clerk.client, "g")
        job_id = importing.begin(zipped({"x/1.png": png(photo(1, side=96))}))
        importing.ended(job_id)
        [file] = importing.client.get(f"/jobs/{job_id}/files").json()["files"]
        report = importing.client.get(f"/jobs/{job_id}/report.csv").text
        seen = admin.get(f"/jobs/{job_id}/files").json()["files"][0]

    assert (answer["possible_duplicates"], len(answer["warnings"])) == ([], 1)
    assert "scope read" in answer["warnings"][0]["detail"]
    assert (file["possible_duplicates"], file["alike"]) == ([], 2)
    assert "ada" not in report
    assert {one["subject_id"] for one in seen["possible_duplicates"]} == {"ada", "who"}


@pytest.fixture
def pair(database: str) -> Iterator[tuple[Worker, Worker]]:
    made = (Worker(database), Worker(database))
    galleries.opened(made[0].parts, "default")
    always = SettingsChange(duplicates=DuplicateCheck(min_score=0.9))
    galleries.change(made[0].store, "default", always)
    yield made
    for worker in made:
        worker.close()


def test_of_two_who_are_enrolled_at_once_the_second_is_told(
    pair: tuple[Worker, Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the second one's look into the index and its commit, the first is committed."""
    enroll = SqlStore.enroll

    def after_the_other(self: SqlStore, *given: object) -> object:
        monkeypatch.setattr(SqlStore, "enroll", enroll)
        assert pair[1].enroll("first", "3 a").alike == ()
        return enroll(self, *given)

    monkeypatch.setattr(SqlStore, "enroll", after_the_other)
    second = pair[0].enroll("second", "13 b")

    [resemblance] = resemblances([second.alike], "default", pair[0].store)
    assert [one.subject_id for one in resemblance.told] == ["first"]
    assert resemblance.told[0].score == pytest.approx(float(vector_of(3) @ vector_of(13)), abs=1e-6)


def test_only_the_best_few_are_told_each_once(pair: tuple[Worker, Worker]) -> None:
    worker = pair[0]
    for number in range(8):
        worker.enroll(f"twin-{number}", f"{10 * number} a", f"{10 * number} b")

    made = worker.enroll("another", "0 c")

    [resemblance] = resemblances([made.alike], "default", worker.store)
    told = [one.subject_id for one in resemblance.told]
    assert len(told) == len(set(told)) == duplicates.MOST
    assert told[0] == "twin-0"


def test_the_audit_tells_how_many_and_not_who(pair: tuple[Worker, Worker]) -> None:
    pair[0].enroll("zoe", "3 a")
    pair[0].enroll("who", "13 b")

    entry = pair[0].store.audit(0, 1).items[0]
    assert (entry.action, entry.detail["alike"]) == ("enroll", 1)
    assert "zoe" not in str(entry.detail)
