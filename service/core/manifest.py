"""manifest.csv: which file shows which subject, with their name and metadata."""

import csv
import io
import json
import unicodedata

from service.core.errors import ImportTooLarge, InvalidManifest
from service.core.gallery import SubjectChange, subject_id_objection
from service.core.jobs import NewFile

NAME = "manifest.csv"
MAX_BYTES = 32 * 2**20
MAX_PLACE = 1_000
_MAX_NAME = 200
_MAX_METADATA = 16_384
_NEEDED = ("file", "subject_id")


def read(content: bytes, max_files: int) -> list[NewFile]:
    """The files that a manifest names; columns besides file, subject_id and name are metadata.

    A row that cannot be used becomes a file with a `code`.

    Raises:
        InvalidManifest: it is no CSV of UTF-8 with the columns that are needed.
        ImportTooLarge: it names too many files.
    """
    try:
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        columns = rows.fieldnames or ()
    except UnicodeDecodeError as error:
        raise InvalidManifest(f"{NAME} is not UTF-8 (byte {error.start:,}).") from None
    except csv.Error as error:
        raise InvalidManifest(f"{NAME}: {error}.") from None
    if missing := [name for name in _NEEDED if name not in columns]:
        raise InvalidManifest(f"The first line of {NAME} lacks the column {missing[0]}.")
    if len(set(columns)) < len(columns):
        raise InvalidManifest(f"The first line of {NAME} names a column twice.")
    return _files(rows, max_files)


def _files(rows: "csv.DictReader[str]", max_files: int) -> list[NewFile]:
    files: list[NewFile] = []
    try:
        for row in rows:
            if len(files) == max_files:
                raise ImportTooLarge(f"{NAME} names more than {max_files:,} files.")
            files.append(_file(row, rows.line_num))
    except csv.Error as error:
        raise InvalidManifest(f"{NAME}, line {rows.line_num}: {error}.") from None
    return files


def _file(row: dict[str, str], line: int) -> NewFile:
    if None in row or None in row.values():
        raise InvalidManifest(f"{NAME}, line {line}: not as many values as columns.")
    place = row.pop("file").replace("\\", "/").removeprefix("./")
    subject_id = unicodedata.normalize("NFC", row.pop("subject_id"))
    name = row.pop("name", "")
    metadata = {column: value for column, value in row.items() if value}
    objection = (
        place_objection(place)
        or ((o := subject_id_objection(subject_id)) and f"The subject's id {o}.")
        or _change_objection(name, metadata)
    )
    if objection:
        return NewFile(place[:MAX_PLACE], code="invalid_name", detail=f"Line {line}: {objection}")
    change = SubjectChange()
    if name:
        change["name"] = name
    if metadata:
        change["metadata"] = dict(metadata)
    return NewFile(place, subject_id, change)


def place_objection(place: str) -> str | None:
    """Why no file of an import can be called so, or None."""
    if not 1 <= len(place) <= MAX_PLACE:
        return f"A file's path has 1 to {MAX_PLACE:,} characters."
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in place):
        return "A file's path must not contain control characters."
    if any(part in ("", ".", "..") for part in place.split("/")):
        return "A file's path is relative and has no '..' in it."
    return None


def _change_objection(name: str, metadata: dict[str, str]) -> str | None:
    if len(name) > _MAX_NAME:
        return f"A name has at most {_MAX_NAME} characters."
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        return "A name must not contain control characters."
    if "\0" in "".join((*metadata, *metadata.values())):
        return "Metadata must not contain NUL."
    if len(json.dumps(metadata, ensure_ascii=False).encode()) > _MAX_METADATA:
        return f"Metadata must not take more than {_MAX_METADATA:,} bytes as JSON."
    return None
