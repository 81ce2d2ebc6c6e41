"""The sets without an official list: seeded draws, averaged, and a published test list for Oulu."""

import pytest

from faces.modality import Modality
from training.evaluation.protocols import DataMissingError, cufsf, oulu_casia
from training.evaluation.protocols.oulu_casia import EXPRESSIONS

FRAMES = 9


def plant(root, people, frames):
    """NI and VL, Strong light, six expressions a person, each a link to the folder `frames`."""
    for camera in ("NI", "VL"):
        for number in range(1, people + 1):
            folder = root / camera / "Strong" / f"P{number:03d}"
            folder.mkdir(parents=True)
            for expression in EXPRESSIONS:
                (folder / expression.capitalize()).symlink_to(frames)


def empty_frames(folder, count):
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:03d}.jpeg").touch()
    return folder


@pytest.fixture(scope="module")
def oulu(tmp_path_factory):
    """44 people with nine frames of each expression; one in the dark besides."""
    top = tmp_path_factory.mktemp("oulu")
    root = top / "Oulu_CASIA_NIR_VIS"
    plant(root, 44, empty_frames(top / "frames", FRAMES))
    (root / "VL/Dark/P001").mkdir(parents=True)
    (root / "VL/Dark/P001/Anger").symlink_to(top / "frames")
    return root


def test_a_draw_has_20_people_to_train_on_and_20_others_to_test(oulu):
    for fold in oulu_casia(oulu):
        (trial,) = fold.trials
        trained_on = {image.subject for pool in fold.pools().values() for image in pool}
        assert (len(trained_on), len(trial.subjects)) == (20, 20)
        assert trained_on.isdisjoint(trial.subjects)
        assert trial.mean_of == "oulu-casia-nir-vis"


def test_everybody_has_eight_frames_of_six_expressions_in_each_modality_and_strong_light(oulu):
    fold = oulu_casia(oulu)[0]
    (trial,) = fold.trials
    assert len(trial.gallery) == len(trial.probes) == 20 * 6 * 8
    assert len(set(trial.samples)) == 2 * 20 * 6 * 8
    assert {s.modality for s in trial.gallery} == {Modality.VIS}
    assert all("NI/Strong" in str(sample.path) for sample in trial.probes)
    assert {m: len(pool) for m, pool in fold.pools().items()} == {"vis": 960, "nir": 960}


def test_draws_differ_and_are_the_same_every_time(oulu):
    folds = oulu_casia(oulu)
    assert len({fold.trials[0].subjects for fold in folds}) == len(folds) == 5
    assert folds == oulu_casia(oulu.parent)


@pytest.fixture
def published(oulu, tmp_path):
    """The data one level down, and lists of ten people with `P` frames beside it."""
    (tmp_path / "data").symlink_to(oulu.parent)
    lists = tmp_path / "protocols/oulu_casia"
    lists.mkdir(parents=True)
    for camera, name in (("NI", "nir"), ("VL", "vis")):
        lines = [
            f"{camera}/Strong/P{n:03d}/Anger/00{f}.jpeg {n}" for n in range(1, 11) for f in (2, 7)
        ]
        text = "\n".join(lines)
        (lists / f"test_{name}_paths.txt").write_text(
            text if name == "nir" else text.replace("/", "\\").replace("jpeg", "JPG")
        )
    return tmp_path / "data"


def test_a_published_list_is_one_more_fold_that_is_not_averaged_with_the_draws(published):
    fold = oulu_casia(published)[-1]
    (trial,) = fold.trials
    assert (fold.name, trial.name) == ("published", "oulu-casia-nir-vis published")
    assert trial.mean_of is None
    assert trial.subjects == {f"oulu/P{n:03d}" for n in range(1, 11)}
    assert [sample.path.name for sample in trial.probes[:2]] == ["002.jpeg", "007.jpeg"]
    assert len({image.subject for image in fold.pools()[Modality.NIR]}) == 20
    assert "draw of ours" in fold.notes[0]


def test_other_spellings_of_the_folders_are_read(oulu, tmp_path):
    (tmp_path / "ni_strong").symlink_to(oulu / "NI/Strong")
    (tmp_path / "VL_STRONG").symlink_to(oulu / "VL/Strong")
    first, second = oulu_casia(tmp_path)[0].trials[0], oulu_casia(oulu)[0].trials[0]
    assert [s.subject for s in first.probes] == [s.subject for s in second.probes]


