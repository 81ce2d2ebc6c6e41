"""schemathesis: whatever is sent, the answer is one that the schema tells of."""

import httpx
import pytest
import schemathesis
from drawn import jpeg, photo, png
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

pytestmark = pytest.mark.slow

EXAMPLES = 60
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@schemathesis.hook
def before_call(context: object, case: schemathesis.Case, _: object) -> None:
    """Random bytes are hardly ever an image: every other one is made a photo or a sketch."""
    body = case.body
    if not isinstance(body, dict):
        return
    for name in ("image", "reference"):
        sent = body.get(name)
        if isinstance(sent, bytes) and len(sent) % 2 == 0:
            person = len(sent) % 7
            body[name] = jpeg(photo(person)) if person % 2 else png(photo(person, style="sketch"))


@pytest.fixture(scope="module")
def api(url: str, client: httpx.Client) -> schemathesis.schemas.BaseSchema:
    client.post("/galleries", json={"gallery": "schema"})
    return schemathesis.openapi.from_url(f"{url}/openapi.json")


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_schema_tells_of(case: schemathesis.Case) -> None:
    case.call_and_validate(checks=CHECKS, timeout=60)
