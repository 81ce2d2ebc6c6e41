"""One preprocessing: the crops of three generated images are the stored ones."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faces.align import CropSpec
from faces.errors import LowQuality, NoFace, SeveralFaces
from faces.locate import Face, FacePolicy
from faces.prepare import prepare

GOLDEN = Path(__file__).parents[1] / "golden" / "crops.npz"
SPEC = CropSpec(
    size=128, template=((45.5, 56.3), (81.5, 56.3), (63.5, 77.7), (47.6, 93.3), (79.4, 93.3))
)


class At:
    """A locator that knows where the faces are: shares of width and height."""

    def __init__(self, *centres: tuple[float, float], size: float = 0.2) -> None:
        self._centres, self._size = centres, size

    def __call__(self, image):
        height, width = image.shape[:2]
        shape = np.array([[-1, -1], [1, -1], [0, 0.2], [-0.9, 1.1], [0.9, 1.1]]) * self._size / 2
        faces = []
        for number, (x, y) in enumerate(self._centres):
            points = (shape + np.array([x, y])) * min(width, height)
            side = 10.0 + number
            box = (x * width - side / 2, y * height - side / 2, side, side)
            faces.append(Face(box, points.astype(np.float32), 0.9))
        return faces


def images() -> dict[str, bytes]:
    """A portrait turned by EXIF, a 16-bit grey and a tiny image."""
    y, x = np.mgrid[:300, :200] / 100
    picture = Image.fromarray(
        (np.stack([np.sin(5 * x), np.cos(4 * y), np.sin(3 * x * y)], -1) * 110 + 128).astype(
            np.uint8
        )
    )
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = io.BytesIO()
    picture.transpose(Image.Transpose.ROTATE_90).save(turned, "PNG", exif=exif)
    deep = io.BytesIO()
    Image.fromarray((np.sin(6 * x + y) * 30000 + 32768).astype(np.uint16)).save(deep, "PNG")
    tiny = io.BytesIO()
    picture.resize((24, 30), Image.Resampling.BOX).save(tiny, "BMP")
    return {"turned": turned.getvalue(), "deep": deep.getvalue(), "tiny": tiny.getvalue()}


def crop_of(data: bytes) -> np.ndarray:
    return prepare(data, locate=At((0.5, 0.45)), spec=SPEC).crop


@pytest.mark.parametrize("name", ["turned", "deep", "tiny"])
def test_the_crop_is_the_stored_one(name):
    stored = np.load(GOLDEN)[name].astype(np.float32) / 255
    assert np.abs(crop_of(images()[name]) - stored).max() <= 1 / 255


def test_a_face_policy_says_which_face_is_meant():
    data = images()["tiny"]
    corner, middle = (0.1, 0.1), (0.5, 0.5)
    locate = At(middle, corner)
    with pytest.raises(SeveralFaces) as refusal:
        prepare(data, locate=locate, spec=SPEC, policy=FacePolicy.REQUIRE_SINGLE)
    assert len(refusal.value.boxes) == 2
    largest = prepare(data, locate=locate, spec=SPEC, policy=FacePolicy.LARGEST)
    centred = prepare(data, locate=locate, spec=SPEC, policy=FacePolicy.CENTERED)
    assert largest.face.box[2] == 11
    assert centred.face.box[2] == 10


def test_no_face_is_refused():
    with pytest.raises(NoFace):
        prepare(images()["tiny"], locate=At(), spec=SPEC)


def test_a_face_without_extent_is_refused():
    with pytest.raises(LowQuality):
        prepare(images()["tiny"], locate=At((0.5, 0.5), size=0), spec=SPEC)
