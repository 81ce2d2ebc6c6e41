"""Refuse files that must not be committed: too large, pickled weights, private keys."""

import sys
from pathlib import Path

MAX_BYTES = 40 * 2**20
PICKLED = {".pt", ".pth", ".pkl", ".ckpt"}
KEY_MARK = b"-----BEGIN " + b"PRIVATE KEY-----"


def objection(path: Path) -> str | None:
    """Why `path` must not be committed, or None."""
    if path.suffix in PICKLED:
        return "pickled weights run code when they are loaded; export to ONNX"
    if path.stat().st_size > MAX_BYTES:
        return f"larger than {MAX_BYTES // 2**20} MB"
    head = path.read_bytes()[:4096].replace(b"RSA ", b"").replace(b"EC ", b"")
    return "a private key" if KEY_MARK in head else None


def main(names: list[str]) -> int:
    """Print what is wrong; 1 if anything is."""
    found = {name: objection(Path(name)) for name in names if Path(name).is_file()}
    refused = {name: reason for name, reason in found.items() if reason}
    for name, reason in refused.items():
        print(f"{name}: {reason}", file=sys.stderr)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
