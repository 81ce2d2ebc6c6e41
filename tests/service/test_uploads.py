"""Bodies as no well-behaved client sends them, to a process of its own."""

import gzip
import itertools
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import serving
from desk import Desk
from drawn import jpeg, photo

from faces.bundle import Bundle

LIMIT = 2**20
FORM = {"content-type": "multipart/form-data; boundary=x"}
FILE = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Iterator[serving.Process]:
    """A service that takes a megabyte at most, also of an import."""
    folder = tmp_path_factory.mktemp("small")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NULL_FACE_MAX_BODY_BYTES", str(LIMIT))
        environment.setenv("NULL_FACE_MAX_IMPORT_BYTES", str(LIMIT))
        environment.setenv("NULL_FACE_IMPORTS", str(folder / "imports"))
        process = serving.start(f"sqlite:///{folder / 'gallery.db'}", bundle.folder)
    try:
        serving.wait_until_ready(process)
        httpx.post(f"{process.url}/galleries", json={"gallery": "staff"})
        yield process
    finally:
        process.kill()


@pytest.mark.parametrize(
    ("path", "kind", "status"),
    [
        ("/enroll", FORM, 413),
        ("/galleries/staff/imports", {"content-type": "application/zip"}, 413),
        ("/galleries/staff/imports", FORM, 415),
        ("/nowhere", FORM, 404),
    ],
)
def test_a_body_without_an_end_is_read_to_the_limit_and_no_further(
    small: serving.Process, path: str, kind: dict[str, str], status: int
) -> None:
    """Chunked, without Content-Length; 16 MiB more than the limit may wait in sockets' buffers."""
    place = urlsplit(small.url)
    head = f"POST {path} HTTP/1.1\r\nHost: {place.netloc}\r\nTransfer-Encoding: chunked\r\n"
    chunk = b"10000\r\n" + bytes(2**16) + b"\r\n"
    with socket.create_connection((place.hostname, place.port), timeout=60) as connection:
        connection.sendall(head.encode() + f"Content-Type: {kind['content-type']}\r\n\r\n".encode())
        connection.sendall(b"%x\r\n%b\r\n" % (len(FILE), FILE))
        sent = 0
        try:
            for _ in itertools.count():
                connection.sendall(chunk)
                sent += 2**16
                assert sent < LIMIT + 2**24, "it reads on and on"
        except ConnectionError:
            pass  # it has hung up

    assert _unlinked_bytes(small) == 0
    assert httpx.get(f"{small.url}/readyz").status_code == 200

    answer = httpx.post(f"{small.url}{path}", content=_chunks(2 * LIMIT), headers=kind, timeout=60)
    assert (answer.status_code, answer.headers["connection"]) == (status, "close")


def _chunks(total: int) -> Iterator[bytes]:
    yield FILE
    for _ in range(total // 2**16):
        yield bytes(2**16)


def _unlinked_bytes(process: serving.Process) -> int:
    """What nameless temporary files of the process hold."""
    opened = Path(f"/proc/{process.handle.pid}/fd").glob("*")
    return sum(one.stat().st_size for one in opened if "(deleted)" in str(one.readlink()))


@pytest.mark.parametrize("coding", ["gzip", "br", "gzip, identity", "GZIP"])
@pytest.mark.parametrize(
    "path", ["/enroll", "/identify", "/galleries", "/galleries/default/imports"]
)
def test_a_compressed_body_is_refused_and_not_unpacked(
    client: httpx.Client, path: str, coding: str
) -> None:
    body = gzip.compress(FILE + bytes(2**20) + b"\r\n--x--\r\n")

    answer = client.post(path, content=body, headers=FORM | {"content-encoding": coding})

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["accept-encoding"] == "identity"


def test_a_body_that_is_said_to_be_as_it_is_is_taken(client: httpx.Client, gallery: str) -> None:
    files = {"image": ("a.jpg", jpeg(photo(1)))}
    headers = {"content-encoding": "identity"}

    answer = client.post("/enroll", data={"gallery": gallery}, files=files, headers=headers)

    assert answer.status_code == 201, answer.text


def test_a_hundred_images_are_too_many(desk: Desk) -> None:
    answer = desk.enroll("ada", *[jpeg(photo(1))] * 100)

    assert answer.status_code in (400, 422)
    assert answer.json()["code"] in ("malformed_request", "invalid_request")
    assert desk.client.get(desk.at("subjects", "ada")).status_code == 404


def test_a_hundred_fields_are_too_many(client: httpx.Client) -> None:
    files = {"image": ("a.jpg", jpeg(photo(1)))}

    answer = client.post("/identify", files=files, data={f"f{n}": "1" for n in range(100)})

    assert answer.status_code in (400, 422)
    assert answer.json()["code"] in ("malformed_request", "unknown_field")


def test_an_empty_part_is_no_image(desk: Desk) -> None:
    answer = desk.enroll("ada", b"")

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_image")


def test_one_empty_part_among_images_is_told_by_its_place(desk: Desk) -> None:
    answer = desk.enroll("ada", jpeg(photo(1)), b"")

    assert answer.status_code == 201
    rejected = answer.json()["rejected"]
    assert [(one["index"], one["code"]) for one in rejected] == [(1, "unsupported_image")]


@pytest.mark.parametrize("charset", ["utf-16", "no-such-charset", "utf-7"])
def test_a_wrong_charset_is_no_error_of_ours(
    client: httpx.Client, gallery: str, charset: str
) -> None:
    field = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nZo\xff\xeb\r\n'
    home = b'--x\r\nContent-Disposition: form-data; name="gallery"\r\n\r\n' + gallery.encode()
    body = field + home + b"\r\n" + FILE + jpeg(photo(1)) + b"\r\n--x--\r\n"
    headers = {"content-type": f"{FORM['content-type']}; charset={charset}"}

    answer = client.post("/enroll", content=body, headers=headers)

    assert answer.status_code < 500, answer.text
