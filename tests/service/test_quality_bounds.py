"""What a gallery asks of images, and what it does with one that is not like that."""

import numpy as np
import pytest
from desk import Desk
from drawn import jpeg, photo, png

MEASURES = {"inter_eye_distance", "sharpness", "under_exposure", "over_exposure", "head_pose_roll"}
MEASURES |= {"head_pose_yaw", "head_pose_pitch", "luminance_mean", "dynamic_range"}
MEASURES |= {"illumination_uniformity"}


def ask(desk: Desk, **bounds: dict[str, float]) -> None:
    answer = desk.client.patch(desk.at(), json={"quality": bounds})
    assert answer.status_code == 200, answer.text


def test_every_measure_is_answered_at_enrolment_and_at_identification(desk: Desk) -> None:
    enrolled = desk.enroll("ada", jpeg(photo(1))).json()["templates"][0]["quality"]
    found = desk.identify(png(photo(1, style="sketch"))).json()["probe"]["quality"]

    assert set(enrolled) == set(found) == MEASURES
    assert None not in enrolled.values()


def test_an_image_beyond_a_bound_is_refused_and_the_refusal_names_it(desk: Desk) -> None:
    ask(desk, inter_eye_distance={"min": 60}, dynamic_range={"min": 1})

    small = desk.enroll("ada", jpeg(photo(1, side=128)))  # eyes 51 pixels apart
    large = desk.enroll("ada", jpeg(photo(1, side=160)))  # 64

    assert (small.status_code, small.json()["code"]) == (422, "low_quality")
    assert "inter_eye_distance is 51." in small.json()["detail"]
    assert "at least 60" in small.json()["detail"]
    assert large.status_code == 201
    assert desk.found(png(photo(1, side=100))) == ["ada"]  # a search takes any image


def test_one_of_several_images_may_be_refused(desk: Desk) -> None:
    ask(desk, sharpness={"max": 0})

    answer = desk.enroll("ada", jpeg(photo(1)), jpeg(photo(2)))

    assert answer.json()["code"] == "low_quality"
    assert [one["code"] for one in answer.json()["rejected"]] == ["low_quality"] * 2
    assert "at most 0" in answer.json()["detail"]


def test_a_sketch_is_not_measured_by_rules_for_photos(desk: Desk) -> None:
    ask(desk, over_exposure={"max": -1}, sharpness={"min": 1e9}, inter_eye_distance={"min": 20})

    as_photo = desk.enroll("ada", png(photo(1, style="sketch")))
    as_sketch = desk.enroll("ada", png(photo(1, style="sketch")), modality="sketch")

    assert (as_photo.status_code, as_sketch.status_code) == (422, 201)
    ask(desk, inter_eye_distance={"min": 500})
    assert desk.enroll("ben", png(photo(2, style="sketch")), modality="sketch").status_code == 422


def test_bounds_are_kept_with_the_gallery_and_replaced_as_a_whole(desk: Desk) -> None:
    assert desk.client.get(desk.at()).json()["quality"] == {}
    ask(desk, head_pose_yaw={"min": -0.5, "max": 0.5})
    assert desk.client.get(desk.at()).json()["quality"] == {
        "head_pose_yaw": {"min": -0.5, "max": 0.5}
    }
    ask(desk, sharpness={"min": 1})
    assert list(desk.client.get(desk.at()).json()["quality"]) == ["sharpness"]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"quality": None},
        {"quality": {"beauty": {"min": 1}}},
        {"quality": {"sharpness": {}}},
        {"quality": {"sharpness": {"min": 2, "max": 1}}},
        {"quality": {"sharpness": {"least": 1}}},
    ],
)
def test_a_bound_that_means_nothing_is_refused(desk: Desk, wrong: dict[str, object]) -> None:
    answer = desk.client.patch(desk.at(), json=wrong)

    assert answer.status_code == 422
    assert desk.client.get(desk.at()).json()["quality"] == {}


def test_light_from_one_side_lowers_uniformity(desk: Desk) -> None:
    even = photo(1)
    ramp = np.linspace(0.25, 1, even.shape[1])[None, :, None]
    sided = (even * ramp).astype(np.uint8)

    def uniformity(image: np.typing.NDArray[np.uint8]) -> float:
        answer = desk.identify(png(image), modality="vis").json()
        return float(answer["probe"]["quality"]["illumination_uniformity"])

    assert uniformity(sided) < uniformity(even) - 0.1
