"""schemathesis: whatever is sent, the answer is one that the schema tells of.

`EXAMPLES=500 make test-schema` tries more of each call.
"""

import os

import httpx
import pytest
import schemathesis
from drawn import jpeg, photo, png
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("EXAMPLES", "60"))
LONGEST_URL = 60_000
"""Uvicorn refuses a longer one (64 KiB with the headers) with a plain 400, before the service."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def with_images(case: schemathesis.Case) -> schemathesis.Case:
    """Random bytes are hardly ever an image: half of them are made a photo or a sketch."""
    for name in ("image", "reference") if isinstance(case.body, dict) else ():
        sent = case.body.get(name)
        images = sent if isinstance(sent, list) else [sent]
        if all(isinstance(one, bytes) for one in images) and len(images[0]) % 2 == 0:
            person = len(images[0]) % 7
            made = jpeg(photo(person)) if person % 2 else png(photo(person, style="sketch"))
            case.body[name] = [made] if isinstance(sent, list) else made
    return case


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_answer_is_one_that_the_schema_tells_of(
    client: httpx.Client, url: str, mode: GenerationMode
) -> None:
    client.post("/galleries", json={"gallery": "schema"})
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) > 10
    failures: list[str] = []
    for operation in operations:

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def holds(case: schemathesis.Case) -> None:
            answer = with_images(case).call(timeout=60)
            if len(answer.request.url) > LONGEST_URL and answer.status_code == 400:
                return
            case.validate_response(answer, checks=CHECKS)

        try:
            holds()
        except Unsatisfiable:  # without parameters there is nothing to get wrong
            continue
        except (Exception, FailureGroup) as error:  # each call is tried, and every failure shown
            failures.append(f"{operation.label}: {type(error).__name__}: {error}")
    assert not failures, "\n\n".join(failures)
