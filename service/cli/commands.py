"""The list of commands, and how each of them fails: in one line, with exit code 1."""

from importlib.metadata import version
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from faces.errors import FaceError
from service.cli import (
    audit,
    backup,
    bulk_import,
    bundle,
    database,
    doctor,
    enroll,
    extensions,
    identify,
    keys,
    reembed,
    rotate_key,
    serve,
    verify,
)
from service.cli.errors import CommandError
from service.cli.output import complain, out


class OneLineErrors(TyperGroup):
    """A group of commands whose expected failures show no traceback."""

    def invoke(self, ctx: Any) -> Any:
        """See `TyperGroup`."""
        try:
            return super().invoke(ctx)
        except (CommandError, FaceError) as error:
            complain(str(error))
        except ValidationError as error:
            first = error.errors()[0]
            complain(f"Setting {'.'.join(map(str, first['loc']))}: {first['msg']}.")
        except OSError as error:
            complain(str(error))
        raise typer.Exit(1)


app = typer.Typer(
    cls=OneLineErrors,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        out.print(f"null-face {version('null-face')}")
        raise typer.Exit


@app.callback()
def null_face(
    wanted: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Enrol visible-light photos, then find people by near-infrared frames or sketches."""


app.command("serve")(serve.serve)
app.command("enroll")(enroll.enroll)
app.command("import")(bulk_import.import_)
app.command("identify")(identify.identify)
app.command("verify")(verify.verify)
app.command("rotate-key")(rotate_key.rotate_key)
app.command("doctor")(doctor.doctor)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.add_typer(bundle.app, name="bundle")
app.add_typer(database.app, name="db")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.add_typer(reembed.app, name="reembed")
extensions.add_to(app)
