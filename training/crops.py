"""Crops of many images, made once by `faces.prepare` and kept on disk.

A crop depends on the bytes of the image, the crop spec, the locator and `prepare.VERSION`, and on
nothing else; all images of one such recipe share a folder with three growing files:

    crops.bin    uint8 (rows, size, size) or (rows, size, size, 3); zeros where no face was found
    faces.bin    float32 (rows, 15): box, five points, score; NaN where no face was found
    index.json   sha256 of the image of each row and the code of its refusal; written last

A row that the index does not name does not exist, so an interrupted run is simply taken up again.
"""

import fcntl
import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from faces import prepare
from faces.align import CropSpec
from faces.errors import FaceError
from faces.locate import Face, Locator

CACHE = Path(".cache/crops")
CHUNK = 128
"""Images a worker takes at once; each opens the locator anew, and each rewrites the index."""
FACE_NUMBERS = 15


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides a crop besides the image.

    `open_locator` must be picklable (it runs in worker processes); `locator` says which locator
    it is, for example by the sha256 of its files, so that another one never meets old crops.
    """

    spec: CropSpec
    open_locator: Callable[[], Locator]
    locator: str

    @property
    def key(self) -> str:
        """Name of the folder that holds the crops of this recipe."""
        parts = {"spec": asdict(self.spec), "version": prepare.VERSION, "locator": self.locator}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]


class Crops(NamedTuple):
    """Crops in the order of the paths asked for.

    `crops` is uint8 (n, size, size) or (n, size, size, 3), a memory map where the rows lie side by
    side on disk; divided by 255 it equals what `faces.align` returns, to 1e-6. `found` (n,) is
    False, `faces` (n, 15) NaN and `refusals` the error's code where there is no crop.
    """

    crops: NDArray[np.uint8]
    found: NDArray[np.bool_]
    faces: NDArray[np.float32]
    refusals: list[str]


@dataclass(frozen=True, slots=True, eq=False)
class _Attempt:
    sha256: str
    crop: NDArray[np.uint8] | None
    face: Face | None
    refusal: str


def prepared_crop(path: Path, locate: Locator, spec: CropSpec) -> NDArray[np.uint8] | None:
    """The crop of the largest face in one image file, or None if the image is refused."""
    return _attempt(path, locate, spec).crop


def cached_crops(
    paths: Sequence[Path],
    recipe: Recipe,
    *,
    cache: Path = CACHE,
    processes: int = 1,
    progress: bool = True,
) -> Crops:
    """Crops of many image files, taken from `cache` or made and put there.

    Raises:
        OSError: a path cannot be read. An image that is refused is not an error.
    """
    folder = cache / recipe.key
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    known = {digest for digest, _ in _read_index(folder)}
    lacking = {d: path for d, path in zip(digests, paths, strict=True) if d not in known}
    for attempts in _attempts(list(lacking.values()), recipe, processes, progress):
        _append(folder, recipe.spec, attempts)
    return _take(folder, recipe.spec, digests)


def _attempt(path: Path, locate: Locator, spec: CropSpec) -> _Attempt:
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    try:
        prepared = prepare.prepare(data, locate=locate, spec=spec)
    except FaceError as error:
        return _Attempt(digest, None, None, error.code)
    crop = np.rint(prepared.crop * np.float32(255)).astype(np.uint8)
    return _Attempt(digest, crop, prepared.face, "")


def _attempt_chunk(paths: Sequence[Path], recipe: Recipe) -> list[_Attempt]:
    locate = recipe.open_locator()
    return [_attempt(path, locate, recipe.spec) for path in paths]


def _attempts(
    paths: list[Path], recipe: Recipe, processes: int, progress: bool
) -> Iterator[list[_Attempt]]:
    chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    work = partial(_attempt_chunk, recipe=recipe)
    bar = Progress(
        TextColumn("crops"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        disable=not (progress and paths),
    )
    with bar, _mapper(min(processes, len(chunks))) as each:
        task = bar.add_task("crops", total=len(paths))
        for attempts in each(work, chunks):
            bar.advance(task, len(attempts))
            yield attempts


@contextmanager
def _mapper(processes: int) -> Iterator[Callable[..., Iterator[list[_Attempt]]]]:
    """`map`, over spawned processes where more than one is wanted.

    Spawned, not forked: the caller may hold threads of torch, ONNX Runtime or CUDA.
    """
    if processes < 2:
        yield map
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        yield pool.imap


def _read_index(folder: Path) -> list[tuple[str, str]]:
    path = folder / "index.json"
    if not path.exists():
        return []
    return [(digest, refusal) for digest, refusal in json.loads(path.read_text())]


def _append(folder: Path, spec: CropSpec, attempts: Sequence[_Attempt]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        index = _read_index(folder)
        known = {digest for digest, _ in index}
        fresh = [attempt for attempt in attempts if attempt.sha256 not in known]
        _write_rows(folder / "crops.bin", len(index), [_crop_row(a, spec) for a in fresh])
        _write_rows(folder / "faces.bin", len(index), [_face_row(a.face) for a in fresh])
        index += [(attempt.sha256, attempt.refusal) for attempt in fresh]
        unfinished = folder / "index.json.part"
        unfinished.write_text(json.dumps(index))
        os.replace(unfinished, folder / "index.json")


def _write_rows(path: Path, start: int, rows: Sequence[NDArray[np.generic]]) -> None:
    """Write from row `start` on, over whatever an interrupted run may have left there."""
    if not rows:
        return
    path.touch()
    with path.open("r+b") as file:
        file.seek(start * rows[0].nbytes)
        file.write(b"".join(row.tobytes() for row in rows))
        file.flush()
        os.fsync(file.fileno())


def _crop_shape(spec: CropSpec) -> tuple[int, ...]:
    return (spec.size, spec.size) if spec.colour == "grey" else (spec.size, spec.size, 3)


def _crop_row(attempt: _Attempt, spec: CropSpec) -> NDArray[np.uint8]:
    return np.zeros(_crop_shape(spec), np.uint8) if attempt.crop is None else attempt.crop


def _face_row(face: Face | None) -> NDArray[np.float32]:
    if face is None:
        return np.full(FACE_NUMBERS, np.nan, dtype=np.float32)
    return np.array([*face.box, *face.points.ravel(), face.score], dtype=np.float32)


def face_of_row(row: NDArray[np.float32]) -> Face:
    """The face that a row of `Crops.faces` describes."""
    x, y, width, height = (float(number) for number in row[:4])
    return Face((x, y, width, height), np.array(row[4:14]).reshape(5, 2), float(row[14]))


def _take(folder: Path, spec: CropSpec, digests: Sequence[str]) -> Crops:
    shape = _crop_shape(spec)
    if not digests:
        return Crops(
            np.empty((0, *shape), np.uint8),
            np.empty(0, np.bool_),
            np.empty((0, FACE_NUMBERS), np.float32),
            [],
        )
    index = _read_index(folder)
    row_of = {digest: row for row, (digest, _) in enumerate(index)}
    rows = np.array([row_of[digest] for digest in digests])
    crops: NDArray[np.uint8] = np.memmap(
        folder / "crops.bin", np.uint8, mode="r", shape=(len(index), *shape)
    )
    faces = np.memmap(folder / "faces.bin", np.float32, mode="r", shape=(len(index), FACE_NUMBERS))
    refusals = [index[row][1] for row in rows]
    side_by_side = bool((np.diff(rows) == 1).all())
    return Crops(
        crops=crops[rows[0] : rows[-1] + 1] if side_by_side else crops[rows],
        found=np.array([not refusal for refusal in refusals]),
        faces=np.array(faces[rows]),
        refusals=refusals,
    )
