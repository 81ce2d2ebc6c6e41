"""What can be set of a gallery: at its making, later, one setting without the others."""

import httpx
import pytest
from desk import Desk

pytestmark = pytest.mark.every_database

USUAL = {
    "quality": {},
    "fusion": "best",
    "duplicates": {"target_fpir": 0.05, "min_score": None},
    "retention_days": None,
}


def settings_of(client: httpx.Client, gallery: str) -> dict[str, object]:
    told = client.get(f"/galleries/{gallery}").json()
    return {name: told[name] for name in USUAL}


def test_a_new_gallery_has_the_usual_settings(desk: Desk) -> None:
    assert settings_of(desk.client, desk.gallery) == USUAL


def test_a_gallery_is_made_as_it_is_asked_for(client: httpx.Client) -> None:
    asked = {"fusion": "mean", "retention_days": 30, "quality": {"sharpness": {"min": 1}}}
    made = client.post("/galleries", json={"gallery": "as-asked", **asked, "duplicates": None})

    assert made.status_code == 201, made.text
    assert settings_of(client, "as-asked") == {
        "fusion": "mean",
        "retention_days": 30,
        "quality": {"sharpness": {"min": 1, "max": None}},
        "duplicates": None,
    }
    client.delete("/galleries/as-asked")


def test_what_is_not_sent_stays_as_it_is(desk: Desk) -> None:
    changes: list[dict[str, object]] = [
        {"fusion": "mean"},
        {"retention_days": 7},
        {"duplicates": {"min_score": 0.5}},
        {"quality": {"sharpness": {"min": 1}}},
        {"duplicates": None},
        {"retention_days": None},
        {"fusion": "best", "quality": {}},
        {"duplicates": {"target_fpir": 0.05}},
    ]
    for change in changes:
        before = settings_of(desk.client, desk.gallery)
        answer = desk.client.patch(desk.at(), json=change)
        assert answer.status_code == 200, answer.text
        after = settings_of(desk.client, desk.gallery)
        assert {name: after[name] for name in after if name not in change} == {
            name: before[name] for name in before if name not in change
        }
        assert after != before
    assert settings_of(desk.client, desk.gallery) == USUAL


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"fusion": "median"},
        {"fusion": None},
        {"retention_days": 0},
        {"retention_days": 1.5},
        {"retention_days": 10**9},
        {"duplicates": {}},
        {"duplicates": {"min_score": 0.5, "target_fpir": 0.1}},
        {"duplicates": {"min_score": 2}},
        {"duplicates": {"target_fpir": 0}},
        {"fusion": "mean", "colour": "red"},
    ],
)
def test_a_setting_that_means_nothing_changes_nothing(desk: Desk, wrong: dict[str, object]) -> None:
    answer = desk.client.patch(desk.at(), json=wrong)

    assert answer.status_code == 422
    assert settings_of(desk.client, desk.gallery) == USUAL
