"""`python -m service.cli`: the `null-face` command where it is not on the path."""

from service.cli import app

app(prog_name="null-face")
