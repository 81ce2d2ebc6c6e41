"""Odd requests: every answer is a document with a code, and none of them is a 500."""

import json
import socket
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import httpx
import pytest
from desk import Desk
from drawn import jpeg, photo, png

BAD_FIELDS = {
    "unknown field": ({"galery": "x"}, "unknown_field"),
    "top_k of 0": ({"top_k": "0"}, "invalid_request"),
    "top_k of 201": ({"top_k": "201"}, "invalid_request"),
    "top_k in words": ({"top_k": "ten"}, "invalid_request"),
    "top_k with a fraction": ({"top_k": "1.5"}, "invalid_request"),
    "top_k beyond 64 bits": ({"top_k": "9" * 400}, "invalid_request"),
    "min_score of NaN": ({"min_score": "nan"}, "invalid_request"),
    "min_score of 2": ({"min_score": "2"}, "invalid_request"),
    "target_fpir of 0": ({"target_fpir": "0"}, "invalid_request"),
    "target_fpir of infinity": ({"target_fpir": "inf"}, "invalid_request"),
    "two thresholds": ({"min_score": "0.5", "target_fpir": "0.1"}, "invalid_request"),
    "modality": ({"modality": "thermal"}, "invalid_request"),
    "face policy": ({"face_policy": "all"}, "invalid_request"),
    "empty field": ({"modality": ""}, "invalid_request"),
}


@pytest.mark.parametrize("what", BAD_FIELDS)
def test_a_field_that_cannot_be_is_refused(desk: Desk, what: str) -> None:
    fields, code = BAD_FIELDS[what]

    answer = desk.identify(png(photo(1)), **fields)

    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if "two" not in what:
        assert answer.json()["errors"][0]["field"] == next(iter(fields))


def test_a_query_parameter_that_is_not_there_is_refused(desk: Desk) -> None:
    """top_k belongs in the form; ignored in the URL, it would quietly be 10."""
    files = {"image": ("a", png(photo(1)))}

    answer = desk.client.post("/identify?top_k=1", files=files)

    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_field")


@pytest.mark.parametrize("call", ["enroll", "identify"])
def test_a_gallery_that_is_not_there_is_unknown(client: httpx.Client, call: str) -> None:
    for name in ("nowhere", "no such gallery", "\u00fc\U0001f600", "..", "a\x00b"):
        answer = Desk(client, name).__getattribute__(call)(*[b"x"] * (1 + (call == "enroll")))
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_gallery"), name


def test_a_repeated_field_is_refused(desk: Desk) -> None:
    files = [("image", ("a", png(photo(1)))), ("image", ("b", png(photo(2))))]

    answer = desk.client.post("/identify", files=files, data={"gallery": desk.gallery})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_a_request_without_an_image_says_what_is_missing(desk: Desk) -> None:
    answer = desk.client.post("/identify", files={"gallery": (None, desk.gallery)})

    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "image", "detail": "This field is required."}]


ODD_IDS = [
    "a/b",
    "a b",
    "100%",
    "what?#&=+",
    "\u00e9 composed",
    "e\u0301 decomposed",
    "\U0001f9d1\u200d\U0001f680",
    "\u5f20\u4f1f",
    "\u202eright to left",
    "'; DROP TABLE subject; --",
    "x" * 200,
    "templates",
    "a\\b",
    '"',
    "{subject_id}",
    "a%2Fb",
]


@pytest.mark.parametrize("subject_id", ODD_IDS)
def test_an_id_comes_back_as_it_was_sent_and_works_in_urls(desk: Desk, subject_id: str) -> None:
    assert desk.enroll(subject_id, jpeg(photo(1))).json()["subject"]["subject_id"] == subject_id
    address = desk.at("subjects", quote(subject_id, safe=""))

    assert desk.found(png(photo(1))) == [subject_id]
    assert desk.client.get(address).json()["subject_id"] == subject_id
    assert desk.client.patch(address, json={"name": "N"}).json()["name"] == "N"
    assert desk.client.delete(address).status_code == 204
    assert desk.client.get(address).json()["code"] == "unknown_subject"
    assert desk.found(png(photo(1))) == []


BAD_IDS = [
    "nul\x00inside",
    "line\nbreak",
    "\x1b[31m",
    "\x7f",
    "\u0085",
    "\u2028",
    " leading",
    "trailing ",
    "   ",
    "",
    "x" * 201,
    ".",
    "..",
    "/a",
    "a/",
    "a//b",
    "a/../b",
]


