"""Labels, samples, loss and export of the five-point network, on generated patches."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from faces.landmarks import MIRRORED, SIZE, TEMPLATE, LandmarkNetwork, Pyramid, window_matrix
from training.data import for_calibration
from training.evaluation.protocols import held_out
from training.landmarks.export import export
from training.landmarks.labels import agreed, load_labels, mirrored_rows, save_labels
from training.landmarks.network import Landmarks
from training.landmarks.patches import PATCH, Patches
from training.landmarks.rendering import near_infrared, pencil
from training.landmarks.sampling import COARSE, batches
from training.landmarks.sources import Part, part_of, sources
from training.landmarks.train import TrainConfig, losses, train

IDEAL = TEMPLATE * (PATCH / 2 / SIZE) + PATCH / 4


def dotted(random: np.random.Generator) -> np.ndarray:
    """A patch on which each of the five points is a grey of its own on a dark ground."""
    patch = random.integers(0, 30, (PATCH, PATCH)).astype(np.uint8)
    for grey, (x, y) in zip((120, 150, 180, 210, 240), IDEAL.round().astype(int), strict=True):
        patch[y - 3 : y + 4, x - 3 : x + 4] = grey
    return patch


@pytest.fixture
def patches() -> Patches:
    random = np.random.default_rng(0)
    faces = [dotted(random) for _ in range(8)]
    return Patches(
        looks=np.stack([np.stack([face] * 3) for face in faces]),
        points=np.stack([IDEAL] * 8).astype(np.float32),
        is_sketch=np.zeros(8, bool),
        backgrounds=random.integers(0, 255, (4, PATCH, PATCH)).astype(np.uint8),
        mistakes=np.empty((0, PATCH, PATCH), np.uint8),
    )


def row(points: np.ndarray, score: float = 0.9) -> np.ndarray:
    left, top = points.min(axis=0)
    width, height = np.ptp(points, axis=0)
    return np.array([left, top, width, height, *points.ravel(), score], np.float32)


def test_rows_of_the_mirror_image_come_back_to_their_place() -> None:
    there = mirrored_rows(row(IDEAL)[None], width=200)
    assert there[0, 4] == pytest.approx(199 - IDEAL[1, 0])
    np.testing.assert_allclose(mirrored_rows(there, width=200), row(IDEAL)[None], rtol=1e-6)


def test_a_label_survives_only_where_the_mirror_agrees() -> None:
    rows = np.stack([row(IDEAL), row(IDEAL + 300)])
    kept = agreed(rows, np.stack([row(IDEAL + 1), row(IDEAL + 340)]), tolerance=0.15)
    np.testing.assert_allclose(kept[:, 4:14].reshape(-1, 5, 2), [IDEAL + 0.5], rtol=1e-6)


def test_labels_are_read_as_they_were_written(tmp_path: Path) -> None:
    labels = {"a/1.jpg": np.stack([row(IDEAL)] * 2), "b/2.jpg": None, "c/3.jpg": row(IDEAL)[None]}
    save_labels(tmp_path / "labels.npz", labels)
    back = load_labels(tmp_path / "labels.npz")
    assert list(back) == list(labels)
    assert back["b/2.jpg"] is None
    np.testing.assert_array_equal(back["a/1.jpg"], labels["a/1.jpg"])


def test_samples_carry_their_points_through_every_turn_and_shift(patches: Patches) -> None:
    batch = next(batches(patches, 128, np.random.default_rng(1)))
    faces = batch.is_face == 1
    assert 0.5 < faces.mean() < 0.9
    vectors = batch.points[faces, 1] - batch.points[faces, 0]
    turns = np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0]))
    assert np.abs(turns).max() <= COARSE.turn + 1
    assert np.abs(turns).max() > 20
    assert (vectors[:, 0] > 0).all(), "a mirrored face has its eyes swapped too"
    assert batch.points[faces].min() > -0.1 * SIZE
    assert batch.points[faces].max() < 1.1 * SIZE


def test_a_clean_sample_is_bright_where_its_points_are(
    patches: Patches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.landmarks.sampling._FAULTS", ())
    batch = next(batches(patches, 64, np.random.default_rng(2)))
    for crop, points in zip(
        batch.crops[batch.is_face == 1], batch.points[batch.is_face == 1], strict=True
    ):
        columns, rows = points.round().astype(int).T
        inside = (columns > 1) & (columns < SIZE - 2) & (rows > 1) & (rows < SIZE - 2)
        assert (crop[rows[inside], columns[inside]] > 90).all()


@pytest.mark.parametrize("seed", range(12))
def test_renderings_keep_size_and_type_and_depend_on_the_seed_alone(seed: int) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (PATCH, PATCH, 3)).astype(np.uint8)

    def both() -> list[np.ndarray]:
        random = np.random.default_rng(seed)
        return [pencil(rgb[:, :, 0], random), near_infrared(rgb, IDEAL, random)]

    for once, again in zip(both(), both(), strict=True):
        assert once.shape == (PATCH, PATCH)
        assert once.dtype == np.uint8
        np.testing.assert_array_equal(once, again)


def test_the_loss_ignores_the_points_of_what_is_no_face() -> None:
    wanted = torch.from_numpy(np.stack([TEMPLATE, TEMPLATE]))
    points = wanted + torch.tensor([[[3.0, 4.0]], [[50.0, 0.0]]])
    terms = losses(points, torch.tensor([0.0, 0.0]), wanted, torch.tensor([1.0, 0.0]))
    assert terms["points"].item() == pytest.approx(5.0, abs=0.01)
    assert terms["face"].item() == pytest.approx(np.log(2), abs=1e-6)


def test_brightness_and_contrast_of_the_input_do_not_move_the_points() -> None:
    torch.manual_seed(0)
    network = Landmarks().eval()
    crops = torch.rand(3, 1, SIZE, SIZE)
    with torch.no_grad():
        plain, _ = network(crops)
        faint, _ = network(0.4 * crops + 0.3)
    assert (plain - faint).abs().max() < 0.7


def test_training_learns_and_the_exported_file_agrees(patches: Patches, tmp_path: Path) -> None:
    torch.manual_seed(0)
    said: list[dict[str, float]] = []
    config = TrainConfig(steps=100, batch=16)
    network = train(Landmarks(), patches, config, lambda _, terms, __: said.append(terms))
    assert said[-1]["points"] < 8, "an untrained network is about 10 pixels off"

    assert export(network, tmp_path / "landmarks.onnx") < 1e-3
    assert (tmp_path / "landmarks.onnx").stat().st_size < 1_000_000
    served = LandmarkNetwork(tmp_path / "landmarks.onnx")
    window = np.array([[PATCH / 2, PATCH / 2, PATCH / 2, 0.0]])
    points, scores = served(Pyramid(patches.looks[0, 0]), np.repeat(window, 3, axis=0))
    assert points.shape == (3, 5, 2)
    assert scores.shape == (3,)
    np.testing.assert_allclose(points[0], points[2], atol=1e-2)


def test_a_window_that_turns_with_the_face_sees_it_upright() -> None:
    image = np.zeros((201, 201), np.uint8)
    image[60:80, 60:141] = 255
    upright = Pyramid(image).sample(window_matrix(100, 100, 128, 0))
    turned = cv2.warpAffine(image, cv2.getRotationMatrix2D((100, 100), -30, 1.0), (201, 201))
    seen = Pyramid(turned).sample(window_matrix(100, 100, 128, 30))
    assert np.abs(upright.astype(int) - seen).mean() < 4


def test_a_mirror_swaps_left_and_right() -> None:
    assert [MIRRORED[i] for i in MIRRORED] == [0, 1, 2, 3, 4]


def test_nobody_is_in_two_parts_and_the_test_people_are_those_of_recognition(
    tmp_path: Path,
) -> None:
    names = [f"{kind}/person_{i}/1.jpg" for i in range(80) for kind in ("lfw", "lfw_full_frame")]
    names += ["cufs/ar/test/vis/1.jpg", "cufs/ar/train/vis/2.jpg", "fs2k/test/vis/3.jpg"]
    names += ["cufsf_sketches/4.jpg"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    taught = {source.path for source in sources(tmp_path, Part.TRAIN)}
    people = {Path(path).parent.name for path in taught if path.startswith("lfw")}
    assert people
    assert not any(held_out(name) or for_calibration(name) for name in people)
    assert not any("test/" in path for path in taught)
    assert part_of("nir_frames/a.png") is Part.TEST
