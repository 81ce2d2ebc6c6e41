"""Whatever is sent as an image, the answer is the person or a problem with its code."""

import io
import struct
import zlib

import httpx
import numpy as np
import pytest
from desk import Desk
from drawn import draw, encoded, jpeg, photo, png
from PIL import Image


def bomb(side: int = 30_000) -> bytes:
    """A valid PNG of side x side pixels, small as a file."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    squeeze = zlib.compressobj(9)
    row = bytes(1 + side // 8)
    rows = b"".join([squeeze.compress(row * 1000) for _ in range(side // 1000)])
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    data = chunk(b"IDAT", rows + squeeze.flush())
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def animated(kind: str) -> bytes:
    buffer = io.BytesIO()
    frames = [Image.fromarray(photo(person)) for person in (1, 2)]
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


REFUSED = {
    "an empty file": (b"", 415, "unsupported_image"),
    "text": (b"this is no image, whatever its name says\n" * 20, 415, "unsupported_image"),
    "a truncated JPEG": (jpeg(photo(1))[:1500], 415, "unsupported_image"),
    "half a PNG": (png(photo(1))[:600], 415, "unsupported_image"),
    "one pixel": (png(np.zeros((1, 1, 3), np.uint8)), 422, "no_face"),
    "a bomb": (bomb(), 413, "image_too_large"),
    "an animated PNG": (animated("PNG"), 415, "unsupported_image"),
    "an animated WebP": (animated("WEBP"), 415, "unsupported_image"),
    "a GIF": (encoded(Image.fromarray(photo(1)), "GIF"), 415, "unsupported_image"),
    "a TIFF": (encoded(Image.fromarray(photo(1)), "TIFF"), 415, "unsupported_image"),
    "an SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported_image"),
    "a strip": (png(np.zeros((60, 33_000, 3), np.uint8)), 413, "image_too_large"),
    "no face": (png(photo()), 422, "no_face"),
    "21 MB": (png(photo(1)) + bytes(21 * 2**20), 413, "image_too_large"),
    "a face of 20 pixels": (png(photo(1, side=20)), 422, "low_quality"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_an_image_that_cannot_be_used_is_a_problem_with_a_code(desk: Desk, what: str) -> None:
    image, status, code = REFUSED[what]

    for answer in (desk.enroll("a", image), desk.identify(image)):
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
        assert answer.json()["detail"]
    assert desk.client.get(desk.at()).json() | {"subjects": 0} == desk.client.get(desk.at()).json()


def sixteen_bit() -> bytes:
    grey = np.asarray(Image.fromarray(photo(1)).convert("L"))
    return png(grey.astype(np.uint16) * 257)


def turned(orientation: int) -> bytes:
    """Stored lying on its side, with the EXIF tag that puts it upright."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}[orientation]
    return encoded(Image.fromarray(photo(1)).transpose(stored), "JPEG", quality=95, exif=exif)


def with_bad_exif() -> bytes:
    image = jpeg(photo(1))
    app1 = b"\xff\xe1" + struct.pack(">H", 40) + b"Exif\0\0MM\0*" + b"\xff" * 28
    return image[:2] + app1 + image[2:]


ACCEPTED = {
    "JPEG": jpeg(photo(1)),
    "progressive JPEG": jpeg(photo(1), progressive=True),
    "WebP": encoded(Image.fromarray(photo(1)), "WEBP", quality=95),
    "BMP": encoded(Image.fromarray(photo(1)), "BMP"),
    "16-bit grey PNG": sixteen_bit(),
    "CMYK JPEG": encoded(Image.fromarray(photo(1)).convert("CMYK"), "JPEG", quality=95),
    "grey and alpha": encoded(Image.fromarray(photo(1)).convert("LA"), "PNG"),
    "RGB and alpha": encoded(Image.fromarray(photo(1)).convert("RGBA"), "PNG"),
    "palette": encoded(Image.fromarray(photo(1)).quantize(200), "PNG"),
    "upside down, EXIF 3": turned(3),
    "on its side, EXIF 6": turned(6),
    "damaged EXIF": with_bad_exif(),
}


@pytest.mark.parametrize("kind", ACCEPTED)
def test_every_kind_of_still_image_shows_its_person(desk: Desk, kind: str) -> None:
    for person in range(6):
        desk.enroll_person(person)

    [first] = desk.identify(ACCEPTED[kind], top_k=1).json()["candidates"]

    assert first["subject_id"] == "person-1"
    assert first["score"] > 0.98


def test_a_face_on_its_side_without_a_word_of_it_is_another_face(desk: Desk) -> None:
    """So that the test of EXIF orientation above can fail."""
    desk.enroll_person(1)

    [candidate] = desk.identify(png(np.rot90(photo(1)))).json()["candidates"]

    assert candidate["score"] < 0.9


def test_a_face_without_any_surroundings_is_enough(desk: Desk) -> None:
    desk.enroll_person(1)

    assert desk.found(png(draw(1))) == ["person-1"]


def test_the_name_of_the_file_does_not_matter(desk: Desk) -> None:
    for name in ("photo.exe", "../../etc/passwd", "\u0000.jpg", "\U0001f600.jpg", "x" * 1000):
        files = {"image": (name, png(photo(1)), "text/plain")}
        answer = desk.client.post("/identify", data={"gallery": desk.gallery}, files=files)
        assert answer.status_code == 200, answer.text


def test_a_probe_of_a_modality_is_read_as_it_is_said(desk: Desk) -> None:
    answer = desk.identify(png(photo(1, style="vis")), modality="sketch").json()

    assert answer["probe"]["modality"] == "sketch"


def test_all_images_of_a_request_together_are_limited_too(desk: Desk) -> None:
    answer = desk.enroll("a", *[png(photo(person)) for person in range(7)])  # the server takes 6

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "too often" in answer.json()["detail"]


def test_an_image_sent_as_text_is_asked_for_as_a_file(desk: Desk) -> None:
    answer = desk.client.post(
        "/identify", data={"gallery": desk.gallery, "image": "@photo.jpg"}, files={"x": b""}
    )

    assert answer.status_code == 422
    assert "curl -F image=@" in answer.json()["detail"]


def test_answers_never_show_a_vector_or_an_image(client: httpx.Client, desk: Desk) -> None:
    desk.enroll_person(1)

    texts = [
        desk.identify(png(photo(1))).text,
        client.get(desk.at("subjects", "person-1")).text,
        client.get(desk.at("subjects")).text,
    ]

    for text in texts:
        assert "vector" not in text
        assert len(text) < 4000