@pytest.mark.parametrize("subject_id", BAD_IDS)
def test_an_id_that_could_not_be_addressed_is_refused(desk: Desk, subject_id: str) -> None:
    answer = desk.enroll(subject_id, jpeg(photo(1)))

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), answer.text
    assert answer.json()["errors"][0]["field"] == "subject_id"


@pytest.mark.parametrize(
    "subject_id", ["%00", "%0A", "a%2F%2Fb", "%FF%FE", "x" * 300, "%F0%9F%98%80"]
)
def test_an_id_that_cannot_be_in_a_url_is_unknown(desk: Desk, subject_id: str) -> None:
    for method in ("GET", "DELETE"):
        answer = desk.client.request(method, desk.at("subjects", subject_id))
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_subject")


BAD_METADATA = {
    "not JSON": "{no",
    "no object": "[1, 2]",
    "a number": "3",
    "NaN": '{"a": NaN}',
    "infinity": '{"a": 1e999}',
    "too deep": '{"a":' * 20 + "1" + "}" * 20,
    "far too deep": '{"a":' * 12_000 + "1" + "}" * 12_000,
    "too large": json.dumps({"a": "x" * 17_000}),
    "NUL": '{"a": "\\u0000"}',
    "NUL in a key": '{"\\u0000": 1}',
    "half a surrogate pair": '{"a": "\\ud800"}',
    "a number of 10,000 digits": '{"a": ' + "9" * 10_000 + "}",
}


@pytest.mark.parametrize("what", BAD_METADATA)
def test_metadata_is_a_json_object_of_moderate_size(desk: Desk, what: str) -> None:
    desk.enroll_person(1, "here")
    text = BAD_METADATA[what]

    sent = desk.enroll("a", jpeg(photo(2)), metadata=text)
    patched = desk.client.patch(
        desk.at("subjects", "here"),
        content=f'{{"metadata": {text}}}',
        headers={"content-type": "application/json"},
    )

    assert (sent.status_code, sent.json()["code"]) == (422, "invalid_request"), sent.text
    assert patched.status_code in (400, 422), patched.text
    assert patched.json()["code"] in ("invalid_request", "malformed_request")


def test_metadata_of_any_language_is_kept(desk: Desk) -> None:
    sent = {"\u540d": ["\U0001f600", None, True, 1.5, {"deep": []}], "big": 2**60}

    answer = desk.enroll("a", jpeg(photo(1)), metadata=json.dumps(sent))

    assert answer.json()["subject"]["metadata"] == sent
    assert desk.client.get(desk.at("subjects", "a")).json()["metadata"] == sent


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/galleries/", 404, "not_found"),
        ("GET", "/enroll", 405, "method_not_allowed"),
        ("PUT", "/galleries", 405, "method_not_allowed"),
        ("POST", "/livez", 405, "method_not_allowed"),
        ("OPTIONS", "/identify", 405, "method_not_allowed"),
        ("TRACE", "/", 405, "method_not_allowed"),
        ("PROPFIND", "/galleries", 405, "method_not_allowed"),
        ("GET", "/galleries/%2e%2e/subjects", 404, "unknown_gallery"),
        ("GET", "/galleries?limit=0", 422, "invalid_request"),
        ("GET", "/galleries?cursor=zzz", 422, "invalid_request"),
        ("GET", "/galleries?cursor=%F0%9F%98%80", 422, "invalid_request"),
        ("GET", "/galleries?offset=3", 422, "unknown_field"),
        ("GET", "/galleries?limit=1&limit=2", 422, "invalid_request"),
        ("GET", "/galleries?limit=", 422, "invalid_request"),
        ("DELETE", "/galleries/default/templates/..%2f..", 404, "not_found"),
        ("DELETE", "/galleries/default/templates/%00", 404, "unknown_template"),
    ],
)
def test_an_address_or_method_that_is_not_there(
    client: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    client.post("/galleries", json={"gallery": "default"})

    answer = client.request(method, path)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"gallery": 3}', "application/json", 422),
        (b'{"gallery": "a", "x": 1}', "application/json", 422),
        (b'{"gallery": "a/b"}', "application/json", 422),
        (b'{"gallery": "x\\n"}', "application/json", 422),
        (b'{"gallery": ""}', "application/json", 422),
        (b'["gallery"]', "application/json", 422),
        (b"{", "application/json", 422),
        (b"\xff\xfe", "application/json", 422),
        (b"[" * 100_000, "application/json", 400),
        (b'{"gallery": "a"}', "text/plain", 422),
        (b"", "application/json", 422),
    ],
)
def test_a_gallery_needs_a_proper_document(
    client: httpx.Client, body: bytes, kind: str, status: int
) -> None:
    answer = client.post("/galleries", content=body, headers={"content-type": kind})

    assert answer.status_code == status, answer.text
    assert answer.json()["code"] in ("invalid_request", "unknown_field", "malformed_request")


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", ""])
def test_images_come_in_a_multipart_form(client: httpx.Client, kind: str) -> None:
    answer = client.post("/identify", content=b"{}", headers={"content-type": kind})

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


