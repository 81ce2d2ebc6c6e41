"""null-face reembed: serve a gallery with another model, without new images."""

import csv
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from service.cli.database import Database, opened
from service.cli.errors import CommandError
from service.cli.operator import operator
from service.cli.output import err, out
from service.core import galleries, reembed
from service.core.errors import Busy
from service.core.gallery import Gallery
from service.core.ports import Store
from service.core.reembedding import Reembedding, Reembeddings
from service.settings import Settings

if TYPE_CHECKING:
    from service.adapters.crop_encoder import CropEncoder

PAGE = 1000
TRIES = 20
"""How often in a row the database may be busy."""

WIPING = 10.0
"""Seconds that the end waits for readers of what was erased."""

app = typer.Typer(help="Serve galleries with another model.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the gallery.", metavar="GALLERY")]
Bundle = Annotated[
    Path | None,
    typer.Option(help="Folder of the new bundle; NULL_FACE_NEXT_BUNDLE by default."),
]


@dataclass(frozen=True, slots=True)
class _Opened:
    store: Store
    work: Reembeddings


@app.callback()
def group() -> None:
    """Serve galleries with another model, made from the crops that were kept."""


@app.command()
def run(
    name: Name,
    bundle: Bundle = None,
    leave_out: Annotated[
        bool,
        typer.Option(
            "--leave-out",
            help="Erase the templates that cannot be embedded anew; their subjects stay.",
        ),
    ] = False,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Do everything but the switch; run again for that.")
    ] = False,
    database: Database = None,
) -> None:
    """Embed a gallery's kept crops with a new bundle while the old one serves, then switch at once.

    Stopped or killed at any point, run it again: it goes on where it was. `cancel` drops what was
    made and leaves the gallery as it is.
    """
    encode = _encoder(bundle)
    with _opened(database) as here:
        out.print(_patiently(lambda: _run(here, encode, name, leave_out, prepare)))
        _wipe(here.work)


@app.command()
def status(database: Database = None) -> None:
    """Show each gallery's model, and how far it is on its way to another one."""
    table = Table("gallery", "model", "to", "templates", "done", "pending", "to enrol again")
    with _opened(database) as here:
        for gallery in _galleries(here.store):
            found = reembed.standing(here.store, here.work, gallery.name)
            one, at = found.under_way, found.progress
            to = f"{one.target.model.name} ({one.target.model.identity[:12]})" if one else ""
            counts = (at.templates, at.done, at.pending if one else "", at.reenrolments)
            model = f"{gallery.model.name} ({gallery.model.identity[:12]})"
            table.add_row(*map(Text, (gallery.name, model, to, *map(str, counts))))
    out.print(table)


@app.command()
def reenrolments(name: Name, bundle: Bundle = None, database: Database = None) -> None:
    """List who must be enrolled again for a new bundle: subject, template and reason, as CSV."""
    target = _encoder(bundle).target if bundle or Settings().next_bundle else None
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(("subject_id", "template_id", "reason"))
    with _opened(database) as here:
        after: int | None = 0
        while after is not None:
            page = reembed.reenrolments(here.store, here.work, name, after, PAGE, target)
            rows.writerows((one.subject_id, one.template_id, one.reason) for one in page.items)
            after = page.after


@app.command("erase-crops")
def erase_crops(name: Name, database: Database = None) -> None:
    """Erase every crop kept of a gallery; its templates stay."""
    with _opened(database) as here:
        count = here.work.erase_crops(galleries.find(here.store, name))
        out.print(f"{count:,} crops of {name} are erased.")
        _wipe(here.work)


@app.command()
def cancel(name: Name, database: Database = None) -> None:
    """Drop what was made for the new model; the gallery stays as it is."""
    with _opened(database) as here:
        if not here.work.cancel(galleries.find(here.store, name)):
            raise CommandError(f"{name} is not being re-embedded.")
        out.print(f"{name} stays as it is; what was made for the new model is erased.")
        _wipe(here.work)


def _run(here: _Opened, encode: "CropEncoder", name: str, leave_out: bool, prepare: bool) -> str:
    """What was done, in words."""
    model = encode.target.model.name
    one = reembed.begin(here.store, here.work, name, encode.target)
    if one is None:
        return f"{name} is of the model {model} already."
    _embed(here.work, one, encode)
    if prepare:
        return f"{name} is ready for {model}: run again to switch."
    reembed.switch(here.work, one, encode, _wait, leave_out=leave_out)
    return f"{name} is served with the model {model} from now on."


def _patiently(run: Callable[[], str]) -> str:
    """Go on where it was while the database is busy, or restarts."""
    for _ in range(TRIES):
        try:
            return run()
        except Busy as error:
            err.print(error.detail)
            time.sleep(error.retry_after)
    return run()


@contextmanager
def _opened(database: str | None) -> Iterator[_Opened]:
    from service.wiring import reembedding_tools  # slow to import

    with opened(database) as engine:
        store, work = reembedding_tools(Settings(), engine)
        who = operator()
        yield _Opened(store.acting_for(who), work.acting_for(who))


def _encoder(bundle: Path | None) -> "CropEncoder":
    from service.wiring import crop_encoder

    settings = Settings()
    folder = bundle or settings.next_bundle
    if folder is None:
        raise CommandError("Which bundle? Give --bundle DIR, or set NULL_FACE_NEXT_BUNDLE.")
    return crop_encoder(settings, folder)


def _embed(work: Reembeddings, one: Reembedding, encode: "CropEncoder") -> None:
    at = work.progress(one.gallery, one.target)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("templates"))
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=at.done + at.pending, completed=at.done)
        reembed.embed(work, one, encode, lambda count: bar.advance(task, count))


def _wait(imports: int) -> None:
    err.print(f"{imports:,} imports into the gallery are under way: the switch waits for them.")
    time.sleep(2.0)


def _wipe(work: Reembeddings) -> None:
    """On SQLite, a reader may still be in what was erased."""
    deadline = time.monotonic() + WIPING
    while not work.tidy():
        if time.monotonic() > deadline:
            err.print(
                "Somebody reads in SQLite's write-ahead log: what was erased lingers there until "
                "the service erases something else, or starts again."
            )
            return
        time.sleep(0.1)


def _galleries(store: Store) -> Iterator[Gallery]:
    after: int | None = 0
    while after is not None:
        page = store.galleries(after, PAGE)
        yield from page.items
        after = page.after
