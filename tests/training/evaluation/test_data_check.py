"""`null-face data check` on drawn people, whose faces only the stub locator finds."""

import shutil

import pytest
from PIL import Image
from typer.testing import CliRunner

from training.evaluation.check import cli
from training.evaluation.check.sampling import spread


@pytest.fixture
def check(recipe, monkeypatch):
    monkeypatch.setattr(cli, "recipe", lambda: recipe)
    monkeypatch.setenv("COLUMNS", "120")

    def check(*arguments):
        return CliRunner().invoke(cli.app, ["check", *map(str, arguments)])

    return check


@pytest.fixture
def mine(tmp_path, write_photo):
    """A user's own: five nameless images of each modality to train on, three people to test."""
    for n in range(5):
        write_photo(tmp_path / f"train/vis/{n}.png", n)
        write_photo(tmp_path / f"train/nir/{n}.png", 10 + n, grey=True)
    for n, person in enumerate(("ada", "ben", "cyd")):
        write_photo(tmp_path / f"test/vis/{person}.png", 20 + n)
        write_photo(tmp_path / f"test/nir/{person}.png", 20 + n, grey=True)
    return tmp_path


def last_line(result):
    return result.output.strip().splitlines()[-1]


def row(result, name):
    (line,) = [line for line in result.output.splitlines() if line.startswith(name)]
    return line.removeprefix(name).split("  ")


def cells(result, name):
    return [cell.strip() for cell in row(result, name) if cell.strip()]


def test_good_data_are_counted_looked_at_and_ready(check, mine):
    result = check(mine)
    assert result.exit_code == 0
    assert cells(result, "train vis") == ["5", "none", "5 of 5", "5 of 5", "26 px"]
    assert cells(result, "folders: gallery vis") == ["3", "3", "3 of 3", "3 of 3", "26 px"]
    assert cells(result, "folders: probes nir") == ["3", "3", "3 of 3", "3 of 3", "26 px"]
    assert last_line(result) == "ready to train and to evaluate"
    assert len(result.output.splitlines()) < 24


def test_two_folders_are_ready_to_train_and_told_what_a_test_needs(check, mine):
    shutil.rmtree(mine / "test")
    result = check(mine)
    assert result.exit_code == 0
    assert last_line(result).startswith("ready to train; not ready to evaluate, because")
    assert "add test/vis" in last_line(result)


def test_a_test_alone_is_ready_to_evaluate(check, mine):
    shutil.rmtree(mine / "train")
    result = check(mine)
    assert result.exit_code == 0
    assert last_line(result).startswith("ready to evaluate; not ready to train, because")


def test_folders_of_other_names_are_not_ready_and_listed(check, mine):
    (mine / "train").rename(mine / "photos")
    shutil.rmtree(mine / "test")
    result = check(mine)
    assert result.exit_code == 1
    assert last_line(result).startswith("not ready, because")
    assert "photos/ (10 images)" in last_line(result)


def test_only_a_sample_is_looked_at_spread_over_the_part(check, mine):
    assert cells(check(mine, "--sample", 2), "train vis") == [
        "5",
        "none",
        "2 of 2",
        "2 of 2",
        "26 px",
    ]
    assert spread(list(range(10)), 4) == [0, 2, 5, 7]
    assert spread(list(range(3)), 4) == [0, 1, 2]


def test_an_image_that_cannot_be_read_is_named_with_the_reason(check, mine):
    (mine / "train/nir/3.png").write_bytes(b"no picture")
    result = check(mine)
    assert (
        "unreadable: 1 of 5 tried of train nir: train/nir/3.png (The file is not" in result.output
    )
    assert cells(result, "train nir") == ["5", "none", "4 of 5", "4 of 4", "26 px"]
    assert last_line(result) == "ready to train and to evaluate"


