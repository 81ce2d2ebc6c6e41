"""A folder of photos -> a ZIP file to send."""

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from service.cli.errors import CommandError
from service.cli.photos import photos_in
from service.core import manifest


@contextmanager
def packed(source: Path) -> Iterator[BinaryIO]:
    """A ZIP file as it is, or a folder's images and manifest in a file without a name.

    Raises:
        CommandError: there is no image in the folder.
    """
    if source.is_file():
        with source.open("rb") as content:
            yield content
        return
    with tempfile.TemporaryFile() as content:
        _pack(source, content)
        yield content


def _pack(folder: Path, into: BinaryIO) -> None:
    photos = [(photo.path, photo.place) for photo in photos_in(folder)]
    if not photos:
        raise CommandError(f"{folder}: no JPEG, PNG, WebP or BMP file in it.")
    listed = folder / manifest.NAME
    if listed.is_file():
        photos.append((listed, manifest.NAME))
    # Photos are packed already. A file's date may be one that ZIP cannot tell.
    with zipfile.ZipFile(into, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
        for path, place in photos:
            archive.write(path, place)
