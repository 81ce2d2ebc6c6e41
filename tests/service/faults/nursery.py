"""Workers that start at once: a process that has imported everything forks one for each order.

Every worker is the real service with the tiny model, in a hurry: it writes snapshots, compacts the
log and goes round so often that kill -9 meets it at that, too.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx
import uvicorn
from drawn import locate
from moving import KEY, reembed_gallery
from serving import ROOT, settings_for

from service import logs, wiring
from service.adapters import sql_turns
from service.adapters.snapshots import Snapshots
from service.adapters.sql_jobs import SqlJobs
from service.adapters.sql_store import SqlStore
from service.app import create_app
from service.core import importer, imports, reembed
from service.core.errors import Busy
from service.core.importer import Importer
from service.core.upkeep import Upkeep
from service.settings import Settings


@dataclass(frozen=True)
class Order:
    """What a process is to serve; `database` is a URL.

    With a `next_bundle` it keeps crops, encrypted. With a `target`, a bundle too, it serves nobody
    but takes the gallery over to that one.
    """

    database: str
    bundle: str
    next_bundle: str | None
    folder: str
    port: int = 0
    target: str | None = None


@dataclass(frozen=True)
class Worker:
    """A worker that was ordered; it may not be ready yet, and may be dead."""

    pid: int
    url: str
    database: str

    def kill(self) -> None:
        """kill -9."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    @property
    def is_alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def wait_until_ready(self, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                # (Without `verify` no certificates are loaded, which takes longer than the rest.)
                ready = httpx.get(f"{self.url}/readyz", timeout=10, verify=False)
                if ready.status_code == 200:
                    return
            time.sleep(0.03)
        raise TimeoutError(self.url)


class Nursery:
    """The process that forks."""

    def __init__(self, bundle: Path, folder: Path, next_bundle: Path | None = None) -> None:
        self._bundle, self._folder, self._next = bundle, folder, next_bundle
        here = Path(__file__).parent
        paths = os.pathsep.join(map(str, (ROOT, here.parent, here)))
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def worker(self, database: str) -> Worker:
        """Fork one; its port is free when it is chosen."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        pid = self._fork(database, port=port)
        return Worker(pid, f"http://127.0.0.1:{port}", database)

    def mover(self, database: str, target: Path) -> Worker:
        """Fork one that takes the gallery over to another bundle, and ends."""
        return Worker(self._fork(database, target=str(target)), "", database)

    def _fork(self, database: str, **more: object) -> int:
        following = self._next and str(self._next)
        order = Order(database, str(self._bundle), following, str(self._folder), **more)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(asdict(order)), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)


def obey(order: Order) -> None:
    """What a forked process does until it is killed."""
    output = os.open(Path(order.folder) / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    logs.configure("warning")
    if order.target is None:
        serve(order)
    else:
        move(order, Path(order.target))


def serve(order: Order) -> None:
    """The service, in a hurry."""
    # No operator can set these; what is wired is otherwise what they run.
    wiring.Snapshots = partial(Snapshots, least=1, every=0.0)
    wiring.SqlStore = partial(SqlStore, keep=10)
    wiring.Upkeep = partial(Upkeep, period=0.1)
    wiring.SqlJobs = partial(SqlJobs, lease=timedelta(seconds=1))
    wiring.Importer = partial(Importer, period=0.2)
    importer.SWEEP = 0.5
    imports._ABANDONED = 5.0
    sql_turns.MOST_STALLS = 1000
    parts = wiring.wire(settings_of(order), locate)
    uvicorn.run(create_app(parts), port=order.port, log_config=None, access_log=False)


def move(order: Order, target: Path) -> None:
    """As `null-face reembed run`, a few crops at a time; again where the database is busy."""
    reembed.embed = partial(reembed.embed, batch=4)
    while True:
        with contextlib.suppress(Busy):
            reembed_gallery(settings_of(order), target)
            return


def settings_of(order: Order) -> Settings:
    folder = Path(order.folder)
    moves = {"next_bundle": order.next_bundle, "keep_crops": True, "encryption_keys": KEY}
    return settings_for(
        order.database,
        Path(order.bundle),
        parallel=2,
        snapshots=folder / "index",
        imports=folder / "imports",
        rate_limit="1000000/minute",
        **(moves if order.next_bundle else {}),
    )


def bury(*_: object) -> None:
    """Wait for children that are dead, so that their CPU time counts as this process's."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def main() -> None:
    """Fork for each line of standard input."""
    signal.signal(signal.SIGCHLD, bury)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            sys.stdin.close()
            try:
                obey(Order(**json.loads(line)))
            finally:
                os._exit(1)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
