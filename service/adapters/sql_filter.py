"""A filter on metadata in SQL. Keys and values are parameters, never part of a statement."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Dialect,
    String,
    and_,
    case,
    cast,
    column,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from service.adapters.sql_tables import subject
from service.core.metadata_filter import MetadataFilter, Scalar


def matches(wanted: MetadataFilter, dialect: Dialect) -> ColumnElement[bool]:
    """Whether the subject of a row is meant."""
    test = _on_postgresql if dialect.name == "postgresql" else _on_sqlite
    return and_(true(), *(test(key, values) for key, values in wanted.any_of.items()))


def _on_postgresql(key: str, values: Sequence[Scalar]) -> ColumnElement[bool]:
    """`@>` holds for a list that has the scalar among its elements.

    The metadata is parsed as often for a hundred values as for one: they are one list.
    """
    found = cast(subject.c.meta, JSONB)[key]
    is_list = func.jsonb_typeof(found) == "array"
    each = func.jsonb_array_elements(case((is_list, found), else_=func.jsonb_build_array(found)))
    element = each.table_valued(column("value", JSONB), name="element")
    scalar = func.jsonb_typeof(element.c.value).not_in(("array", "object"))
    listed = cast(literal(json.dumps(values), String), JSONB)
    found_one = select(literal(1)).select_from(element)
    has = found_one.where(scalar, listed.contains(element.c.value)).exists()
    return or_(has, found.is_(None)) if None in values else has


def _on_sqlite(key: str, values: Sequence[Scalar]) -> ColumnElement[bool]:
    """The key is compared as text: a JSON path could not quote every key."""
    entry = _each(subject.c.meta, "entry")
    named = select(entry.c.key).where(entry.c.key == key)
    inside = _each(case((entry.c.type == "array", entry.c.value), else_="[]"), "element")
    of_list = select(inside.c.key).where(_is_one_of(inside, values)).exists()
    has = named.where(or_(_is_one_of(entry, values), of_list)).exists()
    return or_(has, ~named.exists()) if None in values else has


def _each(column: Any, name: str) -> Any:
    return func.json_each(column).table_valued("key", "value", "type", "atom", name=name)


def _is_one_of(row: Any, values: Sequence[Scalar]) -> ColumnElement[bool]:
    """JSON's own types tell `true` from 1 and "1" from 1, which SQLite's values do not."""
    names = [_NAMES[one] for one in values if one is None or isinstance(one, bool)]
    texts = [one for one in values if isinstance(one, str)]
    numbers = [one for one in values if isinstance(one, int | float) and not isinstance(one, bool)]
    return or_(
        row.c.type.in_(names),
        and_(row.c.type == "text", row.c.atom.in_(texts)),
        and_(row.c.type.in_(("integer", "real")), row.c.atom.in_(numbers)),
    )


_NAMES = {None: "null", True: "true", False: "false"}
