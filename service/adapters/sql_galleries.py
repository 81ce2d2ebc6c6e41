"""SQL of galleries; each function runs in its caller's transaction."""

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, Table, delete, func, insert, select, update

from service.adapters.sql_tables import gallery, reembedding, subject, template
from service.core.access import Actor
from service.core.errors import Replaced, UnknownGallery
from service.core.gallery import Gallery, Model, Page, Size
from service.core.gallery_settings import GallerySettings, SettingsChange

_Settings = TypeAdapter(GallerySettings)


def add(connection: Connection, name: str, model: Model, change: SettingsChange) -> Gallery:
    """Make an empty gallery."""
    _insert(connection, name, model, **_columns(GallerySettings(**change)))
    return by_name(connection, name)


def add_hidden(connection: Connection, replaced: Gallery, model: Model) -> int:
    """Make the successor of a gallery, under a name that no gallery can have; gives its id."""
    return _insert(connection, f"~{replaced.id}", model)


def _insert(connection: Connection, name: str, model: Model, **settings: Any) -> int:
    values = {
        "name": name,
        "model_name": model.name,
        "model_identity": model.identity,
        "dimension": model.dimension,
        "head": 0,
        "created_at": datetime.now(UTC),
        **settings,
    }
    made = connection.execute(insert(gallery).values(values).returning(gallery.c.id))
    return int(made.scalar_one())


def by_name(connection: Connection, name: str) -> Gallery:
    """The gallery called `name`; raises UnknownGallery."""
    row = connection.execute(select(gallery).where(gallery.c.name == name)).one_or_none()
    if row is None:
        raise UnknownGallery(f"No gallery is called {name!r}.")
    return _gallery(row)


def apply(connection: Connection, changed: Gallery, change: SettingsChange) -> Gallery:
    """Change the settings that `change` names; the caller holds the gallery's lock."""
    settings = dataclasses.replace(by_name(connection, changed.name).settings, **change)
    query = update(gallery).where(gallery.c.id == changed.id)
    connection.execute(query.values(_columns(settings)))
    return by_name(connection, changed.name)


def kept_for_a_time(connection: Connection) -> list[Gallery]:
    """Galleries that do not keep templates for ever."""
    query = select(gallery).where(gallery.c.retention_days.is_not(None)).order_by(gallery.c.id)
    return [_gallery(row) for row in connection.execute(query)]


def page(connection: Connection, actor: Actor, after: int, limit: int) -> Page[Gallery]:
    """Galleries that the actor may use, whose row has an id above `after`."""
    hidden = select(reembedding.c.successor)
    query = select(gallery).where(gallery.c.id > after, gallery.c.id.not_in(hidden))
    if actor.galleries is not None:
        query = query.where(gallery.c.name.in_(actor.galleries))
    rows = connection.execute(query.order_by(gallery.c.id).limit(limit + 1)).all()
    following = int(rows[limit - 1].id) if len(rows) > limit else None
    return Page(tuple(_gallery(row) for row in rows[:limit]), following)


def sizes(connection: Connection, galleries: Sequence[int]) -> dict[int, Size]:
    """How much each of the galleries holds."""
    subjects, templates = (_count(connection, table, galleries) for table in (subject, template))
    return {one: Size(subjects.get(one, 0), templates.get(one, 0)) for one in galleries}


def erase(connection: Connection, number: int) -> Size:
    """Delete a gallery and, by cascade, all in it, and its successor; tells how much that was."""
    size = sizes(connection, [number])[number]
    hidden = select(reembedding.c.successor).where(reembedding.c.gallery_id == number)
    connection.execute(delete(gallery).where(gallery.c.id.in_(hidden)))
    connection.execute(delete(gallery).where(gallery.c.id == number))
    return size


def lock(connection: Connection, locked: Gallery) -> None:
    """Keep other writers off the gallery until the commit (SQLite keeps them off everything).

    Raises UnknownGallery where it has been deleted since it was looked up, and Replaced where it
    was switched to another model.
    """
    if not is_locked(connection, locked.id):
        raise _gone(connection, locked)


def lock_to_erase(connection: Connection, locked: Gallery) -> list[int]:
    """As `lock`; gives the ids of the gallery and its successor: of both, files may lie on disk."""
    lock(connection, locked)
    query = select(reembedding.c.successor).where(reembedding.c.gallery_id == locked.id)
    return [locked.id, *map(int, connection.execute(query).scalars())]


def require(connection: Connection, wanted: Gallery) -> None:
    """See that the gallery is still there; raises as `lock` does."""
    query = select(gallery.c.id).where(gallery.c.id == wanted.id)
    if connection.execute(query).one_or_none() is None:
        raise _gone(connection, wanted)


def _gone(connection: Connection, wanted: Gallery) -> UnknownGallery | Replaced:
    query = select(gallery.c.id).where(gallery.c.name == wanted.name)
    if connection.execute(query).one_or_none() is None:
        return UnknownGallery(f"No gallery is called {wanted.name!r}.")
    return Replaced(f"The gallery {wanted.name} was replaced at this moment; ask again.")


def is_locked(connection: Connection, number: int) -> bool:
    """Lock a gallery's row; False where there is none."""
    query = select(gallery.c.id).where(gallery.c.id == number)
    return connection.execute(query.with_for_update()).one_or_none() is not None


def _count(connection: Connection, table: Table, galleries: Sequence[int]) -> dict[int, int]:
    query = select(table.c.gallery_id, func.count()).where(table.c.gallery_id.in_(galleries))
    rows = connection.execute(query.group_by(table.c.gallery_id))
    return {int(number): int(count) for number, count in rows}


def _columns(settings: GallerySettings) -> dict[str, Any]:
    """Settings by the column that holds them: plain values, and JSON."""
    columns: dict[str, Any] = _Settings.dump_python(settings, mode="json")
    set_ones = {key: value for key, value in columns["duplicates"].items() if value is not None}
    return columns | {"duplicates": set_ones}


def _gallery(row: Row[Any]) -> Gallery:
    return Gallery(
        id=int(row.id),
        name=row.name,
        model=Model(row.model_name, row.model_identity, row.dimension),
        head=int(row.head),
        created_at=row.created_at,
        settings=_Settings.validate_python(
            {name: row._mapping[name] for name in GallerySettings.__dataclass_fields__}
        ),
    )
