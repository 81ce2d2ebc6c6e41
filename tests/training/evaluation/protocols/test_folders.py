"""A user's own data: a folder or a CSV a modality, names only where they are known."""

import pytest

from faces.modality import Modality
from training.evaluation.protocols import (
    DataMissingError,
    PeopleOverlapError,
    folders,
    trials_of,
)


@pytest.fixture
def write(tmp_path, write_photo):
    """Write photos by name under the folder of the data, and return it."""

    def write(*names):
        for name in names:
            write_photo(tmp_path / name, 1)
        return tmp_path

    return write


def subjects(samples):
    return [sample.subject for sample in samples]


def test_two_folders_of_nameless_images_are_enough_to_train(write):
    (fold,) = folders(write("vis/a.jpg", "vis/b.jpg", "nir/001.bmp"))
    pools = fold.pools()
    assert {m: subjects(pool) for m, pool in pools.items()} == {"vis": [None, None], "nir": [None]}
    with pytest.raises(DataMissingError, match=r"nothing to test: add test/vis .*test/nir"):
        trials_of([fold])


def test_train_and_test_side_by_side(write):
    data = write("train/VIS/a.jpg", "train/sketch/b.jpg", "test/vis/ada.jpg", "test/nir/ada.jpg")
    (fold,) = folders(data)
    assert list(fold.pools()) == [Modality.VIS, Modality.SKETCH]
    (trial,) = fold.trials
    assert (trial.name, trial.probes[0].modality) == ("folders", Modality.NIR)


def test_probes_of_two_modalities_are_two_trials_on_one_gallery(write):
    (fold,) = folders(write("test/vis/ada.jpg", "test/nir/ada.jpg", "test/sketch/ada.jpg"))
    assert [trial.name for trial in fold.trials] == ["folders nir", "folders sketch"]
    assert fold.trials[0].gallery == fold.trials[1].gallery


def test_gallery_and_probes_are_another_way_to_say_it(write):
    (trial,) = trials_of(folders(write("gallery/ada.jpg", "gallery/ben.jpg", "probes/ada.png")))
    assert (subjects(trial.gallery), subjects(trial.probes)) == (["ada", "ben"], ["ada"])


def test_a_sub_folder_is_a_person_with_several_images(write):
    data = write("gallery/ada/passport.jpg", "gallery/ada/visa.jpg", "probes/ada/frame_7.jpg")
    (trial,) = trials_of(folders(data, Modality.NIR))
    assert (subjects(trial.gallery), subjects(trial.probes)) == (["ada", "ada"], ["ada"])
    assert trial.probes[0].modality is Modality.NIR


# CSV files


def test_a_csv_lists_images_that_lie_anywhere_and_may_name_people(write):
    data = write("camera 1/x.jpg", "camera 1/y.jpg", "cctv/z.jpg")
    (data / "vis.csv").write_text("Path;Subject\r\ncamera 1\\x.jpg;ada\r\ncamera 1/y.jpg;\r\n")
    (data / "nir.csv").write_text("path\ncctv/z.jpg\n")
    pools = folders(data)[0].pools()
    assert subjects(pools[Modality.VIS]) == ["ada", None]
    assert [image.path.name for image in pools[Modality.NIR]] == ["z.jpg"]


def test_a_csv_without_column_names_is_told_so(write):
    (write("nir/a.jpg") / "vis.csv").write_text("photos/a.jpg,ada\n")
    with pytest.raises(DataMissingError, match=r"first line of .*vis\.csv must name its columns"):
        folders(write())


def test_a_csv_that_lists_a_missing_image_is_told_which(write):
    (write("nir/a.jpg", "p/1.jpg") / "vis.csv").write_text("path,subject\np/1.jpg,a\np/2.jpg,b\n")
    with pytest.raises(DataMissingError, match=r"1 of 2 images listed in .*vis\.csv .*p/2\.jpg"):
        folders(write())


# What is missing, in plain words


def test_folders_of_other_names_are_listed_with_the_way_out(write):
    data = write("photos/a.jpg", "photos/b.jpg", "frames/c.jpg", "d.jpg")
    with pytest.raises(DataMissingError) as error:
        folders(data)
    assert "frames/ (1 images), photos/ (2 images), 1 images in no folder" in str(error.value)
    assert "ln -s" in str(error.value)


def test_one_modality_alone_is_not_enough_to_train(write):
    (fold,) = folders(write("vis/a.jpg"))
    with pytest.raises(DataMissingError, match="needs nir or sketch"):
        fold.pools()


def test_a_test_without_gallery_is_told_so(write):
    with pytest.raises(DataMissingError, match=r"needs vis .*There are: nir/ \(1 images\)"):
        folders(write("test/nir/a.jpg"))
    with pytest.raises(DataMissingError, match=r"has probes, but the folder .*gallery"):
        folders(write("two/probes/a.jpg") / "two")


def test_a_probe_without_a_gallery_image_is_named(write):
    with pytest.raises(DataMissingError, match=r"1 of 1 probes have no image .*zoe\.jpg"):
        folders(write("gallery/ada.jpg", "probes/zoe.jpg"))


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataMissingError, match="nowhere is missing"):
        folders(tmp_path / "nowhere")


# Who is who


def test_a_person_with_a_name_in_training_and_test_is_refused(write):
    data = write("train/vis/ada/1.jpg", "train/nir/9.jpg", "test/vis/ada.jpg", "test/nir/ada.jpg")
    with pytest.raises(PeopleOverlapError, match=r"1 of 1 people of the test folders .*ada"):
        folders(data)


def test_equal_file_names_in_training_name_nobody(write):
    (fold,) = folders(
        write("train/vis/001.jpg", "train/nir/001.jpg", "test/vis/001.jpg", "test/nir/001.jpg")
    )
    assert subjects(fold.pools()[Modality.VIS]) == [None]


def test_links_to_folders_elsewhere_are_followed(write, tmp_path):
    data = write("archive/2019/a.jpg", "set/nir/b.jpg")
    (data / "set" / "vis").symlink_to(data / "archive")
    (data / "archive" / "again").symlink_to(data / "archive")
    pools = folders(data / "set")[0].pools()
    assert [image.path.name for image in pools[Modality.VIS]] == ["a.jpg"]
