"""A whole evaluation on a small drawn set: real crops, real metrics, encoders of a few lines."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from training.evaluation.comparisons import Scores
from training.evaluation.floors import floors, hog_64, pixels
from training.evaluation.protocols import cufs, trials_of
from training.evaluation.run import evaluate, refusals
from training.evaluation.scoring import difference, part_of, score, score_mean
from training.evaluation.systems import negative_distance, on_crops


def means(crops, modality):
    """Grey means of 5 x 4 blocks: what makes a person in the drawn set."""
    return crops[:, 2::6, 4::8].reshape(len(crops), -1) - 0.5


def blind(crops, modality):
    return np.ones((len(crops), 3), dtype=np.float32)


@pytest.fixture
def run(data, recipe, tmp_path):
    def run(systems):
        trials = trials_of(cufs(data))[:1]
        return evaluate("cufs", trials, systems, recipe, cache=tmp_path / "cache")

    return run


@pytest.fixture(scope="module")
def done(draw_data, recipe, tmp_path_factory):
    """One that sees the person and one that does not, on every trial."""
    folder = tmp_path_factory.mktemp("run")
    trials = trials_of(cufs(draw_data(folder / "data")))
    systems = [on_crops("sees", means), on_crops("blind", blind)]
    return evaluate("cufs", trials, systems, recipe, cache=folder / "cache")


def test_an_encoder_that_sees_the_person_gets_every_rank_1_and_a_blind_one_none(done):
    rank_1 = {(r.system, r.trial): r.figure("rank-1").value for r in done.results}
    assert rank_1 == {
        ("sees", "cufs"): 1,
        ("sees", "cufs-student"): 1,
        ("sees", "cufs-ar"): 1,
        ("blind", "cufs"): 0,
        ("blind", "cufs-student"): 0,
        ("blind", "cufs-ar"): 0,
    }


def test_each_modality_is_encoded_as_such_and_each_image_once(run):
    seen = []

    def spy(crops, modality):
        seen.extend([str(modality)] * len(crops))
        return means(crops, modality)

    run([on_crops("spy", spy)])
    assert sorted(seen) == ["sketch"] * 7 + ["vis"] * 7


def test_faces_not_found_count_against_the_system_and_are_named(data, run):
    Image.new("L", (64, 80)).save(data / "cufs/ar/test/sketch/ar-002.png")
    Image.new("RGB", (64, 80)).save(data / "cufs/ar/test/vis/ar-008.png")
    done = run([on_crops("sees", means)])
    (result,) = done.results
    assert (result.fta, result.fte) == (1, 1)
    assert result.figure("rank-1").value == pytest.approx(5 / 7)
    assert [(s.file, s.found, s.rank) for s in result.searches if s.file.startswith("ar")] == [
        ("ar-001.png", True, 1),
        ("ar-002.png", False, None),
        ("ar-008.png", True, None),
    ]
    assert sorted(p.rsplit("/", 2)[-2:] for p in refusals(done.images)["no_face"]) == [
        ["sketch", "ar-002.png"],
        ["vis", "ar-008.png"],
    ]


def test_figures_that_so_few_people_cannot_support_are_not_measured(done):
    (result, *_) = done.results
    assert result.figure("VR@FMR=0.10%").value is None
    assert result.figure("VR@FMR=0.10%").interval is None
    assert result.figure("FNIR@FPIR=1%").value is None


def test_the_first_system_is_compared_with_every_other_one(done):
    found = next(d for d in done.differences if d.trial == "cufs")
    assert (found.ours, found.theirs, found.value) == ("sees", "blind", 1.0)
    assert found.mcnemar == pytest.approx(2 / 2**7)


def test_systems_measured_on_other_probes_are_not_compared(done):
    student, ar = done.results[1:3]
    with pytest.raises(ValueError, match="not the same probes"):
        difference(student, ar, np.random.default_rng(0))


def test_the_same_run_gives_the_same_figures(run):
    assert run([on_crops("sees", means)]).results == run([on_crops("sees", means)]).results


def test_floors_see_the_person_in_the_drawn_set(run):
    done = run(floors())
    assert [r.system for r in done.results if r.trial == "cufs"] == [
        "pixels",
        "HOG 64x64",
        "HOG 64x64 root",
    ]
    assert all(r.figure("rank-1").value > 0.5 for r in done.results if r.trial == "cufs")


def test_the_pixel_floor_ignores_brightness_and_contrast():
    crop = np.random.default_rng(0).random((1, 8, 8), dtype=np.float32)
    first, second = pixels(crop, "vis")[0], pixels(crop * 0.3 + 0.2, "sketch")[0]
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    assert cosine == pytest.approx(1, abs=1e-5)


def test_hog_has_9_orientations_in_7_by_7_blocks_of_4_cells():
    crops = np.random.default_rng(0).random((2, 128, 128), dtype=np.float32)
    assert hog_64(crops, "vis", root=False).shape == (2, 9 * 7 * 7 * 4)


def test_hog_of_a_grey_crop_in_colour_is_that_of_the_crop():
    crops = np.random.default_rng(0).random((2, 128, 128), dtype=np.float32)
    colour = np.repeat(crops[..., None], 3, axis=3)
    grey, coloured = (hog_64(c, "vis", root=True) for c in (crops, colour))
    assert np.abs(grey - coloured).max() < 0.02


def test_hog_of_a_vertical_edge_lies_in_one_orientation():
    crop = np.zeros((1, 128, 128), dtype=np.float32)
    crop[:, :, 64:] = 1
    by_orientation = hog_64(crop, "vis", root=False).reshape(-1, 9).sum(axis=0)
    assert by_orientation.max() > 0.49 * by_orientation.sum()
    assert set(by_orientation.argsort()[-2:]) == {0, 8}  # 0 and 180 degrees meet there


def test_negative_distance_worked_out_by_hand():
    a = np.array([[0.0, 0.0], [3.0, 0.0]], dtype=np.float32)
    b = np.array([[0.0, 4.0]], dtype=np.float32)
    assert negative_distance(a, b).tolist() == [[-4.0], [-5.0]]


# The mean over folds


def folds_of(data, recipe, cache):
    """Student and ar test as two folds of one protocol, of four and of three people."""
    trials = [replace(trial, mean_of="two folds") for trial in trials_of(cufs(data))[1:3]]
    return evaluate("cufs", trials, [on_crops("sees", means)], recipe, cache=cache)


def test_the_mean_over_folds_weighs_every_fold_the_same(data, recipe, tmp_path):
    Image.new("L", (64, 80)).save(data / "cufs/ar/test/sketch/ar-002.png")
    done = folds_of(data, recipe, tmp_path / "cache")
    (mean,) = done.means
    assert (mean.trial, mean.folds, mean.probes, mean.people) == ("two folds", 2, 7, 7)
    assert mean.figure("rank-1").value == pytest.approx((1 + 2 / 3) / 2)  # not 6 / 7
    assert mean.fta == 1
    assert done.headline == [mean]
    assert [r.trial for r in done.results] == ["two folds", "cufs-student", "cufs-ar"]


def part(names, hits):
    """A fold in which the people of these names are found at rank 1, or not."""
    own = np.where(np.array(hits), 0.9, 0.1)
    similarity = np.full((len(names), len(names)), 0.5)
    np.fill_diagonal(similarity, own)
    everyone = np.ones(len(names), dtype=bool)
    scores = Scores(similarity, np.array(names), np.array(names), everyone, everyone)
    return part_of(scores, names, system="drawn", trial="a fold")


def test_somebody_in_many_folds_is_one_person_to_the_interval():
    """Three folds of the same eight people say no more of people than one of them does."""
    names, hits = list("abcdefgh"), [True] * 5 + [False] * 3
    once = score(part(names, hits), np.random.default_rng(0))
    often = score_mean("mean", [part(names, hits)] * 3, np.random.default_rng(0))
    assert often.people == 8
    assert often.figure("rank-1") == once.figure("rank-1")
    assert once.rank_1_wilson is not None
    assert often.rank_1_wilson is None


def test_two_means_are_compared_by_people_and_without_mcnemar():
    names = list("abcdefgh")
    ours, theirs = (
        score_mean("mean", [part(names, hits)] * 3, np.random.default_rng(0))
        for hits in ([True] * 8, [True] * 2 + [False] * 6)
    )
    found = difference(ours, theirs, np.random.default_rng(0))
    assert found.value == pytest.approx(0.75)
    assert found.mcnemar is None
    assert found.interval[0] < 0.75 < found.interval[1] <= 1


def test_what_one_fold_cannot_measure_has_no_mean():
    few, many = list("ab"), [f"{n:02d}" for n in range(20)]
    parts = [part(few, [True] * 2), part(many, [True] * 20)]
    assert score(parts[1], np.random.default_rng(0)).figure("VR@FMR=1.00%").value == 1
    mean = score_mean("mean", parts, np.random.default_rng(0))
    assert mean.figure("VR@FMR=1.00%").value is None
