"""`null-face enroll`: what gets in, what is refused, and going on after a break."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from conftest import Run
from drawn import jpeg, photo


def templates(client: httpx.Client, gallery: str) -> dict[str, int]:
    page = client.get(f"/galleries/{gallery}/subjects", params={"limit": 1000}).json()
    assert page["next_cursor"] is None
    return {one["subject_id"]: one["template_count"] for one in page["subjects"]}


def test_a_folder_a_subject(run: Run, client: httpx.Client, gallery: str, album: Path) -> None:
    result = run("enroll", album, "--gallery", gallery)

    assert result.exit_code == 0, result.output
    assert "6 enrolled, 0 there already, 0 refused; 3 subjects" in result.output
    assert templates(client, gallery) == {"person-0": 2, "person-1": 2, "person-2": 2}


def test_in_a_flat_folder_each_file_is_a_subject(
    run: Run, client: httpx.Client, gallery: str, tmp_path: Path
) -> None:
    for person, name in enumerate(["ada.jpg", "ben.JPEG", "Zoë & co.png"]):
        (tmp_path / name).write_bytes(jpeg(photo(person)))

    assert run("enroll", tmp_path, "--gallery", gallery).exit_code == 0

    assert templates(client, gallery) == {"ada": 1, "ben": 1, "Zoë & co": 1}


def test_a_gallery_that_is_not_there_is_made(
    run: Run, client: httpx.Client, gallery: str, album: Path
) -> None:
    name = f"{gallery}-new"
    assert run("enroll", album, "--gallery", name).exit_code == 0
    assert client.get(f"/galleries/{name}").json()["templates"] == 6


def test_each_refused_file_is_listed_with_its_reason(
    run: Run, gallery: str, album: Path, tmp_path: Path
) -> None:
    (album / "person-0" / "empty.jpg").write_bytes(b"")
    (album / "person-1" / "text.jpg").write_bytes(b"not an image")
    (album / "nobody").mkdir()
    (album / "nobody" / "wall.png").write_bytes(jpeg(photo()))
    (album / "pair.jpg").write_bytes(jpeg(photo(1, 2)))
    (album / " ").mkdir()
    (album / " " / "a.jpg").write_bytes(jpeg(photo(9)))
    report = tmp_path / "refused.csv"

    result = run("enroll", album, "--gallery", gallery, "--report", report)

    assert result.exit_code == 0
    assert "6 enrolled, 0 there already, 5 refused" in result.output
    with report.open(newline="") as file:
        rows = {row["file"]: row["code"] for row in csv.DictReader(file)}
    assert rows == {
        " /a.jpg": "invalid_subject_id",
        "nobody/wall.png": "no_face",
        "pair.jpg": "several_faces",
        "person-0/empty.jpg": "unsupported_image",
        "person-1/text.jpg": "unsupported_image",
    }
    for code in set(rows.values()):
        assert code in result.output


def test_a_face_that_another_subject_has_is_told_in_one_line(
    run: Run, gallery: str, album: Path, client: httpx.Client
) -> None:
    (album / "other").mkdir()
    (album / "other" / "0.jpg").write_bytes(jpeg(photo(1, margin=30)))
    assert run("enroll", album / "person-1", "--gallery", gallery).exit_code == 0

    result = run("enroll", album, "--gallery", gallery, "-j", "1")

    assert result.exit_code == 0
    [line] = [line for line in result.output.splitlines() if line.startswith("other/")]
    assert re.match(r"other/0\.jpg, enrolled as other: also looks like \w+ \(\d\.\d{3}\)", line)
    assert templates(client, gallery)["other"] == 1


def test_what_no_photo_is_left_alone(
    run: Run, client: httpx.Client, gallery: str, album: Path
) -> None:
    (album / "notes.txt").write_text("a list")
    (album / ".DS_Store.jpg").write_bytes(b"\0")
    (album / ".trash").mkdir()
    (album / ".trash" / "old.jpg").write_bytes(jpeg(photo(7)))

    assert "0 refused" in run("enroll", album, "--gallery", gallery).output
    assert set(templates(client, gallery)) == {"person-0", "person-1", "person-2"}


def test_run_again_it_enrols_nothing_twice(
    run: Run, client: httpx.Client, gallery: str, album: Path
) -> None:
    run("enroll", album, "--gallery", gallery)
    (album / "person-3").mkdir()
    (album / "person-3" / "new.jpg").write_bytes(jpeg(photo(3)))

    result = run("enroll", album, "--gallery", gallery)

    assert "1 enrolled, 6 there already, 0 refused" in result.output
    assert templates(client, gallery) == {
        "person-0": 2,
        "person-1": 2,
        "person-2": 2,
        "person-3": 1,
    }


def test_a_subject_erased_in_between_is_enrolled_again(
    run: Run, client: httpx.Client, gallery: str, album: Path
) -> None:
    run("enroll", album, "--gallery", gallery)
    client.delete(f"/galleries/{gallery}/subjects/person-1")

    assert "2 enrolled, 4 there already" in run("enroll", album, "--gallery", gallery).output
    assert templates(client, gallery)["person-1"] == 2


def test_a_copy_of_a_photo_is_not_enrolled_twice_for_one_subject(
    run: Run, client: httpx.Client, gallery: str, album: Path
) -> None:
    original = album / "person-0" / "0.jpg"
    (album / "person-0" / "copy.jpg").write_bytes(original.read_bytes())

    assert "6 enrolled, 1 there already" in run("enroll", album, "--gallery", gallery).output
    assert templates(client, gallery)["person-0"] == 2


def test_interrupted_and_run_again_it_goes_on_without_duplicates(
    url: str, client: httpx.Client, gallery: str, tmp_path: Path
) -> None:
    people = 150
    folder = tmp_path / "people"
    folder.mkdir()
    for person in range(people):
        (folder / f"{person:03}.jpg").write_bytes(jpeg(photo(person)))
    command = [sys.executable, "-m", "service.cli", "enroll", str(folder)]
    command += ["--gallery", gallery, "--server", url]

    first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while client.get(f"/galleries/{gallery}").json()["templates"] < 10:
        assert time.monotonic() < deadline, first.communicate()
        time.sleep(0.01)
    first.send_signal(signal.SIGINT)
    said, complained = first.communicate(timeout=60)
    assert first.returncode == 130, (said, complained)
    assert "go on" in complained
    before = len(templates(client, gallery))
    assert 10 <= before < people, "it was over before it was interrupted"

    second = subprocess.run(command, capture_output=True, text=True, check=True)

    assert f"{people - before} enrolled, {before} there already, 0 refused" in second.stdout
    assert templates(client, gallery) == {f"{person:03}": 1 for person in range(people)}


def test_a_lost_server_ends_the_command_in_one_line(
    album: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NULL_FACE_SERVER", "http://127.0.0.1:9")
    result = run("enroll", album)
    assert result.exit_code == 1
    assert "No server answers at http://127.0.0.1:9" in result.output
    assert "Traceback" not in result.output


def test_a_folder_without_photos_is_an_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run("enroll", tmp_path / "empty")
    assert result.exit_code == 1
    assert "no JPEG, PNG, WebP or BMP file" in result.output


def test_a_folder_that_is_not_there_is_a_usage_error(run: Run, tmp_path: Path) -> None:
    assert run("enroll", tmp_path / "nowhere").exit_code == 2


def test_an_impossible_gallery_ends_the_command(run: Run, album: Path) -> None:
    result = run("enroll", album, "--gallery", "no/slash")
    assert result.exit_code == 1
    assert "Traceback" not in result.output


@pytest.mark.skipif(os.name != "posix" or sys.platform == "darwin", reason="needs raw file names")
def test_a_file_name_that_is_no_text_is_refused_and_shown(
    run: Run, gallery: str, album: Path, tmp_path: Path
) -> None:
    odd = os.fsencode(album) + b"/caf\xe9.jpg"
    Path(os.fsdecode(odd)).write_bytes(jpeg(photo(5)))
    report = tmp_path / "refused.csv"

    result = run("enroll", album, "--gallery", gallery, "--report", report)

    assert "6 enrolled, 0 there already, 1 refused" in result.output
    assert "caf?.jpg" in report.read_text()
    assert json.loads(json.dumps(result.output))


def test_a_file_far_too_large_is_refused_and_the_rest_goes_on(
    run: Run, gallery: str, album: Path
) -> None:
    with (album / "person-0" / "huge.jpg").open("wb") as file:
        file.truncate(100 * 2**20)

    result = run("enroll", album, "--gallery", gallery)

    assert "6 enrolled, 0 there already, 1 refused" in result.output
    assert "image_too_large" in result.output


def test_it_works_without_a_home_to_write_to(
    run: Run, gallery: str, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a-file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "a-file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert "6 enrolled" in run("enroll", album, "--gallery", gallery).output


def test_a_complete_run_leaves_no_journal(
    run: Run, gallery: str, album: Path, tmp_path: Path
) -> None:
    run("enroll", album, "--gallery", gallery)
    assert not list((tmp_path / "config").rglob("*.jsonl"))