def test_empty_files_and_formats_that_are_not_read_are_counted_in_all_of_it(check, mine):
    for n in range(40):
        (mine / f"train/nir/empty_{n:02}.png").touch()
    (mine / "train/vis/scan.TIF").write_bytes(b"II*")
    result = check(mine, "--sample", 3)
    assert "empty:      40 files: train/nir/empty_00.png, " in result.output
    assert "not read:   1 files: train/vis/scan.TIF" in result.output


def test_images_without_faces_are_named_and_too_many_of_them_are_not_ready(check, mine):
    Image.new("L", (64, 80)).save(mine / "test/nir/ada.png")
    result = check(mine)
    assert "no face:    1 of 3 tried of folders: probes nir: test/nir/ada.png" in result.output
    assert result.exit_code == 0
    Image.new("L", (64, 80)).save(mine / "test/nir/ben.png")
    result = check(mine)
    assert last_line(result) == (
        "ready to train; not ready to evaluate, because a face was found in only 1 of 3 images of "
        "folders: probes nir"
    )


def test_modalities_that_look_swapped_are_pointed_out(check, mine, write_photo):
    for n in range(5):
        write_photo(mine / f"train/nir/{n}.png", 10 + n)
    result = check(mine)
    assert "most of train nir look like colour photos" in result.output


def test_it_is_told_which_false_match_rate_so_few_people_support(check, mine, write_photo):
    line = "test:       folders: {}"
    assert (
        line.format("6 comparisons of different people, too few for FMR 1 %") in check(mine).output
    )
    for n in range(20):
        for modality in ("vis", "nir"):
            write_photo(mine / f"test/{modality}/more_{n}.png", 30 + n)
    output = check(mine, "--sample", 1).output
    assert line.format("506 comparisons of different people, enough for FMR 1 %") in output


def test_small_faces_and_small_pools_are_pointed_out(check, mine):
    for path in (mine / "test/nir").iterdir():
        Image.open(path).resize((20, 25)).save(path)
    result = check(mine)
    assert "faces of folders: probes nir are small: 8 pixels between the eyes" in result.output
    assert "train nir has few images to learn from" in result.output
    assert last_line(result) == "ready to train and to evaluate"


def test_a_test_image_that_is_trained_on_under_another_name_is_not_ready(check, mine):
    shutil.copy(mine / "test/nir/ben.png", mine / "train/nir/frame_77.png")
    result = check(mine)
    assert result.exit_code == 1
    assert last_line(result) == "not ready, because 1 test images are trained on too: nir/ben.png"


def test_a_person_with_a_name_on_both_sides_is_not_ready(check, mine, write_photo):
    write_photo(mine / "train/nir/ada/1.png", 3)
    result = check(mine)
    assert result.exit_code == 1
    assert "1 of 3 people of the test folders are also trained on: ada" in last_line(result)


def test_nameless_training_images_are_said_to_hide_people_of_the_test(check, mine, write_photo):
    assert "nobody in train vis, train nir has a name" in check(mine).output
    shutil.rmtree(mine / "train")
    for modality in ("vis", "nir"):
        for n in range(3):
            write_photo(mine / f"train/{modality}/zoe_{n}/1.png", 50 + n)
    output = check(mine).output
    assert "nobody of the test is trained on" in output
    assert "3 are in two train pools: unpaired = 'shuffled'; halves" in output
    assert "leaves 2 vis, 1 nir" in output


def test_folds_are_counted_one_by_one(check, data, tmp_path, write_photo):
    for modality in ("vis", "sketch"):
        write_photo(data / "cufs/student/train" / modality / "student-train-001.png", 77)
    result = check(data, "--protocol", "cufs")
    assert result.exit_code == 0
    assert cells(result, "train vis") == ["1", "1", "1 of 1", "1 of 1", "26 px"]
    assert cells(result, "cufs-student: probes sketch") == ["4", "4", "4 of 4", "4 of 4", "26 px"]
    assert "note:       student test: 4 people, published with 100" in result.output


def test_a_missing_set_is_one_line(check, tmp_path):
    result = check(tmp_path, "--protocol", "oulu-casia-nir-vis")
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert last_line(result).startswith("not ready, because oulu-casia-nir-vis: no folders NI")
