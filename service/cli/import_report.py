"""The report of an import: what became of each file, as CSV or JSON."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from service.api.job_answers import JobOut

if TYPE_CHECKING:
    from service.cli.remote_jobs import RemoteJobs

ENDINGS = (".csv", ".json")


def checked(path: Path | None) -> Path | None:
    """Refuses a file that could not be written, before anything is sent."""
    if path is None:
        return None
    if path.suffix.lower() not in ENDINGS:
        raise typer.BadParameter("the file's name must end in .csv or .json")
    if not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}")
    return path


def write(path: Path, jobs: "RemoteJobs", job: JobOut) -> None:
    """Write it, in place of an older one."""
    if path.suffix.lower() == ".csv":
        path.write_bytes(jobs.report(job.job_id))
        return
    files = [file.model_dump(mode="json") for file in jobs.files(job.job_id)]
    told = {"job": job.model_dump(mode="json"), "files": files}
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
