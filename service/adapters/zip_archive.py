"""An uploaded ZIP file. Nothing is ever unpacked to disk, so that names lead nowhere."""

import stat
import zipfile
import zlib
from collections.abc import Sequence
from typing import IO, cast

from service.adapters.sealed_file import SealedReader
from service.core.errors import ImportTooLarge, InvalidManifest, UnusableArchive, UnusableFile
from service.core.jobs import ImportLimits, JobFile
from service.core.manifest import MAX_BYTES

_UTF8 = 0x800
_ENCRYPTED = 0x1
_BROKEN = (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError)
"""What `zipfile` raises for entries that are damaged, of an unknown kind, or encrypted."""

ENTRY = 512
"""Bytes of the directory that an entry may take on average."""


class ZipArchive:
    """Obeys `service.core.jobs.Archive`. Safe to share between threads."""

    def __init__(self, file: SealedReader, limits: ImportLimits, max_image: int) -> None:
        self._limits, self._max_image = limits, max_image
        self._file = file
        try:
            self._zip = zipfile.ZipFile(cast(IO[bytes], file))
        except (*_BROKEN, ValueError) as error:
            file.close()
            raise UnusableArchive("This is no ZIP file, or it is damaged.") from error
        self._entries = self._zip.infolist()
        self._by_name = {_name(entry): entry for entry in reversed(self._entries)}

    def names(self) -> Sequence[str]:
        """See `Archive`."""
        if len(self._entries) > self._limits.max_files:
            raise ImportTooLarge(
                f"The archive holds {len(self._entries):,} entries; "
                f"{self._limits.max_files:,} are allowed."
            )
        unpacked = sum(entry.file_size for entry in self._entries)
        if unpacked > self._limits.max_bytes:
            raise ImportTooLarge(
                f"Unpacked, the archive has {unpacked:,} bytes; "
                f"{self._limits.max_bytes:,} are allowed."
            )
        return [_name(entry) for entry in self._entries]

    def manifest(self, index: int) -> bytes:
        """See `Archive`."""
        if self._entries[index].file_size > MAX_BYTES:
            raise ImportTooLarge(f"A manifest has at most {MAX_BYTES:,} bytes.")
        try:
            return self._content(self._entries[index], MAX_BYTES)
        except UnusableFile as error:
            raise InvalidManifest(f"The manifest: {error.detail}") from error

    def read(self, file: JobFile) -> bytes:
        """See `Source`."""
        entry = self._by_name.get(file.place)
        if entry is None:
            raise UnusableFile("There is no such file in the archive.")
        return self._content(entry, self._max_image + 1)

    def close(self) -> None:
        """See `Source`."""
        self._zip.close()
        self._file.close()

    def _content(self, entry: zipfile.ZipInfo, most: int) -> bytes:
        if entry.flag_bits & _ENCRYPTED:
            raise UnusableFile("The file is encrypted.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise UnusableFile("This is a link, not a file.")
        try:
            with self._zip.open(entry) as opened:
                return opened.read(most)
        except _BROKEN as error:
            raise UnusableFile("The file is damaged, or packed in an unknown way.") from error


def _name(entry: zipfile.ZipInfo) -> str:
    """With forward slashes; UTF-8 that does not say so, as many a program writes it, is read."""
    name = entry.filename.replace("\\", "/")
    if entry.flag_bits & _UTF8:
        return name
    try:
        return name.encode("cp437").decode()
    except UnicodeError:
        return name
