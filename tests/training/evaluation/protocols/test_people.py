"""LFW, and who may be trained on."""

from pathlib import Path

import pytest

from faces.modality import Modality
from training.evaluation.protocols import (
    PeopleOverlapError,
    assert_disjoint,
    cufs,
    fs2k,
    held_out,
    lfw,
    subject_of,
    trials_of,
)
from training.evaluation.protocols.lfw import PROBES_PER_PERSON


def subjects(samples):
    return [sample.subject for sample in samples]


@pytest.fixture
def lfw_data(tmp_path, write_photo):
    """Thirty people with four photos each."""
    for person in range(30):
        for photo in range(1, 5):
            name = f"Person_{person:02d}"
            write_photo(tmp_path / "lfw" / name / f"{name}_{photo:04d}.jpg", person)
    return tmp_path


def test_lfw_takes_held_out_people_only_with_one_photo_each_in_the_gallery(lfw_data):
    (trial,) = trials_of(lfw(lfw_data))
    expected = sorted(f"lfw/Person_{n:02d}" for n in range(30) if held_out(f"Person_{n:02d}"))
    assert expected
    assert subjects(trial.gallery) == expected
    assert subjects(trial.probes) == sorted(expected * 3)


def test_lfw_trains_on_everybody_else(lfw_data):
    (fold,) = lfw(lfw_data)
    trained_on = {image.subject for image in fold.pools()[Modality.VIS]}
    everybody = {f"lfw/Person_{n:02d}" for n in range(30)}
    assert trained_on == everybody - fold.trials[0].subjects


def test_lfw_never_compares_a_photo_with_itself(lfw_data):
    (trial,) = trials_of(lfw(lfw_data))
    assert not {s.path for s in trial.gallery} & {s.path for s in trial.probes}


def test_lfw_draws_the_same_photos_every_time(lfw_data):
    assert lfw(lfw_data) == lfw(lfw_data)


def test_lfw_limits_what_one_much_photographed_person_counts(tmp_path, write_photo):
    name = next(name for n in range(99) if held_out(name := f"Famous_{n}"))
    for photo in range(20):
        write_photo(tmp_path / "lfw" / name / f"{photo}.jpg", 1)
    (trial,) = trials_of(lfw(tmp_path))
    assert len(trial.probes) == PROBES_PER_PERSON


def test_who_is_held_out_never_changes():
    """Training runs of the past relied on these answers; sha256 of the name, last digit 0 or 1."""
    names = ["Abid_Hamid_Mahmud_Al-Tikriti", "Aaron_Eckhart", "Aaron_Peirsol", "AJ_Lamas"]
    assert [held_out(name) for name in names] == [True, False, False, False]
    held = sum(held_out(f"Name_{n}") for n in range(5000))
    assert 0.18 < held / 5000 < 0.22


def test_full_frames_of_lfw_show_the_same_people():
    data = Path("data")
    assert subject_of(data / "lfw/Ada_L/Ada_L_0001.jpg", data) == "lfw/Ada_L"
    assert subject_of(data / "lfw_full_frame/Ada_L/Ada_L_0001.jpg", data) == "lfw/Ada_L"
    assert subject_of(data / "cufsf_sketches/00051.jpg", data) is None


def test_protocols_and_training_name_the_same_people_alike(data):
    for protocol in (cufs, fs2k):
        for trial in trials_of(protocol(data)):
            for sample in (*trial.gallery, *trial.probes):
                assert subject_of(sample.path, data) == sample.subject


def test_training_on_a_test_person_is_refused_by_name(data):
    trained_on = ["cufs/student-train-001", None, "cufs/ar-008"]
    with pytest.raises(PeopleOverlapError, match=r"1 of 7 people of the test cufs .*: cufs/ar-008"):
        assert_disjoint(trained_on, trials_of(cufs(data)))


def test_training_on_other_people_is_fine(data):
    assert_disjoint(
        ["cufs/student-train-001", None, "lfw/Ada_L"], trials_of(cufs(data) + fs2k(data))
    )


@pytest.mark.shared
def test_the_real_training_folders_show_nobody_of_the_test(shared):
    data = shared / "data"
    trials = trials_of(cufs(data) + fs2k(data))
    for folder in ("cufs/student/train", "cufs/ar/train", "cufs/xm2vts/train", "fs2k/train"):
        images = (data / folder).rglob("*.jpg")
        assert_disjoint((subject_of(path, data) for path in images), trials)
