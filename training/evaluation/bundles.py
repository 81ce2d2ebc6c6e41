"""A model bundle as a row of the table, on the crops that its own locator makes."""

from dataclasses import replace
from pathlib import Path

from faces.bundle import Bundle, load_bundle
from faces.encode import Encoder
from faces.errors import BundleError
from training.crops import Recipe
from training.evaluation.systems import System, on_crops
from training.recipe import LocatorFiles, onestage_recipe


def bundle_system(bundle: Bundle, *, threads: int = 1) -> System:
    """The encoders of a bundle; the similarity is the cosine, as the service takes it."""
    return on_crops(bundle.manifest.name, Encoder(bundle, threads=threads))


def compared(name: str, folder: Path, recipe: Recipe) -> System:
    """A further bundle as a row called `name`, on crops made for another one.

    Args:
        folder: the bundle, or a run of the ladder that holds one.

    Raises:
        BundleError: it cannot be read, or takes crops of another shape than `recipe` makes.
    """
    inside = folder / "bundle"
    bundle = load_bundle(inside if inside.is_dir() else folder)
    if bundle.crop_spec != recipe.spec:
        raise BundleError(f"{folder}: takes other crops than the first bundle; measure it alone.")
    return replace(bundle_system(bundle), name=name)


def bundle_recipe(bundle: Bundle) -> Recipe:
    """The crops that the service would make for this bundle.

    Raises:
        BundleError: the bundle brings no locator.
    """
    manifest = bundle.manifest
    if manifest.locator is None or manifest.landmarks is None:
        raise BundleError(f"The bundle {manifest.name} brings no complete locator.")
    files = LocatorFiles(bundle.path(manifest.locator), bundle.path(manifest.landmarks))
    return onestage_recipe(bundle.crop_spec, files)
