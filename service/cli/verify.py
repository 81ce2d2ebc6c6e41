"""null-face verify: one person or two?"""

import json
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from faces.locate import FacePolicy
from service.api.answers import VerifyOut
from service.cli.errors import CommandError
from service.cli.options import DEFAULT_SERVER, Kind, Local, Server, target
from service.cli.output import complain, out
from service.cli.patience import patiently
from service.core.verify import Reference, Threshold


def verify(
    a: Annotated[Path, typer.Argument(metavar="A", help="An image.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="The image to compare it with.")],
    server: Server = DEFAULT_SERVER,
    local: Local = False,
    modality: Annotated[Kind, typer.Option(help="How A came to be.")] = Kind.AUTO,
    reference_modality: Annotated[Kind, typer.Option(help="How B came to be.")] = Kind.AUTO,
    min_score: Annotated[
        float | None, typer.Option(min=-1, max=1, help="Least score of a match.")
    ] = None,
    target_fmr: Annotated[
        float | None, typer.Option(min=0, max=1, help="False match rate to accept.")
    ] = None,
    face_policy: Annotated[
        FacePolicy, typer.Option(help="Which face is meant where there are several.")
    ] = FacePolicy.LARGEST,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare the faces in two images. Exit code 0 whatever the answer, 1 if there is none."""
    if min_score is not None and target_fmr is not None:
        raise typer.BadParameter("give --min-score or --target-fmr, not both")
    probe, image = _read(a), _read(b)
    reference = Reference(image, reference_modality.modality)
    at = Threshold(min_score, target_fmr)
    with closing(target(server, local=local)) as to:
        found = patiently(lambda: to.verify(probe, modality.modality, face_policy, reference, at))
    if as_json:
        print(json.dumps(found.model_dump(mode="json")))
        return
    out.print(_sentence(found))
    for warning in found.warnings:
        complain(warning.detail)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error


def _sentence(found: VerifyOut) -> str:
    answer = {True: "match", False: "no match", None: "no threshold is known"}[found.match]
    fmr = "" if found.fmr is None else f", FMR at this score {found.fmr:.3g}"
    least = "" if found.threshold is None else f", threshold {found.threshold:.3f}"
    return f"{answer}: score {found.score:.3f}{least}{fmr}"
