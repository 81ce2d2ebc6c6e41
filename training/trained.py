"""A finished run as rows and pictures of a report: the half of it that needs torch."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from pydantic import ValidationError
from torch import Tensor

from faces.modality import Modality
from training import state as states
from training.config import Config
from training.crops import Recipe
from training.data import known_subjects, load_pools
from training.evaluation.protocols import Trial, assert_disjoint
from training.evaluation.systems import CropEncoder, GreyCrops, Vectors, on_crops
from training.evaluation.trained import RowError, TrainedRun, Translate
from training.kmeans import kmeans_encoder
from training.material import Material, mates_of
from training.model import Null
from training.release import centres
from training.renderings import cached_renderings
from training.train import CHECKPOINT

IMAGES = 600
"""Training images a modality that k-means and the centres are fitted on; their crops are made with
the locator of the bundle under test, which takes a minute or two the first time."""


def read_run(folder: Path, trials: Sequence[Trial], recipe: Recipe, processes: int) -> TrainedRun:
    """Read a run's averaged weights, and fit what needs its training images.

    Raises:
        RowError: it is no run of this code, its images are gone, or it does not know a modality.
        PeopleOverlapError: somebody of `trials` was trained on.
    """
    config = _config(folder)
    lacking = {s.modality for trial in trials for s in (*trial.gallery, *trial.probes)}
    lacking -= set(config.domains)
    if lacking:
        raise RowError(f"{folder}: the run was not trained on {', '.join(sorted(lacking))}.")
    model = _average(config, folder / CHECKPOINT)
    try:
        _assert_untested(config, trials)
        material = sampled_material(config, recipe, Path(".cache"), processes)
    except FileNotFoundError as error:
        raise RowError(str(error)) from error
    untrained = states.fresh(config, torch.device("cpu")).average
    return TrainedRun(
        name=config.name,
        domains=config.domains,
        rows=(
            on_crops("k-means", kmeans_encoder(material)),
            on_crops("untrained Ec", content_encoder(untrained, material)),
        ),
        style=style_encoder(model, config),
        translate=translator(model, config),
    )


def sampled_material(config: Config, recipe: Recipe, cache: Path, processes: int) -> Material:
    """A few training images of every domain, spread over the sources; a domain that the run only
    simulates is rendered from its photos."""
    pools = load_pools(
        config.data, recipe, cache=cache / "crops", processes=processes, at_most=IMAGES
    )
    vis = pools[Modality.VIS]
    renderings = {
        domain: cached_renderings(
            vis.crops, domain, 1, cache=cache / "renderings", processes=processes
        )
        for domain in config.domains
        if domain not in pools
    }
    return Material(config.domains, pools, renderings, mates_of(vis.people))


def content_encoder(model: Null, material: Material) -> CropEncoder:
    """Ec as a bundle would hold it: flip-averaged, less the mean of training images."""
    middle = {m: torch.tensor(centre) for m, centre in centres(model, material).items()}

    @torch.no_grad()
    def encode(crops: Vectors, modality: Modality) -> Vectors:
        domain, batch = material.domains.index(modality), _batch(crops)
        both = [model.content(view, domain).mean for view in (batch, batch.flip(3))]
        return np.asarray(((both[0] + both[1]) / 2 - middle[modality]).numpy(), dtype=np.float32)

    return encode


def style_encoder(model: Null, config: Config) -> CropEncoder:
    """The mean of q(s|x)."""

    @torch.no_grad()
    def encode(crops: Vectors, modality: Modality) -> Vectors:
        images = _shrunk(_batch(crops), config)
        style = model.style(images, config.domains.index(modality)).mean
        return np.asarray(style.numpy(), dtype=np.float32)

    return encode


def translator(model: Null, config: Config) -> Translate:
    """D_j(c, s) with the means of both posteriors."""

    @torch.no_grad()
    def translate(x: GreyCrops, i: Modality, y: GreyCrops, j: Modality) -> GreyCrops:
        source, target = config.domains.index(i), config.domains.index(j)
        content = model.content(_batch(x), source).mean
        style = model.style(_shrunk(_batch(y), config), target).mean
        made = model.decode(content, style, target)[:, 0]
        return np.asarray(made.numpy(), dtype=np.float32)

    return translate


def _config(folder: Path) -> Config:
    try:
        return Config.model_validate_json((folder / "config.json").read_text())
    except OSError as error:
        raise RowError(f"{folder}: not a run: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RowError(
            f"{folder}: a run of another version of this code: {where}: {first['msg']}"
        ) from error


def _average(config: Config, checkpoint: Path) -> Null:
    try:
        return states.load_average(config, checkpoint)
    except (OSError, RuntimeError) as error:
        raise RowError(f"{checkpoint}: cannot be read: {error}") from error


def _assert_untested(config: Config, trials: Sequence[Trial]) -> None:
    trained_on = (known_subjects(config.data.root, source) for source in config.data.sources)
    assert_disjoint(itertools.chain.from_iterable(trained_on), trials)


def _batch(crops: Vectors) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(crops))[:, None]


def _shrunk(crops: Tensor, config: Config) -> Tensor:
    return F.avg_pool2d(crops, crops.shape[-1] // config.networks.image_size)
