"""From photo to ranked identities, over real HTTP."""

import pytest
from desk import Desk
from drawn import jpeg, photo, png


@pytest.mark.parametrize("style", ["vis", "nir", "sketch"])
def test_a_probe_of_each_modality_finds_its_person_first(desk: Desk, style: str) -> None:
    for person in range(12):
        desk.enroll_person(person)

    answer = desk.identify(png(photo(7, style=style))).json()

    assert answer["candidates"][0]["subject_id"] == "person-7"
    assert answer["candidates"][0]["rank"] == 1
    assert answer["probe"]["modality"] == style
    assert answer["searched"] == 12
    assert answer["model"] == "drawn"
    scores = [candidate["score"] for candidate in answer["candidates"]]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 10
