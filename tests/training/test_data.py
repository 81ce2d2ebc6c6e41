"""Which images a run may see: halves that share nobody, people kept aside, tests kept out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from faces.locate import Face
from faces.modality import Modality
from training.cli import app
from training.config import Config, Data, Loss, Source, Weights, read_config
from training.crops import Recipe
from training.data import calibration_paths, for_calibration, load_pools, source_images
from training.evaluation.protocols import (
    DataMissingError,
    PeopleOverlapError,
    Sample,
    Trial,
    half_of,
    held_out,
)
from training.material import load_material, mates_of
from training.recipe import recipe
from training.template import CROP

CONFIGS = Path(__file__).parents[2] / "training" / "configs"


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def source_paths(root, source):
    return [image.path for image in source_images(root, source)]


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


def config(root, *sources, **changes):
    return Config(name="run", images=10, data=Data(root=root, sources=sources, **changes))


def load(run):
    return load_material(run, recipe(), [], cache=run.data.root / "cache", processes=1)


def test_known_people_in_two_modalities_are_refused_unless_shuffled_is_said(tmp_path):
    names = people_where(lambda name: not for_calibration(name), 4)
    touch(tmp_path, *(f"cufs/ar/train/{m}/{n}.jpg" for m in ("vis", "sketch") for n in names))
    both = [Source(path=f"cufs/ar/train/{m}", modality=m) for m in (Modality.VIS, Modality.SKETCH)]
    with pytest.raises(PeopleOverlapError, match="4 people are in both vis and sketch"):
        load(config(tmp_path, *both))
    with pytest.raises(FileNotFoundError, match="no face was found in any of its 4 images"):
        load(config(tmp_path, *both, unpaired="shuffled"))


# Pools of a protocol


@pytest.fixture
def casia(tmp_path):
    """Fold 1 of a set in which everybody is called s1/.../NNNNN, with frames 001 and 002."""
    people = [f"{n:05d}" for n in range(1, 41)]
    lists = {"gallery": people[:4], "probe": people[:4], "train": people[4:]}
    for modality in ("VIS", "NIR"):
        for person in people:
            touch(tmp_path, *(f"s1/{modality}/{person}/00{n}.bmp" for n in (1, 2)))
    for fold in range(1, 11):
        for name in ("vis_gallery", "nir_probe", "vis_train", "nir_train"):
            modality, part = name.split("_")
            frames = (1,) if part == "gallery" else (1, 2)
            lines = [
                f"s1\\{modality.upper()}\\{person}\\00{n}.jpg"
                for person in lists[part]
                for n in frames
            ]
            touch(tmp_path, f"protocols/{name}_{fold}.txt")
            (tmp_path / f"protocols/{name}_{fold}.txt").write_text("\n".join(lines))
    return tmp_path


def of_casia(modality, **settings):
    return Source(path=".", modality=modality, protocol="casia-nir-vis-2.0", **settings)


def test_a_source_may_be_the_train_pool_of_a_fold(casia):
    images = source_images(casia, of_casia(Modality.NIR, fold="3"))
    people = {image.subject for image in images}
    kept = {f"casia/{n:05d}" for n in range(5, 41) if not for_calibration(f"{n:05d}")}
    assert people == kept
    assert len(images) == 2 * len(kept)


def test_halves_of_a_protocol_go_by_the_person_and_not_by_the_name_of_the_file(casia):
    photos = source_images(casia, of_casia(Modality.VIS, half="a"))
    frames = source_images(casia, of_casia(Modality.NIR, half="b"))
    assert {image.subject for image in photos}.isdisjoint(image.subject for image in frames)
    assert {image.path.stem for image in photos} == {"001", "002"}
    assert len(photos) > 10 < len(frames)


class WholeImage:
    """A locator that takes every image for a face."""

    def __call__(self, image):
        height, width = image.shape[:2]
        share = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
        points = (share * (width, height)).astype(np.float32)
        return [Face((0.0, 0.0, float(width), float(height)), points, 0.9)]


def test_a_protocol_names_people_within_vis_where_the_switch_says_so(casia):
    source = of_casia(Modality.VIS, half="a", names=True)
    for n, image in enumerate(source_images(casia, source)):
        Image.new("L", (40, 50), n).save(image.path)
    stub = Recipe(CROP, WholeImage, "whole image")
    pools = load_pools(config(casia, source).data, stub, cache=casia / "cache", processes=1)
    labels = pools[Modality.VIS].people.tolist()
    assert labels == [person for person in range(len(labels) // 2) for _ in range(2)]


def test_another_fold_takes_all_sources_along(casia):
    data = config(casia, of_casia(Modality.VIS), of_casia(Modality.NIR)).data.of_fold("7")
    assert [source.fold for source in data.sources] == ["7", "7"]


def test_sources_of_two_folds_in_one_run_are_refused(casia):
    with pytest.raises(ValueError, match="need the same fold"):
        config(casia, of_casia(Modality.VIS, fold="1"), of_casia(Modality.NIR, fold="2"))


def test_a_fold_that_is_not_there_is_named(casia):
    with pytest.raises(DataMissingError, match=r"no fold 11; there are 1, 2"):
        source_images(casia, of_casia(Modality.VIS, fold="11"))


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


def test_a_refused_run_is_one_line_not_a_traceback(casia, tmp_path):
    """VIS and NIR of the same people, and nobody said shuffled."""
    (tmp_path / "run.toml").write_text(
        f"""name = "run"\nimages = 10\n[data]\nroot = "{casia}"\n"""
        + "".join(
            f"""[[data.sources]]\npath = "."\nmodality = "{m}"\nprotocol = "casia-nir-vis-2.0"\n"""
            for m in ("vis", "nir")
        )
    )
    result = CliRunner().invoke(app, ["train", "--config", str(tmp_path / "run.toml")])
    assert result.exit_code == 1
    assert "people are in both vis and nir" in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_config_we_ship_can_be_read(path):
    assert read_config(path).name.startswith("null-")
