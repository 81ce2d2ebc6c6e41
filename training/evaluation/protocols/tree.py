"""Finding a data set's files as people have them: other letter case, other suffix, one level up."""

import os
from pathlib import Path

from training.evaluation.protocols.trial import DataMissingError, some

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
UNREAD_SUFFIXES = frozenset({".tif", ".tiff", ".ppm", ".pgm", ".bz2", ".gif", ".heic", ".mat"})
"""What images also come as; `faces.image` decodes none of them."""


def images_in(folder: Path, protocol: str) -> list[Path]:
    """The images directly in `folder`, by name.

    Raises:
        DataMissingError: no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise DataMissingError(f"{protocol}: the folder {folder} is missing.")
    return _no_less_than_one(sorted(folder.iterdir()), folder, protocol)


def images_under(folder: Path, protocol: str) -> list[Path]:
    """The images in `folder` and in every folder below, by path.

    Raises:
        DataMissingError: no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise DataMissingError(f"{protocol}: the folder {folder} is missing.")
    return _no_less_than_one(sorted(walk(folder)), folder, protocol)


def walk(folder: Path) -> list[Path]:
    """Every file below `folder` but hidden ones; links to folders are followed, not in circles."""
    files: list[Path] = []
    above: dict[str, frozenset[str]] = {}
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        passed = above.get(os.path.dirname(parent), frozenset())
        if real in passed:
            folders.clear()
            continue
        above[parent] = passed | {real}
        folders[:] = [name for name in sorted(folders) if not name.startswith(".")]
        files += [Path(parent, name) for name in names if not name.startswith(".")]
    return files


def is_image(path: Path) -> bool:
    """Whether the suffix is that of a format we decode."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def _no_less_than_one(files: list[Path], folder: Path, protocol: str) -> list[Path]:
    images = [path for path in files if is_image(path)]
    if images:
        return images
    unread = sorted({p.suffix.lower() for p in files} & UNREAD_SUFFIXES)
    hint = f"; {', '.join(unread)} files are not read, convert them to PNG" if unread else ""
    raise DataMissingError(f"{protocol}: no image in {folder}{hint}.")


def set_folder(data: Path, name: str, child: str) -> Path:
    """The folder of a data set: `data`/`name`, or `data` itself where that holds `child`."""
    inside = data / name
    return data if not inside.is_dir() and (data / child).is_dir() else inside


def child(folder: Path, *names: str) -> Path | None:
    """The first of `names` that `folder` holds, whatever its letter case."""
    if not folder.is_dir():
        return None
    entries = {path.name.casefold(): path for path in sorted(folder.iterdir())}
    return next((entries[name.casefold()] for name in names if name.casefold() in entries), None)


class Images:
    """The images below a folder, found by a path in any letter case, suffix or none, / or \\."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._paths = {
            _key(os.path.relpath(path, root)): path for path in sorted(walk(root)) if is_image(path)
        }

    def __len__(self) -> int:
        return len(self._paths)

    def find(self, name: str) -> Path | None:
        """The image of that relative path."""
        return self._paths.get(_key(name))

    def all(self) -> list[Path]:
        """Every image, by path."""
        return list(self._paths.values())

    def find_all(self, names: list[str], listed_in: Path, protocol: str) -> list[Path]:
        """The images that a list names.

        Raises:
            DataMissingError: saying how many of them are not there, and the first few.
        """
        found = [self.find(name) for name in names]
        lost = [name for name, path in zip(names, found, strict=True) if path is None]
        if lost:
            raise DataMissingError(
                f"{protocol}: {len(lost)} of {len(names)} images listed in {listed_in.name} are "
                f"not in {self.root}: {some(lost)}"
            )
        return [path for path in found if path is not None]


def _key(name: str) -> str:
    stem, suffix = os.path.splitext(name.replace("\\", "/").casefold())
    return stem if suffix in IMAGE_SUFFIXES else stem + suffix
