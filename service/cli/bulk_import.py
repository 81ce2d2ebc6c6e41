"""null-face import: a ZIP file or a folder, enrolled by the server in the background."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from faces.locate import FacePolicy
from faces.modality import Modality
from service.api.job_answers import JobOut
from service.cli import import_report
from service.cli.errors import CommandError, Refused
from service.cli.import_note import ImportNote
from service.cli.options import DEFAULT_SERVER, Gallery, Server
from service.cli.output import complain, err, out
from service.cli.packing import packed
from service.core.gallery import DEFAULT_GALLERY
from service.core.jobs import JobState
from service.settings import Settings

if TYPE_CHECKING:
    from service.cli.remote_jobs import RemoteJobs

SENDING = "Stopped while sending: what did not arrive as a whole is not imported."
AGAIN = "The same command, given again, goes on; nobody is enrolled twice."


def import_(
    source: Annotated[
        Path,
        typer.Argument(
            exists=True,
            help="A folder a subject, or a manifest.csv that says who is on which file.",
            metavar="ZIP|DIR",
        ),
    ],
    gallery: Gallery = DEFAULT_GALLERY,
    server: Server = DEFAULT_SERVER,
    modality: Annotated[Modality, typer.Option(help="How the photos were taken.")] = Modality.VIS,
    face_policy: Annotated[
        FacePolicy, typer.Option(help="Which face is meant where there are several.")
    ] = FacePolicy.REQUIRE_SINGLE,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write what became of each file; the ending, .csv or .json, says how.",
            metavar="FILE",
            callback=import_report.checked,
        ),
    ] = None,
) -> None:
    """Upload a ZIP file or a folder; the server enrols it while a bar shows how far.

    Ctrl-C cancels the import: nothing more is enrolled, what is enrolled by then stays. Should the
    command die or the connection break, the server goes on, and the same command watches that
    import again. Exit code 1 if it failed, was cancelled elsewhere, or has nobody enrolled; 130
    after Ctrl-C.
    """
    from service.cli.remote import RemoteTarget
    from service.cli.remote_jobs import RemoteJobs

    key = Settings().key
    secret = key.get_secret_value() if key else None
    with closing(RemoteTarget(server, connections=2, key=secret)) as target:
        target.gallery(gallery)
        jobs = RemoteJobs(target)
        note = ImportNote(target.place, gallery, source, modality, face_policy)
        job = _begun(jobs, note, source, gallery, modality, face_policy)
        stopped = False
        try:
            job = _watched(jobs, job)
        except KeyboardInterrupt:
            job, stopped = _cancelled(jobs, job), True
        if report is not None:
            import_report.write(report, jobs, job)
        note.remove()
    _tell(job, stopped=stopped)


def _begun(
    jobs: "RemoteJobs",
    note: ImportNote,
    source: Path,
    gallery: str,
    modality: Modality,
    policy: FacePolicy,
) -> JobOut:
    """The job of an earlier run of this command, or a new one."""
    if note.job_id is not None:
        try:
            return jobs.job(note.job_id)
        except Refused as error:
            if error.code != "unknown_job":
                raise
    try:
        with packed(source) as content, Progress(console=err, transient=True) as progress:
            reader = progress.wrap_file(content, content.seek(0, 2), description="Uploading")
            query = {"modality": str(modality), "face_policy": str(policy)}
            job = jobs.send(gallery, reader, note.key, query)
    except KeyboardInterrupt:
        complain(f"{SENDING} {AGAIN}")
        raise typer.Exit(130) from None
    note.begun(job.job_id)
    return job


def _watched(jobs: "RemoteJobs", job: JobOut) -> JobOut:
    line = f"Import {job.job_id} is under way on the server. Ctrl-C cancels it."
    err.print(line, soft_wrap=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, TextColumn("{task.description}"), console=err)
    with bar as progress, closing(jobs.watch(job.job_id)) as states:
        task = progress.add_task(_counts(job), total=job.files, completed=job.done)
        for state in states:
            job = state
            progress.update(task, completed=job.done, description=_counts(job))
    return job


def _cancelled(jobs: "RemoteJobs", job: JobOut) -> JobOut:
    err.print("Cancelling ...")
    try:
        return jobs.cancel(job.job_id)
    except CommandError as error:
        raise CommandError(f"Not cancelled; the import goes on: {error}") from error


def _tell(job: JobOut, *, stopped: bool) -> None:
    out.print(f"{job.state}: {_counts(job)}; job {job.job_id}", soft_wrap=True)
    if job.state is JobState.CANCELLED:
        left = job.files - job.done
        complain(f"Cancelled: {left:,} files were not looked at; what is enrolled stays. {AGAIN}")
        raise typer.Exit(130 if stopped else 1)
    if job.state is JobState.FAILED:
        raise CommandError(f"{job.detail} ({job.code})")
    if not job.enrolled + job.duplicates:
        raise typer.Exit(1)


def _counts(job: JobOut) -> str:
    return f"{job.enrolled:,} enrolled, {job.duplicates:,} there already, {job.refused:,} refused"
