"""The `null-face` command."""

from service.cli.commands import app

__all__ = ["app"]
