"""From photo to ranked identities, over real HTTP."""

import pytest
from desk import Desk
from drawn import jpeg, photo, png

pytestmark = pytest.mark.every_database


@pytest.mark.parametrize("style", ["vis", "nir", "sketch"])
def test_a_probe_of_each_modality_finds_its_person_first(desk: Desk, style: str) -> None:
    for person in range(12):
        desk.enroll_person(person)

    answer = desk.identify(png(photo(7, style=style))).json()

    assert answer["candidates"][0]["subject_id"] == "person-7"
    assert [candidate["rank"] for candidate in answer["candidates"]] == list(range(1, 11))
    assert answer["probe"]["modality"] == style
    assert answer["searched"] == 12
    assert answer["model"] == "drawn"
    assert answer["gallery"] == desk.gallery
    scores = [candidate["score"] for candidate in answer["candidates"]]
    assert scores == sorted(scores, reverse=True)


def test_an_enrolment_tells_what_was_made_of_it(desk: Desk) -> None:
    answer = desk.enroll("a", jpeg(photo(1)), name="Ada", metadata='{"desk": 3}')

    assert answer.status_code == 201
    body = answer.json()
    assert body["gallery"] == desk.gallery
    assert body["rejected"] == []
    assert body["subject"]["subject_id"] == "a"
    assert body["subject"]["name"] == "Ada"
    assert body["subject"]["metadata"] == {"desk": 3}
    [template] = body["templates"]
    assert template["modality"] == "vis"
    assert template["face"]["box"] == pytest.approx(
        {"x": 24, "y": 24, "width": 128, "height": 128}, abs=2
    )
    assert len(template["face"]["points"]) == 5
    assert template["quality"]["inter_eye_distance"] == pytest.approx(0.4 * 128, abs=2)


def test_the_gallery_called_default_is_made_on_first_use(desk: Desk) -> None:
    files = {"image": ("a.jpg", jpeg(photo(1)))}

    answer = desk.client.post("/enroll", files=files, data={"subject_id": "first"})

    assert answer.status_code == 201
    assert answer.json()["gallery"] == "default"
    assert desk.client.delete("/galleries/default").status_code == 204
    assert desk.client.get("/galleries/default").status_code == 404
    assert desk.client.post("/identify", files=files).json()["candidates"] == []
    assert desk.client.get("/galleries/default").json()["subjects"] == 0


def test_a_subject_without_an_id_gets_one(desk: Desk) -> None:
    made = desk.enroll(None, jpeg(photo(1))).json()["subject"]["subject_id"]

    assert made
    assert desk.found(png(photo(1))) == [made]


def test_a_subject_with_many_templates_is_one_row(desk: Desk) -> None:
    for side in range(100, 130, 2):
        assert desk.enroll("many", png(photo(1, side=side))).status_code == 201
    desk.enroll_person(2, "other")

    answer = desk.identify(png(photo(1)), top_k=2).json()

    assert [candidate["subject_id"] for candidate in answer["candidates"]] == ["many", "other"]
    assert answer["searched"] == 16


def test_several_images_go_to_one_subject_and_the_best_counts(desk: Desk) -> None:
    answer = desk.enroll("both", png(photo(1)), png(photo(2)))

    first, second = answer.json()["templates"]
    assert (first["index"], second["index"]) == (0, 1)
    for person, template in ((1, first), (2, second)):
        [candidate] = desk.identify(png(photo(person, style="nir"))).json()["candidates"]
        assert candidate["template_id"] == template["template_id"]
        assert candidate["score"] > 0.99


def test_what_can_be_used_is_enrolled_and_the_rest_is_told(desk: Desk) -> None:
    answer = desk.enroll("a", png(photo()), png(photo(1)), b"text", png(photo(1)), png(photo(1, 2)))

    assert answer.status_code == 201
    body = answer.json()
    assert [template["index"] for template in body["templates"]] == [1]
    told = [(one["index"], one["code"]) for one in body["rejected"]]
    assert told == [
        (0, "no_face"),
        (2, "unsupported_image"),
        (3, "duplicate"),
        (4, "several_faces"),
    ]
    assert len(body["rejected"][3]["boxes"]) == 2


