"""A recipe's crops are those of the networks it names."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from faces.errors import BundleError
from training.recipe import SHIPPED, SOURCES, LocatorFiles, onestage_recipe, recipe
from training.template import CROP


@pytest.fixture
def copied(tmp_path: Path) -> LocatorFiles:
    files = LocatorFiles(tmp_path / "locator.onnx", tmp_path / "landmarks.onnx")
    shutil.copy(SHIPPED.faces, files.faces)
    shutil.copy(SHIPPED.points, files.points)
    return files


def alter(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\0")


@pytest.mark.parametrize("network", ["faces", "points"])
def test_another_network_makes_another_recipe(copied: LocatorFiles, network: str) -> None:
    alter(getattr(copied, network))
    assert onestage_recipe(CROP, copied).key != recipe().key


def test_another_template_makes_another_recipe() -> None:
    assert onestage_recipe(replace(CROP, size=112), SHIPPED).key != recipe().key


def test_the_same_networks_elsewhere_make_the_same_recipe(copied: LocatorFiles) -> None:
    assert onestage_recipe(CROP, copied).key == recipe().key


def test_another_way_of_searching_makes_another_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = recipe().key
    edited = tmp_path / "onestage.py"
    edited.write_bytes(SOURCES[0].read_bytes() + b"\nSOMETHING_ELSE = 1\n")
    monkeypatch.setattr("training.recipe.SOURCES", (edited, *SOURCES[1:]))
    assert recipe().key != before


def test_a_network_replaced_meanwhile_is_not_used(copied: LocatorFiles) -> None:
    made = onestage_recipe(CROP, copied)
    made.open_locator()
    alter(copied.points)
    with pytest.raises(BundleError, match="replaced while crops were being made"):
        made.open_locator()
