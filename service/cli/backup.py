"""null-face backup, null-face restore."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.database import Database
from service.cli.operator import operator
from service.cli.output import err, out
from service.settings import Settings

if TYPE_CHECKING:
    from service.adapters.sql_backup import Backup

File = Annotated[Path, typer.Argument(help="The backup: one file.", dir_okay=False)]


def backup(file: File, database: Database = None) -> None:
    """Copy the database into one file, while the service runs.

    It holds everything but the encryption keys: keep those too, elsewhere.
    """
    from service.adapters.sql_backup import back_up  # slow to import
    from service.adapters.sql_engine import open_engine

    engine = open_engine(database or Settings().database_url)
    try:
        made = back_up(engine, file, operator())
    finally:
        engine.dispose()
    out.print(f"{file}: {_told(made)}", soft_wrap=True)
    _tell_of_keys(made)


def restore(file: File, database: Database = None) -> None:
    """Fill an empty database from a backup, of this version or of an older one.

    Stop the service first; a database of the other kind will do.
    """
    from service.adapters import sql_backup
    from service.adapters.sql_engine import open_engine

    engine = open_engine(database or Settings().database_url)
    try:
        made = sql_backup.restore(file, engine, operator())
        place = engine.url.render_as_string(hide_password=True)
    finally:
        engine.dispose()
    out.print(f"{place}: {_told(made)}", soft_wrap=True)
    _tell_of_keys(made)


def _told(made: "Backup") -> str:
    return f"{made.subjects:,} subjects, {made.templates:,} templates (revision {made.revision})"


def _tell_of_keys(made: "Backup") -> None:
    if made.keys:
        names = ", ".join(made.keys)
        err.print(
            f"Its templates are encrypted with {names}, which it does not hold: without "
            "the key it is lost. Keep the key elsewhere.",
            soft_wrap=True,
        )
    else:
        err.print(
            "Its templates are not encrypted: whoever has the file has the faces' vectors.",
            soft_wrap=True,
        )
