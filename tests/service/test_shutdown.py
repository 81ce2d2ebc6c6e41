"""SIGTERM: what was begun is finished and acknowledged, then the process ends."""

import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import serving
from databases import new_sqlite
from desk import Desk
from drawn import jpeg, photo, png

from faces.bundle import Bundle

BOUNDARY = b"----shutdown"


def form(person: int) -> bytes:
    fields = [(b'name="subject_id"', b"late"), (b'name="image"; filename="a"', jpeg(photo(person)))]
    parts = [
        b"--" + BOUNDARY + b"\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + body
        for head, body in fields
    ]
    return b"\r\n".join(parts) + b"\r\n--" + BOUNDARY + b"--\r\n"


def wait_until_closed(url: str) -> None:
    """Until nobody new is let in."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/livez", timeout=5)
        except httpx.TransportError:
            return
        time.sleep(0.1)
    raise TimeoutError(url)


def test_an_enrolment_in_flight_is_finished_before_the_process_ends(
    tmp_path: Path, bundle: Bundle
) -> None:
    database = new_sqlite(tmp_path)()
    process = serving.start(database, bundle.folder, tmp_path / "log")
    serving.wait_until_ready(process)
    place = urlsplit(process.url)
    body = form(1)
    with socket.create_connection((place.hostname, place.port), timeout=60) as connection:
        head = f"POST /enroll HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {len(body)}\r\n"
        head += f"Content-Type: multipart/form-data; boundary={BOUNDARY.decode()}\r\n\r\n"
        connection.sendall(head.encode() + body[: len(body) // 2])
        time.sleep(0.5)

        process.handle.send_signal(signal.SIGTERM)
        wait_until_closed(process.url)
        connection.sendall(body[len(body) // 2 :])
        answer = connection.makefile("rb").readline()

    assert answer.split()[1] == b"201"
    assert process.handle.wait(60) in (0, -signal.SIGTERM)  # uvicorn passes it on at the end
    again = serving.start(database, bundle.folder, tmp_path / "log")
    try:
        serving.wait_until_ready(again)
        with httpx.Client(base_url=again.url, timeout=60) as client:
            assert Desk(client, "default").found(png(photo(1))) == ["late"]
    finally:
        again.kill()
