"""Canvases, targets, loss, resumption and export of the locator, on generated pictures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from faces.landmarks import LandmarkNetwork
from faces.onestage import TEMPLATE, OneStageLocator, box_of
from training.locator import canvas
from training.locator.album import Album, Picture, joined
from training.locator.batches import Sizes, batch_of, step_batches
from training.locator.canvas import Canvas, close_up, draw_odds, scene
from training.locator.export import export
from training.locator.network import LocatorNetwork, cell_centres
from training.locator.nothing import nothing
from training.locator.targets import EITHER, FACE, NO_FACE, targets
from training.locator.train import TrainConfig, fresh, load, losses, train, train_step
from training.recipe import SHIPPED

SIDE = 96
FACE_SIDE = 60.0
POINTS = (TEMPLATE * FACE_SIDE + SIDE / 2).astype(np.float32)
SMALL = Sizes(scenes=3, scene_side=96, close_ups=2, close_up_side=64)


def dotted(seed: int) -> np.ndarray:
    """A picture on which each of the five points is a grey of its own on a dark ground."""
    grey = np.random.default_rng(seed).integers(0, 30, (SIDE, SIDE)).astype(np.uint8)
    for level, (x, y) in zip((120, 150, 180, 210, 240), POINTS.round().astype(int), strict=True):
        grey[y - 3 : y + 4, x - 3 : x + 4] = level
    return grey


@pytest.fixture(scope="module")
def album() -> Album:
    sure = np.array([True])
    photos = [([dotted(n)] * 3, Picture(dotted(n), POINTS[None], sure)) for n in range(4)]
    sketches = [([dotted(n)], Picture(dotted(n), POINTS[None], sure)) for n in range(4, 6)]
    return joined(photos + sketches, [0, 0, 0, 0, 1, 1])


def test_an_album_gives_back_every_look_and_its_own_faces(album: Album, tmp_path: Path) -> None:
    album.save(tmp_path)
    again = Album.load(tmp_path)
    assert len(again) == 6
    np.testing.assert_array_equal(again.picture(5, look=2).grey, dotted(5))
    np.testing.assert_array_equal(again.picture(1, look=1).points, POINTS[None])


def test_sets_of_unequal_size_are_drawn_by_the_root_of_their_size(album: Album) -> None:
    odds = draw_odds(album)
    assert odds[-1] == 1
    assert 1 - odds[3] == pytest.approx(2**0.5 / (2**0.5 + 4**0.5))


def clean_canvases(album: Album, monkeypatch: pytest.MonkeyPatch) -> list[Canvas]:
    for faults in ("OF_A_PICTURE", "OF_A_DRAWING", "OF_A_CANVAS"):
        monkeypatch.setattr(canvas, faults, ())
    random, odds = np.random.default_rng(1), draw_odds(album)
    scenes = [scene(album, odds, 256, random) for _ in range(60)]
    return scenes + [close_up(album, odds, 128, random) for _ in range(20)]


def test_points_follow_every_turn_scale_shift_and_mirror(
    album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = 0
    for each in clean_canvases(album, monkeypatch):
        for points in each.points[each.sure]:
            eyes = points[1] - points[0]
            assert eyes[0] > 0, "a mirrored face has its eyes swapped too"
            assert abs(np.degrees(np.arctan2(eyes[1], eyes[0]))) <= 36
            columns, rows = points.round().astype(int).T
            height, width = each.grey.shape
            inside = (columns > 0) & (columns < width - 1) & (rows > 0) & (rows < height - 1)
            if box_of(points)[2] > 30:
                assert (each.grey[rows[inside], columns[inside]] > 80).all()
                seen += 1
    assert seen > 60


def test_a_face_that_cannot_be_seen_is_not_taught(
    album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    blank = [
        ([np.full((SIDE, SIDE), 250, np.uint8)], Picture(dotted(0), POINTS[None], np.array([True])))
    ]
    drawn = clean_canvases(joined(blank, [0]), monkeypatch)
    assert not any(each.sure.any() for each in drawn)


@pytest.mark.parametrize("seed", range(12))
def test_a_picture_of_nothing_depends_on_the_seed_alone(seed: int) -> None:
    once, again = (nothing(60, 90, np.random.default_rng(seed)) for _ in range(2))
    assert once.shape == (60, 90)
    assert once.dtype == np.uint8
    np.testing.assert_array_equal(once, again)


def test_a_face_is_answered_by_cells_at_its_middle_and_by_none_further_off() -> None:
    kinds, points, sides = targets(POINTS[None], np.array([True]), SIDE, SIDE)
    centres = np.concatenate([cell_centres(SIDE // s, SIDE // s, s).numpy() for s in (8, 16, 32)])
    apart = np.linalg.norm(centres - SIDE / 2, axis=1)
    assert apart[kinds == FACE].max() < 0.2 * FACE_SIDE
    assert apart[kinds == NO_FACE].min() > 0.39 * FACE_SIDE
    np.testing.assert_allclose(points[kinds == FACE], POINTS[None].repeat((kinds == FACE).sum(), 0))
    np.testing.assert_allclose(sides[kinds == FACE], FACE_SIDE, rtol=1e-2)


def test_a_doubtful_face_is_neither_right_nor_wrong() -> None:
    kinds, _, _ = targets(POINTS[None], np.array([False]), SIDE, SIDE)
    assert FACE not in kinds
    assert EITHER in kinds


def test_every_face_of_a_useful_size_has_a_cell() -> None:
    for side in (13, 30, 50, 75, 100, 200, 300):
        points = (TEMPLATE * side + 128).astype(np.float32)
        assert FACE in targets(points[None], np.array([True]), 256, 256)[0], side


def test_the_loss_asks_for_points_where_there_is_a_face_only() -> None:
    batch = batch_of([Canvas(dotted(0), POINTS[None], np.array([True]))])
    cells = torch.zeros(1, batch.kinds.shape[1], 11)
    cells[:, :, 1:] = torch.from_numpy(POINTS + np.float32([3, 4])).reshape(10)
    assert losses(cells, batch)["points"].item() == pytest.approx(5 / FACE_SIDE, rel=0.01)
    cells[:, :, 0] = torch.where(batch.kinds == FACE, 20.0, -20.0)
    assert losses(cells, batch)["face"].item() < 1e-6
    cells[:, :, 0] *= -1
    assert losses(cells, batch)["face"].item() > 10


def test_brightness_and_contrast_of_the_input_do_not_move_the_points() -> None:
    torch.manual_seed(0)
    network = LocatorNetwork().eval()
    images = torch.rand(2, 1, 64, 96)
    with torch.no_grad():
        assert (network(images) - network(0.4 * images + 0.3)).abs().max() < 2


def test_a_step_sees_the_same_images_whenever_it_is_made(album: Album) -> None:
    once, again = (step_batches(album, SMALL, seed=3, step=7)[0].images for _ in range(2))
    assert torch.equal(once, again)
    assert not torch.equal(once, step_batches(album, SMALL, seed=3, step=8)[0].images)


def test_a_resumed_run_equals_an_uninterrupted_one(album: Album, tmp_path: Path) -> None:
    config = TrainConfig(steps=4, cooling=2, sizes=SMALL)
    straight = fresh(config)
    train(straight, album, config, tmp_path / "straight.pt", print)
    halved = fresh(config)
    for step in range(2):
        train_step(halved, step_batches(album, SMALL, config.seed, step), config)
    halved.save(tmp_path / "halved.pt", config)
    resumed = load(tmp_path / "halved.pt", config)
    train(resumed, album, config, tmp_path / "halved.pt", print)
    for name, weights in straight.averaged.state_dict().items():
        assert torch.equal(weights, resumed.averaged.state_dict()[name]), name


def test_a_run_may_become_longer_until_it_cools_but_not_another(
    album: Album, tmp_path: Path
) -> None:
    config = TrainConfig(steps=40, cooling=20, sizes=SMALL)
    run = fresh(config)
    run.step = 20
    run.save(tmp_path / "run.pt", config)
    assert load(tmp_path / "run.pt", replace(config, steps=80)).step == 20
    for other in (replace(config, rate=1e-3), replace(config, steps=39)):
        with pytest.raises(ValueError, match="another config"):
            load(tmp_path / "run.pt", other)


def test_training_learns_and_the_exported_file_agrees(album: Album, tmp_path: Path) -> None:
    config = TrainConfig(steps=60, cooling=20, sizes=SMALL)
    run = fresh(config)
    terms = [
        train_step(run, step_batches(album, SMALL, 0, step), config) for step in range(config.steps)
    ]
    first, last = terms[0]["scene points"], np.mean([each["scene points"] for each in terms[-10:]])
    assert last < 0.6 * first

    assert export(run.averaged.eval(), tmp_path / "locator.onnx") < 1e-3
    assert (tmp_path / "locator.onnx").stat().st_size < 1_000_000
    locate = OneStageLocator(tmp_path / "locator.onnx", LandmarkNetwork(SHIPPED.points))
    assert isinstance(locate(np.repeat(dotted(0)[:, :, None], 3, axis=2)), list)
