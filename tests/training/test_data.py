"""Which images a run may see: halves that share nobody, people kept aside, tests kept out."""

import numpy as np
import pytest

from faces.modality import Modality
from training.config import Config, Data, Loss, Source, Weights
from training.data import calibration_paths, for_calibration, source_paths
from training.evaluation.protocols import PeopleOverlapError, Sample, Trial, half_of, held_out
from training.material import load_material, mates_of
from training.recipe import recipe


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def people_where(condition, count=3):
    return [f"person{n}" for n in range(400) if condition(f"person{n}")][:count]


def test_photos_of_one_half_and_sketches_of_the_other_share_nobody(tmp_path):
    touch(tmp_path, *(f"{m}/{n:03}.jpg" for m in ("vis", "sketch") for n in range(200)))
    photos = source_paths(tmp_path, Source(path="vis", modality=Modality.VIS, half="a"))
    sketches = source_paths(tmp_path, Source(path="sketch", modality=Modality.SKETCH, half="b"))
    assert len(photos) > 60
    assert len(sketches) > 60
    assert {p.stem for p in photos}.isdisjoint(p.stem for p in sketches)


def test_a_half_is_the_same_on_every_machine():
    assert [half_of(name) for name in ("000", "001", "002", "003")] == ["a", "a", "b", "a"]


def test_people_for_calibration_are_in_no_source(tmp_path):
    kept = people_where(for_calibration)
    others = people_where(lambda name: not for_calibration(name), 5)
    touch(tmp_path, *(f"lfw/{name}/1.jpg" for name in kept + others))
    source = Source(path="lfw", modality=Modality.VIS, names=True)
    assert {p.parent.name for p in source_paths(tmp_path, source)} == set(others)
    assert set(calibration_paths(tmp_path, source)) == {n for n in kept if not held_out(n)}


def test_people_held_out_for_lfw_are_left_out_where_asked(tmp_path):
    touch(tmp_path, *(f"lfw/{n}/1.jpg" for n in [*people_where(held_out), "person1", "person2"]))
    source = Source(path="lfw", modality=Modality.VIS, hold_out=True)
    assert not any(held_out(p.parent.name) for p in source_paths(tmp_path, source))


def test_only_people_with_enough_images(tmp_path):
    a, b = people_where(lambda name: not for_calibration(name), 2)
    touch(tmp_path, f"x/{a}/1.jpg", f"x/{b}/1.jpg", f"x/{b}/2.jpg")
    source = Source(path="x", modality=Modality.VIS, least=2)
    assert [p.parent.name for p in source_paths(tmp_path, source)] == [b, b]


def test_an_empty_source_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing here"):
        source_paths(tmp_path, Source(path="nothing here", modality=Modality.VIS))


def test_a_run_on_people_of_a_test_is_refused(tmp_path):
    """The images are no images, so the pools are empty of crops; names alone must stop the run."""
    name = people_where(lambda name: not for_calibration(name), 1)[0]
    touch(tmp_path, f"lfw/{name}/1.jpg")
    run = Config(
        name="leak",
        images=10,
        data=Data(root=tmp_path, sources=(Source(path="lfw", modality=Modality.VIS),)),
        loss=Loss(weights=Weights()),
    )
    photo = Sample(f"lfw/{name}", Modality.VIS, tmp_path / f"lfw/{name}/1.jpg")
    test = Trial("lfw", (photo,), (photo,))
    with pytest.raises(PeopleOverlapError, match=name):
        load_material(run, recipe(), [test], cache=tmp_path / "cache", processes=1)


def test_mates_are_the_images_of_one_person_and_the_nameless_have_none():
    people = np.array([3, -1, 3, 5, -1, 3])
    assert [mates.tolist() for mates in mates_of(people)] == [
        [0, 2, 5],
        [1],
        [0, 2, 5],
        [3],
        [4],
        [0, 2, 5],
    ]
