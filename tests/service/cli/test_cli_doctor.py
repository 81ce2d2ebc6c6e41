"""`null-face doctor`: one screen, an exit code, and nothing changed."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from faces.bundle import Bundle
from service.adapters.sql_engine import open_engine, upgrade
from service.cli import app, checkup


@pytest.fixture(autouse=True)
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> Path:
    database = tmp_path / "gallery.db"
    monkeypatch.setenv("NULL_FACE_DATABASE_URL", f"sqlite:///{database}")
    monkeypatch.setenv("NULL_FACE_BUNDLE", str(bundle.folder))
    monkeypatch.setenv("COLUMNS", "200")
    return database


def findings(*words: str) -> tuple[int, dict[str, list[str]]]:
    done = CliRunner().invoke(app, ["doctor", "--json", *words])
    told: dict[str, list[str]] = {}
    for one in json.loads(done.stdout)["findings"]:
        told.setdefault(one["check"], []).append(f"{one['state']}: {one['detail']}")
    return done.exit_code, told


def test_a_sound_installation_has_nothing_that_failed(installation: Path) -> None:
    upgrade(open_engine(f"sqlite:///{installation}"))

    code, told = findings()

    assert code == 0, told
    assert told["database"][0].startswith("ok")
    assert told["encryption"][0].startswith("warning")
    assert told["provider"][0].startswith("ok: CPUExecutionProvider; no CUDAExecutionProvider: ")
    assert {"python", "packages", "model", "access", "clock", "disk", "snapshots"} <= set(told)
    screen = CliRunner().invoke(app, ["doctor"]).stdout.splitlines()
    assert 10 <= len(screen) <= 24


def test_it_makes_no_database(installation: Path) -> None:
    code, told = findings()

    assert code == 0
    assert told["database"][0].startswith("warning")
    assert not installation.exists()


def test_an_altered_model_and_a_door_left_open_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installation: Path
) -> None:
    upgrade(open_engine(f"sqlite:///{installation}"))
    monkeypatch.setenv("NULL_FACE_BUNDLE", str(tmp_path))
    monkeypatch.setenv("NULL_FACE_HOST", "192.0.2.1")

    code, told = findings()

    assert code == 1
    assert told["model"][0].startswith("failed")
    assert told["access"][0].startswith("failed: 192.0.2.1")


def test_two_builds_of_one_library_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(checkup._BUILDS, "onnxruntime", ("onnxruntime", "numpy"))

    code, told = findings()

    assert code == 1
    assert any("exclude each other" in line for line in told["packages"])