def test_too_few_whole_people_are_counted_with_an_example(tmp_path, oulu):
    for camera in ("NI", "VL"):
        (tmp_path / camera / "Strong").mkdir(parents=True)
        for person in range(1, 31):
            link = tmp_path / camera / "Strong" / f"P{person:03d}"
            link.symlink_to(oulu / camera / "Strong" / link.name)
    (tmp_path / "NI/Strong/P003").unlink()
    (tmp_path / "NI/Strong/P003/Anger").mkdir(parents=True)
    with pytest.raises(DataMissingError) as error:
        oulu_casia(tmp_path)
    assert "29 of 30 in" in str(error.value)
    assert "NI/Strong/P003 has 0 frames of anger" in str(error.value)


def test_oulu_without_ni_and_vl_is_told_what_is_expected(tmp_path):
    with pytest.raises(DataMissingError, match=r"NI/Strong/P001/Anger/000\.jpeg"):
        oulu_casia(tmp_path)


@pytest.mark.shared
def test_the_published_list_of_oulu_is_20_people_with_960_frames_in_each_modality(shared, tmp_path):
    """The real list and 80 people, with empty files for images."""
    root = tmp_path / "data"
    plant(root, 80, empty_frames(tmp_path / "frames", 60))
    (tmp_path / "protocols").symlink_to(shared / "protocols")
    trial = oulu_casia(root)[-1].trials[0]
    assert trial.name == "oulu-casia-nir-vis published"
    assert len(trial.subjects) == 20
    assert (len(trial.gallery), len(trial.probes)) == (960, 960)


# CUFSF


@pytest.fixture(scope="module")
def feret(tmp_path_factory):
    """1,194 people by FERET's numbers, which have gaps; photos fa or fb of a date."""
    root = tmp_path_factory.mktemp("cufsf")
    (root / "original_sketch").mkdir()
    (root / "Photos").mkdir()
    for person in range(1, 1210):
        if person % 80:
            (root / "original_sketch" / f"{person:05d}.jpg").touch()
            pose = "fa" if person % 3 else "fb"
            (root / "Photos" / f"{person:05d}{pose}010_930831.png").touch()
    return root


def test_cufsf_trains_on_250_photos_and_250_sketches_of_others_and_tests_694(feret):
    folds = cufsf(feret)
    assert len(folds) == 5
    for fold in folds:
        photos, sketches = (
            {image.subject for image in fold.pools()[m]} for m in (Modality.VIS, Modality.SKETCH)
        )
        assert (len(photos), len(sketches)) == (250, 250)
        assert photos.isdisjoint(sketches)
        assert len(fold.trials[0].gallery) == len(fold.trials[0].probes) == 694
        assert fold.trials[0].subjects.isdisjoint(photos | sketches)
        assert fold.notes == ()


def test_draws_of_cufsf_differ_and_are_the_same_every_time(feret):
    folds = cufsf(feret)
    assert len({fold.trials[0].subjects for fold in folds}) == 5
    assert folds == cufsf(feret)


def test_a_list_of_the_drawn_photos_chooses_among_several_of_a_person(feret, tmp_path):
    (tmp_path / "original_sketch").symlink_to(feret / "original_sketch")
    (tmp_path / "photo").mkdir()
    for path in (feret / "Photos").iterdir():
        (tmp_path / "photo" / path.name).symlink_to(path)
    (tmp_path / "photo/00007aa010_930831.png").touch()
    names = sorted(path.stem for path in (feret / "Photos").iterdir())
    listed = "names_of_photos_used_for_drawing_sketches.txt"
    (tmp_path / listed).write_text("\n".join(f"{name}.tif" for name in names))
    fold = cufsf(tmp_path)[0]
    images = [*fold.pools()[Modality.VIS], *fold.trials[0].gallery]
    assert not any(image.path.name.startswith("00007aa") for image in images)


def test_people_without_a_partner_are_left_out_and_noted(feret, tmp_path):
    (tmp_path / "sketches").symlink_to(feret / "original_sketch")
    (tmp_path / "photo").mkdir()
    for path in sorted((feret / "Photos").iterdir())[:600]:
        (tmp_path / "photo" / path.name).symlink_to(path)
    fold = cufsf(tmp_path)[0]
    assert len(fold.trials[0].probes) == 100
    assert fold.notes[0] == "photo and sketch: 600 people, published with 1194"


def test_cufsf_without_photos_says_where_they_come_from(tmp_path, feret):
    (tmp_path / "original_sketch").symlink_to(feret / "original_sketch")
    with pytest.raises(DataMissingError, match="photos are FERET's and come apart"):
        cufsf(tmp_path)


def test_a_file_that_names_no_person_is_named(tmp_path, feret):
    (tmp_path / "original_sketch").symlink_to(feret / "original_sketch")
    (tmp_path / "photo").mkdir()
    (tmp_path / "photo/me.png").touch()
    with pytest.raises(DataMissingError, match=r"me\.png does not begin with FERET's five digits"):
        cufsf(tmp_path)
