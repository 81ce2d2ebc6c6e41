"""CASIA NIR-VIS 2.0, on a generated tree of its shape: s1 .. s4, lists with backslashes."""

import itertools

import pytest

from faces.modality import Modality
from training.evaluation.protocols import (
    PROTOCOLS,
    DataMissingError,
    PeopleOverlapError,
    casia_nir_vis,
    trials_of,
)

PEOPLE = [f"{n:05d}" for n in range(12)]
FOLDS = range(1, 11)
TEST = 5


def session(person):
    return f"s{int(person) % 4 + 1}"


def images(person, modality):
    """Two VIS images and three NIR frames a person."""
    count = 2 if modality == "VIS" else 3
    return [f"{session(person)}\\{modality}\\{person}\\{n:03d}.jpg" for n in range(1, count + 1)]


def lines(people, modality, count=None):
    named = [images(person, modality)[:count] for person in people]
    return "\r\n".join(itertools.chain(*named)) + "\r\n"


def probed(fold):
    return [PEOPLE[(fold + n) % len(PEOPLE)] for n in range(TEST)]


@pytest.fixture
def casia(tmp_path):
    """As distributed: the lists say .jpg and \\, on disk it is .bmp, and here VIS is spelt Vis."""
    root = tmp_path / "NIR-VIS-2.0"
    for person in PEOPLE:
        for name in images(person, "VIS") + images(person, "NIR"):
            path = root / name.replace("\\", "/").replace("VIS", "Vis").replace(".jpg", ".BMP")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(name.encode())
    lists = root / "protocols"
    lists.mkdir()
    for fold in (*FOLDS, "dev"):
        test = probed(0 if fold == "dev" else fold)
        train = [person for person in PEOPLE if person not in test]
        (lists / f"vis_gallery_{fold}.txt").write_bytes(lines(test, "VIS", 1).encode())
        (lists / f"nir_probe_{fold}.txt").write_bytes(lines(test, "NIR").encode())
        (lists / f"vis_train_{fold}.txt").write_bytes(lines(train, "VIS").encode())
        (lists / f"nir_train_{fold}.txt").write_bytes(lines(train, "NIR").encode())
    return tmp_path


def test_ten_folds_with_one_vis_image_a_person_in_the_gallery(casia):
    folds = casia_nir_vis(casia)
    assert [fold.name for fold in folds] == [str(k) for k in FOLDS]
    for fold in folds:
        (trial,) = fold.trials
        people = [f"casia/{person}" for person in probed(int(fold.name))]
        assert [sample.subject for sample in trial.gallery] == people
        assert len(trial.probes) == 3 * TEST
        assert {sample.modality for sample in trial.probes} == {Modality.NIR}
        assert trial.mean_of == "casia-nir-vis-2.0"


def test_listed_images_are_found_in_spite_of_slashes_suffix_and_letter_case(casia):
    sample = trials_of(casia_nir_vis(casia))[0].gallery[0]
    assert sample.path == casia / "NIR-VIS-2.0/s2/Vis/00001/001.BMP"


def test_the_train_pools_are_those_of_the_lists_of_each_fold(casia):
    for fold in casia_nir_vis(casia):
        pools = fold.pools()
        trained_on = {image.subject for pool in pools.values() for image in pool}
        assert trained_on == {f"casia/{p}" for p in PEOPLE} - fold.trials[0].subjects
        assert len(pools[Modality.VIS]) == 2 * 7
        assert len(pools[Modality.NIR]) == 3 * 7


def test_view_1_is_a_protocol_of_its_own(casia):
    (fold,) = PROTOCOLS["casia-nir-vis-2.0-view-1"](casia)
    assert fold.trials[0].mean_of is None
    assert fold.trials[0].subjects == {f"casia/{person}" for person in probed(0)}


def test_the_folder_that_holds_protocols_may_be_given_itself(casia):
    assert casia_nir_vis(casia / "NIR-VIS-2.0") == casia_nir_vis(casia)


def test_view_1s_training_list_in_view_2_is_refused_with_the_way_out(casia):
    """The trap: what is called the training list of fold 3 is that of view 1."""
    lists = casia / "NIR-VIS-2.0/protocols"
    for modality in ("vis", "nir"):
        dev = (lists / f"{modality}_train_dev.txt").read_bytes()
        (lists / f"{modality}_train_3.txt").write_bytes(dev)
    with pytest.raises(PeopleOverlapError) as error:
        casia_nir_vis(casia)
    assert "vis_train_3.txt and nir_train_3.txt: 3 of 5 people of the test" in str(error.value)
    assert "view 1's list" in str(error.value)
    assert "casia/00005" in str(error.value)


