"""null-face rotate-key: encrypt every template with the newest key."""

import typer
from rich.progress import Progress

from service.cli.database import Database, opened
from service.cli.errors import CommandError
from service.cli.operator import operator
from service.cli.output import err, out
from service.settings import Settings


def rotate_key(database: Database = None) -> None:
    """Encrypt every stored template with the first of the encryption keys, while the service runs.

    First let every process of the service know the new key, in front of the old one. What was
    stored before there was a key is encrypted too. Broken off, run it again.
    """
    from service.adapters.sql_vault import admit, rewrite  # slow to import
    from service.wiring import open_vault

    vault = open_vault(Settings())
    if not vault.names:
        raise CommandError("There is no encryption key: set NULL_FACE_ENCRYPTION_KEY_FILE.")
    changed = 0
    with opened(database) as engine, Progress(console=err, transient=True) as bar:
        admit(engine, vault)
        task = bar.add_task("templates", total=None)
        for step in rewrite(engine, vault, operator()):
            changed = step.changed
            bar.update(task, completed=step.seen, total=step.of)
    key = vault.names[0]
    out.print(f"{changed:,} templates and crops were encrypted with the key {key}; all are now.")
    if others := vault.names[1:]:
        typer.echo(f"No longer needed, but for backups: {', '.join(others)}.")
