"""Rows of a ladder: each switches off what it says, and nothing else."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError
from small_ladder import measure
from small_run import config, material

from faces.modality import Modality
from training.config import Config, Data, Networks, Optimiser, Source, Start
from training.ladder import climb, rungs
from training.material import restricted
from training.rows import BEYOND, CURVE, LADDERS, changed


def everything(**changes) -> Config:
    """A small run with every switch on that is beyond the paper."""
    sources = tuple(Source(path=str(m), modality=m) for m in (Modality.VIS, Modality.SKETCH))
    return config(
        data=Data(sources=sources, unpaired="shuffled"),
        networks=Networks(width=0.25, image_size=32, front_end="quadrature"),
        start=Start(discriminants=True, pseudo_pair_rounds=1, batches=5),
        optimiser=Optimiser(warm_up_steps=1),
        **changes,
    )


def differing(a: dict, b: dict, path: str = "") -> set[str]:
    return {
        where
        for key in a
        for where in (
            differing(a[key], b[key], f"{path}{key}.")
            if isinstance(a[key], dict)
            else ({path + key} if a[key] != b[key] else ())
        )
    }


@pytest.mark.parametrize("ladder", LADDERS)
def test_a_row_differs_from_the_config_in_what_it_names_only(ladder):
    run = everything()
    for change in LADDERS[ladder].values():
        assert differing(run.model_dump(), changed(run, change).model_dump()) <= set(change)


def test_all_rows_differ_from_one_another():
    for rows in LADDERS.values():
        made = [changed(everything(), change).model_dump_json() for change in rows.values()]
        assert len(set(made)) == len(made)


def test_a_row_that_cannot_be_is_refused():
    with pytest.raises(ValidationError, match="needs a front end"):
        changed(everything(), {"networks.front_end": None})


def test_every_row_has_its_rung():
    run = everything()
    shown = [rung.row for rung in rungs(run, [0], material(run), Path(), "curve")]
    assert shown[3:] == list(CURVE)


@pytest.mark.slow
def test_a_ladder_beyond_the_paper_trains_each_row_with_its_own_switches(tmp_path):
    run = everything(images=12)
    climb(run, [0], material(run), measure, tmp_path, "beyond")
    told = json.loads((tmp_path / "results.json").read_text())["rows"]
    assert [row["row"] for row in told][3:] == list(BEYOND)
    for row, change in BEYOND.items():
        used = Config.model_validate_json((tmp_path / "seed0" / row / "config.json").read_text())
        assert used == changed(run, {**change, "name": used.name})


def test_a_share_of_the_people_is_the_same_people_in_both_modalities():
    whole = material(everything())
    half = restricted(whole, 0.5)
    assert restricted(whole, 1) is whole
    for modality, pool in half.pools.items():
        all_files = whole.pools[modality].files
        assert set(pool.files) < set(all_files)
        assert pool.weights.sum() == pytest.approx(1)
    vis, rendered = half.pools[Modality.VIS], half.renderings[Modality.NIR]
    kept = [whole.pools[Modality.VIS].files.index(file) for file in vis.files]
    assert (rendered == whole.renderings[Modality.NIR][kept]).all()
    labels = vis.people.tolist()
    assert all(labels.count(label) == 2 for label in labels), "a person comes with all photos"
    assert set(restricted(half, 0.25).pools[Modality.VIS].files) == set(
        restricted(whole, 0.25).pools[Modality.VIS].files
    )