MULTIPART = {
    "no boundary": ("multipart/form-data", b"--x\r\n"),
    "an empty boundary": ("multipart/form-data; boundary=", b"--\r\n"),
    "a very long boundary": ("multipart/form-data; boundary=" + "x" * 5000, b"--x\r\n"),
    "another boundary": ("multipart/form-data; boundary=x", b"--y\r\n\r\n"),
    "no end": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nabc',
    ),
    "no name": ("multipart/form-data; boundary=x", b"--x\r\nA: b\r\n\r\nabc\r\n--x--\r\n"),
    "NUL in a name": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="ima\0ge"\r\n\r\nabc\r\n--x--\r\n',
    ),
    "another charset": (
        "multipart/form-data; boundary=x; charset=utf-16",
        b'--x\r\nContent-Disposition: form-data; name="gallery"\r\n\r\n\xff\xd8\r\n--x--\r\n',
    ),
    "many fields": (
        "multipart/form-data; boundary=x",
        b"".join(
            b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n' % n
            for n in range(3000)
        )
        + b"--x--\r\n",
    ),
    "many files": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n1\r\n' * 3000
        + b"--x--\r\n",
    ),
    "a long field": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="gallery"\r\n\r\n'
        + b"g" * 300_000
        + b"\r\n--x--\r\n",
    ),
    "long headers": (
        "multipart/form-data; boundary=x",
        b"--x\r\nContent-Disposition: " + b"f" * 300_000 + b"\r\n\r\nabc\r\n--x--\r\n",
    ),
    "nothing": ("multipart/form-data; boundary=x", b""),
}


@pytest.mark.parametrize("call", ["enroll", "identify", "verify"])
@pytest.mark.parametrize("what", MULTIPART)
def test_a_damaged_form_is_refused(client: httpx.Client, call: str, what: str) -> None:
    kind, body = MULTIPART[what]

    answer = client.post(f"/{call}", content=body, headers={"content-type": kind})

    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["code"] in ("malformed_request", "invalid_request", "unknown_field")


def test_a_method_that_is_not_there_tells_those_that_are(client: httpx.Client) -> None:
    def allowed(path: str) -> str:
        return client.put(path).headers["allow"]

    assert allowed("/galleries") == "GET, POST"
    assert allowed("/galleries/default/subjects/a") == "DELETE, GET, PATCH"
    assert allowed("/livez") == "GET, HEAD"


def endless(total: int) -> Iterator[bytes]:
    """A form whose one file never seems to end; nobody holds it in memory."""
    yield b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    for _ in range(total // 2**16):
        yield bytes(2**16)
    yield b"\r\n--x--\r\n"


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_of_100_mb_is_refused(client: httpx.Client, declared: bool) -> None:
    total = 100 * 2**20
    headers = {"content-type": "multipart/form-data; boundary=x"}
    if declared:
        headers["content-length"] = str(sum(len(chunk) for chunk in endless(total)))

    answer = client.post("/enroll", content=endless(total), headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (413, "image_too_large")
    assert client.get("/livez").status_code == 200


def test_a_large_document_that_is_no_form_is_refused_too(client: httpx.Client) -> None:
    body = json.dumps({"gallery": "x" * 2**21})

    for path in ("/galleries", "/nowhere"):
        answer = client.post(path, content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_client_that_hangs_up_while_sending_harms_nobody(client: httpx.Client, url: str) -> None:
    place = urlsplit(url)
    for _ in range(5):
        with socket.create_connection((place.hostname, place.port)) as connection:
            connection.sendall(
                b"POST /enroll HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
                b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
            )

    assert client.get("/readyz").status_code == 200


def test_every_answer_has_the_id_of_its_request(client: httpx.Client) -> None:
    given = client.get("/livez", headers={"X-Request-ID": "mine-1"})
    odd = client.get("/nowhere", headers={"X-Request-ID": "<script>"})

    assert given.headers["x-request-id"] == "mine-1"
    assert odd.headers["x-request-id"] != "<script>"
    assert odd.json()["request_id"] == odd.headers["x-request-id"]
