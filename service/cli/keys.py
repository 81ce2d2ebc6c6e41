"""null-face keys: who may call the service.

There is no HTTP call that makes keys, so that a stolen one cannot make another.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from service.cli.database import Database, opened
from service.cli.operator import operator
from service.cli.output import err, out
from service.core import keys
from service.core.access import Scope
from service.core.keys import ApiKey, Keys, NewKey

app = typer.Typer(help="Make, list, rotate and revoke API keys.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the key.")]


@app.callback()
def group() -> None:
    """Make, list, rotate and revoke API keys, in the database itself."""


@app.command()
def create(
    name: Name,
    scope: Annotated[
        list[Scope],
        typer.Option(help="What it is for: read (search), enrol (and change, erase), admin."),
    ],
    gallery: Annotated[
        list[str] | None, typer.Option(help="Only for this gallery; again for more. Default: all.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=36500, help="It works so long. Default: for ever.")
    ] = None,
    database: Database = None,
) -> None:
    """Make a key. Its secret is printed once, alone on standard output, and kept nowhere."""
    new = NewKey(
        name=name,
        scopes=frozenset(scope),
        galleries=frozenset(gallery) if gallery else None,
        expires_at=None if days is None else datetime.now(UTC) + timedelta(days=days),
    )
    with _kept(database) as kept:
        _tell(*keys.create(kept, new))


@app.command("list")
def list_keys(database: Database = None) -> None:
    """Show every key ever made, without its secrets."""
    table = Table()
    for heading in ("name", "id", "secrets", "scopes", "galleries", "made", "works until"):
        table.add_column(heading, overflow="fold")
    with _kept(database) as kept:
        for key in kept.list():
            table.add_row(*map(Text, _row(key)))
    out.print(table)


@app.command()
def rotate(
    name: Name,
    overlap: Annotated[
        float, typer.Option(min=0, max=8760, help="Hours that the old secret still works.")
    ] = 24,
    database: Database = None,
) -> None:
    """Give a key a new secret, which is printed once; the old one works a while longer."""
    with _kept(database) as kept:
        _tell(*keys.rotate(kept, name, timedelta(hours=overlap)))


@app.command()
def revoke(name: Name, database: Database = None) -> None:
    """End a key with all its secrets, at once and for good."""
    with _kept(database) as kept:
        kept.revoke(name)
    err.print(f"{name} is revoked.")


@contextmanager
def _kept(database: str | None) -> Iterator[Keys]:
    from service.adapters.sql_keys import SqlKeys  # slow to import

    with opened(database) as engine:
        yield SqlKeys(engine, operator())


def _tell(key: ApiKey, token: str) -> None:
    err.print(f"{key.name} ({_scopes(key)}; {_galleries(key)}). Keep this, it is not shown again:")
    print(token)


def _row(key: ApiKey) -> tuple[str, ...]:
    ended = key.ended(datetime.now(UTC))
    secrets = "" if ended else ", ".join(f"nf_{prefix}_..." for prefix in key.prefixes)
    until = f"{key.expires_at:%Y-%m-%d %H:%M} UTC" if key.expires_at else "it is revoked"
    made = f"{key.created_at:%Y-%m-%d}"
    return key.name, key.key, secrets, _scopes(key), _galleries(key), made, ended or until


def _scopes(key: ApiKey) -> str:
    return ", ".join(sorted(key.scopes))


def _galleries(key: ApiKey) -> str:
    return "every gallery" if key.galleries is None else ", ".join(sorted(key.galleries))
