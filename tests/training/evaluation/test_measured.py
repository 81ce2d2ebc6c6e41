"""What is measured of a photo: the colour of its cheeks, the turn of the head, a drawn shape."""

import numpy as np
import pytest
from PIL import Image

from faces.modality import Modality
from training.evaluation.measured import (
    FEWEST,
    TURNED,
    measured_attributes,
    shape_gap,
    skin_tone,
    thirds,
    turn,
)
from training.evaluation.protocols import Sample, Trial
from training.evaluation.run import gather

FACE = np.array([[40, 50], [80, 50], [60, 70], [45, 90], [75, 90]], dtype=np.float32)


def painted(cheeks, rest=(0, 0, 255)):
    """A blue image whose cheeks alone have a colour of skin."""
    image = np.full((120, 120, 3), rest, dtype=np.uint8)
    image[62:78, 30:46] = cheeks
    image[62:78, 74:90] = cheeks
    return image


def test_skin_tone_is_that_of_the_cheeks_and_lighter_is_more():
    light, dark = (skin_tone(painted(c), FACE) for c in ((240, 205, 180), (95, 60, 40)))
    assert light == pytest.approx(64, abs=2)  # L 85, b 17
    assert dark == pytest.approx(-50, abs=6)  # L 28, b 18
    assert skin_tone(painted((240, 205, 180), rest=(0, 255, 0)), FACE) == pytest.approx(light)


def test_a_grey_photo_has_no_skin_tone():
    assert skin_tone(painted((120, 120, 120), rest=(9, 9, 9)), FACE) is None


def test_cheeks_outside_of_the_image_have_no_skin_tone():
    assert skin_tone(painted((240, 205, 180)), FACE + 500) is None


def test_the_turn_of_the_head_does_not_depend_on_its_tilt_or_size():
    assert turn(FACE) == pytest.approx(0, abs=1e-6)
    turned = FACE + np.array([[0, 0], [0, 0], [10, 0], [0, 0], [0, 0]], dtype=np.float32)
    rotated = 2 * turned @ np.array([[0.8, 0.6], [-0.6, 0.8]], dtype=np.float32)
    assert turn(turned) == pytest.approx(10 / 40)
    assert turn(rotated) == pytest.approx(10 / 40, abs=1e-5)
    assert turn(turned) > TURNED


def test_a_shape_is_compared_after_a_similarity():
    moved = 3 * FACE @ np.array([[0.8, 0.6], [-0.6, 0.8]], dtype=np.float32) + 7
    assert shape_gap(FACE, moved) == pytest.approx(0, abs=1e-5)
    long = FACE * np.array([1, 1.5], dtype=np.float32)
    assert shape_gap(FACE, long) > 0.05


def test_thirds_are_equal_and_few_people_have_none():
    groups = thirds({str(n): float(n) for n in range(90)}, ("low", "middle", "high"))
    assert [list(groups.values()).count(name) for name in ("low", "middle", "high")] == [30, 30, 30]
    assert (groups["0"], groups["45"], groups["89"]) == ("low", "middle", "high")
    assert thirds({str(n): float(n) for n in range(FEWEST - 1)}, "abc") == {}


@pytest.fixture
def trial(tmp_path, write_photo) -> Trial:
    """As many people as thirds need; one photo is black, so that no face is found in it."""
    gallery, probes = [], []
    for person in range(FEWEST + 1):
        photo, sketch = tmp_path / f"{person}.png", tmp_path / f"{person}-sketch.png"
        write_photo(photo, person)
        write_photo(sketch, person, grey=True)
        gallery.append(Sample(f"p{person}", Modality.VIS, photo))
        probes.append(Sample(f"p{person}", Modality.SKETCH, sketch))
    Image.new("RGB", (64, 80)).save(gallery[0].path)
    return Trial("drawn", tuple(gallery), tuple(probes))


def test_people_without_a_face_in_their_photo_are_in_no_group(trial, recipe, tmp_path):
    found = measured_attributes(trial, gather([trial], recipe, cache=tmp_path / "cache"))
    groups = {attribute.name: attribute.groups for attribute in found}
    assert set(groups) == {"skin tone", "head", "shape"}
    for each in groups.values():
        assert set(each) == {f"p{person}" for person in range(1, FEWEST + 1)}
    assert set(groups["head"].values()) == {"frontal"}
