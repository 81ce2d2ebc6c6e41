"""Make docs/result.png: what the shipped model answers to frames and sketches of drawn people.

Nothing is arranged: forty people are enrolled, the first probes are searched, and the picture shows
what came back, right or wrong. Run from the root, again after the model has changed:
.venv-dev/bin/python docs/make_picture.py
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import drawn_faces  # noqa: E402 - the tests draw the same people

from faces.locate import FacePolicy  # noqa: E402
from faces.modality import Modality  # noqa: E402
from service.core.enroll import EnrollRequest, enroll  # noqa: E402
from service.core.gallery import Candidate  # noqa: E402
from service.core.identify import Search, identify  # noqa: E402
from service.core.ports import Parts  # noqa: E402
from service.settings import Settings  # noqa: E402
from service.wiring import wire  # noqa: E402

PEOPLE = 40
LISTED = 4
PROBES = ((0, "sketch"), (1, "nir"), (4, "sketch"), (6, "nir"))
TILE, GAP, LINE, LEFT = 116, 10, 22, 44
RIGHT_ONE, OTHERS = (34, 139, 84), (150, 150, 150)
COLOURS = 128


def main() -> None:
    """Enrol, identify, draw."""
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{folder}/gallery.db"
        parts = wire(Settings(database_url=database, bundle=ROOT / "models" / "default"))
        for seed in range(PEOPLE):
            _enroll(parts, seed)
        rows = [(seed, kind, _identify(parts, seed, kind)) for seed, kind in PROBES]
        parts.close()
    picture = _picture(rows)
    picture.quantize(COLOURS).save(ROOT / "docs" / "result.png", optimize=True)


def _enroll(parts: Parts, seed: int) -> None:
    data = _jpeg(drawn_faces.photo(drawn_faces.person(seed)))
    request = EnrollRequest(
        images=[lambda: data],
        gallery="default",
        subject_id=str(seed),
        change={},
        modality=Modality.VIS,
        policy=FacePolicy.LARGEST,
    )
    enroll(request, parts)


def _identify(parts: Parts, seed: int, kind: str) -> list[Candidate]:
    search = Search("default", Modality(kind), FacePolicy.LARGEST, top_k=LISTED)
    return list(identify(_jpeg(_probe(seed, kind)), search, parts).candidates)


def _probe(seed: int, kind: str) -> drawn_faces.Image:
    who = drawn_faces.person(seed)
    return drawn_faces.sketch(who) if kind == "sketch" else drawn_faces.near_infrared(who)


def _jpeg(image: drawn_faces.Image) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _picture(rows: list[tuple[int, str, list[Candidate]]]) -> Image.Image:
    height = LINE + len(rows) * (TILE + LINE + GAP)
    width = LEFT + (1 + LISTED) * (TILE + GAP) + LEFT
    picture = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(13)
    pen.text((GAP, 3), "probe", "black", font)
    heading = f"candidates among {PEOPLE} people, most alike first, with their scores"
    pen.text((LEFT + TILE + 2 * GAP, 3), heading, "black", font)
    for row, (seed, kind, candidates) in enumerate(rows):
        top = LINE + row * (TILE + LINE + GAP)
        _tile(picture, _probe(seed, kind), GAP, top)
        pen.text((GAP, top + TILE + 2), kind, "black", font)
        for place, one in enumerate(candidates, 1):
            left = LEFT + place * (TILE + GAP) + GAP
            colour = RIGHT_ONE if one.subject_id == str(seed) else OTHERS
            pen.rectangle((left - 3, top - 3, left + TILE + 2, top + TILE + 2), colour)
            _tile(picture, drawn_faces.photo(drawn_faces.person(int(one.subject_id))), left, top)
            pen.text((left, top + TILE + 2), f"{one.rank}: {one.score:.2f}", colour, font)
    return picture


def _tile(picture: Image.Image, image: drawn_faces.Image, left: int, top: int) -> None:
    picture.paste(
        Image.fromarray(image).resize((TILE, TILE), Image.Resampling.LANCZOS), (left, top)
    )


if __name__ == "__main__":
    main()
