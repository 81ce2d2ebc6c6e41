import pytest

from faces.modality import Modality
from training.evaluation.protocols import DataMissingError, cufs, fs2k, trials_of


def subjects(samples):
    return [sample.subject for sample in samples]


@pytest.fixture
def train(data, write_photo):
    """Adds to `data` what is trained on: 3 + 2 people of CUFS, 4 of FS2K."""
    sets = {
        "cufs/student/train": [f"student-train-{n:03d}" for n in range(1, 4)],
        "cufs/ar/train": ["ar-003", "ar-004"],
        "fs2k/train": [f"1_{n:04d}" for n in range(1, 5)],
    }
    for folder, stems in sets.items():
        for modality in ("vis", "sketch"):
            for stem in stems:
                write_photo(data / folder / modality / f"{stem}.png", 1000)
    return data


def test_cufs_puts_student_and_ar_into_one_gallery_and_each_alone(data):
    both, student, ar = trials_of(cufs(data))
    assert (both.name, student.name, ar.name) == ("cufs", "cufs-student", "cufs-ar")
    assert [len(trial.probes) for trial in (both, student, ar)] == [7, 4, 3]
    assert subjects(both.gallery) == subjects(student.gallery) + subjects(ar.gallery)
    assert {sample.modality for sample in both.gallery} == {Modality.VIS}
    assert {sample.modality for sample in both.probes} == {Modality.SKETCH}


def test_cufs_adds_xm2vts_where_its_test_folder_exists(data, write_photo):
    for kind in ("vis", "sketch"):
        write_photo(data / "cufs/xm2vts/test" / kind / "xm2vts-001.png", 99)
    assert trials_of(cufs(data))[-1].name == "cufs-xm2vts"


def test_the_folder_of_the_set_itself_may_be_given_too(data):
    assert cufs(data / "cufs") == cufs(data)
    assert fs2k(data / "fs2k") == fs2k(data)


def test_a_photo_and_a_sketch_of_one_name_are_one_subject(data):
    (trial,) = trials_of(fs2k(data))
    assert subjects(trial.gallery) == subjects(trial.probes)
    assert subjects(trial.gallery) == ["fs2k/2_0001", "fs2k/2_0002", "fs2k/3_0001"]


def test_train_pools_hold_the_photos_and_the_sketches_of_every_part_that_is_there(train):
    pools = cufs(train)[0].pools()
    people = ["cufs/student-train-001", "cufs/student-train-002", "cufs/student-train-003"]
    assert subjects(pools[Modality.VIS]) == [*people, "cufs/ar-003", "cufs/ar-004"]
    assert subjects(pools[Modality.SKETCH]) == subjects(pools[Modality.VIS])
    assert len(fs2k(train)[0].pools()[Modality.SKETCH]) == 4


def test_without_train_folders_the_test_runs_and_training_is_told_what_is_missing(data):
    for protocol in (cufs, fs2k):
        (fold,) = protocol(data)
        assert fold.trials
        with pytest.raises(DataMissingError, match="train"):
            fold.pools()


def test_fewer_people_than_published_are_noted(train):
    notes = cufs(train)[0].notes
    assert "student test: 4 people, published with 100" in notes
    assert "xm2vts train: 0 people, published with 100" in notes
    assert any(note.startswith("xm2vts: no test folder") for note in notes)
    assert fs2k(train)[0].notes == (
        "test: 3 people, published with 337",
        "train: 4 people, published with 1529",
    )


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataMissingError, match=r"cufs-student: the folder .*vis is missing"):
        cufs(tmp_path)


def test_a_missing_sketch_is_named(data):
    (data / "fs2k/test/sketch/2_0002.png").unlink()
    with pytest.raises(DataMissingError, match=r"fs2k: photo or sketch missing in .* for 2_0002"):
        fs2k(data)


def test_an_empty_folder_is_named(data):
    for photo in (data / "fs2k/test/vis").iterdir():
        photo.unlink()
    with pytest.raises(DataMissingError, match=r"no image in .*vis"):
        fs2k(data)


def test_images_in_a_format_that_is_not_read_are_named_as_such(data):
    for photo in (data / "fs2k/test/vis").iterdir():
        photo.rename(photo.with_suffix(".TIF"))
    with pytest.raises(DataMissingError, match=r"\.tif files are not read, convert them to PNG"):
        fs2k(data)


def test_style_1_of_fs2k_is_not_tested(data, write_photo):
    for modality in ("vis", "sketch"):
        write_photo(data / "fs2k/test" / modality / "1_0001.png", 1)
    with pytest.raises(DataMissingError, match=r"1_0001\.png in the test folder is of style 1"):
        fs2k(data)


@pytest.mark.shared
def test_the_real_sets_have_the_stated_sizes(shared):
    (cufs_fold,), (fs2k_fold,) = cufs(shared / "data"), fs2k(shared / "data")
    counts = {
        trial.name: (len(trial.gallery), len(trial.probes))
        for trial in (*cufs_fold.trials, *fs2k_fold.trials)
    }
    assert counts["cufs"] == (143, 143)
    assert counts["cufs-student"] == (100, 100)
    assert counts["cufs-ar"] == (43, 43)
    assert counts["fs2k"] == (337, 337)
    assert {m: len(pool) for m, pool in cufs_fold.pools().items()} == {"vis": 268, "sketch": 268}
    assert {m: len(p) for m, p in fs2k_fold.pools().items()} == {"vis": 1529, "sketch": 1529}
    assert fs2k_fold.notes == ()
