"""null-face db: the tables of the database."""

from typing import Annotated

import typer

from service.cli.output import out
from service.settings import Settings

app = typer.Typer(help="Look after the database.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Look after the database."""


@app.command("upgrade")
def upgrade_command(
    database: Annotated[
        str | None,
        typer.Option(help="SQLAlchemy URL; the settings' one by default.", metavar="URL"),
    ] = None,
) -> None:
    """Bring the tables up to date. (The service does so itself when it starts.)"""
    from service.adapters.sql_engine import open_engine, upgrade  # slow to import

    engine = open_engine(database or Settings().database_url)
    try:
        upgrade(engine)
    finally:
        engine.dispose()
    out.print(f"{engine.url.render_as_string(hide_password=True)} is up to date.", soft_wrap=True)
