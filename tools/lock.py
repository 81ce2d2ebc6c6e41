"""Write constraints.txt: one version of everything that any extra of this project installs.

Nothing is installed: pip resolves, and says what it would take. Versions only, neither hashes nor
places to get them from, so that the file serves on every platform and behind every mirror.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "constraints.txt"
HEADER = """\
# Made by `make lock`; do not edit. One version of everything that any extra installs.
# onnxruntime and faiss stand here twice: the extras `cpu` and `gpu` exclude each other.
"""


def resolve(extras: str, *options: str) -> dict[str, str]:
    """Name -> version of all that `.[extras]` would install."""
    command = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    command += ["--dry-run", "--ignore-installed", "--report", "-", *options, f"{ROOT}[{extras}]"]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    found = (item["metadata"] for item in report["install"] if "dir_info" not in _source(item))
    pins = {_normal(one["name"]): one["version"].partition("+")[0] for one in found}
    # torch and onnxruntime-gpu each name the CUDA libraries that they were built with; a second
    # opinion here would make a CUDA build of torch impossible to install.
    return {name: pin for name, pin in pins.items() if not name.startswith("nvidia-")}


def _source(item: dict[str, dict[str, object]]) -> dict[str, object]:
    return item["download_info"]


def _normal(name: str) -> str:
    """The one spelling of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def lines(pins: dict[str, str]) -> str:
    """The pins as a constraints file."""
    return "".join(f"{name}=={version}\n" for name, version in sorted(pins.items()))


def main() -> None:
    """Resolve the CPU environment first, then the GPU one around it."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    others = sorted(set(extras["optional-dependencies"]) - {"gpu"})
    pins = resolve(",".join(others))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as fixed:
        fixed.write(lines(pins))
        fixed.flush()
        pins = resolve("gpu", "--constraint", fixed.name) | pins
    TARGET.write_text(HEADER + lines(pins))
    print(f"{TARGET.name}: {len(pins)} packages")


if __name__ == "__main__":
    main()
