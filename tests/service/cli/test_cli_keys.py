"""`null-face keys`, and the other commands with a key."""

import re
from pathlib import Path

import pytest
from conftest import Run
from drawn import jpeg, photo
from guarded import guarded
from typer.testing import CliRunner, Result

from faces.bundle import Bundle
from service.cli import app

TOKEN = re.compile(r"nf_[0-9a-f]{12}_[A-Za-z0-9_-]{43}")


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `null-face keys ...` on a database of its own."""
    monkeypatch.setenv("NULL_FACE_DATABASE_URL", f"sqlite:///{tmp_path}/gallery.db")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, ["keys", *words])

    return run


def test_a_secret_is_alone_on_standard_output_and_never_shown_again(keys: Run) -> None:
    made = keys("create", "desk", "--scope", "read", "--scope", "enrol", "--gallery", "staff")
    listed = keys("list")

    assert TOKEN.fullmatch(made.stdout.strip())
    assert made.exit_code == listed.exit_code == 0
    assert made.stdout.strip().rsplit("_", 1)[1] not in listed.output
    for text in ("desk", "enrol, read", "staff", made.stdout[:15]):
        assert text in listed.output


def test_rotating_prints_another_secret_and_revoking_ends_both(keys: Run) -> None:
    first = keys("create", "desk", "--scope", "read").stdout
    second = keys("rotate", "desk", "--overlap", "1").stdout
    both = keys("list").output
    revoked = keys("revoke", "desk")

    assert TOKEN.fullmatch(second.strip())
    assert first != second
    assert first[:15] in both
    assert second[:15] in both
    assert revoked.exit_code == 0
    assert "revoked" in keys("list").output
    assert first[:15] not in keys("list").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "desk", "--scope", "read"), "already"),
        (("create", "a/b", "--scope", "read"), "letters"),
        (("create", "new", "--scope", "read", "--gallery", "a/b"), "No gallery"),
        (("rotate", "nobody"), "No key"),
        (("revoke", "nobody"), "No key"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(keys: Run, words: tuple[str, ...], said: str) -> None:
    keys("create", "desk", "--scope", "read")

    result = keys(*words)

    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_other_commands_send_the_key_of_the_settings(
    tmp_path: Path, database: str, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo_file = tmp_path / "photo.jpg"
    photo_file.write_bytes(jpeg(photo(1)))
    with guarded(database, bundle.folder, access="keys") as service:
        words = ["identify", str(photo_file), "--server", service.url]
        without = CliRunner().invoke(app, words)
        monkeypatch.setenv("NULL_FACE_KEY", service.token("search"))
        with_key = CliRunner().invoke(app, words)

    assert without.exit_code == 1
    assert "unauthorised" in without.stderr
    assert with_key.exit_code == 0, with_key.output


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.5", "example.org"])
def test_serving_other_machines_without_keys_is_refused(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NULL_FACE_HOST", "127.0.0.1")  # put back afterwards: `serve` hands it down
    result = CliRunner().invoke(app, ["serve", "--host", host])

    assert result.exit_code == 1
    assert "--access keys" in result.stderr
