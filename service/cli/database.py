"""null-face db: the tables of the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.output import out
from service.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

app = typer.Typer(help="Look after the database.", no_args_is_help=True)

Database = Annotated[
    str | None, typer.Option(help="SQLAlchemy URL; the settings' one by default.", metavar="URL")
]


@contextmanager
def opened(database: str | None) -> Iterator["Engine"]:
    """A database, its tables up to date."""
    from service.adapters.sql_engine import open_engine, upgrade  # slow to import

    engine = open_engine(database or Settings().database_url)
    try:
        upgrade(engine)
        yield engine
    finally:
        engine.dispose()


@app.callback()
def group() -> None:
    """Look after the database."""


@app.command("upgrade")
def upgrade_command(database: Database = None) -> None:
    """Bring the tables up to date. (The service does so itself when it starts.)"""
    with opened(database) as engine:
        place = engine.url.render_as_string(hide_password=True)
    out.print(f"{place} is up to date.", soft_wrap=True)
