"""Templates at rest: encrypted, bound to their place, and encrypted anew with another key."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from desk import Desk
from drawn import locate, photo, png
from serving import in_thread, settings_for
from sqlalchemy import text
from typer.testing import CliRunner

from faces.bundle import Bundle
from service.adapters import sql_vault
from service.adapters.sql_engine import open_engine, reading, writing
from service.adapters.vault import MARK, PLAIN, Vault, read_keys
from service.app import create_app
from service.cli import app
from service.core.access import SERVICE
from service.core.errors import VaultError
from service.wiring import open_vault, wire

KEYS = {name: base64.b64encode(name.encode() * 32).decode() for name in "abc"}


def given(*names: str) -> str:
    """The setting that holds these keys; the first one encrypts."""
    return " ".join(f"{name}:{KEYS[name]}" for name in names)


@contextmanager
def served(database: str, bundle: Bundle, *keys: str) -> Iterator[Desk]:
    more = {"encryption_keys": given(*keys)} if keys else {}
    parts = wire(settings_for(database, bundle.folder, parallel=2, **more), locate)
    with in_thread(create_app(parts)) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield Desk(client, "default")


def stored(database: str) -> list[bytes]:
    with reading(open_engine(database)) as connection:
        rows = connection.execute(text("SELECT vector FROM template ORDER BY id")).scalars()
        return [bytes(row) for row in rows]


def vault(*names: str) -> Vault:
    return Vault(read_keys(given(*names)))


def rewrite(database: str, *names: str) -> list[sql_vault.Rewritten]:
    return list(sql_vault.rewrite(open_engine(database), vault(*names), SERVICE))


def test_what_is_sealed_opens_for_its_place_only() -> None:
    sealed = vault("a").seal(b"content", "here")

    assert b"content" not in sealed
    assert vault("b", "a").open(sealed, "here") == b"content"
    assert vault("a").seal(b"content", "here") != sealed, "never the same nonce twice"
    with pytest.raises(VaultError, match="moved"):
        vault("a").open(sealed, "there")
    with pytest.raises(VaultError, match="key a is not among"):
        vault("b").open(sealed, "here")
    with pytest.raises(VaultError, match="another one"):
        Vault({"a": bytes(32)}).open(sealed, "here")


def test_no_changed_or_cut_byte_goes_unseen() -> None:
    sealed = vault("a").seal(b"content", "here")
    for place in range(len(MARK), len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(VaultError):
            vault("a").open(bytes(changed), "here")
        with pytest.raises(VaultError):
            vault("a").open(sealed[:place], "here")


def test_no_vector_looks_as_if_it_were_sealed() -> None:
    assert np.isnan(np.frombuffer(MARK, "<f4")[0])
    vector = np.ones(4, "<f4").tobytes()
    assert PLAIN.open(PLAIN.seal(vector, "here"), "elsewhere") == vector


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("a", "NAME:BASE64"),
        ("a:", "NAME:BASE64"),
        ("a:c2hvcnQ=", "5 bytes"),
        (f"a:{KEYS['a'][:-2]}", "base64"),
        (f"{given('a')} {given('a')}", "two"),
    ],
)
def test_a_key_that_cannot_be_is_refused_and_not_echoed(keys: str, said: str) -> None:
    with pytest.raises(VaultError, match=said) as caught:
        read_keys(keys)
    assert KEYS["a"][:8] not in str(caught.value)


def test_keys_come_from_a_file_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{given('b')}\n{given('a')}\n")
    settings = settings_for("", tmp_path, encryption_key_file=file)
    file.chmod(0o644)
    assert open_vault(settings).names == ("b", "a")
    assert "chmod 600" in caplog.text

    with pytest.raises(VaultError, match="not both"):
        open_vault(settings.model_copy(update={"encryption_keys": object()}))


@pytest.mark.every_database
def test_with_a_key_no_vector_is_in_the_database_and_people_are_found(
    database: str, bundle: Bundle
) -> None:
    with served(database, bundle, "a") as desk:
        for person in range(3):
            desk.enroll_person(person)
        assert desk.found(png(photo(1)))[0] == "person-1"
        claim = {"subject_id": "person-1"}
        verified = desk.client.post("/verify", data=claim, files={"image": png(photo(1))})
        assert verified.json()["score"] > 0.99
    with served(database, bundle, "a") as desk:
        assert desk.found(png(photo(2)))[0] == "person-2", "a new index reads them too"

    assert all(one.startswith(MARK) for one in stored(database))


@pytest.mark.every_database
def test_a_template_moved_to_another_person_is_not_believed(
    database: str, bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    with served(database, bundle, "a") as desk:
        desk.enroll_person(0)
        desk.enroll_person(1)
    with writing(open_engine(database)) as connection:
        connection.execute(
            text(
                "UPDATE template SET vector = (SELECT other.vector FROM template other "
                "WHERE other.id <> template.id)"
            )
        )

    with served(database, bundle, "a") as desk:
        answer = desk.identify(png(photo(1)))

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "changed or moved" in caplog.text


def test_the_wrong_keys_end_the_start(database: str, bundle: Bundle) -> None:
    with served(database, bundle, "a") as desk:
        desk.enroll_person(0)

    with pytest.raises(VaultError, match="encrypted with the key a"), served(database, bundle):
        pass
    with pytest.raises(VaultError, match="encrypted with the key a"), served(database, bundle, "b"):
        pass
    other = settings_for(database, bundle.folder, encryption_keys=f"a:{KEYS['b']}")
    with pytest.raises(VaultError, match="another one now"):
        wire(other, locate)


@pytest.mark.every_database
def test_keys_follow_one_another_while_the_service_runs(
    database: str, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_vault, "_AT_ONCE", 2)
    with served(database, bundle) as desk:
        for person in range(3):
            desk.enroll_person(person)
    with served(database, bundle, "a") as desk:
        for person in range(3, 5):
            desk.enroll_person(person)
        assert [step.changed for step in rewrite(database, "a")] == [2, 3, 3]
    with served(database, bundle, "b", "a") as desk:
        desk.enroll_person(5)
        broken_off = sql_vault.rewrite(open_engine(database), vault("b", "a"), SERVICE)
        next(broken_off)
        broken_off.close()
        assert desk.found(png(photo(4)))[0] == "person-4"
        assert [step.changed for step in rewrite(database, "b", "a")] == [0, 2, 3]
        assert rewrite(database, "b", "a")[-1].changed == 0
    with served(database, bundle, "b") as desk:
        for person in range(6):
            assert desk.found(png(photo(person)))[0] == f"person-{person}"

    assert all(vault("b").is_current(one) for one in stored(database))


def test_the_command_says_what_it_did(
    database: str, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(database, bundle) as desk:
        desk.enroll_person(0)
    monkeypatch.setenv("NULL_FACE_DATABASE_URL", database)

    without = CliRunner().invoke(app, ["rotate-key"])
    monkeypatch.setenv("NULL_FACE_ENCRYPTION_KEYS", given("b", "a"))
    done = CliRunner().invoke(app, ["rotate-key"])

    assert without.exit_code == 1
    assert "NULL_FACE_ENCRYPTION_KEY_FILE" in without.stderr
    assert "1 templates and crops were encrypted with the key b" in done.stdout
    assert all(one.startswith(MARK + b"\x01b") for one in stored(database))


def test_no_remembered_answer_holds_a_vector(database: str, bundle: Bundle) -> None:
    with served(database, bundle) as desk:
        assert desk.enroll("a", png(photo(1)), key="once").status_code == 201
    with reading(open_engine(database)) as connection:
        answer = str(connection.execute(text("SELECT answer FROM idempotency")).scalar_one())
        fields = connection.execute(text("SELECT face, quality FROM template")).one()

    vector = np.frombuffer(stored(database)[0], "<f4")
    told = answer + str(fields)
    assert not [value for value in vector if f"{value:.5f}".lstrip("-")[:7] in told]
    assert "vector" not in told
