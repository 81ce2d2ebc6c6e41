"""Which code this is, for the record of a run."""

import subprocess
from pathlib import Path


def git_revision() -> str:
    """Revision of the code, marked `-dirty` where files differ; 'unknown' without git."""
    here = Path(__file__).parent
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=40"],  # noqa: S607
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or "unknown"
