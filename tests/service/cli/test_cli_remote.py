"""How the command line takes a server's bad days."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from faces.locate import FacePolicy
from faces.modality import Modality
from service.cli import patience
from service.cli.errors import CommandError, Refused, TryAgain, Unreachable
from service.cli.patience import patiently
from service.cli.remote import RemoteTarget
from service.core.enroll import EnrollRequest
from service.core.identify import Search

PROBLEM = "application/problem+json"


class Moody(BaseHTTPRequestHandler):
    """Answers each request with the next of `answers`; None hangs up after reading it."""

    answers: ClassVar[list[tuple[int, dict[str, str], bytes] | None]] = []
    keys: ClassVar[list[str | None]] = []

    def do_POST(self) -> None:
        self.keys.append(self.headers["Idempotency-Key"])
        self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.answers.pop(0)
        if answer is None:
            self.close_connection = True
            return
        status, headers, body = answer
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Keep quiet."""


@pytest.fixture
def target() -> Iterator[RemoteTarget]:
    Moody.answers, Moody.keys = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Moody)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    opened = RemoteTarget(f"http://127.0.0.1:{server.server_port}/")
    yield opened
    opened.close()
    server.shutdown()
    server.server_close()


def problem(status: int, code: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    body = json.dumps({"code": code, "detail": f"It is {code}.", "status": status})
    return status, {"Content-Type": PROBLEM, **headers}, body.encode()


DONE = json.dumps(
    {
        "subject": {
            "subject_id": "ada",
            "name": None,
            "metadata": {},
            "created_at": "2026-01-05T09:00:00Z",
            "updated_at": "2026-01-05T09:00:00Z",
            "template_count": 1,
        },
        "gallery": "default",
        "templates": [],
        "rejected": [],
        "possible_duplicates": [],
        "warnings": [],
    }
).encode()

REQUEST = EnrollRequest(
    images=[lambda: b"image"],
    gallery="default",
    subject_id="ada",
    change={},
    modality=Modality.VIS,
    policy=FacePolicy.LARGEST,
    key="key-of-this-photo",
)


@pytest.mark.parametrize(
    ("answer", "after"),
    [
        (problem(503, "busy", **{"Retry-After": "7"}), 7),
        (problem(429, "rate_limited", **{"Retry-After": "0.5"}), 0.5),
        (problem(429, "rate_limited", **{"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}), 1),
        (problem(503, "internal_error"), 1),
        ((502, {"Content-Type": "text/html"}, b"<h1>Bad Gateway</h1>"), 1),
        (problem(409, "idempotency_conflict"), 1),
    ],
)
def test_these_answers_mean_try_again(
    target: RemoteTarget, answer: tuple[int, dict[str, str], bytes], after: float
) -> None:
    Moody.answers.append(answer)
    with pytest.raises(TryAgain) as caught:
        target.enroll(REQUEST)
    assert caught.value.after == after


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (problem(422, "no_face"), "no_face"),
        (problem(409, "duplicate"), "duplicate"),
        (problem(404, "unknown_gallery"), "unknown_gallery"),
        (problem(500, "internal_error"), "internal_error"),
        ((500, {}, b"Internal Server Error"), "internal_error"),
        ((500, {"Content-Type": "application/json"}, b"[]"), "internal_error"),
    ],
)
def test_these_answers_are_refusals(
    target: RemoteTarget, answer: tuple[int, dict[str, str], bytes], code: str
) -> None:
    Moody.answers.append(answer)
    with pytest.raises(Refused) as caught:
        target.enroll(REQUEST)
    assert caught.value.code == code


def test_after_a_lost_answer_the_same_key_is_sent_again(
    target: RemoteTarget,
) -> None:
    Moody.answers += [None, problem(503, "busy", **{"Retry-After": "0.1"}), (201, {}, DONE)]
    pauses: list[float] = []

    patiently(
        lambda: target.enroll(REQUEST),
        wait=lambda seconds: bool(pauses.append(seconds)),  # type: ignore[func-returns-value]
        also=Unreachable,
    )

    assert Moody.keys == ["key-of-this-photo"] * 3
    assert pauses == [1.0, 0.1]


def test_patience_ends(target: RemoteTarget) -> None:
    Moody.answers += [problem(503, "busy", **{"Retry-After": "50"})] * 5
    pauses: list[float] = []
    with pytest.raises(TryAgain):
        patiently(
            lambda: target.enroll(REQUEST),
            wait=lambda seconds: bool(pauses.append(seconds)),  # type: ignore[func-returns-value]
        )
    assert sum(pauses) <= patience.GIVE_UP_AFTER


def test_something_else_at_the_address_is_told_so(target: RemoteTarget) -> None:
    Moody.answers.append((200, {"Content-Type": "text/html"}, b"<h1>It works!</h1>"))
    with pytest.raises(CommandError, match="is not null-face"):
        target.identify(b"image", Search("default", None, FacePolicy.LARGEST, top_k=1))


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://host", "http://", "http://[::1"])
def test_what_is_no_address_is_told_so(address: str) -> None:
    with pytest.raises(CommandError, match="is not an address"):
        RemoteTarget(address)
