"""Running the service for tests: in a thread, or in a process of its own that can be killed."""

import argparse
import contextlib
import faulthandler
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn
from drawn import locate
from fastapi import FastAPI

from service import logs
from service.app import create_app
from service.settings import Settings
from service.wiring import wire

ROOT = Path(__file__).parents[2]


def settings_for(database: str, bundle: Path, **more: object) -> Settings:
    """Settings that no environment changes; `database` is a URL."""
    return Settings(_env_file=None, database_url=database, bundle=bundle, **more)


@contextlib.contextmanager
def in_thread(app: FastAPI, **options: object) -> Iterator[str]:
    """Serve over real HTTP until the block ends; gives the base URL."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, access_log=False, **options)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


@dataclass
class Process:
    """The service in a process of its own."""

    url: str
    handle: subprocess.Popen[bytes]

    def kill(self) -> None:
        """kill -9."""
        self.handle.kill()
        self.handle.wait()


def start(database: str, bundle: Path, log: Path | None = None) -> Process:
    """Start a process; `wait_until_ready` before using it. Its port is free when it is chosen."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, __file__, database, str(bundle), str(port)]
    output = log.open("ab") if log else subprocess.DEVNULL
    paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    environment = os.environ | {"PYTHONPATH": paths}
    handle = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    return Process(f"http://127.0.0.1:{port}", handle)


def wait_until_ready(process: Process, seconds: float = 180) -> None:
    """Poll /readyz; a process that does not come up says in its log where it hangs."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.handle.poll() is None, f"it ended with {process.handle.returncode}"
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{process.url}/readyz", timeout=5).status_code == 200:
                return
        time.sleep(0.05)
    process.handle.send_signal(signal.SIGABRT)
    raise TimeoutError(process.url)


def main() -> None:
    """What `start` runs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("port", type=int)
    given = parser.parse_args()
    faulthandler.enable()
    logs.configure("info")
    parts = wire(settings_for(given.database, given.bundle, parallel=2), locate)
    uvicorn.run(create_app(parts), port=given.port, log_config=None, access_log=False)


if __name__ == "__main__":
    main()
