"""`null-face identify`, `verify`, `bundle show`, `db upgrade` and what is not there."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Run
from desk import Desk
from drawn import jpeg, photo

from faces.bundle import Bundle
from service.cli import extensions
from service.cli.commands import app


@pytest.fixture
def sketch(tmp_path: Path) -> Path:
    path = tmp_path / "sketch.png"
    path.write_bytes(jpeg(photo(1, style="sketch")))
    return path


def test_identify_lists_the_most_alike_first(
    run: Run, desk: Desk, gallery: str, sketch: Path
) -> None:
    for person in range(4):
        desk.enroll_person(person)

    result = run("identify", sketch, "--gallery", gallery, "--top-k", 3)

    assert result.exit_code == 0, result.output
    lines = [line for line in result.output.splitlines() if "person-" in line]
    assert len(lines) == 3
    assert "person-1" in lines[0]
    assert "sketch, 4 searched" in result.output


def test_identify_among_those_whose_metadata_matches(
    run: Run, desk: Desk, gallery: str, sketch: Path
) -> None:
    for person, unit in enumerate(("engines", "hull", "1", "kitchen")):
        metadata = json.dumps({"unit": unit, "floor": person})
        desk.enroll(f"person-{person}", jpeg(photo(person)), metadata=metadata)

    def listed(*where: str) -> list[str]:
        options = [option for one in where for option in ("--where", one)]
        result = run("identify", sketch, "--gallery", gallery, "--json", *options)
        assert result.exit_code == 0, result.output
        return sorted(one["subject_id"] for one in json.loads(result.stdout)["candidates"])

    assert listed("unit=engines", "unit=hull") == ["person-0", "person-1"]
    assert listed("unit=hull", "floor=1") == ["person-1"]
    assert listed("unit=1") == []
    assert listed('unit="1"') == ["person-2"]
    for wrong in ("unit", "unit=[]", "unit={}"):
        assert run("identify", sketch, "--gallery", gallery, "--where", wrong).exit_code == 2


def test_identify_as_json_is_what_the_service_answers(
    run: Run, desk: Desk, gallery: str, sketch: Path
) -> None:
    desk.enroll_person(1)

    result = run("identify", sketch, sketch, "--gallery", gallery, "--json")

    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["file"] for answer in answers] == [str(sketch)] * 2
    served = desk.identify(sketch.read_bytes()).json()
    assert answers[0] == {"file": str(sketch), **served}


def test_nobody_above_the_threshold_is_no_failure(
    run: Run, desk: Desk, gallery: str, sketch: Path
) -> None:
    desk.enroll_person(2)
    result = run("identify", sketch, "--gallery", gallery, "--min-score", 0.999)
    assert result.exit_code == 0
    assert "nobody reaches the threshold" in result.output


def test_a_bad_file_does_not_keep_the_others_from_an_answer(
    run: Run, desk: Desk, gallery: str, sketch: Path, tmp_path: Path
) -> None:
    desk.enroll_person(1)
    blank = tmp_path / "blank.jpg"
    blank.write_bytes(jpeg(photo()))

    result = run("identify", blank, tmp_path / "missing.jpg", sketch, "--gallery", gallery)

    assert result.exit_code == 1
    assert "No face was found in the image. (no_face)" in result.output
    assert "missing.jpg: No such file" in result.output
    assert "person-1" in result.output


def test_an_unknown_gallery_is_told_in_one_line(run: Run, sketch: Path) -> None:
    result = run("identify", sketch, sketch, "--gallery", "nowhere")
    assert len(result.output.splitlines()) == 1
    assert result.exit_code == 1
    assert "No gallery is called 'nowhere'" in result.output


@pytest.mark.parametrize(
    "words",
    [("--top-k", "0"), ("--modality", "infrared"), ("--min-score", "0.1", "--target-fpir", "0.1")],
)
def test_a_wrong_option_is_a_usage_error(run: Run, sketch: Path, words: tuple[str, ...]) -> None:
    assert run("identify", sketch, *words).exit_code == 2


def test_verify_tells_one_person_from_two(run: Run, sketch: Path, tmp_path: Path) -> None:
    same, other = tmp_path / "same.jpg", tmp_path / "other.jpg"
    same.write_bytes(jpeg(photo(1)))
    other.write_bytes(jpeg(photo(2)))

    assert run("verify", sketch, same).output.startswith("match: score")
    assert run("verify", sketch, other).output.startswith("no match: score")
    answer = json.loads(run("verify", sketch, same, "--json").stdout)
    assert answer["match"] is True
    assert run("verify", sketch, same, "--min-score", 1.0).output.startswith("no match")
    assert run("verify", sketch, tmp_path / "missing.jpg").exit_code == 1


def test_bundle_show_verifies_the_files(run: Run, bundle: Bundle, tmp_path: Path) -> None:
    result = run("bundle", "show", bundle.folder)
    assert result.exit_code == 0
    unfolded = "".join(filter(str.isalnum, result.output))  # 80 columns fold a sha256
    assert bundle.identity in unfolded

    nothing = run("bundle", "show", tmp_path)
    assert nothing.exit_code == 1
    assert "no bundle manifest can be read there" in nothing.output


def test_db_upgrade_makes_the_tables(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "new" / "gallery.db"
    assert run("db", "upgrade", "--database", f"sqlite:///{path}").exit_code == 0
    with sqlite3.connect(path) as connection:
        tables = {name for (name,) in connection.execute("select name from sqlite_master")}
    assert {"gallery", "subject", "template", "change"} <= tables


def serve(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "service.cli", "serve", *words]
    return subprocess.run(
        command, capture_output=True, text=True, env=os.environ | environment, check=False
    )


def test_a_wrong_setting_is_told_in_one_line() -> None:
    result = serve(NULL_FACE_PORT="many")
    assert result.returncode == 1
    assert result.stderr.startswith("null-face: Setting port: ")
    assert len(result.stderr.splitlines()) == 1


def test_serving_without_a_bundle_is_told_in_one_line(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'gallery.db'}"
    result = serve("--bundle", str(tmp_path), "--database", database)
    assert result.returncode == 1
    assert "no bundle manifest can be read there" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_commands_of_other_packages_are_listed_and_say_what_they_lack(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert extensions.GROUP == "null_face.commands"
    assert "evaluate" in run("--help").output
    assert app.registered_commands
    monkeypatch.setitem(sys.modules, "training.evaluation.cli", None)
    result = run("evaluate")
    assert result.exit_code == 1
    assert "needs more packages" in result.output
