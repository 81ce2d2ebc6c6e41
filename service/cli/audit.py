"""null-face audit: who did what, and whether the record of it is whole."""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from service.cli.database import Database, opened
from service.cli.operator import operator
from service.cli.output import complain, out
from service.core.audit import Entry, Head, faults

MOST_FAULTS = 20

app = typer.Typer(help="Look at the audit, and prove that it is whole.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Look at the audit, and prove that it is whole."""


def _anchor(text: str) -> Head:
    found = re.fullmatch(r"(\d+):([0-9a-f]{64})", text)
    if found is None:
        raise typer.BadParameter("an anchor is what `audit verify` printed: NUMBER:HASH")
    return Head(int(found[1]), found[2])


@app.command()
def verify(
    anchor: Annotated[
        Head | None,
        typer.Option(
            parser=_anchor,
            metavar="NUMBER:HASH",
            help="What an earlier `audit verify` printed, kept where nobody who can change the "
            "database can change it.",
        ),
    ] = None,
    database: Database = None,
) -> None:
    """Check every hash of the audit; prints the anchor of its newest entry.

    Finds what was changed, taken out, put in or put in another order. Whoever can write to the
    database can also write all hashes anew: only an anchor from before betrays that. Exit code 1 if
    anything is wrong.
    """
    from service.adapters import sql_audit  # slow to import
    from service.adapters.sql_engine import reading

    with opened(database) as engine:
        with reading(engine) as connection:
            head, strays = sql_audit.head(connection), sql_audit.beyond_head(connection)
        found = _tell(faults(sql_audit.until(engine, head), head, anchor))
    if strays:
        complain(f"{strays} entries stand after the newest that is noted.")
    if found or strays:
        complain(f"The audit is not as it was written: {found + strays} faults.")
        raise typer.Exit(1)
    out.print(f"{head.seq:,} entries, each as it was written. Anchor:")
    print(head)


def _tell(found: Iterable[str]) -> int:
    """Show the first few; returns how many there are."""
    count = 0
    for count, fault in enumerate(found, 1):
        if count <= MOST_FAULTS:
            complain(fault)
    return count


@app.command("list")
def list_audit(
    last: Annotated[int, typer.Option(min=1, max=100_000, help="So many of the newest.")] = 20,
    gallery: Annotated[str | None, typer.Option(help="Only in this gallery.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only about this subject.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    database: Database = None,
) -> None:
    """Show the newest entries, oldest of them first."""
    from service.adapters import sql_audit  # slow to import
    from service.adapters.sql_engine import reading

    with opened(database) as engine, reading(engine) as connection:
        page = sql_audit.page(connection, operator(), 0, last, gallery=gallery, subject_id=subject)
    entries = page.items[::-1]
    if as_json:
        for entry in entries:
            print(json.dumps(asdict(entry) | {"at": entry.at.isoformat()}))
        return
    table = Table("no.", "when (UTC)", "who", "did", "gallery", "subject", "detail")
    for entry in entries:
        table.add_row(*map(Text, _row(entry)))
    out.print(table)


def _row(entry: Entry) -> tuple[str, ...]:
    detail = ", ".join(f"{name}: {_short(value)}" for name, value in entry.detail.items())
    who = entry.actor if entry.key is None else f"{entry.actor} ({entry.key})"
    when = f"{entry.at:%Y-%m-%d %H:%M:%S}"
    gallery, number = entry.gallery or "", "" if entry.subject is None else f"no. {entry.subject}"
    subject = entry.subject_id or number
    return str(entry.seq), when, who, entry.action, gallery, subject, detail


def _short(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
