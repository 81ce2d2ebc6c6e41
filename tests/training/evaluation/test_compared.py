"""A second bundle in the same table."""

from dataclasses import replace
from pathlib import Path

import pytest

from faces.bundle import load_bundle
from faces.errors import BundleError
from training.evaluation.bundles import bundle_recipe, compared

SHIPPED = Path("models/default").resolve()


@pytest.fixture(scope="module")
def recipe():
    return bundle_recipe(load_bundle(SHIPPED))


def test_a_further_bundle_goes_by_the_name_it_is_given(recipe):
    assert compared("theirs", SHIPPED, recipe).name == "theirs"


def test_a_run_of_the_ladder_stands_for_the_bundle_inside(recipe, tmp_path):
    (tmp_path / "bundle").symlink_to(SHIPPED)
    assert compared("base", tmp_path, recipe).name == "base"


def test_a_bundle_that_takes_other_crops_is_not_put_beside(recipe):
    other = replace(recipe, spec=replace(recipe.spec, size=112))
    with pytest.raises(BundleError, match="takes other crops"):
        compared("theirs", SHIPPED, other)
