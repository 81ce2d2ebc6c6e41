"""null-face identify: who might this be?"""

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from faces.locate import FacePolicy
from service.api.answers import IdentifyOut
from service.api.filters import parse
from service.cli.errors import PHOTO_CODES, Refused
from service.cli.options import (
    DEFAULT_SERVER,
    Gallery,
    Kind,
    Local,
    Server,
    target,
)
from service.cli.output import complain, out
from service.cli.patience import patiently
from service.core.gallery import DEFAULT_GALLERY
from service.core.identify import Search
from service.core.metadata_filter import MetadataFilter


def identify(
    files: Annotated[
        list[Path], typer.Argument(help="Frames, sketches or photos.", metavar="FILE...")
    ],
    gallery: Gallery = DEFAULT_GALLERY,
    server: Server = DEFAULT_SERVER,
    local: Local = False,
    modality: Annotated[Kind, typer.Option(help="How the images came to be.")] = Kind.AUTO,
    where: Annotated[
        list[str] | None,
        typer.Option(
            help="Search only subjects whose metadata has this value; again with the same key: or "
            "that one. A value is read as JSON where it is some.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    top_k: Annotated[int, typer.Option(min=1, max=200, help="How many subjects to list.")] = 10,
    min_score: Annotated[
        float | None, typer.Option(min=-1, max=1, help="List only scores from here up.")
    ] = None,
    target_fpir: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="List only scores that a stranger's search reaches this rarely."
        ),
    ] = None,
    face_policy: Annotated[
        FacePolicy, typer.Option(help="Which face is meant where there are several.")
    ] = FacePolicy.LARGEST,
    purpose: Annotated[
        str | None, typer.Option(help="What for, in your words; kept in the audit.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a file and line.")
    ] = False,
) -> None:
    """Rank the subjects of a gallery by likeness with the face in each file.

    A candidate is a lead to look into, never a proof. Exit code 1 if any file could not be used.
    """
    if min_score is not None and target_fpir is not None:
        raise typer.BadParameter("give --min-score or --target-fpir, not both")
    search = Search(
        gallery,
        modality.modality,
        face_policy,
        top_k,
        min_score,
        target_fpir,
        purpose,
        _filter(where or []),
    )
    failed = False
    with closing(target(server, local=local)) as to:
        for file in files:
            try:
                data = file.read_bytes()
                found = patiently(lambda data=data: to.identify(data, search))  # type: ignore[misc]
            except OSError as error:
                complain(f"{file}: {error.strerror}")
                failed = True
            except Refused as error:
                if error.code not in PHOTO_CODES:
                    raise
                complain(f"{file}: {error}")
                failed = True
            else:
                _show_json(file, found) if as_json else _show(file, found)
    if failed:
        raise typer.Exit(1)


def _filter(where: Sequence[str]) -> MetadataFilter | None:
    """What `--where` asks for; the service's own parser says what is wrong with it."""
    wanted: dict[str, list[object]] = {}
    for one in where:
        key, equals, value = one.partition("=")
        if not equals:
            raise typer.BadParameter(f"--where {one}: KEY=VALUE is needed")
        try:
            wanted.setdefault(key, []).append(json.loads(value))
        except ValueError:
            wanted[key].append(value)
    try:
        return parse(json.dumps(wanted)) if wanted else None
    except ValueError as error:
        raise typer.BadParameter(f"--where: {error}") from error


def _show_json(file: Path, found: IdentifyOut) -> None:
    print(json.dumps({"file": str(file), **found.model_dump(mode="json")}))


def _show(file: Path, found: IdentifyOut) -> None:
    heading = f"{file}: {found.probe.modality}, {found.searched:,} searched"
    out.print(Text(heading, style="bold"), soft_wrap=True)
    if not found.candidates:
        out.print("nobody reaches the threshold")
    else:
        out.print(_table(found))
    for warning in found.warnings:
        complain(warning.detail)


def _table(found: IdentifyOut) -> Table:
    table = Table()
    for heading in ("rank", "score", "FPIR"):
        table.add_column(heading, justify="right")
    table.add_column("subject")
    table.add_column("name")
    for one in found.candidates:
        fpir = "" if one.fpir is None else f"{one.fpir:.3g}"
        table.add_row(
            str(one.rank), f"{one.score:.3f}", fpir, Text(one.subject_id), Text(one.name or "")
        )
    return table
