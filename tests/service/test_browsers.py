"""What a browser is told: nothing from elsewhere, no frames, no caches, no foreign pages."""

import re
import socket
import time
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from drawn import photo, png
from guarded import guarded

from faces.bundle import Bundle

PAGES = ["/", "/docs"]


@pytest.mark.parametrize("path", [*PAGES, "/galleries", "/nowhere", "/openapi.json"])
def test_every_answer_has_its_headers(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "http" not in policy


def test_what_is_sent_back_of_a_face_is_kept_nowhere(client: httpx.Client) -> None:
    answer = client.post("/identify", files={"image": png(photo(1))})

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_loads_only_what_the_service_has(client: httpx.Client, page: str) -> None:
    text = client.get(page).text
    loaded = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="([^"]+)"', text)

    assert "<script>" not in text, "the policy lets no inline script run"
    assert bool(loaded) == (page == "/docs")
    for address in loaded:
        assert not urlsplit(address).netloc
        answer = client.get(urljoin(page, address))
        assert answer.status_code == 200, address
        assert answer.headers["content-type"].split(";")[0] in ("text/javascript", "text/css")
        if answer.headers["content-type"].startswith("text/css"):
            assert not re.findall(r"url\(['\"]?(?:https?:)?//", answer.text)


def test_the_docs_read_the_schema_of_this_service(client: httpx.Client) -> None:
    [address] = re.findall(r'data-schema="([^"]+)"', client.get("/docs").text)

    assert client.get(urljoin("/docs", address)).json()["openapi"].startswith("3.1")


def test_pages_of_other_origins_may_not_call(client: httpx.Client) -> None:
    asked = {"Origin": "https://desk.example", "Access-Control-Request-Method": "POST"}

    preflight = client.options("/identify", headers=asked)

    assert preflight.status_code == 405
    assert not [name for name in preflight.headers if name.startswith("access-control")]


def test_pages_of_the_origins_in_the_settings_may(database: str, bundle: Bundle) -> None:
    origins = ["https://desk.example"]
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    with guarded(database, bundle.folder, access="keys", cors_origins=origins) as service:
        token = service.token("desk")
        keyless = service.caller(None)
        preflight = keyless.options("/identify", headers=asked | {"Origin": origins[0]})
        other = keyless.options("/identify", headers=asked | {"Origin": "https://evil.example"})
        answer = service.caller(token).get("/galleries", headers={"Origin": origins[0]})
        refused = keyless.get("/galleries", headers={"Origin": origins[0]})

    assert preflight.headers["access-control-allow-origin"] == origins[0]
    assert "access-control-allow-credentials" not in preflight.headers
    assert "access-control-allow-origin" not in other.headers
    assert answer.status_code == 200
    for one in (answer, refused):
        assert one.headers["access-control-allow-origin"] == origins[0]
    assert refused.status_code == 401


def test_a_request_that_trickles_in_is_cut_off(database: str, bundle: Bundle) -> None:
    head = b"POST /enroll HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n"
    head += b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    with guarded(database, bundle.folder, upload_seconds=0.5) as service:
        place = urlsplit(service.url)
        with socket.create_connection((place.hostname, place.port)) as connection:
            connection.settimeout(10)
            connection.sendall(head)
            began = time.monotonic()
            answer = b""
            while part := connection.recv(65536):
                answer += part
            took = time.monotonic() - began

    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"request_timeout"' in answer
    assert 0.4 < took < 8, "the service itself closed the connection"
