"""null-face doctor: is this installation fit to serve, on one screen."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from service.cli.output import out
from service.settings import Settings

STYLES = {"ok": "green", "warning": "yellow", "failed": "red"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look at Python, packages, model, GPU, database, keys, disk and clock; change nothing.

    Exit code 1 if anything keeps the service from serving; warnings alone are 0.
    """
    from service.cli.checkup import State, examine  # slow to import

    findings = list(examine(Settings()))
    is_failed = any(one.state is State.FAILED for one in findings)
    if as_json:
        shown = {"ok": not is_failed, "findings": [asdict(one) for one in findings]}
        out.print_json(json.dumps(shown))
    else:
        table = Table.grid(padding=(0, 2))
        for one in findings:
            state = Text(one.state, STYLES[one.state])
            table.add_row(state, Text(one.check, "bold"), Text(one.detail))
        out.print(table)
    raise typer.Exit(int(is_failed))
