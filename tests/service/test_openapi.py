"""The schema is one that a client generator reads well, and it tells the truth."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.api.problems import STATUS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def schema(client: httpx.Client) -> dict[str, Any]:
    return client.get("/openapi.json").json()


def operations(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_call_of_the_contract_is_there(schema: dict[str, Any]) -> None:
    assert {(method.upper(), path) for path, method, _ in operations(schema)} == {
        ("POST", "/enroll"),
        ("POST", "/identify"),
        ("POST", "/verify"),
        ("GET", "/galleries"),
        ("POST", "/galleries"),
        ("GET", "/galleries/{gallery}"),
        ("PATCH", "/galleries/{gallery}"),
        ("DELETE", "/galleries/{gallery}"),
        ("GET", "/galleries/{gallery}/subjects"),
        ("GET", "/galleries/{gallery}/subjects/{subject_id}"),
        ("PATCH", "/galleries/{gallery}/subjects/{subject_id}"),
        ("DELETE", "/galleries/{gallery}/subjects/{subject_id}"),
        ("GET", "/galleries/{gallery}/templates"),
        ("GET", "/galleries/{gallery}/templates/{template_id}"),
        ("DELETE", "/galleries/{gallery}/templates/{template_id}"),
        ("POST", "/galleries/{gallery}/imports"),
        ("GET", "/galleries/{gallery}/imports"),
        ("GET", "/jobs/{job_id}"),
        ("DELETE", "/jobs/{job_id}"),
        ("GET", "/jobs/{job_id}/files"),
        ("GET", "/jobs/{job_id}/report.csv"),
        ("GET", "/jobs/{job_id}/events"),
        ("GET", "/galleries/{gallery}/reembedding"),
        ("GET", "/galleries/{gallery}/reenrolments"),
        ("GET", "/audit"),
        ("GET", "/livez"),
        ("GET", "/readyz"),
        ("GET", "/version"),
    }


def test_every_operation_has_a_plain_name_and_a_description(schema: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(schema)]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names)
    assert all(operation["summary"] for _, _, operation in operations(schema))
    assert all(operation["description"] for _, _, operation in operations(schema))


def test_every_error_is_a_typed_problem(schema: dict[str, Any]) -> None:
    for path, method, operation in operations(schema):
        errors = {s: r for s, r in operation["responses"].items() if int(s) >= 400}
        assert "422" in errors, (method, path)
        for status, response in errors.items():
            [(media, content)] = response["content"].items()
            assert media == "application/problem+json"
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            codes = re.findall(r"`(\w+)`", response["description"])
            assert codes
            assert {STATUS[code] for code in codes} == {int(status)}
    assert "HTTPValidationError" not in schema["components"]["schemas"]


def test_every_answer_is_typed(schema: dict[str, Any]) -> None:
    for path, method, operation in operations(schema):
        [success] = [s for s in operation["responses"] if int(s) < 400]
        content = operation["responses"][success].get("content", {})
        if set(content) in ({"text/csv"}, {"text/event-stream"}):
            assert content.popitem()[1]["schema"] == {"type": "string"}
        elif success != "204":
            assert "$ref" in content["application/json"]["schema"], (method, path)


def test_every_field_of_a_form_is_described(schema: dict[str, Any]) -> None:
    for name in ("EnrollForm", "IdentifyForm", "VerifyForm"):
        form = schema["components"]["schemas"][name]
        assert form["additionalProperties"] is False
        for field, described in form["properties"].items():
            text = str(described)
            assert "'description'" in text, (name, field)


def test_the_guide_names_every_code_and_every_call(schema: dict[str, Any]) -> None:
    guide = (ROOT / "docs" / "api.md").read_text()

    assert [code for code in STATUS if f"`{code}`" not in guide] == []
    for path, method, _ in operations(schema):
        assert f"`{method.upper()} {path}`" in guide, (method, path)


def test_the_front_page_and_docs_are_served(client: httpx.Client) -> None:
    front = client.get("/")

    assert front.headers["content-type"].startswith("text/html")
    assert re.findall(r'(?:src|href)="(https?:)?//', front.text) == []
    assert "openapi.json" in client.get("/docs").text


def test_the_version_tells_what_runs(client: httpx.Client) -> None:
    told = client.get("/version").json()

    assert told["model"] == "drawn"
    assert told["provider"] == "CPUExecutionProvider"
    assert told["modalities"] == told["calibrated"] == ["nir", "sketch", "vis"]
    assert (told["index"], told["database"], told["dimension"]) == ("faiss", "sqlite", 256)


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_a_load_balancer_may_ask_with_head(client: httpx.Client, path: str) -> None:
    assert client.get(path).json() == {"status": "ok"}
    assert client.head(path).status_code == 200
