"""Bulk import over HTTP: what gets in, what is refused, progress, the end, what stays on disk."""

import csv
import json
import zipfile
from pathlib import Path

import httpx
import pytest
from desk import Desk
from drawn import jpeg, photo
from zips import CSV, ZIP, Importing, people, picture, zipped

pytestmark = pytest.mark.every_database


@pytest.fixture
def importing(client: httpx.Client, gallery: str) -> Importing:
    return Importing(client, gallery)


def test_a_folder_is_a_subject(importing: Importing, desk: Desk) -> None:
    content = zipped(
        {
            "people/ada/1.jpg": picture(1),
            "people/ada/old/2.jpg": picture(2),
            "people/ben/1.jpg": picture(3),
            "people/Zoë & co/1.jpg": picture(4),
            "__MACOSX/people/ada/._1.jpg": b"clutter",
        }
    )

    outcomes = importing.carry_out(content)

    assert set(outcomes.values()) == {"enrolled"}
    assert importing.templates() == {"ada": 2, "ben": 1, "Zoë & co": 1}
    assert desk.found(picture(3), top_k=1) == ["ben"]


def test_a_manifest_says_who_is_on_which_file(importing: Importing, desk: Desk) -> None:
    manifest = "file,subject_id,name,unit\na.jpg,staff-1,Ada,engines\nb.jpg,staff-2,,\nc.jpg,x,,\n"
    content = zipped(
        {
            "manifest.csv": "\ufeff".encode() + manifest.encode(),
            "a.jpg": picture(1),
            "b.jpg": picture(2),
            "d.jpg": picture(3),
        }
    )

    outcomes = importing.carry_out(content)

    assert outcomes == {
        "a.jpg": "enrolled",
        "b.jpg": "enrolled",
        "c.jpg": "missing_file",
        "d.jpg": "not_in_manifest",
    }
    ada = desk.client.get(desk.at("subjects", "staff-1")).json()
    assert (ada["name"], ada["metadata"]) == ("Ada", {"unit": "engines"})


def test_each_file_has_an_outcome_in_json_and_csv(importing: Importing) -> None:
    content = zipped(
        {
            "ada/1.jpg": picture(1),
            "ada/1 again.jpg": picture(1),
            "nobody/wall.jpg": jpeg(photo()),
            "pair/1.jpg": jpeg(photo(1, 2, side=64)),
            "text/1.jpg": b"not an image",
            "inner/more.zip": people(5),
            "=cmd/1.jpg": picture(6),
            "../../etc/1.jpg": picture(7),
            " /1.jpg": picture(8),
        }
    )
    job_id = importing.begin(content)
    job = importing.ended(job_id)

    assert importing.outcomes(job_id) == {
        "ada/1.jpg": "enrolled",
        "ada/1 again.jpg": "duplicate",
        "nobody/wall.jpg": "no_face",
        "pair/1.jpg": "several_faces",
        "text/1.jpg": "unsupported_image",
        "inner/more.zip": "unsupported_file",
        "=cmd/1.jpg": "enrolled",
        "../../etc/1.jpg": "invalid_name",
        " /1.jpg": "invalid_name",
    }
    counts = {name: job[name] for name in ("files", "done", "enrolled", "duplicates", "refused")}
    assert counts == {"files": 9, "done": 9, "enrolled": 2, "duplicates": 1, "refused": 6}
    report = importing.client.get(f"/jobs/{job_id}/report.csv")
    assert report.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(report.text.splitlines()))
    assert {row["code"] for row in rows} == set(importing.outcomes(job_id).values())
    assert "'=cmd/1.jpg" in {row["file"] for row in rows}


def test_importing_again_duplicates_nobody(importing: Importing) -> None:
    content = people(1, 2, 3)
    importing.carry_out(content)

    assert set(importing.carry_out(content).values()) == {"duplicate"}
    assert importing.templates() == {"person-1": 1, "person-2": 1, "person-3": 1}


