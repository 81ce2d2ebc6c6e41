"""null-face enroll: a folder of photos into a gallery."""

import signal
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from faces.locate import FacePolicy
from faces.modality import Modality
from service.cli.errors import CommandError
from service.cli.options import DEFAULT_SERVER, Gallery, Local, Server, target
from service.cli.order import Order
from service.cli.output import complain, err
from service.cli.photos import photos_in
from service.cli.tally import Tally, progress_bar
from service.core.gallery import DEFAULT_GALLERY


def enroll(
    folder: Annotated[
        Path,
        typer.Argument(
            exists=True,
            file_okay=False,
            help="A sub-folder a subject, or one file a subject.",
            metavar="DIR",
        ),
    ],
    gallery: Gallery = DEFAULT_GALLERY,
    server: Server = DEFAULT_SERVER,
    local: Local = False,
    modality: Annotated[Modality, typer.Option(help="How the photos were taken.")] = Modality.VIS,
    face_policy: Annotated[
        FacePolicy, typer.Option(help="Which face is meant where there are several.")
    ] = FacePolicy.REQUIRE_SINGLE,
    concurrency: Annotated[
        int, typer.Option("--concurrency", "-j", min=1, max=64, help="Requests in flight.")
    ] = 4,
    report: Annotated[
        Path | None,
        typer.Option(help="Write every refused file and its reason.", metavar="FILE.csv"),
    ] = None,
) -> None:
    """Enrol every photo in a folder; refused ones are listed with their reasons.

    Broken off (Ctrl-C, a crash, no network) and run again, it goes on where it was. Exit code 1 if
    it could not finish or not one photo is in the gallery, 130 after Ctrl-C.
    """
    photos = photos_in(folder)
    if not photos:
        raise CommandError(f"{folder}: no JPEG, PNG, WebP or BMP file in it.")
    order = Order(gallery, modality, face_policy, at_once=concurrency)
    tally = Tally()
    opened = closing(target(server, local=local, connections=concurrency))
    with opened as to, until_interrupted() as stop, closing(order.journal(to, folder)) as journal:
        try:
            with progress_bar(len(photos), tally) as advance:
                for outcome in order.carry_out(photos, to, journal, stop):
                    tally.add(outcome)
                    advance()
        finally:
            tally.show(report)
        if not stop.is_set():
            journal.remove()
    if stop.is_set():
        complain("Broken off. Run the same command again to go on.")
        raise typer.Exit(130)
    if not tally.present:
        raise typer.Exit(1)


@contextmanager
def until_interrupted() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; the second one ends the program at once."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        err.print("Stopping: waiting for what is in flight. Ctrl-C again ends at once.")

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
