"""Attributes that somebody wrote down, and that they stay out of training."""

import pytest

from training.evaluation.protocols import DataMissingError, cufs, folders, fs2k, trials_of
from training.evaluation.protocols.annotations import annotations, own_annotations


def test_what_we_wrote_down_is_of_test_people_only():
    for protocol, people in (("cufs", 143), ("fs2k", 337)):
        for attribute in own_annotations(protocol):
            assert 0 < len(attribute.groups) <= people
            assert not any("train" in who or "/1_" in who for who in attribute.groups)
            assert "by sight" in attribute.told_by


def test_fs2k_is_told_apart_by_its_folders_too(data):
    (trial,) = trials_of(fs2k(data))
    groups = {attribute.name: attribute.groups for attribute in trial.attributes}
    assert groups["part"] == {"fs2k/2_0001": "2", "fs2k/2_0002": "2", "fs2k/3_0001": "3"}
    assert groups["sex"]["fs2k/2_0001"] == "female"
    assert {"glasses", "headwear", "series"} <= set(groups)


def test_actors_who_are_in_fs2k_many_times_are_left_out_of_a_second_trial(data, write_photo):
    for name in ("3_0108", "3_0110"):
        for folder in ("vis", "sketch"):
            write_photo(data / "fs2k/test" / folder / f"{name}.png", 7)
    whole, distinct = trials_of(fs2k(data))
    assert (len(whole.probes), distinct.name) == (5, "fs2k-distinct")
    assert distinct.subjects == {"fs2k/2_0001", "fs2k/2_0002", "fs2k/3_0001"}
    assert distinct.attributes == whole.attributes


def test_student_and_ar_together_are_broken_down_by_sex(data):
    both = trials_of(cufs(data))[0]
    (sex,) = [attribute for attribute in both.attributes if attribute.name == "sex"]
    assert both.subjects <= set(sex.groups)


def test_a_user_may_write_down_attributes_of_own_people(tmp_path, write_photo):
    for folder in ("vis", "nir"):
        write_photo(tmp_path / "test" / folder / "ada.png", 1)
    (tmp_path / "attributes.csv").write_text("subject, sex, beard\nada,female,\n")
    (trial,) = trials_of(folders(tmp_path))
    assert {a.name: a.groups for a in trial.attributes} == {"sex": {"ada": "female"}, "beard": {}}


def test_without_a_file_there_are_none(tmp_path):
    assert annotations(tmp_path / "attributes.csv") == ()


def test_a_file_that_names_no_subjects_is_refused(tmp_path):
    (tmp_path / "attributes.csv").write_text("name,sex\nada,female\n")
    with pytest.raises(DataMissingError, match="column `subject`"):
        annotations(tmp_path / "attributes.csv")
