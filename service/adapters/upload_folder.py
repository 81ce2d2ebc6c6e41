"""Uploads on disk: one file each, named by gallery and job, sealed like the templates."""

import contextlib
import logging
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

from service.adapters.sealed_file import SealedReader, SealedWriter
from service.adapters.server_folder import ServerFolder
from service.adapters.vault import PLAIN, Vault
from service.adapters.zip_archive import ENTRY, ZipArchive
from service.core.errors import Busy
from service.core.jobs import Held, ImportLimits
from service.core.manifest import MAX_BYTES

MOST = 20
"""Uploads in the folder at once; together with the size of one, this bounds the disk."""

_NAME = re.compile(r"(\d+)-([0-9a-f]{32})")

log = logging.getLogger("null_face")


class UploadFolder:
    """Obeys `service.core.jobs.Uploads`. `root` is the server's folder that may be imported from;
    the processes of a host share `folder`.
    """

    def __init__(
        self,
        folder: Path,
        limits: ImportLimits,
        *,
        max_image: int,
        root: Path | None = None,
        vault: Vault = PLAIN,
    ) -> None:
        self._folder, self._root, self._vault = folder, root, vault
        self._limits, self._max_image = limits, max_image

    def receive(self, gallery_id: int, job_id: str) -> BinaryIO:
        """See `Uploads`."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if len(self.held()) >= MOST:
            raise Busy(f"{MOST} imports are under way or waiting; try again later.")
        path = self._path(gallery_id, job_id)
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        return cast(BinaryIO, SealedWriter(file, self._vault, _whose(job_id)))

    def open(self, gallery_id: int, job_id: str) -> BinaryIO:
        """See `Uploads`."""
        return cast(BinaryIO, self._reader(gallery_id, job_id, MAX_BYTES + 1))

    def archive(self, gallery_id: int, job_id: str) -> ZipArchive:
        """See `Uploads`."""
        most = max(2**20, self._limits.max_files * ENTRY)
        return ZipArchive(self._reader(gallery_id, job_id, most), self._limits, self._max_image)

    def folder(self, folder: str) -> ServerFolder:
        """See `Uploads`."""
        return ServerFolder(self._root, folder, self._max_image)

    def has(self, gallery_id: int, job_id: str) -> bool:
        """See `Uploads`."""
        return self._path(gallery_id, job_id).is_file()

    def discard(self, gallery_id: int, job_id: str) -> None:
        """See `Uploads`."""
        self._path(gallery_id, job_id).unlink(missing_ok=True)

    def discard_all_of(self, gallery_id: int) -> None:
        """See `Uploads`."""
        for held in self.held():
            if held.gallery_id == gallery_id:
                self.discard(held.gallery_id, held.job_id)

    def held(self) -> Sequence[Held]:
        """See `Uploads`."""
        found = []
        with contextlib.suppress(FileNotFoundError):
            for entry in os.scandir(self._folder):
                if (name := _NAME.fullmatch(entry.name)) is None:
                    continue
                with contextlib.suppress(FileNotFoundError):
                    age = time.time() - entry.stat(follow_symlinks=False).st_mtime
                    found.append(Held(int(name[1]), name[2], age))
        return found

    def _reader(self, gallery_id: int, job_id: str, most: int) -> SealedReader:
        file = self._path(gallery_id, job_id).open("rb")
        return SealedReader(file, self._vault, _whose(job_id), most)

    def _path(self, gallery_id: int, job_id: str) -> Path:
        return self._folder / f"{gallery_id}-{job_id}"


def _whose(job_id: str) -> str:
    return f"upload {job_id}"