def test_a_request_that_is_repeated_makes_no_second_job(importing: Importing) -> None:
    headers = ZIP | {"Idempotency-Key": "monday"}
    first = importing.send(people(1), headers)
    again = importing.send(people(1), headers)
    other = importing.send(people(2), headers)

    assert first.json()["job_id"] == again.json()["job_id"]
    assert again.headers["idempotent-replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    page = importing.client.get(f"/galleries/{importing.gallery}/imports").json()
    assert [job["job_id"] for job in page["jobs"]] == [first.json()["job_id"]]


def test_events_tell_the_progress_and_go_on_where_they_were(importing: Importing) -> None:
    job_id = importing.begin(people(1, 2, 3, 4))

    events = watched(importing.client, job_id)

    assert [event for event, _, _ in events[:-1]] == ["progress"] * (len(events) - 1)
    kind, last, job = events[-1]
    assert (kind, job["done"], job["state"]) == ("end", 4, "done")
    numbers = [number for _, number, _ in events]
    assert numbers == sorted(set(numbers))
    assert [number for _, number, _ in watched(importing.client, job_id, numbers[0])] == [last]


def watched(
    client: httpx.Client, job_id: str, after: int | None = None
) -> list[tuple[str, int, dict[str, object]]]:
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    events = []
    with client.stream("GET", f"/jobs/{job_id}/events", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        fields: dict[str, str] = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            fields[name] = value
            if not line and "data" in fields:
                events.append((fields["event"], int(fields["id"]), json.loads(fields["data"])))
                fields = {}
    return events


def test_a_cancelled_job_enrols_nothing_more_and_leaves_no_upload(
    importing: Importing, upload_folder: Path
) -> None:
    job_id = importing.begin(people(*range(40)))
    cancelled = importing.client.delete(f"/jobs/{job_id}").json()
    there = importing.templates()

    assert cancelled["state"] == "cancelled"
    assert cancelled["enrolled"] == len(there) < 40
    assert list(upload_folder.iterdir()) == []
    assert importing.client.delete(f"/jobs/{job_id}").json() == cancelled
    importing.carry_out(people(50))
    assert importing.templates() == there | {"person-50": 1}
    assert list(upload_folder.iterdir()) == []


def test_erasing_the_gallery_erases_what_was_to_come_into_it(
    importing: Importing, upload_folder: Path
) -> None:
    job_id = importing.begin(people(*range(40)))

    assert importing.client.delete(f"/galleries/{importing.gallery}").status_code == 204

    assert list(upload_folder.iterdir()) == []
    assert importing.client.get(f"/jobs/{job_id}").json()["code"] == "unknown_job"


def test_an_erased_subject_is_neither_told_of_nor_brought_back(
    importing: Importing, desk: Desk
) -> None:
    importing.carry_out(people(1, 2))
    job_id = importing.begin(people(*range(100, 112), 1))
    assert desk.client.delete(desk.at("subjects", "person-1")).status_code == 204
    importing.ended(job_id)

    first, second = (
        importing.client.get(f"/jobs/{job['job_id']}/files").json()["files"]
        for job in importing.client.get(f"/galleries/{desk.gallery}/imports").json()["jobs"]
    )
    assert "person-1/photo.jpg" not in {file["file"] for file in [*first, *second]}
    assert "person-1" not in {file["subject_id"] for file in [*first, *second]}
    assert "person-1" not in importing.templates()


@pytest.mark.parametrize(
    ("content", "headers", "code"),
    [
        (b"", ZIP, "unusable_archive"),
        (b"not a zip", ZIP, "unusable_archive"),
        (people(1)[:-30], ZIP, "unusable_archive"),
        (zipped({}), ZIP, "invalid_manifest"),
        (zipped({"manifest.csv": b"name\nada\n"}), ZIP, "invalid_manifest"),
        (
            zipped({"manifest.csv": "file,subject_id\nä,ä".encode("latin-1")}),
            ZIP,
            "invalid_manifest",
        ),
        (zipped({"manifest.csv": b"file,subject_id\na.jpg\n"}), ZIP, "invalid_manifest"),
        (b"file,subject_id\na.jpg,ada\n", {"Content-Type": "image/png"}, "unsupported_media_type"),
    ],
)
def test_what_is_no_import_is_refused_and_leaves_nothing(
    importing: Importing,
    upload_folder: Path,
    content: bytes,
    headers: dict[str, str],
    code: str,
) -> None:
    answer = importing.send(content, headers)

    assert answer.json()["code"] == code
    assert list(upload_folder.iterdir()) == []


def test_a_bomb_is_refused_before_it_goes_off(importing: Importing) -> None:
    big = zipped(
        {f"ada/{n}.jpg": b"\0" * 2**23 for n in range(9)}, compression=zipfile.ZIP_DEFLATED
    )

    answer = importing.send(big)

    assert (answer.status_code, answer.json()["code"]) == (413, "import_too_large")


def test_one_file_that_is_too_large_is_an_outcome_of_its_own(importing: Importing) -> None:
    files = {"ada/1.jpg": b"\0" * 2**25, "ben/1.jpg": picture(1)}

    outcomes = importing.carry_out(zipped(files, compression=zipfile.ZIP_DEFLATED))

    assert outcomes == {"ada/1.jpg": "image_too_large", "ben/1.jpg": "enrolled"}


def test_a_manifest_imports_from_the_allowed_folder_and_from_nowhere_else(
    importing: Importing, import_root: Path, tmp_path: Path
) -> None:
    batch = import_root / importing.gallery
    batch.mkdir()
    (batch / "a.jpg").write_bytes(picture(1))
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(picture(2))
    (batch / "link.jpg").symlink_to(secret)
    (batch / "out").symlink_to(tmp_path)
    rows = [
        "a.jpg,ada",
        "link.jpg,b",
        "out/secret.jpg,c",
        f"../{secret},d",
        f"{secret},e",
        "no.jpg,f",
    ]
    manifest = "\n".join(["file,subject_id", *rows]).encode()

    outcomes = importing.carry_out(manifest, CSV, folder=importing.gallery)

    assert list(outcomes.values()) == [
        "enrolled",
        "unusable_file",
        "unusable_file",
        "invalid_name",
        "invalid_name",
        "unusable_file",
    ]
    assert importing.templates() == {"ada": 1}
    for folder in ("..", f"{importing.gallery}/out", "/etc", "nowhere"):
        answer = importing.send(manifest, CSV, folder=folder)
        assert (answer.status_code, answer.json()["code"]) == (403, "folder_not_allowed"), folder