def test_without_training_lists_the_folds_can_be_tested_but_not_trained(casia):
    for path in (casia / "NIR-VIS-2.0/protocols").glob("*train*"):
        path.unlink()
    folds = casia_nir_vis(casia)
    assert len(trials_of(folds)) == 10
    with pytest.raises(DataMissingError, match=r"vis_train_1\.txt and nir_train_1\.txt is missing"):
        folds[0].pools()


def test_a_missing_list_is_named(casia):
    (casia / "NIR-VIS-2.0/protocols/nir_probe_7.txt").unlink()
    with pytest.raises(DataMissingError, match=r"nir_probe_7\.txt is missing in .*protocols"):
        casia_nir_vis(casia)


def test_missing_images_are_counted_and_named(casia):
    for path in (casia / "NIR-VIS-2.0/s2/NIR/00001").iterdir():
        path.unlink()
    with pytest.raises(
        DataMissingError, match=r"3 of 15 images listed in nir_probe_1.txt .*s2/NIR/00001/001\.jpg"
    ):
        casia_nir_vis(casia)


def test_a_line_that_names_no_image_is_named(casia):
    with (casia / "NIR-VIS-2.0/protocols/vis_gallery_2.txt").open("a") as file:
        file.write("somebody\n")
    with pytest.raises(DataMissingError, match=r"line 6 of .*vis_gallery_2\.txt names no image"):
        casia_nir_vis(casia)


def test_a_gallery_with_two_images_of_a_person_is_refused(casia):
    path = casia / "NIR-VIS-2.0/protocols/vis_gallery_2.txt"
    path.write_text(lines(probed(2), "VIS", 2))
    with pytest.raises(DataMissingError, match=r"one VIS image a person, but vis_gallery_2"):
        casia_nir_vis(casia)


def test_no_lists_at_all_say_which_folder_is_wanted(tmp_path):
    with pytest.raises(DataMissingError, match="no folder `protocols` beside folders s1"):
        casia_nir_vis(tmp_path)


# The real lists, with empty files for images


@pytest.fixture(scope="module")
def real(shared, tmp_path_factory):
    """The lists of bob.db; every person's folder is a link to one folder of empty frames."""
    root = tmp_path_factory.mktemp("casia")
    lists = shared / "protocols/casia_nir_vis_2/lists"
    (root / "protocols").symlink_to(lists)
    frames = tmp_path_factory.mktemp("frames")
    names = {
        line.split()[0]
        for path in lists.glob("view2_*/*/*.lst")
        for line in path.read_text().splitlines()
    }
    for frame in {name.rpartition("/")[2] for name in names}:
        (frames / f"{frame}.jpg").touch()
    for folder in {name.rpartition("/")[0] for name in names}:
        (root / folder).parent.mkdir(parents=True, exist_ok=True)
        (root / folder).symlink_to(frames)
    return root


@pytest.mark.shared
def test_the_real_lists_have_358_people_a_fold_and_bring_no_training_list(real):
    folds = casia_nir_vis(real)
    assert [len(fold.trials[0].subjects) for fold in folds] == [358] * 10
    assert [len(fold.trials[0].gallery) for fold in folds] == [358] * 10
    assert len(folds[0].trials[0].probes) == 6208
    with pytest.raises(DataMissingError, match="train_world"):
        folds[0].pools()


@pytest.mark.shared
def test_the_real_train_world_list_is_refused_as_a_training_list_of_view_2(real, shared, tmp_path):
    for name in ("s1", "s2", "s3", "s4"):
        (tmp_path / name).symlink_to(real / name)
    lists = tmp_path / "protocols"
    lists.mkdir()
    source = shared / "protocols/casia_nir_vis_2/lists"
    for fold in FOLDS:
        folder = source / f"view2_{fold}"
        (lists / f"vis_gallery_{fold}.txt").symlink_to(folder / "eval/for_models.lst")
        (lists / f"nir_probe_{fold}.txt").symlink_to(folder / "eval/for_probes.lst")
        for modality in ("vis", "nir"):
            (lists / f"{modality}_train_{fold}.txt").symlink_to(folder / "norm/train_world.lst")
    with pytest.raises(PeopleOverlapError, match=r"182 of 358 people of the test .* fold 1"):
        casia_nir_vis(tmp_path)
