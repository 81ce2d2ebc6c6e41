"""The format of an index snapshot: a line of JSON, sealed blocks of rows, and a checksum of all.

This is the only place where vectors become bytes of a file beside the database.
"""

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from service.adapters.index_view import View
from service.adapters.vault import Vault
from service.core.errors import VaultError

FORMAT = 2
BLOCK = 16_384
"""Rows sealed at once."""

_MOST = 4096
"""Bytes of a header; none of ours has a tenth of it."""

_LENGTH = 8
_AT_ONCE = 2**20
_DIGEST = hashlib.sha256
_NUMBERS, _VECTORS = np.dtype("<i8"), np.dtype("<f4")


class Unusable(Exception):
    """The file is not what it should be."""


@dataclass(frozen=True, slots=True)
class Header:
    """Whose vectors these are, and as of which entry of the log. `rows` is filled in by `write`."""

    model: str
    dimension: int
    gallery: int
    seq: int
    token: int
    rows: int = 0
    format: int = FORMAT


def write(file: BinaryIO, header: Header, view: View, vault: Vault) -> None:
    """Write what `view` holds, without its removed rows."""
    kept = view.kept()
    digest = _DIGEST()
    line = json.dumps(asdict(header) | {"rows": len(kept)}).encode() + b"\n"
    for part in (line, *_sealed_blocks(view, kept, header, vault)):
        digest.update(part)
        file.write(part)
    file.write(digest.digest())


def read_header(file: BinaryIO) -> Header:
    """The first line; raises Unusable."""
    line = file.readline(_MOST)
    try:
        header = Header(**json.loads(line))
    except (ValueError, TypeError) as error:
        raise Unusable("it has no header") from error
    numbers = (header.dimension, header.gallery, header.seq, header.token, header.rows)
    if header.format != FORMAT or not all(isinstance(one, int) and one >= 0 for one in numbers):
        raise Unusable("its header is of another format")
    return header


def read_view(file: BinaryIO, header: Header, vault: Vault) -> View:
    """The rows that follow the header; raises Unusable unless every byte is as it was written."""
    start = file.tell()
    _verify(file)
    row = 2 * _NUMBERS.itemsize + header.dimension * _VECTORS.itemsize
    if file.tell() - start < header.rows * row:
        raise Unusable("it is cut off")  # before memory is taken for what it promises
    file.seek(start)
    numbers = np.empty((2, header.rows), np.int64)
    templates, subjects = numbers
    vectors = np.empty((header.rows, header.dimension), np.float32)
    for first in range(0, header.rows, BLOCK):
        count = min(BLOCK, header.rows - first)
        plain = _opened(file, vault, _whose(header, first))
        if len(plain) != count * row:
            raise Unusable("a block has another size")
        cut = 2 * count * _NUMBERS.itemsize
        numbers[:, first : first + count] = np.frombuffer(plain[:cut], _NUMBERS).reshape(2, -1)
        vectors[first : first + count] = np.frombuffer(plain[cut:], _VECTORS).reshape(count, -1)
    return View(vectors, templates, subjects, used=header.rows)


def _verify(file: BinaryIO) -> None:
    """Compare the checksum at the end with all that stands before it."""
    digest = _DIGEST()
    left = file.seek(0, io.SEEK_END) - digest.digest_size
    file.seek(0)
    while left > 0 and (part := file.read(min(left, _AT_ONCE))):
        digest.update(part)
        left -= len(part)
    if left or file.read() != digest.digest():
        raise Unusable("its checksum is wrong")


def _opened(file: BinaryIO, vault: Vault, whose: str) -> bytes:
    length = int.from_bytes(file.read(_LENGTH), "little")
    sealed = file.read(length)
    if not vault.is_current(sealed):
        raise Unusable("it was written before the encryption key that is used now")
    try:
        return vault.open(sealed, whose)
    except VaultError as error:
        raise Unusable(error.detail) from error


def _whose(header: Header, first: int) -> str:
    """What a block is bound to: put elsewhere, it cannot be opened."""
    return f"snapshot {header.gallery}/{header.seq}/{first}"


def _sealed_blocks(
    view: View, kept: NDArray[np.intp], header: Header, vault: Vault
) -> Iterator[bytes]:
    for first in range(0, len(kept), BLOCK):
        rows = kept[first : first + BLOCK]
        numbers = np.stack((view.templates[rows], view.subjects[rows])).astype(_NUMBERS).tobytes()
        vectors = view.vectors[rows].astype(_VECTORS).tobytes()
        sealed = vault.seal(numbers + vectors, _whose(header, first))
        yield len(sealed).to_bytes(_LENGTH, "little")
        yield sealed