def test_where_nothing_can_be_used_the_first_error_is_the_answer(desk: Desk) -> None:
    answer = desk.enroll("a", b"text", png(photo()))

    assert answer.status_code == 415
    body = answer.json()
    assert body["code"] == "unsupported_image"
    assert [(one["index"], one["code"]) for one in body["rejected"]] == [
        (0, "unsupported_image"),
        (1, "no_face"),
    ]
    assert desk.client.get(desk.at("subjects", "a")).status_code == 404


def test_the_very_same_image_of_a_subject_is_a_duplicate(desk: Desk) -> None:
    image = jpeg(photo(1))
    assert desk.enroll("a", image).status_code == 201

    again = desk.enroll("a", image)
    someone_else = desk.enroll("b", image)

    assert (again.status_code, again.json()["code"]) == (409, "duplicate")
    assert someone_else.status_code == 201
    assert desk.client.get(desk.at()).json()["templates"] == 2


def test_enrolling_again_changes_only_what_is_sent(desk: Desk) -> None:
    desk.enroll("a", png(photo(1)), name="Ada", metadata='{"x": 1}')

    subject = desk.enroll("a", png(photo(2)), metadata='{"y": 2}').json()["subject"]

    assert subject["name"] == "Ada"
    assert subject["metadata"] == {"y": 2}
    assert subject["template_count"] == 2


def test_equal_scores_keep_the_order_of_enrolment(desk: Desk) -> None:
    for number in range(9):
        desk.enroll_person(1, f"twin-{number}")

    for top_k in (1, 3, 9):
        assert desk.found(png(photo(1)), top_k=top_k) == [f"twin-{n}" for n in range(top_k)]


def test_nobody_above_the_threshold_is_an_empty_list(desk: Desk) -> None:
    desk.enroll_person(1)

    answer = desk.identify(png(photo(2)), min_score=0.999)

    assert answer.status_code == 200
    assert answer.json()["candidates"] == []
    assert answer.json()["threshold"] == 0.999


def test_a_score_equal_to_min_score_is_listed(desk: Desk) -> None:
    desk.enroll_person(1)
    [candidate] = desk.identify(png(photo(1, style="nir"))).json()["candidates"]

    assert desk.found(png(photo(1, style="nir")), min_score=candidate["score"]) == ["person-1"]


def test_a_target_fpir_becomes_a_threshold_for_this_gallery_size(desk: Desk) -> None:
    for person in range(5):
        desk.enroll_person(person)

    answer = desk.identify(png(photo(1)), target_fpir=0.01).json()

    # 0.01 over 5 templates is an FMR of 0.002; the table reaches 0.001 at a score of 0.6.
    assert answer["threshold"] == 0.6
    [candidate] = answer["candidates"]
    assert candidate["subject_id"] == "person-1"
    assert candidate["fpir"] == pytest.approx(5 * 0.00001, rel=1e-3)


def test_a_rate_below_the_calibration_is_told_and_lists_nobody(desk: Desk) -> None:
    desk.enroll_person(1)

    answer = desk.identify(png(photo(1)), target_fpir=1e-9).json()

    assert answer["candidates"] == []
    assert answer["threshold"] is None
    assert [warning["code"] for warning in answer["warnings"]] == ["target_unreachable"]


@pytest.mark.parametrize(("policy", "person"), [("largest", "person-2"), ("centered", "person-1")])
def test_the_face_policy_says_which_face_is_meant(desk: Desk, policy: str, person: str) -> None:
    for number in (1, 2):
        desk.enroll_person(number)
    frame = photo(3, 1, 4, side=64)
    large = photo(2, side=100)
    frame = _beside(frame, large)

    assert desk.found(png(frame), face_policy=policy)[0] == person


def _beside(frame, large):
    """`frame` in the middle of a canvas, `large` in its corner."""
    import numpy as np

    height, width = frame.shape[0] + 2 * large.shape[0], frame.shape[1]
    canvas = np.full((height, width, 3), 150, np.uint8)
    top = (height - frame.shape[0]) // 2
    canvas[top : top + frame.shape[0]] = frame
    canvas[: large.shape[0], : large.shape[1]] = large
    return canvas


def test_one_face_is_required_where_the_policy_says_so(desk: Desk) -> None:
    answer = desk.identify(png(photo(1, 2)), face_policy="require_single")

    assert (answer.status_code, answer.json()["code"]) == (422, "several_faces")
    assert len(answer.json()["boxes"]) == 2
    assert set(answer.json()["boxes"][0]) == {"x", "y", "width", "height"}
