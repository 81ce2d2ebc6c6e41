"""null-face import: a ZIP file or a folder, enrolled by the server in the background."""

import tempfile
import zipfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from faces.locate import FacePolicy
from faces.modality import Modality
from service.api.job_answers import JobOut
from service.cli.errors import CommandError, Refused
from service.cli.import_note import ImportNote
from service.cli.options import DEFAULT_SERVER, Gallery, Server
from service.cli.output import complain, err, out
from service.core.gallery import DEFAULT_GALLERY
from service.core.jobs import JobState
from service.core.layout import IMAGES
from service.core.manifest import NAME
from service.settings import Settings

if TYPE_CHECKING:
    from service.cli.remote_jobs import RemoteJobs


def import_(
    source: Annotated[
        Path,
        typer.Argument(
            exists=True, help="A folder a subject, or a manifest.csv.", metavar="ZIP|DIR"
        ),
    ],
    gallery: Gallery = DEFAULT_GALLERY,
    server: Server = DEFAULT_SERVER,
    modality: Annotated[Modality, typer.Option(help="How the photos were taken.")] = Modality.VIS,
    face_policy: Annotated[
        FacePolicy, typer.Option(help="Which face is meant where there are several.")
    ] = FacePolicy.REQUIRE_SINGLE,
    report: Annotated[
        Path | None, typer.Option(help="Write what became of each file.", metavar="FILE.csv")
    ] = None,
) -> None:
    """Upload a ZIP file or a folder; the server enrols it while a bar shows how far.

    Broken off, the import goes on; the same command watches it again. Exit code 1 if it failed or
    was cancelled, 130 after Ctrl-C.
    """
    from service.cli.remote import RemoteTarget
    from service.cli.remote_jobs import RemoteJobs

    key = Settings().key
    with closing(RemoteTarget(server, key=key.get_secret_value() if key else None)) as target:
        target.gallery(gallery)
        jobs, note = RemoteJobs(target), ImportNote(target.place, gallery, source)
        try:
            job = _begun(jobs, note, source, gallery, modality, face_policy)
            job = _watched(jobs, job)
        except KeyboardInterrupt:
            complain("Broken off. What has arrived goes on; run the same command again to watch.")
            raise typer.Exit(130) from None
        if report is not None:
            report.write_bytes(jobs.report(job.job_id))
        note.remove()
    out.print(f"{job.state}: {_line(job)}; job {job.job_id}", soft_wrap=True)
    if job.state is not JobState.DONE:
        raise CommandError(job.detail or "The import was cancelled.")


def _begun(
    jobs: "RemoteJobs",
    note: ImportNote,
    source: Path,
    gallery: str,
    modality: Modality,
    policy: FacePolicy,
) -> JobOut:
    if note.job_id is not None:
        try:
            return jobs.job(note.job_id)
        except Refused as error:
            if error.code != "unknown_job":
                raise
    err.print("Uploading ...")
    with source.open("rb") if source.is_file() else _zipped(source) as content:
        job = jobs.send(gallery, content, note.key, modality=modality, face_policy=policy)
    note.begun(job.job_id)
    return job


def _zipped(folder: Path) -> BinaryIO:
    """Images and manifest, in a file without a name."""
    content = tempfile.TemporaryFile()  # noqa: SIM115 - closed by whoever sends it
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted(folder.rglob("*")):
            wanted = path.suffix.lower() in IMAGES or path.name == NAME
            if wanted and path.is_file():
                archive.write(path, path.relative_to(folder))
    return content


def _watched(jobs: "RemoteJobs", job: JobOut) -> JobOut:
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.description}"), console=err) as progress:
        task = progress.add_task(_line(job), total=job.files, completed=job.done)
        for state in jobs.watch(job.job_id):
            job = state
            progress.update(task, completed=job.done, description=_line(job))
    return job


def _line(job: JobOut) -> str:
    return f"{job.enrolled:,} enrolled, {job.duplicates:,} there already, {job.refused:,} refused"
