"""Names of an archive's entries -> which file shows which subject."""

import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

from service.core import manifest
from service.core.gallery import SubjectChange, subject_id_objection
from service.core.jobs import NewFile

IMAGES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
_CLUTTER = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})


def manifest_in(names: Sequence[str]) -> tuple[int, str] | None:
    """Index of the manifest and the folder it lies in ("" or "folder/"), at most one deep."""
    for index, name in enumerate(names):
        folder, _, last = name.rpartition("/")
        if last == manifest.NAME and "/" not in folder and not _is_clutter(name):
            return index, folder and f"{folder}/"
    return None


def by_manifest(names: Sequence[str], listed: Sequence[NewFile], folder: str) -> list[NewFile]:
    """The files that the manifest lists, under the names of the archive; and images it forgot."""
    there = {name for name in names if not name.endswith("/")}
    files = [_found(file, folder, there) for file in listed]
    known = {file.place for file in files}
    forgotten = [
        NewFile(_shown(name), code="not_in_manifest", detail="The manifest does not name it.")
        for name in names
        if _is_image(name) and not _is_clutter(name) and name not in known
    ]
    return [*files, *forgotten]


def _found(file: NewFile, folder: str, there: set[str]) -> NewFile:
    if file.code is not None:
        return file
    for place in (folder + file.place, file.place):
        if place in there:
            return NewFile(place, file.subject_id, file.change)
    return NewFile(file.place, code="missing_file", detail="There is no such file in the archive.")


def by_folder(names: Sequence[str]) -> list[NewFile]:
    """A folder a subject, or a file of its own a subject; what is hidden is left out.

    A folder around all those folders (a ZIP of `people/`) is not taken for a person.
    """
    names = [name for name in names if not name.endswith("/") and not _is_clutter(name)]
    depth = _depth([name.split("/") for name in names if _is_image(name)])
    return [_file(name, depth) for name in names]


def _depth(paths: Sequence[Sequence[str]]) -> int:
    """How many folders lie around the folders of people: one or none."""
    around = {path[0] for path in paths}
    return int(len(around) == 1 and all(len(path) > 2 for path in paths))


def _file(name: str, depth: int) -> NewFile:
    if not _is_image(name):
        detail = "Only .jpg, .jpeg, .png, .webp and .bmp are enrolled; archives are not opened."
        return NewFile(_shown(name), code="unsupported_file", detail=detail)
    if objection := manifest.place_objection(name):
        return NewFile(_shown(name), code="invalid_name", detail=objection)
    parts = name.split("/")[depth:]
    subject = unicodedata.normalize("NFC", parts[0] if len(parts) > 1 else PurePosixPath(name).stem)
    if objection := subject_id_objection(subject):
        return NewFile(_shown(name), code="invalid_name", detail=f"The subject's id {objection}.")
    return NewFile(name, subject, SubjectChange())


def _is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in IMAGES


def _is_clutter(name: str) -> bool:
    parts = name.rstrip("/").split("/")
    hidden = any(part.startswith(".") and part not in (".", "..") for part in parts)
    return hidden or not _CLUTTER.isdisjoint(parts)


def _shown(name: str) -> str:
    """A name that can be stored and shown, whatever it holds."""
    shown = "".join("?" if unicodedata.category(one) in ("Cc", "Cs") else one for one in name)
    return shown[: manifest.MAX_PLACE] or "?"
