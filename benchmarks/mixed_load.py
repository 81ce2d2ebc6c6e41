"""Mixed load at saturation on a real server: durations by operation, memory, errors by code.

    make test-load MINUTES=30 [ARGS="--clients 16 --database postgresql://..."]

Clients enrol, identify, delete and import (eight images in one request) without a pause, on the
shipped model. It ends with 1 where memory grows, or where anything fails otherwise than `busy` or
`rate_limited`. Clients and server share the machine.
"""

import argparse
import io
import itertools
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import psutil
from PIL import Image

ROOT = Path(__file__).parents[1]
PHOTOS = sorted((ROOT / "docs" / "examples" / "people").rglob("*.jpg"))
PROBES = [ROOT / "docs/examples/nir-frame-of-ben.jpg", ROOT / "docs/examples/sketch-of-ada.jpg"]
TURN_AWAY = {"busy", "rate_limited"}
WEIGHTS = {"identify": 60, "enrol": 25, "delete": 10, "import": 5}
GROWTH = 0.10
"""Share by which memory may grow from the end of the first third on, beside the index's own."""


@dataclass
class Record:
    """What has been seen so far; lists are only appended to, which threads may."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, float]] = field(default_factory=list)


class Client:
    """One caller, with subjects of their own."""

    def __init__(self, url: str, number: int, record: Record) -> None:
        self._http = httpx.Client(base_url=url, timeout=120)
        self._random = random.Random(number)  # noqa: S311 - a load, no secret
        self._names = (f"client-{number}/{n}" for n in itertools.count())
        self._mine: list[str] = []
        self._record = record
        self._calls: dict[str, Callable[[], httpx.Response]] = {
            "identify": self._identify,
            "enrol": lambda: self._enrol(1),
            "delete": self._delete,
            "import": lambda: self._enrol(8),
        }

    def work(self, until: float) -> None:
        """Call after call."""
        names, weights = zip(*WEIGHTS.items(), strict=True)
        while time.monotonic() < until:
            name = self._random.choices(names, weights)[0]
            started = time.perf_counter()
            try:
                answer = self._calls[name]()
                code = "" if answer.is_success else answer.json()["code"]
            except httpx.HTTPError as error:
                code = type(error).__name__
            self._record.seconds[name].append(time.perf_counter() - started)
            if code:
                self._record.errors[code] += 1

    def _identify(self) -> httpx.Response:
        path = self._random.choice([*PHOTOS, *PROBES])
        return self._http.post("/identify", files={"image": self._varied(path)})

    def _enrol(self, images: int) -> httpx.Response:
        name = next(self._names)
        paths = [self._random.choice(PHOTOS) for _ in range(images)]
        files = [("image", ("image", self._varied(path))) for path in paths]
        answer = self._http.post("/enroll", data={"subject_id": name}, files=files)
        if answer.is_success:
            self._mine.append(name)
        return answer

    def _delete(self) -> httpx.Response:
        if not self._mine:
            return self._enrol(1)
        name = self._mine.pop(self._random.randrange(len(self._mine)))
        return self._http.delete(f"/galleries/default/subjects/{name}")

    def _varied(self, path: Path) -> bytes:
        """Another size, another brightness, other bytes."""
        with Image.open(path) as image:
            side = self._random.uniform(0.6, 1.4)
            size = int(image.width * side), int(image.height * side)
            pixels = np.asarray(image.convert("RGB").resize(size), np.float32)
        light = pixels * self._random.uniform(0.9, 1.1) + self._random.uniform(-3, 3)
        made = io.BytesIO()
        Image.fromarray(np.clip(light, 0, 255).astype(np.uint8)).save(made, "JPEG", quality=90)
        return made.getvalue()


def main() -> None:
    """Serve, load, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--clients", type=int, default=4 * (os.cpu_count() or 1))
    parser.add_argument("--database", help="SQLAlchemy URL of an empty database")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="null-face-load-") as folder:
        database = given.database or f"sqlite:///{folder}/gallery.db"
        record = _run(given.minutes * 60, given.clients, database, Path(folder) / "log")
    sys.exit(_report(record, given.minutes, given.clients))


def _run(seconds: float, clients: int, database: str, log: Path) -> Record:
    record = Record()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "service.cli", "serve", "--port", port, "--database", database]
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url, server, log)
        until = time.monotonic() + seconds
        threads = [
            threading.Thread(target=Client(url, number, record).work, args=(until,))
            for number in range(clients)
        ]
        for thread in threads:
            thread.start()
        _watch(server.pid, until, record)
        for thread in threads:
            thread.join()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    return record


def _wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(1200):
        if server.poll() is not None:
            raise SystemExit(log.read_text())
        try:
            if httpx.get(f"{url}/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise SystemExit("the server is not ready after four minutes")


def _watch(number: int, until: float, record: Record) -> None:
    process, started = psutil.Process(number), time.monotonic()
    while time.monotonic() < until:
        megabytes = process.memory_info().rss / 2**20
        record.memory.append((time.monotonic() - started, megabytes))
        time.sleep(1)


def _report(record: Record, minutes: float, clients: int) -> int:
    total = sum(map(len, record.seconds.values()))
    print(f"{minutes:g} minutes, {clients} clients, {total:,} calls, {total / minutes / 60:.1f}/s")
    print(f"{'operation':<10}{'calls':>9}{'p50 ms':>9}{'p99 ms':>9}{'most':>9}")
    for name, seconds in sorted(record.seconds.items()):
        half, most = np.percentile(seconds, [50, 99]) * 1000
        print(f"{name:<10}{len(seconds):>9,}{half:>9.0f}{most:>9.0f}{max(seconds) * 1000:>9.0f}")
    print("errors:", ", ".join(f"{code} {n:,}" for code, n in record.errors.items()) or "none")
    tenths = np.array_split(np.array([megabytes for _, megabytes in record.memory]), 10)
    means = [statistics.fmean(part) for part in tenths if len(part)]
    print("memory, MB, by tenth:", " ".join(f"{mean:.0f}" for mean in means))
    growth = means[-1] / means[len(means) // 3] - 1
    print(f"from the first third to the end: {growth:+.1%} (at most {GROWTH:.0%})")
    return int(growth > GROWTH or bool(set(record.errors) - TURN_AWAY))


if __name__ == "__main__":
    main()
