"""A file that is written once, in blocks, each sealed on its own; and read from anywhere."""

import io
import struct
from types import TracebackType
from typing import IO, BinaryIO

from service.adapters.vault import Vault

_BLOCK = 2**16
_HEAD = struct.Struct("<4sI")
_MAGIC = b"NFup"


class SealedWriter(io.RawIOBase):
    """Writes blocks; what is left is written at the end.

    The file begins with how many bytes longer a sealed block is than a plain one: none without a
    key, so that what somebody sends can never be taken for something sealed.
    """

    def __init__(self, file: BinaryIO, vault: Vault, to: str) -> None:
        super().__init__()
        self._file, self._vault, self._to = file, vault, to
        self._left = bytearray()
        self._blocks = 0
        overhead = len(vault.seal(b"", to)) if vault.names else 0
        file.write(_HEAD.pack(_MAGIC, overhead))

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: "bytes") -> int:  # type: ignore[override]
        """Write what fills blocks, keep the rest."""
        self._left += data
        while len(self._left) >= _BLOCK:
            self._put(bytes(self._left[:_BLOCK]))
            del self._left[:_BLOCK]
        return len(data)

    def close(self) -> None:
        """Write what is left, through to the disk."""
        if self.closed:
            return
        try:
            if self._left:
                self._put(bytes(self._left))
                self._left.clear()
            self._file.flush()
        finally:
            self._file.close()
            super().close()

    def _put(self, block: bytes) -> None:
        self._file.write(self._vault.seal(block, f"{self._to} {self._blocks}"))
        self._blocks += 1


class SealedReader:
    """As much of a binary file as `zipfile` needs. `most`: bytes that one `read` may ask for, so
    that no directory of an archive is read that is larger than memory.
    """

    def __init__(self, file: BinaryIO, vault: Vault, to: str, most: int) -> None:
        self._file, self._vault, self._to, self._most = file, vault, to, most
        magic, overhead = _HEAD.unpack(file.read(_HEAD.size).ljust(_HEAD.size, b"\0"))
        if magic != _MAGIC:
            raise OSError("not a file of ours")
        self._sealed, self._step = overhead > 0, _BLOCK + overhead
        stored = file.seek(0, io.SEEK_END) - _HEAD.size
        blocks = -(-stored // self._step)
        self.size = max(0, stored - blocks * overhead)
        self._at = 0
        self._cached: tuple[int, bytes] = (-1, b"")

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See `io.IOBase`."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise OSError("before the beginning")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        """See `io.IOBase`."""
        return self._at

    def seekable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """See `io.IOBase`; raises OSError for more than is allowed at once."""
        there = max(0, self.size - self._at)
        wanted = there if size < 0 else min(size, there)
        if wanted > self._most:
            raise OSError("too much at once")
        parts = []
        while wanted:
            number, skipped = divmod(self._at, _BLOCK)
            part = self._block(number)[skipped : skipped + wanted]
            if not part:
                break
            parts.append(part)
            self._at += len(part)
            wanted -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def __enter__(self) -> "SealedReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _block(self, number: int) -> bytes:
        if self._cached[0] != number:
            self._file.seek(_HEAD.size + number * self._step)
            stored = self._file.read(self._step)
            whose = f"{self._to} {number}"
            plain = self._vault.open(stored, whose) if self._sealed else stored
            self._cached = (number, plain)
        return self._cached[1]


Readable = SealedReader | IO[bytes]
