"""`null-face import`: sends a folder or a ZIP file and watches the server enrol it."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from conftest import Run
from cut_line import cut_line
from guarded import guarded
from serving import ROOT
from typer.testing import CliRunner
from zips import Importing, people, picture, zipped

from faces.bundle import Bundle
from service.cli import app, bulk_import
from service.core.access import Scope


@pytest.fixture
def importing(client: httpx.Client, gallery: str) -> Importing:
    return Importing(client, gallery)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two people."""
    made = tmp_path / "people.zip"
    made.write_bytes(people(1, 2))
    return made


def jobs_of(importing: Importing) -> list[dict[str, object]]:
    return importing.client.get(f"/galleries/{importing.gallery}/imports").json()["jobs"]


def test_a_folder_is_sent_and_watched_to_the_end(
    run: Run, importing: Importing, album: Path, tmp_path: Path
) -> None:
    (album / "person-0" / "text.jpg").write_bytes(b"not an image")
    os.utime(album / "person-0" / "0.jpg", (0, 0))  # 1970: a date that ZIP files do not have
    report = tmp_path / "report.csv"

    result = run("import", album, "--gallery", importing.gallery, "--report", report)

    assert result.exit_code == 0, result.output
    assert "done: 6 enrolled, 0 there already, 1 refused" in result.output
    assert importing.templates() == {"person-0": 2, "person-1": 2, "person-2": 2}
    with report.open(newline="") as file:
        codes = {row["file"]: row["code"] for row in csv.DictReader(file)}
    assert codes.pop("person-0/text.jpg") == "unsupported_image"
    assert list(codes.values()) == ["enrolled"] * 6


def test_a_folders_manifest_says_who_is_who(run: Run, importing: Importing, album: Path) -> None:
    (album / "manifest.csv").write_text("file,subject_id\nperson-0/0.jpg,ada\n")

    result = run("import", album, "--gallery", importing.gallery)

    assert result.exit_code == 0, result.output
    assert importing.templates() == {"ada": 1}


def test_the_report_can_be_json(
    run: Run, importing: Importing, archive: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"

    assert run("import", archive, "--gallery", importing.gallery, "--report", report).exit_code == 0

    told = json.loads(report.read_text())
    assert told["job"]["enrolled"] == 2
    assert [(one["subject_id"], one["code"]) for one in told["files"]] == [
        ("person-1", "enrolled"),
        ("person-2", "enrolled"),
    ]


@pytest.mark.parametrize("report", ["report.txt", "no/such/folder/report.csv"])
def test_a_report_that_cannot_be_written_is_refused_before_anything_is_sent(
    run: Run, importing: Importing, archive: Path, tmp_path: Path, report: str
) -> None:
    words = ("--gallery", importing.gallery, "--report", tmp_path / report)
    assert run("import", archive, *words).exit_code == 2
    assert jobs_of(importing) == []


def test_where_nobody_is_enrolled_the_exit_code_tells(
    run: Run, importing: Importing, tmp_path: Path
) -> None:
    archive = tmp_path / "walls.zip"
    archive.write_bytes(zipped({"wall/1.jpg": b"not an image"}))

    result = run("import", archive, "--gallery", importing.gallery)

    assert result.exit_code == 1
    assert "1 refused" in result.output


def test_what_the_server_refuses_is_said_in_one_line(
    run: Run, importing: Importing, tmp_path: Path
) -> None:
    text = tmp_path / "people.zip"
    text.write_bytes(b"no archive")
    large = tmp_path / "large.zip"
    with large.open("wb") as file:
        file.truncate(2**26 + 1)
    for path, code in ((text, "unusable_archive"), (large, "import_too_large")):
        result = run("import", path, "--gallery", importing.gallery)
        assert result.exit_code == 1
        assert result.stderr.splitlines()[-1].endswith(f"({code})"), result.stderr


def test_a_line_that_breaks_again_and_again_is_taken_up_again(
    importing: Importing, archive: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["import", str(archive), "--gallery", importing.gallery]
    with cut_line(url, after=b"event: progress", cuts=2) as line:
        result = CliRunner().invoke(app, [*words, "--server", line.url])

    assert result.exit_code == 0, result.output
    assert line.cut >= 1
    assert "done: 2 enrolled" in result.output
    assert len(jobs_of(importing)) == 1


def test_a_command_that_died_and_is_given_again_watches_the_same_import(
    run: Run, importing: Importing, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as context:
        context.setattr(bulk_import, "_watched", dies)
        assert isinstance(
            run("import", archive, "--gallery", importing.gallery).exception, MemoryError
        )
    again = run("import", archive, "--gallery", importing.gallery)

    assert again.exit_code == 0, again.output
    assert len(jobs_of(importing)) == 1
    third = run("import", archive, "--gallery", importing.gallery)
    assert "0 enrolled, 2 there already" in third.output, "a new import: the first one has ended"
    assert len(jobs_of(importing)) == 2


def test_another_way_of_importing_is_another_import(
    run: Run, importing: Importing, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as context:
        context.setattr(bulk_import, "_watched", dies)
        run("import", archive, "--gallery", importing.gallery)
    other = run("import", archive, "--gallery", importing.gallery, "--face-policy", "largest")

    assert other.exit_code == 0, other.output
    assert len(jobs_of(importing)) == 2


def test_ctrl_c_cancels_and_says_what_that_means(
    importing: Importing, url: str, tmp_path: Path, upload_folder: Path
) -> None:
    archive = tmp_path / "many.zip"
    image = picture(1)
    archive.write_bytes(zipped({f"person-{n}/1.jpg": image for n in range(1000)}))
    words = ["import", str(archive), "--gallery", importing.gallery, "--server", url]
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # CI may ignore it
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "Ctrl-C cancels it" in line:
            break
    process.send_signal(signal.SIGINT)
    output, complaints = process.communicate(timeout=60)

    assert process.returncode == 130, complaints
    assert output.startswith("cancelled: ")
    assert "what is enrolled stays" in complaints
    [job] = jobs_of(importing)
    assert job["state"] == "cancelled"
    assert job["enrolled"] == len(importing.templates()) < 1000
    assert list(upload_folder.iterdir()) == []


def test_it_sends_the_key_of_the_settings_to_a_service_that_encrypts(
    tmp_path: Path,
    archive: Path,
    database: str,
    bundle: Bundle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = {"encryption_keys": "a:" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="}
    with guarded(database, bundle.folder, access="keys", **keys) as service:
        words = ["import", str(archive), "--server", service.url]
        without = CliRunner().invoke(app, words)
        monkeypatch.setenv("NULL_FACE_KEY", service.token("clerk", Scope.ENROL))
        with_key = CliRunner().invoke(app, words)

    assert without.exit_code == 1
    assert "unauthorised" in without.stderr
    assert with_key.exit_code == 0, with_key.output
    assert "done: 2 enrolled" in with_key.output
