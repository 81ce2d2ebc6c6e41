"""Commands of other packages: entry points of the group `null_face.commands`, loaded when used.

An entry point names the extra that it needs in brackets: `module:app [evaluate]`.
"""

from importlib.metadata import EntryPoint, entry_points

import typer

from service.cli.errors import CommandError

GROUP = "null_face.commands"
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def add_to(app: typer.Typer) -> None:
    """Let `app` show and run every such command."""
    for found in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        _add(app, found)


def _add(app: typer.Typer, found: EntryPoint) -> None:
    extras = ",".join(dict.fromkeys(["cpu", *found.extras]))

    def run(context: typer.Context) -> None:
        try:
            command = found.load()
        except ImportError as error:
            raise CommandError(
                f"`{found.name}` needs more packages ({error.name or error}): "
                f"pip install -c constraints.txt -e '.[{extras}]'"
            ) from error
        command(args=context.args, prog_name=f"null-face {found.name}")

    owner = found.value.partition(":")[0].removesuffix(".cli")
    run.__doc__ = f"Comes with {owner}; needs the extras `{extras}`."
    app.command(found.name, context_settings=PASS_ON)(run)
