"""Folders of drawn photos, and the command run on the server of the service's tests."""

from collections.abc import Callable
from pathlib import Path

import pytest
from drawn import jpeg, photo
from typer.testing import CliRunner, Result

from service.cli import app

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def own_journals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def run(url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `null-face ...` against the server."""
    monkeypatch.setenv("NULL_FACE_SERVER", url)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Three people with two photos each, in a folder a person."""
    folder = tmp_path / "album"
    for person in range(3):
        (folder / f"person-{person}").mkdir(parents=True)
        for number in range(2):
            place = folder / f"person-{person}" / f"{number}.jpg"
            place.write_bytes(jpeg(photo(person, margin=24 + number)))
    return folder
