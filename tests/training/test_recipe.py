"""A recipe's crops are those of the network it names."""

import shutil
from dataclasses import replace

import pytest

from faces.errors import BundleError
from training.recipe import CASCADE_SOURCES, LANDMARKS, cascade_recipe, recipe
from training.template import CROP


def test_another_network_or_template_makes_another_recipe(tmp_path):
    other = tmp_path / "other.onnx"
    other.write_bytes(LANDMARKS.read_bytes() + b"\0")
    wide = replace(CROP, size=112)
    keys = {recipe().key, cascade_recipe(CROP, other).key, cascade_recipe(wide, LANDMARKS).key}
    assert len(keys) == 3


def test_the_same_network_elsewhere_makes_the_same_recipe(tmp_path):
    shutil.copy(LANDMARKS, tmp_path / "landmarks.onnx")
    assert cascade_recipe(CROP, tmp_path / "landmarks.onnx").key == recipe().key


def test_another_way_of_searching_makes_another_recipe(tmp_path, monkeypatch):
    before = recipe().key
    edited = tmp_path / "cascade.py"
    edited.write_bytes(CASCADE_SOURCES[0].read_bytes() + b"\nSOMETHING_ELSE = 1\n")
    monkeypatch.setattr("training.recipe.CASCADE_SOURCES", (edited, *CASCADE_SOURCES[1:]))
    assert recipe().key != before


def test_a_network_replaced_meanwhile_is_not_used(tmp_path):
    network = tmp_path / "landmarks.onnx"
    shutil.copy(LANDMARKS, network)
    made = cascade_recipe(CROP, network)
    made.open_locator()
    network.write_bytes(LANDMARKS.read_bytes() + b"\0")
    with pytest.raises(BundleError, match="replaced while crops were being made"):
        made.open_locator()
