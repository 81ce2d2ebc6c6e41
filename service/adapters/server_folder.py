"""A folder of the server from which the operator allows to import. No link is ever followed."""

import os
import stat
from pathlib import Path

from service.core.errors import FolderNotAllowed, UnusableFile
from service.core.jobs import JobFile
from service.core.manifest import place_objection

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


class ServerFolder:
    """Obeys `service.core.jobs.Source`. Safe to share between threads."""

    def __init__(self, root: Path | None, folder: str, max_image: int) -> None:
        self._max_image = max_image
        if root is None:
            raise FolderNotAllowed("The operator allows no folder of the server.")
        try:
            allowed = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise FolderNotAllowed("The folder that the operator allows is not there.") from error
        try:
            self._folder = _enter(allowed, folder)
        except (OSError, UnusableFile) as error:
            raise FolderNotAllowed("There is no such folder, or a link leads there.") from error
        finally:
            os.close(allowed)

    def read(self, file: JobFile) -> bytes:
        """See `Source`."""
        above, _, name = file.place.rpartition("/")
        try:
            folder = _enter(self._folder, above)
            try:
                return self._content(os.open(name, _FILE, dir_fd=folder))
            finally:
                os.close(folder)
        except OSError as error:
            detail = f"It cannot be read: {error.strerror or 'damaged'}."
            raise UnusableFile(detail) from error

    def close(self) -> None:
        """See `Source`."""
        os.close(self._folder)

    def _content(self, handle: int) -> bytes:
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnusableFile("This is no plain file.")
            return file.read(self._max_image + 1)


def _enter(start: int, folder: str) -> int:
    """A handle of a folder below `start`: each part on its own, since any could be a link."""
    here = os.dup(start)
    if not folder:
        return here
    if objection := place_objection(folder):
        os.close(here)
        raise UnusableFile(objection)
    for part in folder.split("/"):
        try:
            below = os.open(part, _FOLDER, dir_fd=here)
        finally:
            os.close(here)
        here = below
    return here
