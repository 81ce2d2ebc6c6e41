"""The real service as a user starts it, in a process of its own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "models" / "default"
NULL_FACE = (sys.executable, "-m", "service.cli")


def null_face(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*NULL_FACE, *map(str, words)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@contextlib.contextmanager
def served(database: Path, *options: str) -> Iterator[str]:
    """`null-face serve` with the shipped model, until the block ends; gives its address."""
    with free_port() as port:
        address = f"http://127.0.0.1:{port}"
    command = [*NULL_FACE, "serve", "--port", str(port), "--database", f"sqlite:///{database}"]
    log = database.with_suffix(".log")
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, "--bundle", str(SHIPPED), *options], cwd=ROOT, stdout=output, stderr=output
        )
        try:
            wait_until_ready(address, process, log)
            yield address
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


@contextlib.contextmanager
def free_port() -> Iterator[int]:
    """A port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]


def wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Ask /readyz until it says yes."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{address}/readyz", timeout=5).status_code == 200:
                return
        time.sleep(0.1)
    raise TimeoutError(log.read_text())
