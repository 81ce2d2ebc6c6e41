"""Bytes -> upright RGB: what is read, how, and what is refused."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from faces.errors import ImageError, ImageTooLarge, UnsupportedImage
from faces.image import ImageLimits, decode


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def gradient(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
    row = np.linspace(0, 255, size[0]).astype(np.uint8)
    return Image.fromarray(np.tile(row, (size[1], 1))).convert(mode)


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"
        + body
        + struct.pack(">I", zlib.crc32(body))
        + b"\x00\x00\x00\x00IDAT\x35\xaf\x06\x1e\x00\x00\x00\x00IEND\xae\x42\x60\x82"
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
def test_the_four_formats_give_the_same_pixels(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels = decode(encoded(gradient(), kind, **options))
    assert pixels.shape == (30, 40, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - np.asarray(gradient()).astype(int)).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation):
    upright = gradient()
    turned = {
        1: upright,
        2: upright.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: upright.transpose(Image.Transpose.ROTATE_180),
        4: upright.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: upright.transpose(Image.Transpose.TRANSPOSE),
        6: upright.transpose(Image.Transpose.ROTATE_90),
        7: upright.transpose(Image.Transpose.TRANSVERSE),
        8: upright.transpose(Image.Transpose.ROTATE_270),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = decode(encoded(turned, exif=exif))
    assert np.array_equal(pixels, np.asarray(upright))


def test_a_16_bit_grey_keeps_its_greys():
    wide = np.linspace(0, 65535, 40).astype(np.uint16)
    pixels = decode(encoded(Image.fromarray(np.tile(wide, (30, 1)))))
    assert np.abs(pixels[0, :, 0].astype(int) - np.linspace(0, 255, 40)).max() <= 1


def test_cmyk_becomes_rgb():
    assert decode(encoded(gradient("CMYK"), "JPEG")).shape == (30, 40, 3)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
def test_what_is_transparent_is_white(mode):
    image = Image.new("RGBA", (8, 8), (10, 20, 30, 0))
    image.paste((10, 20, 30, 255), (0, 0, 4, 8))
    pixels = decode(encoded(image.convert(mode)))
    assert (pixels[:, 6] == 255).all()
    assert (pixels[:, 1] < 40).all()


@pytest.mark.parametrize(
    "data",
    [b"", b"hello, I am no image", b"\xff\xd8\xff", encoded(gradient(), "GIF"), png_header(9, 9)],
    ids=["empty", "text", "jpeg marker", "gif", "png without pixels"],
)
def test_what_is_no_readable_image_is_refused(data):
    with pytest.raises(UnsupportedImage):
        decode(data)


def test_a_truncated_jpeg_is_refused():
    with pytest.raises(UnsupportedImage):
        decode(encoded(gradient(size=(400, 300)), "JPEG")[:-400])


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_refused(kind):
    frames = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (0, 120, 240)]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    with pytest.raises(UnsupportedImage, match="animated"):
        decode(data)


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (8000, 8000), (2**31 - 1, 1)])
def test_a_bomb_is_refused_from_its_header(width, height):
    with pytest.raises(ImageTooLarge):
        decode(png_header(width, height))


def test_too_many_bytes_are_refused_unread():
    with pytest.raises(ImageTooLarge, match="bytes"):
        decode(b"x" * 101, ImageLimits(max_bytes=100))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_damage_is_an_image_error_or_an_image(data):
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "BMP"]))
    whole = bytearray(encoded(gradient(), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    try:
        pixels = decode(bytes(whole[: len(whole) - cut // 4]), ImageLimits(max_pixels=10_000))
    except ImageError:
        return
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3
