"""Filters on metadata, as clients send them."""

import json
import unicodedata
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import BeforeValidator, WithJsonSchema

from service.core.errors import InvalidRequest
from service.core.metadata_filter import MetadataFilter, Scalar

MAX_BYTES = 8_192
MAX_KEYS = 8
MAX_VALUES = 100
LARGEST = 2**53
"""Beyond, JSON's numbers are not told from their neighbours."""

DESCRIPTION = (
    "Only subjects whose metadata matches: a JSON object, for each key the value it has to have, "
    f"or a list of values of which it has to have one. At most {MAX_KEYS} keys, {MAX_VALUES} "
    f"values for each and {MAX_BYTES:,} bytes. A list in the metadata has each of its elements; "
    "null matches a key that is missing, too."
)
EXAMPLE = '{"department": ["engines", "hull"], "active": true}'


def parse(text: object) -> MetadataFilter:
    """The filter that a JSON text stands for; raises ValueError."""
    if not isinstance(text, str) or len(text.encode(errors="replace")) > MAX_BYTES:
        raise ValueError(f"must be a JSON object of at most {MAX_BYTES:,} bytes")
    try:
        sent = json.loads(text)
    except (ValueError, RecursionError):
        sent = None
    if not isinstance(sent, dict):
        raise ValueError("must be a JSON object")
    if not 1 <= len(sent) <= MAX_KEYS:
        raise ValueError(f"must name 1 to {MAX_KEYS} keys")
    return MetadataFilter({_text(key): _values(value) for key, value in sent.items()})


def _values(sent: Any) -> tuple[Scalar, ...]:
    values = sent if isinstance(sent, list) else [sent]
    if not 1 <= len(values) <= MAX_VALUES:
        raise ValueError(f"must have 1 to {MAX_VALUES} values for each key")
    return tuple(_value(one) for one in values)


def _value(sent: Any) -> Scalar:
    if isinstance(sent, str):
        return _text(sent)
    if isinstance(sent, int | float) and not -LARGEST <= sent <= LARGEST:
        raise ValueError(f"must not hold numbers beyond {LARGEST:,}")
    if sent is None or isinstance(sent, bool | int | float):
        return sent
    raise ValueError("must hold texts, numbers, true, false and null only")


def _text(sent: str) -> str:
    if any(one == "\0" or unicodedata.category(one) == "Cs" for one in sent):
        raise ValueError("must not hold NUL or half a surrogate pair")
    return sent


FilterText = Annotated[
    MetadataFilter,
    BeforeValidator(parse),
    WithJsonSchema(
        {
            "type": "string",
            "contentMediaType": "application/json",
            "description": DESCRIPTION,
            "examples": [EXAMPLE],
        }
    ),
]


def filter_of(
    filter: Annotated[
        str | None,
        Query(
            max_length=MAX_BYTES,
            description=DESCRIPTION,
            examples=[EXAMPLE],
        ),
    ] = None,
) -> MetadataFilter | None:
    """The filter in a query."""
    if filter is None:
        return None
    try:
        return parse(filter)
    except ValueError as error:
        raise InvalidRequest(f"filter: {error}.") from None


FilterInQuery = Annotated[MetadataFilter | None, Depends(filter_of)]
