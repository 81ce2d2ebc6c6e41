"""A line to the server that is cut while something is being said."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class CutLine:
    """Carries bytes to and fro; cuts a connection where the server says `after`, `left` times."""

    to: tuple[str, int]
    after: bytes
    left: int
    cut: int = 0
    listening: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def run(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self.listening.accept()
                server = socket.create_connection(self.to)
                for way in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._carry, args=way, daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, cuts: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(2**16):
                sink.sendall(data)
                if cuts and self.left and self.after in data:
                    self.left -= 1
                    self.cut += 1
                    break
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def cut_line(url: str, *, after: bytes, cuts: int) -> Iterator[CutLine]:
    """A line to the server at `url`, until the block ends."""
    place = urlsplit(url)
    line = CutLine((str(place.hostname), int(place.port or 80)), after, cuts)
    threading.Thread(target=line.run, daemon=True).start()
    try:
        yield line
    finally:
        line.listening.close()
