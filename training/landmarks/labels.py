"""Five-point labels, as YuNet sees them, kept only where it agrees with itself in the mirror."""

from collections.abc import Iterator
from functools import lru_cache
from multiprocessing import Pool
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.landmarks import MIRRORED

Rows = NDArray[np.float32]
"""(n, 15) of one image in its own pixels: box x, y, width, height; five points x, y; score."""

Labels = dict[str, Rows | None]

LEAST_SCORE = 0.3
_PAD = 0.25


def label(
    model: Path, data: Path, paths: list[str], processes: int
) -> Iterator[tuple[str, Rows | None]]:
    """YuNet's faces for each path below `data`, in order; None where it finds no face."""
    tasks = [(str(model), str(data), path) for path in paths]
    with Pool(processes) as pool:
        yield from zip(paths, pool.imap(_label_file, tasks, chunksize=50), strict=True)


def save_labels(path: Path, labels: Labels) -> None:
    """Write labels as one `.npz`: names, how many rows each has, and all rows."""
    rows = [np.empty((0, 15), np.float32) if found is None else found for found in labels.values()]
    np.savez_compressed(
        path,
        names=np.array(list(labels)),
        counts=np.array([len(found) for found in rows]),
        rows=np.concatenate(rows),
    )


def load_labels(path: Path) -> Labels:
    """Read what `save_labels` wrote."""
    with np.load(path) as stored:
        names, counts, rows = stored["names"], stored["counts"], stored["rows"]
    parts = np.split(rows, np.cumsum(counts)[:-1])
    pairs = zip(names.tolist(), parts, strict=True)
    return {name: found if len(found) else None for name, found in pairs}


def detect(model: str, image: NDArray[np.uint8], zoom: float = 1.0) -> Rows:
    """YuNet's rows for a (height, width, 3) uint8 BGR image, `zoom` times the size that suits it.

    Enlarged when small and framed by its own border, since YuNet misses tight face crops.
    """
    longest = max(image.shape[:2])
    scale = zoom * (min(4.0, 320 / longest) if longest < 400 else 640 / longest)
    sized = cv2.resize(image, None, fx=scale, fy=scale)
    pad = int(int(_PAD * longest) * scale)
    framed = cv2.copyMakeBorder(sized, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    detector = _detector(model)
    detector.setInputSize((framed.shape[1], framed.shape[0]))
    found = detector.detect(framed)[1]
    rows = np.empty((0, 15), np.float32) if found is None else np.array(found, dtype=np.float32)
    places = np.array([1, 1, 0, 0, *[1] * 10], dtype=np.float32)
    rows[:, :14] = (rows[:, :14] + places * (0.5 - pad)) / scale - places * 0.5
    return rows


def detect_with_care(model: str, image: NDArray[np.uint8], zooms: tuple[float, ...]) -> Rows:
    """The faces found at every zoom and in the mirror, each the mean of all its readings."""
    mirror = np.ascontiguousarray(image[:, ::-1])
    rows = np.empty((0, 15), np.float32)
    for number, zoom in enumerate(zooms):
        back = mirrored_rows(detect(model, mirror, zoom), image.shape[1])
        both = agreed(detect(model, image, zoom), back, tolerance=0.2)
        rows = agreed(rows, both, tolerance=0.2, weight=number) if number else both
    return rows


def mirrored_rows(rows: Rows, width: int) -> Rows:
    """Rows of the mirror image of an image of `width`, in pixels of the image."""
    back = rows.copy()
    back[:, 0] = width - rows[:, 0] - rows[:, 2]
    points = rows[:, 4:14].reshape(-1, 5, 2)[:, MIRRORED]
    points[:, :, 0] = width - 1 - points[:, :, 0]
    back[:, 4:14] = points.reshape(-1, 10)
    return back


def agreed(rows: Rows, others: Rows, tolerance: float, weight: float = 1.0) -> Rows:
    """Rows that both readings of an image hold, averaged, the first with `weight` against 1.

    `tolerance` is the largest mean distance of the points as a share of the eyes' distance.
    """
    kept = []
    for row in rows:
        points = row[4:14].reshape(5, 2)
        eyes = float(np.linalg.norm(points[1] - points[0]))
        errors = np.linalg.norm(others[:, 4:14].reshape(-1, 5, 2) - points, axis=2).mean(axis=1)
        if len(errors) and errors.min() < tolerance * eyes:
            kept.append((weight * row + others[int(errors.argmin())]) / (weight + 1))
    return np.array(kept, dtype=np.float32).reshape(-1, 15)


def _label_file(task: tuple[str, str, str]) -> Rows | None:
    model, data, path = task
    cv2.setNumThreads(1)
    image = np.asarray(cv2.imread(str(Path(data) / path), cv2.IMREAD_COLOR), np.uint8)
    rows = detect_with_care(model, image, zooms=(1.0,))
    return rows if len(rows) else None


@lru_cache(maxsize=1)
def _detector(model: str) -> cv2.FaceDetectorYN:
    return cv2.FaceDetectorYN.create(model, "", (320, 320), LEAST_SCORE, 0.3, 50)
