"""Only subjects whose metadata matches take part: in SQL as by hand, and over HTTP."""

import json
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from drawn import jpeg, photo, png
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workers import MODEL, Worker

from service.core import galleries
from service.core.metadata_filter import MetadataFilter, Scalar

pytestmark = pytest.mark.every_database

KEYS = ["unit", 'a "quoted" key', "$.unit", "é.ü[0]", ""]
SCALARS: st.SearchStrategy[Scalar] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from([0.5, 1.0, -0.0, 1e-7, 2.0**53]),
    st.sampled_from(["", "a", "A", "1", "true", "null", "é", "'; --", '"']),
)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.dictionaries(st.sampled_from(["a", "unit"]), SCALARS, max_size=2),
    st.lists(st.lists(SCALARS, max_size=2), max_size=2),
)
METADATA = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3)
FILTERS = st.dictionaries(
    st.sampled_from(KEYS), st.lists(SCALARS, min_size=1, max_size=3), min_size=1, max_size=3
)


def matches(wanted: dict[str, list[Scalar]], metadata: dict[str, Any]) -> bool:
    """By hand."""

    def has(value: object, one: Scalar) -> bool:
        numbers = all(isinstance(x, int | float) and not isinstance(x, bool) for x in (value, one))
        return value == one and (numbers or type(value) is type(one))

    def has_one(value: object, ones: list[Scalar]) -> bool:
        inside = value if isinstance(value, list) else []
        return any(has(candidate, one) for candidate in [value, *inside] for one in ones)

    return all(has_one(metadata.get(key), ones) for key, ones in wanted.items())


def test_a_database_finds_whom_one_finds_by_hand(database: str) -> None:
    worker = Worker(database)
    gallery = galleries.opened(worker.parts, "default")[0]
    for number in range(8):
        worker.enroll(f"{number}", f"{number} photo")
    galleries.create(worker.store, "other", MODEL)
    worker.enroll("0", "0 photo", gallery="other")

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(metadata=st.lists(METADATA, min_size=8, max_size=8), wanted=FILTERS)
    def agrees(metadata: list[dict[str, Any]], wanted: dict[str, list[Scalar]]) -> None:
        for number, one in enumerate(metadata):
            galleries.change_subject(worker.store, "default", f"{number}", {"metadata": one})
        meant = MetadataFilter({key: tuple(ones) for key, ones in wanted.items()})
        expected = [f"{n}" for n, one in enumerate(metadata) if matches(wanted, one)]

        page = worker.store.subjects(gallery, 0, 100, meant)
        assert [one.subject_id for one in page.items] == expected
        assert len(worker.store.matching(gallery, meant)) == len(expected)

    agrees()
    worker.close()


@pytest.fixture
def staffed(desk: Desk) -> Desk:
    """Ten people: 0 to 4 of the engines, 5 to 9 of the hull; 9 of both; 3 has two templates."""
    for person in range(10):
        units = ["engines", "hull"] if person == 9 else "engines" if person < 5 else "hull"
        metadata = json.dumps({"unit": units, "floor": person % 3, "active": person != 1})
        desk.enroll(f"person-{person}", jpeg(photo(person)), metadata=metadata)
    desk.enroll("person-3", png(photo(13)))
    return desk


def wanted(**conditions: object) -> dict[str, str]:
    return {"filter": json.dumps(conditions)}


def test_only_those_who_match_are_searched_and_counted(staffed: Desk) -> None:
    probe = png(photo(7, style="nir"))

    everybody = staffed.identify(probe).json()
    engines = staffed.identify(probe, **wanted(unit="engines")).json()

    assert everybody["candidates"][0]["subject_id"] == "person-7"
    assert everybody["searched"] == 11
    assert engines["searched"] == 7  # 0 to 4 and 9, of whom 3 twice
    ids = [one["subject_id"] for one in engines["candidates"]]
    assert sorted(ids) == [f"person-{n}" for n in (0, 1, 2, 3, 4, 9)]
    by_id = {one["subject_id"]: one for one in everybody["candidates"]}
    assert [one["score"] for one in engines["candidates"]] == [by_id[one]["score"] for one in ids]
    assert ids == [one for one in by_id if one in ids]


def test_the_rate_is_that_of_as_many_as_were_searched(staffed: Desk) -> None:
    probe = png(photo(7, style="nir"))
    few = staffed.identify(probe, **wanted(unit="hull", floor=1)).json()
    [candidate] = few["candidates"]

    assert (candidate["subject_id"], few["searched"]) == ("person-7", 1)
    everybody = staffed.identify(probe, top_k=1).json()["candidates"][0]
    assert candidate["score"] == everybody["score"]
    fmr = candidate["fpir"]  # of one comparison
    assert everybody["fpir"] == pytest.approx(1 - (1 - fmr) ** 11)

    strict = {"target_fpir": 0.001}
    assert staffed.identify(probe, **strict).json()["threshold"] == 0.9
    assert staffed.identify(probe, **strict, **wanted(floor=1, unit="hull")).json()[
        "threshold"
    ] == pytest.approx(0.6)


