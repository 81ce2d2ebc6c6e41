"""Shuffled and halves; people whose names are known are never on two sides by mistake."""

from pathlib import Path

import pytest

from faces.modality import Modality
from training.evaluation.protocols import (
    Fold,
    PeopleOverlapError,
    Sample,
    TrainImage,
    Trial,
    assert_unpaired,
    half_of,
    halves,
)

PEOPLE = [f"cufs/person-{n:03d}" for n in range(100)]


def pool(people, folder):
    return tuple(TrainImage(Path(folder, f"{person}.jpg"), person) for person in people)


def names(pools):
    return {modality: [image.subject for image in images] for modality, images in pools.items()}


@pytest.fixture
def shuffled():
    return {Modality.VIS: pool(PEOPLE, "vis"), Modality.SKETCH: pool(PEOPLE, "sketch")}


def test_halves_show_nobody_in_both_modalities_and_leave_nobody_out(shuffled):
    halved = names(halves(shuffled))
    photos, sketches = set(halved[Modality.VIS]), set(halved[Modality.SKETCH])
    assert photos.isdisjoint(sketches)
    assert photos | sketches == set(PEOPLE)
    assert 35 < len(photos) < 65


def test_three_modalities_share_nobody_with_vis(shuffled):
    halved = names(halves({**shuffled, Modality.NIR: pool(PEOPLE, "nir")}))
    assert halved[Modality.NIR] == halved[Modality.SKETCH]
    assert set(halved[Modality.NIR]).isdisjoint(halved[Modality.VIS])


def test_whoever_is_in_one_modality_only_stays_there(shuffled):
    alone = [f"cufs/alone-{n}" for n in range(20)]
    shuffled[Modality.VIS] += pool(alone, "vis")
    halved = names(halves(shuffled))
    assert set(alone) <= set(halved[Modality.VIS])


def test_a_half_is_the_same_on_every_machine_and_knows_no_set():
    assert [half_of(name) for name in ("000", "001", "002", "003")] == ["a", "a", "b", "a"]
    assert half_of("cufs/002") == half_of("002")


def test_who_has_no_name_cannot_be_halved():
    pools = {Modality.VIS: (TrainImage(Path("a.jpg")),), Modality.SKETCH: ()}
    with pytest.raises(PeopleOverlapError, match=r"without a name cannot be halved: a\.jpg"):
        halves(pools)


def test_strictly_unpaired_pools_are_accepted(shuffled):
    assert_unpaired(names(halves(shuffled)))


def test_a_person_in_two_modalities_is_refused_by_name_with_the_way_out(shuffled):
    with pytest.raises(PeopleOverlapError, match=r"100 people are in both vis and sketch") as error:
        assert_unpaired(names(shuffled))
    assert "cufs/person-000" in str(error.value)
    assert "unpaired = 'shuffled'" in str(error.value)


def test_the_nameless_are_not_taken_for_one_person():
    assert_unpaired({Modality.VIS: [None, None], Modality.SKETCH: [None]})


def test_a_fold_whose_test_people_are_trained_on_cannot_be_made(shuffled):
    sample = Sample(PEOPLE[7], Modality.VIS, Path("x.jpg"))
    with pytest.raises(PeopleOverlapError, match=r"1 of 1 people of the test t .*person-007"):
        Fold("1", (Trial("t", (sample,), (sample,)),), shuffled)
