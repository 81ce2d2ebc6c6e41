"""Where words go: results to standard output, everything else to standard error."""

from rich.console import Console
from rich.markup import escape

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def complain(line: str) -> None:
    """Say what went wrong."""
    err.print(f"[red]null-face:[/red] {escape(line)}", soft_wrap=True)