def test_the_best_of_few_among_many_is_found(desk: Desk) -> None:
    """Those who match are the least similar of all: the best k, filtered, would be nobody."""
    for person in range(40):
        desk.enroll(f"near-{person}", png(photo(1, side=100 + person)))
    for person in (2, 3):
        desk.enroll(f"far-{person}", png(photo(person)), metadata='{"far": true}')

    found = desk.identify(png(photo(1)), top_k=1, **wanted(far=True)).json()

    assert found["searched"] == 2
    scores = {
        one["subject_id"]: one["score"]
        for one in desk.identify(png(photo(1)), top_k=50).json()["candidates"]
    }
    best = max(("far-2", "far-3"), key=lambda one: scores[one])
    assert [(one["subject_id"], one["score"]) for one in found["candidates"]] == [
        (best, scores[best])
    ]


def test_nobody_matching_is_an_empty_list(staffed: Desk) -> None:
    found = staffed.identify(png(photo(7)), **wanted(unit="kitchen")).json()

    assert (found["candidates"], found["searched"]) == ([], 0)


def test_what_was_changed_counts_at_once(staffed: Desk) -> None:
    probe = png(photo(7))
    assert staffed.found(probe, top_k=1, **wanted(unit="engines")) != ["person-7"]
    staffed.client.patch(staffed.at("subjects", "person-7"), json={"metadata": {"unit": "engines"}})

    assert staffed.found(probe, top_k=1, **wanted(unit="engines")) == ["person-7"]
    staffed.client.delete(staffed.at("subjects", "person-7"))
    assert "person-7" not in staffed.found(probe, **wanted(unit="engines"))


def test_a_list_of_subjects_is_filtered_and_still_comes_in_parts(staffed: Desk) -> None:
    query = {"filter": json.dumps({"unit": "engines", "active": True}), "limit": "2"}
    found: list[str] = []
    while True:
        page = staffed.client.get(staffed.at("subjects"), params=query).json()
        assert len(page["subjects"]) <= 2
        found += [one["subject_id"] for one in page["subjects"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]

    assert found == ["person-0", "person-2", "person-3", "person-4", "person-9"]


WRONG = [
    "",
    "unit",
    "[]",
    "{}",
    '{"unit": {"min": 1}}',
    '{"unit": []}',
    '{"unit": [["a"]]}',
    '{"unit": NaN}',
    '{"unit": 1e999}',
    '{"unit": 99999999999999999999}',
    '{"unit": 1' + "0" * 400 + "}",
    '{"unit": "\\u0000"}',
    '{"\\ud800": 1}',
    json.dumps({f"{number}": 1 for number in range(9)}),
    json.dumps({"unit": list(range(101))}),
    json.dumps({"unit": "x" * 8192}),
    '{"unit": ' + "[" * 5000,
]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_filter_that_means_nothing_is_refused(desk: Desk, wrong: str) -> None:
    searched = desk.identify(png(photo(1)), filter=wrong)
    listed = desk.client.get(desk.at("subjects"), params={"filter": wrong})

    for answer in (searched, listed):
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), answer.text
        assert "filter" in answer.json()["detail"] or "filter" in str(answer.json()["errors"])


def test_it_is_in_the_schema_with_an_example(desk: Desk) -> None:
    schema = desk.client.get("/openapi.json").json()
    field = schema["components"]["schemas"]["IdentifyForm"]["properties"]["filter"]
    [query] = [
        one
        for one in schema["paths"]["/galleries/{gallery}/subjects"]["get"]["parameters"]
        if one["name"] == "filter"
    ]

    for described in (str(field), str(query)):
        assert '"department"' in described
        assert "Only subjects whose metadata matches" in described


def test_a_filtered_search_after_a_snapshot_and_a_restart(database: str, tmp_path: Path) -> None:
    worker = Worker(database, tmp_path)
    for number in range(6):
        worker.enroll(f"{number}", f"{number} photo")
        metadata = {"metadata": {"odd": number % 2 == 1}}
        galleries.change_subject(worker.store, "default", f"{number}", metadata)
    worker.identify(0)
    worker.index.save(worker.store)
    worker.close()
    fresh = Worker(database, tmp_path)

    found = fresh.identify(0, wanted=MetadataFilter({"odd": (True,)}))

    assert sorted(one.subject_id for one in found.candidates) == ["1", "3", "5"]
    assert found.searched == 3
    fresh.close()
