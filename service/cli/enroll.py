"""null-face enroll: a folder of photos into a gallery."""

import hashlib
import signal
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from faces.locate import FacePolicy
from faces.modality import Modality
from service.cli.bulk import Send, enroll_all
from service.cli.errors import CommandError
from service.cli.journal import Journal, journal_path
from service.cli.options import DEFAULT_SERVER, Gallery, Local, Server, target
from service.cli.output import complain, err
from service.cli.photos import Photo, photos_in
from service.cli.tally import Tally, progress_bar
from service.cli.target import Target
from service.core.enroll import EnrollRequest
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
    tally = Tally()
    opened = closing(target(server, local=local, connections=concurrency))
    with opened as to, until_interrupted() as stop:
        options = Options(gallery, modality, face_policy)
        try:
            _run(
                photos,
                to,
                options,
                journal_path(to.place, gallery, folder),
                concurrency,
                tally,
                stop,
            )
        finally:
            tally.show(report)
    if stop.is_set():
        complain("Broken off. Run the same command again to go on.")
        raise typer.Exit(130)
    if not tally.present:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class Options:
    """How to enrol."""

    gallery: str
    modality: Modality
    policy: FacePolicy


def _run(
    photos: list[Photo],
    to: Target,
    options: Options,
    path: Path,
    at_once: int,
    tally: Tally,
    stop: threading.Event,
) -> None:
    made = to.gallery(options.gallery)
    about = {
        "gallery_created": made.created_at.isoformat(),
        "model": made.model_identity,
        "modality": options.modality,
        "face_policy": options.policy,
    }
    opened = closing(Journal(path, about))
    with opened as journal, progress_bar(len(photos), tally) as advance:
        if len(journal):
            journal.trust(to.templates(options.gallery))
        todo = []
        for photo in photos:
            earlier = journal.recall(photo)
            if earlier is None:
                todo.append(photo)
            else:
                tally.add_earlier(earlier)
                advance()
        for outcome in enroll_all(todo, sender(to, options), at_once=at_once, stop=stop):
            journal.note(outcome)
            tally.add(outcome)
            advance()
    if not stop.is_set():
        path.unlink(missing_ok=True)


def sender(to: Target, options: Options) -> Send:
    """Enrols one photo.

    Its Idempotency-Key stands for this run, this file and its content: a request repeated because
    its answer was lost is not carried out twice. It changes from run to run, since a key's answer
    is remembered for a day, and would hide that a photo was erased in the meantime; between runs
    the service knows an image again by its content.
    """
    run = uuid.uuid4().hex

    def send(photo: Photo) -> None:
        data = photo.path.read_bytes()
        content = hashlib.sha256(data).hexdigest()
        key = hashlib.sha256("\n".join((run, photo.place, content)).encode(errors="replace"))
        to.enroll(
            EnrollRequest(
                images=[lambda: data],
                gallery=options.gallery,
                subject_id=photo.subject_id,
                change={},
                modality=options.modality,
                policy=options.policy,
                key=key.hexdigest(),
            )
        )

    return send


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
