"""Keys: made, rotated, revoked; and the door when nobody is asked for one."""

import logging
import sqlite3
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import anyio
import httpx
import pytest
from databases import NewDatabase
from desk import Desk
from drawn import photo, png
from fastapi import FastAPI
from guarded import Guarded, guarded

from faces.bundle import Bundle
from service.app import create_app
from service.core import keys as core_keys
from service.core.access import Scope
from service.core.errors import Duplicate, InvalidRequest, UnknownKey
from service.core.ports import Parts


@pytest.fixture(scope="module")
def service(new_database: NewDatabase, bundle: Bundle) -> Iterator[Guarded]:
    with guarded(new_database(), bundle.folder, access="keys") as started:
        yield started


def code(answer: httpx.Response) -> str:
    return answer.json().get("code", "fine")


def test_a_key_goes_into_either_header(service: Guarded) -> None:
    token = service.token("headers")
    for headers in (
        {"Authorization": f"Bearer {token}"},
        {"authorization": f"bearer  {token}"},
        {"X-API-Key": token},
    ):
        assert httpx.get(f"{service.url}/version", headers=headers).status_code == 200
    basic = httpx.get(f"{service.url}/version", auth=("user", token))
    assert code(basic) == "unauthorised"


@pytest.mark.parametrize("name", ["api_key", "token", "X-API-Key", "anything"])
def test_a_key_in_a_url_is_refused_and_not_logged(
    service: Guarded, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    token = service.token(f"in the url as {name}")
    caplog.set_level(logging.DEBUG, "null_face")

    answer = httpx.get(f"{service.url}/version", params={name: token})
    in_path = httpx.get(f"{service.url}/galleries/default/subjects/{token}")

    for refused in (answer, in_path):
        assert (refused.status_code, code(refused)) == (400, "key_in_url")
        assert token not in refused.text
    ours = [record for record in caplog.records if record.name.startswith("null_face")]
    assert ours
    assert token not in "".join(record.getMessage() for record in ours)


def test_only_a_digest_of_the_secret_is_kept(tmp_path: Path, bundle: Bundle) -> None:
    with guarded(f"sqlite:///{tmp_path}/gallery.db", bundle.folder) as other:
        token = other.token("digest")
        secret = token.rsplit("_", 1)[1]
        with sqlite3.connect(tmp_path / "gallery.db") as connection:
            dumped = "\n".join(connection.iterdump())
        files = b"".join(path.read_bytes() for path in tmp_path.glob("gallery.db*"))

    assert token[3:15] in dumped, "the prefix is visible"
    assert secret not in dumped
    assert secret.encode() not in files


@pytest.mark.every_database
def test_after_a_rotation_both_secrets_work_for_a_while(service: Guarded) -> None:
    old = service.token("turning")
    key, new = core_keys.rotate(service.keys, "turning", timedelta(hours=1))
    assert len(key.prefixes) == 2
    assert [service.caller(one).get("/version").status_code for one in (old, new)] == [200, 200]

    _, newest = core_keys.rotate(service.keys, "turning", timedelta())
    answers = [service.caller(one).get("/version") for one in (old, new, newest)]
    assert [code(answer) for answer in answers] == ["unauthorised", "unauthorised", "fine"]
    assert "new secret" in answers[0].json()["detail"]


@pytest.mark.every_database
def test_a_revoked_key_ends_at_once_and_stays_on_the_list(service: Guarded) -> None:
    caller = service.caller(service.token("leaving"))
    assert caller.get("/version").status_code == 200

    service.keys.revoke("leaving")

    assert code(caller.get("/version")) == "unauthorised"
    [listed] = [key for key in service.keys.list() if key.name == "leaving"]
    assert listed.revoked_at is not None
    with pytest.raises(InvalidRequest, match="revoked"):
        core_keys.rotate(service.keys, "leaving")
    with pytest.raises(Duplicate):
        service.token("leaving")
    with pytest.raises(UnknownKey):
        service.keys.revoke("never was")


@pytest.mark.every_database
def test_a_key_sees_only_its_own_galleries(service: Guarded) -> None:
    admin = service.caller(service.token("all galleries"))
    for name in ("seen", "unseen"):
        admin.post("/galleries", json={"gallery": name})
    limited = service.caller(service.token("one gallery", galleries=("seen", "not-yet-there")))

    listed = limited.get("/galleries").json()["galleries"]

    assert [one["gallery"] for one in listed] == ["seen"]
    assert len(admin.get("/galleries").json()["galleries"]) >= 3


@pytest.mark.every_database
def test_an_idempotency_key_is_its_callers_own(service: Guarded) -> None:
    """Or one caller could be answered with what another enrolled, or be told of it."""
    first, second = (Desk(service.caller(service.token(name)), "default") for name in "ab")

    mine = first.enroll("mine", png(photo(1)), key="1")
    theirs = second.enroll("theirs", png(photo(2)), key="1")
    again = first.enroll("mine", png(photo(1)), key="1")

    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == mine.json()


def test_the_log_tells_which_key_was_refused(
    service: Guarded, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "null_face.request")
    reader = service.caller(service.token("reading", Scope.READ))

    reader.delete("/galleries/default")

    deadline = time.monotonic() + 10  # the line is written once the answer has been sent
    while not (lines := [r for r in caplog.records if getattr(r, "status", 0) == 403]):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    [line] = lines
    [known] = [key for key in service.keys.list() if key.name == "reading"]
    assert line.key == known.key


ODD_HEADERS = [b"nf_", "\u00e9".encode(), b"Bearer", b"\xff" * 3, b"x" * 5000]


@pytest.mark.parametrize("sent", ODD_HEADERS, ids=range(len(ODD_HEADERS)))
def test_no_odd_key_is_an_error_of_ours(service: Guarded, sent: bytes) -> None:
    for headers in ({"X-API-Key": sent}, {"Authorization": sent}):
        assert code(httpx.get(f"{service.url}/version", headers=headers)) == "unauthorised"
    bearer = {"Authorization": b"Bearer " + sent}
    assert code(httpx.get(f"{service.url}/version", headers=bearer)) == "unauthorised"


def test_too_many_requests_of_a_key_have_to_wait(database: str, bundle: Bundle) -> None:
    with guarded(database, bundle.folder, rate_limit="3/minute") as limited:
        hasty = limited.caller(limited.token("hasty"))
        answers = [hasty.get("/version") for _ in range(4)]
        other = limited.caller(limited.token("other")).get("/version")
        keyless = [limited.caller(None).get("/version") for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert code(answers[3]) == "rate_limited"
    assert 1 <= int(answers[3].headers["retry-after"]) <= 60
    assert {answer.status_code for answer in (other, *keyless)} == {200}


def test_each_process_counts_for_itself(database: str, bundle: Bundle) -> None:
    """As the guide says: with two of them a key has the limit twice."""
    settings = {"rate_limit": "3/minute"}
    with (
        guarded(database, bundle.folder, **settings) as one,
        guarded(database, bundle.folder, **settings) as two,
    ):
        token = one.token("hasty")
        answers = [
            [service.caller(token).get("/version").status_code for _ in range(4)]
            for service in (one, two)
        ]

    assert answers == [[200, 200, 200, 429]] * 2


def test_where_no_key_is_asked_for_one_that_is_sent_counts_all_the_same(
    database: str, bundle: Bundle
) -> None:
    with guarded(database, bundle.folder) as loopback:
        reader = loopback.caller(loopback.token("reader", Scope.READ))
        wrong = loopback.caller("nf_wrong")

        assert loopback.caller(None).delete("/galleries/default").status_code == 204
        assert code(reader.post("/galleries", json={"gallery": "x"})) == "forbidden"
        assert code(wrong.get("/version")) == "unauthorised"


FOREIGN = {
    "another machine, named by a proxy": ({"X-Forwarded-For": "203.0.113.9"}, 401),
    "a name that was made to resolve here": ({"Host": "evil.example"}, 401),
    "no name": ({"Host": ""}, 401),
    "half a name": ({"Host": "["}, 401),
    "another site's page": ({"Origin": "https://evil.example"}, 403),
    "a page of no origin": ({"Origin": "null"}, 403),
    "half an origin": ({"Origin": "http://["}, 403),
}


@pytest.mark.parametrize("who", FOREIGN)
def test_without_keys_only_this_machine_itself_is_served(client: httpx.Client, who: str) -> None:
    headers, status = FOREIGN[who]
    assert client.get("/galleries", headers=headers).status_code == status
    assert client.get("/livez", headers=headers).status_code == 200


def test_pages_of_its_own_and_every_loopback_name_are_served(url: str) -> None:
    port = url.rsplit(":", 1)[1]
    for host in ("127.0.0.1", "localhost", "[::1]"):
        headers = {"Host": f"{host}:{port}", "Origin": f"http://{host}:{port}"}
        assert httpx.get(f"{url}/galleries", headers=headers).status_code == 200


async def _ask(app: FastAPI, server: str, client: str) -> httpx.Response:
    transport = httpx.ASGITransport(app, client=(client, 123))
    address = f"[{server}]" if ":" in server else server
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{address}") as caller:
        return await caller.get("/galleries", headers={"Host": "localhost"})


def test_without_keys_an_outside_address_is_refused_however_the_service_was_started(
    parts: Parts,
) -> None:
    """`uvicorn --host 0.0.0.0` does not pass through `null-face serve`, which would refuse it."""
    app = create_app(parts)
    asked = {
        ends: anyio.run(_ask, app, *ends).status_code
        for ends in (
            ("192.0.2.5", "192.0.2.7"),
            ("192.0.2.5", "127.0.0.1"),
            ("::1", "192.0.2.7"),
            ("::1", "127.0.0.1"),
        )
    }

    assert list(asked.values()) == [401, 401, 401, 200]
