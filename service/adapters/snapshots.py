"""Index snapshots on disk: a head start, which is thrown away in every doubt.

A file holds one gallery's vectors as of one number of its log. It is used only if it is whole, of
the model and the gallery asked for, and if the log still has that number with the token it had.
Nothing that was erased stays in a file: at an erasure the file goes, before the answer does.
"""

import logging
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from service.adapters import snapshot_file
from service.adapters.index_shelf import Level
from service.adapters.snapshot_file import Header, Unusable
from service.adapters.vault import PLAIN, Vault
from service.core.gallery import Mark, Model
from service.core.ports import Log

LEAST = 1_000
"""Templates that a gallery needs to have a file: fewer are read from the database in no time."""

EVERY = 300.0
"""Seconds between two files of a gallery."""

_ABANDONED = 3600.0

log = logging.getLogger("null_face")


class Snapshots:
    """One file a gallery in one folder, which the processes of a host share."""

    def __init__(
        self,
        folder: Path,
        model: Model,
        vault: Vault = PLAIN,
        *,
        least: int = LEAST,
        every: float = EVERY,
    ) -> None:
        self._folder = folder
        self._model = model
        self._vault = vault
        self._least = least
        self._every = every
        self._written: dict[int, float] = {}

    def load(self, logged: Log, gallery: int) -> Level | None:
        """A gallery as it was left, or None; a file that cannot be used is removed."""
        path = self._path(gallery)
        try:
            with path.open("rb") as file:
                header = snapshot_file.read_header(file)
                self._check(header, logged, gallery)
                view = snapshot_file.read_view(file, header, self._vault)
        except FileNotFoundError:
            return None
        except (OSError, Unusable) as error:
            log.warning("index snapshot of gallery %d thrown away: %s", gallery, error)
            path.unlink(missing_ok=True)
            return None
        return Level(view, header.seq)

    def save_if_due(self, logged: Log, gallery: int, level: Level) -> None:
        """Write a gallery's file anew, unless this or another process did so lately."""
        now = time.monotonic()
        last = max(self._written.get(gallery, -math.inf), now - _age(self._path(gallery)))
        if now - last >= self._every:
            self._written[gallery] = now
            self.save(logged, gallery, level)

    def save(self, logged: Log, gallery: int, level: Level) -> None:
        """Write a gallery's file where it is not level; a failure costs a head start, no more."""
        written = _header_of(self._path(gallery))
        few = level.view.used - level.view.removed < self._least
        if few or (written and written.seq >= level.applied):
            return
        token = logged.token(gallery, level.applied)
        if not token:
            return
        header = Header(self._model.identity, self._model.dimension, gallery, level.applied, token)
        try:
            self._replace(
                gallery, lambda file: snapshot_file.write(file, header, level.view, self._vault)
            )
        except OSError as error:
            log.warning("index snapshot of gallery %d not written: %s", gallery, error)
        erased_meanwhile = logged.marks([gallery]).get(gallery)
        self._remove_outdated(gallery, erased_meanwhile)

    def discard(self, gallery: int) -> None:
        """Remove a gallery's file, and those about to replace it."""
        discard_snapshot(self._folder, gallery)

    def sweep(self, logged: Log) -> None:
        """Remove the files of galleries that are gone or of which something was erased since."""
        files = [path for path in self._folder.glob("*.snapshot") if path.stem.isdecimal()]
        galleries = [int(path.stem) for path in files]
        marks = logged.marks(galleries) if galleries else {}
        for gallery in galleries:
            self._remove_outdated(gallery, marks.get(gallery))
        for path in self._folder.glob("*.new"):
            if _age(path) > _ABANDONED:
                path.unlink(missing_ok=True)

    def _path(self, gallery: int) -> Path:
        return self._folder / f"{gallery}.snapshot"

    def _check(self, header: Header, logged: Log, gallery: int) -> None:
        if (header.model, header.dimension) != (self._model.identity, self._model.dimension):
            raise Unusable("it is of another model")
        if header.gallery != gallery:
            raise Unusable("it is of another gallery")
        if logged.token(gallery, header.seq) != header.token:
            raise Unusable("the log has moved on, or has another history")

    def _remove_outdated(self, gallery: int, mark: Mark | None) -> None:
        header = _header_of(self._path(gallery))
        if header is None or mark is None or header.seq < max(mark.erased, mark.floor):
            self.discard(gallery)

    def _replace(self, gallery: int, write: Callable[[BinaryIO], None]) -> None:
        """The old file or the new one, whole, whatever happens in between."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{gallery}.{os.getpid()}.new"
        try:
            with open(path, "wb", opener=_private) as file:
                write(file)
            path.replace(self._path(gallery))
        except OSError:
            path.unlink(missing_ok=True)
            raise


def discard_snapshot(folder: Path, gallery: int) -> None:
    """Remove a gallery's file, and those about to replace it."""
    for path in [*folder.glob(f"{gallery}.*.new"), folder / f"{gallery}.snapshot"]:
        path.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _age(path: Path) -> float:
    """Seconds since it was written; no file is as old as can be."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def _header_of(path: Path) -> Header | None:
    try:
        with path.open("rb") as file:
            return snapshot_file.read_header(file)
    except (OSError, Unusable):
        return None
