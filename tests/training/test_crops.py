"""Crops come from `faces.prepare` and nowhere else, once, and survive interruption."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faces.align import CropSpec
from faces.locate import Face
from faces.prepare import prepare
from training.crops import Recipe, cached_crops, face_of_row, prepared_crop

SPEC = CropSpec(size=32, template=((10, 12), (22, 12), (16, 18), (12, 24), (20, 24)))


class WholeImage:
    """A locator that takes the whole image for a face, unless it is black; counts its calls."""

    def __init__(self, log: Path | None = None) -> None:
        self.log = log

    def __call__(self, image):
        if self.log is not None:
            with self.log.open("a") as file:
                file.write("located\n")
        height, width = image.shape[:2]
        if image.max() == 0:
            return []
        share = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
        points = (share * (width, height)).astype(np.float32)
        return [Face((0.0, 0.0, float(width), float(height)), points, 0.9)]


def recipe(log: Path | None = None, spec: CropSpec = SPEC, locator: str = "whole") -> Recipe:
    return Recipe(spec, partial(WholeImage, log), locator)


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{n}.png" for n in range(5)]
    for n, path in enumerate(paths):
        pixels = rng.integers(1, 256, (40, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels * (n != 2)).save(path)  # the third is black: no face
    return paths


def located(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_crops_equal_what_prepare_makes(photos, tmp_path):
    crops, found, _, _ = cached_crops(photos, recipe(), cache=tmp_path / "cache")
    for path, crop, ok in zip(photos, crops, found, strict=True):
        if ok:
            expected = prepare(path.read_bytes(), locate=WholeImage(), spec=SPEC).crop
            assert np.abs(crop / 255 - expected).max() < 1e-6


def test_an_image_without_a_face_has_a_refusal_and_no_crop(photos, tmp_path):
    crops, found, faces, refusals = cached_crops(photos, recipe(), cache=tmp_path / "cache")
    assert found.tolist() == [True, True, False, True, True]
    assert refusals == ["", "", "no_face", "", ""]
    assert crops[2].max() == 0
    assert np.isnan(faces[2]).all()
    assert prepared_crop(photos[2], WholeImage(), SPEC) is None


def test_the_face_is_kept_beside_the_crop(photos, tmp_path):
    row = cached_crops(photos, recipe(), cache=tmp_path / "cache").faces[0]
    face = face_of_row(row)
    assert face.box == (0, 0, 30, 40)
    assert face.points[1].tolist() == pytest.approx([21, 16])
    assert face.score == pytest.approx(0.9)


def test_a_second_call_makes_nothing_again(photos, tmp_path):
    log = tmp_path / "log"
    for _ in range(2):
        cached_crops(photos, recipe(log), cache=tmp_path / "cache")
    assert located(log) == 5


def test_other_images_are_added_and_any_order_can_be_asked_for(photos, tmp_path):
    log, cache = tmp_path / "log", tmp_path / "cache"
    cached_crops(photos[:2], recipe(log), cache=cache)
    crops = cached_crops([photos[4], photos[0], photos[4]], recipe(log), cache=cache).crops
    assert located(log) == 3
    for crop, path in zip(crops, (photos[4], photos[0], photos[4]), strict=True):
        assert (crop == prepared_crop(path, WholeImage(), SPEC)).all()


def test_a_file_with_new_content_under_its_old_name_is_cropped_again(photos, tmp_path):
    cache = tmp_path / "cache"
    before = cached_crops(photos[:1], recipe(), cache=cache).crops[0].copy()
    Image.new("RGB", (40, 30), "white").save(photos[0])
    assert (cached_crops(photos[:1], recipe(), cache=cache).crops[0] != before).any()


def test_another_spec_locator_or_pipeline_never_meets_old_crops(monkeypatch):
    wide = CropSpec(size=48, template=SPEC.template)
    keys = {recipe().key, recipe(spec=wide).key, recipe(locator="another").key}
    monkeypatch.setattr("faces.prepare.VERSION", 10_000)
    keys.add(recipe().key)
    assert len(keys) == 4


def test_rows_that_the_index_does_not_name_are_made_again(photos, tmp_path):
    """What a run leaves that is killed between writing crops and writing the index."""
    cache = tmp_path / "cache"
    cached_crops(photos[:2], recipe(), cache=cache)
    folder = cache / recipe().key
    with (folder / "crops.bin").open("ab") as file:
        file.write(b"\xff" * 777)
    crops = cached_crops(photos, recipe(), cache=cache).crops
    assert (crops[3] == prepared_crop(photos[3], WholeImage(), SPEC)).all()
    assert len(json.loads((folder / "index.json").read_text())) == 5


def test_crops_side_by_side_on_disk_are_mapped_not_copied(photos, tmp_path):
    cache = tmp_path / "cache"
    cached_crops(photos, recipe(), cache=cache)
    assert isinstance(cached_crops(photos[1:4], recipe(), cache=cache).crops, np.memmap)


def test_several_processes_give_the_same_crops_in_the_same_order(photos, tmp_path, monkeypatch):
    alone = cached_crops(photos, recipe(), cache=tmp_path / "one")
    monkeypatch.setattr("training.crops.CHUNK", 2)
    together = cached_crops(photos, recipe(), cache=tmp_path / "two", processes=2)
    assert (alone.crops == together.crops).all()
    assert alone.refusals == together.refusals


def test_no_paths_give_no_crops(tmp_path):
    crops, found, faces, refusals = cached_crops([], recipe(), cache=tmp_path)
    assert (crops.shape, found.shape, faces.shape, refusals) == ((0, 32, 32), (0,), (0, 15), [])


def test_a_colour_spec_gives_colour_crops(photos, tmp_path):
    colour = CropSpec(size=32, template=SPEC.template, colour="rgb")
    crops = cached_crops(photos, recipe(spec=colour), cache=tmp_path).crops
    assert crops.shape == (5, 32, 32, 3)
