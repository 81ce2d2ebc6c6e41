"""A thread that carries imports out, each as whoever asked for it."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from faces.errors import FaceError
from service.core.enroll import EnrollRequest, enroll
from service.core.errors import (
    Busy,
    ModelMismatch,
    NothingEnrolled,
    TurnLost,
    UnknownGallery,
    UnusableFile,
)
from service.core.imports import sweep
from service.core.jobs import Job, JobFile, Source, Step, Turn
from service.core.ports import Parts
from service.core.rounds import Rounds

PERIOD = 1.0
"""Seconds between two looks for a job."""

SWEEP = 30.0
"""Seconds between two clearances of what imports have left on disk."""

log = logging.getLogger("null_face")


class Importer:
    """Takes one job after the other until it is closed; several files of it at a time.

    Killed at any point, another one goes on where it was, once its turn has run out.
    """

    def __init__(self, parts: Parts, threads: int, period: float = PERIOD) -> None:
        self._parts = parts
        self._threads = threads
        self._rounds = Rounds(
            "importer",
            self.round,
            period,
            waits="imports wait for the database",
            failed="imports failed",
        )
        self._swept = -SWEEP

    def start(self) -> None:
        """Begin, unless it has begun."""
        self._rounds.start()

    def close(self) -> None:
        """Stop after the files at hand; another worker may go on at once."""
        self._rounds.close()

    def round(self) -> None:
        """Carry out every job there is to be had; clear away from time to time."""
        if time.monotonic() - self._swept > SWEEP:
            sweep(self._parts)
            self._swept = time.monotonic()
        while not self._rounds.over.is_set():
            turn = self._parts.imports.jobs.claim(self._can_do)
            if turn is None:
                return
            self._carry_out(turn)

    def _can_do(self, job: Job) -> bool:
        """On another host there may be other uploads and folders, and another model."""
        try:
            self._parts.of(self._parts.store.gallery(job.gallery))
        except (ModelMismatch, UnknownGallery):
            return False
        uploads = self._parts.imports.uploads
        if job.folder is None:
            return uploads.has(job.gallery_id, job.job_id)
        try:
            uploads.folder(job.folder).close()
        except FaceError:
            return False
        return True

    def _carry_out(self, turn: Turn) -> None:
        imports = self._parts.imports
        try:
            with closing(self._source(turn.job)) as source:
                complete = self._go_through(turn, source)
            if not complete:
                imports.jobs.release(turn)
                return
            imports.jobs.finish(turn)
        except (TurnLost, FileNotFoundError):
            return  # cancelled, or another worker has it
        except Busy:
            raise
        except FaceError as error:
            imports.jobs.finish(turn, error.code, error.detail)
        imports.uploads.discard(turn.job.gallery_id, turn.job.job_id)

    def _source(self, job: Job) -> Source:
        uploads = self._parts.imports.uploads
        if job.folder is not None:
            return uploads.folder(job.folder)
        return uploads.archive(job.gallery_id, job.job_id)

    def _go_through(self, turn: Turn, source: Source) -> bool:
        """Every file without an outcome; False where there was no time for all."""
        parts = self._parts.acting_for(turn.job.actor)
        after = 0
        with ThreadPoolExecutor(self._threads, "import") as pool:
            while files := parts.imports.jobs.pending(turn, after, limit=4 * self._threads):
                list(pool.map(lambda file: self._one(turn, file, source, parts), files))
                if self._rounds.over.is_set():
                    return False
                after = files[-1].position
        return True

    def _one(self, turn: Turn, file: JobFile, source: Source, parts: Parts) -> None:
        """Enrol a file and settle it, however often it takes while the service is busy."""
        while not self._rounds.over.is_set():
            try:
                _enroll(turn, file, source, parts)
            except Busy as error:
                self._rounds.over.wait(error.retry_after)
            else:
                return


def _enroll(turn: Turn, file: JobFile, source: Source, parts: Parts) -> None:
    step = Step(turn, file.position)
    request = EnrollRequest(
        images=[lambda: source.read(file)],
        gallery=turn.job.gallery,
        subject_id=file.subject_id,
        change=file.change,
        modality=turn.job.modality,
        policy=turn.job.policy,
        step=step,
    )
    try:
        enroll(request, parts)
    except NothingEnrolled as error:
        parts.imports.jobs.settle(step, error.rejected[0].code, error.detail)
    except UnusableFile as error:
        parts.imports.jobs.settle(step, error.code, error.detail)
    except FaceError:
        raise
    except Exception:  # one file must not end the import of all others
        log.exception("a file of an import failed")
        parts.imports.jobs.settle(step, "internal_error", "A fault of ours; see the log.")
