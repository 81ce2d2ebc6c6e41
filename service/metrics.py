"""Prometheus metrics. Counting costs microseconds; labels are routes and codes, never a person.

Where PROMETHEUS_MULTIPROC_DIR is set (`null-face serve --workers N` sets it), the workers of a host
count together, through files in that folder, and any of them answers for all.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
MEDIA_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_ours = CollectorRegistry()

requests = Counter(
    "null_face_requests", "Requests answered.", ("method", "route", "status"), registry=_ours
)
request_seconds = Histogram(
    "null_face_request_seconds",
    "From the first byte of a request to the last of its answer.",
    ("route",),
    buckets=_SECONDS,
    registry=_ours,
)
stage_seconds = Histogram(
    "null_face_stage_seconds",
    "Parts of the work: wait (for a core), decode, locate, align, assess, encode, catch_up, "
    "filter, search, commit.",
    ("stage",),
    buckets=_SECONDS,
    registry=_ours,
)
rejections = Counter(
    "null_face_rejections",
    "Problems answered, and images refused in enrolments that were otherwise done, by code.",
    ("code",),
    registry=_ours,
)
images_waiting = Gauge(
    "null_face_images_waiting",
    "Images that wait for a core.",
    registry=_ours,
    multiprocess_mode="livesum",
)
images_at_work = Gauge(
    "null_face_images_at_work",
    "Images being decoded or encoded.",
    registry=_ours,
    multiprocess_mode="livesum",
)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Time a part of the work, however it ends."""
    started = time.perf_counter()
    try:
        yield
    finally:
        stage_seconds.labels(name).observe(time.perf_counter() - started)


def exposed(state: Collector) -> bytes:
    """Everything counted, and what `state` finds now, in Prometheus' text format."""
    shown = CollectorRegistry()
    shown.register(state)
    folder = os.environ.get(FOLDER)
    if folder is None:
        ProcessCollector(registry=shown)
        return generate_latest(_ours) + generate_latest(shown)
    _forget_the_dead(Path(folder))
    MultiProcessCollector(shown, folder)
    return generate_latest(shown)


def _forget_the_dead(folder: Path) -> None:
    """A worker that was killed is not waiting for anything."""
    for path in folder.glob("gauge_live*_*.db"):
        number = int(path.stem.rsplit("_", 1)[1])
        if not _is_alive(number):
            mark_process_dead(number, str(folder))


def _is_alive(number: int) -> bool:
    with contextlib.suppress(PermissionError):
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return False
    return True
