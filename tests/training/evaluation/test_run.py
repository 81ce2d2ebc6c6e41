"""A whole evaluation on a small drawn set: real crops, real metrics, encoders of a few lines."""

import json

import numpy as np
import pytest
from PIL import Image

from training.evaluation.floors import floors, hog_64, pixels
from training.evaluation.protocols import cufs, trials_of
from training.evaluation.report import write_report
from training.evaluation.run import evaluate, refusals, write_json
from training.evaluation.scoring import difference
from training.evaluation.systems import negative_distance, on_crops


def means(crops, modality):
    """Grey means of 5 x 4 blocks: what makes a person in the drawn set."""
    return crops[:, 2::6, 4::8].reshape(len(crops), -1) - 0.5


def blind(crops, modality):
    return np.ones((len(crops), 3), dtype=np.float32)


@pytest.fixture
def run(data, recipe, tmp_path):
    def run(systems):
        return evaluate("cufs", trials_of(cufs(data)), systems, recipe, cache=tmp_path / "cache")

    return run


def test_an_encoder_that_sees_the_person_gets_every_rank_1_and_a_blind_one_none(run):
    done = run([on_crops("sees", means), on_crops("blind", blind)])
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
    result = next(r for r in done.results if r.trial == "cufs-ar")
    assert (result.fta, result.fte) == (1, 1)
    assert result.figure("rank-1").value == pytest.approx(1 / 3)
    assert [(s.file, s.found, s.rank) for s in result.searches] == [
        ("ar-001.png", True, 1),
        ("ar-002.png", False, None),
        ("ar-008.png", True, None),
    ]
    assert sorted(p.rsplit("/", 2)[-2:] for p in refusals(done.images)["no_face"]) == [
        ["sketch", "ar-002.png"],
        ["vis", "ar-008.png"],
    ]


def test_figures_that_so_few_people_cannot_support_are_not_measured(run):
    (result, *_) = run([on_crops("sees", means)]).results
    assert result.figure("VR@FMR=0.10%").value is None
    assert result.figure("VR@FMR=0.10%").interval is None
    assert result.figure("FNIR@FPIR=1%").value is None


def test_the_first_system_is_compared_with_every_other_one(run):
    done = run([on_crops("sees", means), on_crops("blind", blind)])
    found = next(d for d in done.differences if d.trial == "cufs")
    assert (found.ours, found.theirs, found.value) == ("sees", "blind", 1.0)
    assert found.mcnemar == pytest.approx(2 / 2**7)


def test_systems_measured_on_other_probes_are_not_compared(run):
    student, ar = run([on_crops("sees", means)]).results[1:]
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


def test_json_holds_the_figures_and_the_rank_of_every_probe(run, tmp_path):
    done = run([on_crops("sees", means), on_crops("blind", blind)])
    write_json(tmp_path / "out" / "results.json", "cufs", done.results, done.differences)
    document = json.loads((tmp_path / "out" / "results.json").read_text())
    first = document["results"][0]
    assert (first["system"], first["trial"], first["probes"]) == ("sees", "cufs", 7)
    assert first["figures"][0]["name"] == "rank-1"
    assert first["searches"][0]["rank"] == 1
    assert document["differences"][0]["theirs"] == "blind"


def test_the_report_is_one_file_that_git_ignores(run, tmp_path):
    done = run([on_crops("sees <b>", means), on_crops("blind", blind)])
    path = write_report(done, tmp_path / "out", title="a run")
    text = path.read_text()
    assert (path.parent / ".gitignore").read_text() == "*\n"
    assert "sees &lt;b&gt;" in text
    assert "sees <b>" not in text
    assert text.count("<svg") == 6  # CMC and ROC of three trials
    assert text.count("data:image/png;base64,") > 0
    assert 'src="http' not in text
    assert "84.23" in text
    assert "(published)" in text


def test_the_report_names_refused_images(data, run, tmp_path):
    Image.new("L", (64, 80)).save(data / "cufs/ar/test/sketch/ar-002.png")
    text = write_report(run([on_crops("sees", means)]), tmp_path / "out", title="a run").read_text()
    assert "no_face" in text
    assert "ar-002.png" in text
