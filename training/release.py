"""From a trained run to the bundle that is shipped: centred, exported, calibrated, measured."""

from datetime import UTC, datetime
from pathlib import Path

import torch

from faces.bundle import Bundle, MetricFields, write_bundle
from faces.modality import Modality
from training.calibration import calibrate_bundle
from training.evaluation.bundles import bundle_recipe, bundle_system
from training.evaluation.protocols import DataMissingError, cufs, fs2k, lfw, trials_of
from training.evaluation.run import evaluate
from training.export import export_bundle
from training.grid import samples
from training.material import Material
from training.model import Null
from training.recipe import SHIPPED
from training.state import State

CENTRE_IMAGES = 2000
BATCH = 64
TESTS = (cufs, fs2k, lfw)
MEASURED = ("rank-1", "rank-5", "VR@FMR=1.00%", "VR@FMR=0.10%")


def release(
    state: State,
    material: Material,
    folder: Path,
    *,
    name: str,
    centring: bool,
    terms: str,
    revision: str,
    cache: Path,
) -> Bundle:
    """Write the averaged weights of a run as a bundle and fill in what can be measured here.

    Args:
        terms: terms of use that the training data impose.
        revision: git revision of the code that trained the run.
    """
    config = state.config
    bundle = centred_bundle(state, material, folder, name=name, centring=centring)
    training = {
        "terms": terms,
        "images_seen": state.images_seen,
        "hours": round(state.seconds / 3600, 2),
        "pools": {str(m): len(pool.crops) for m, pool in material.pools.items()},
        "config": config.model_dump(mode="json", exclude={"data": {"root"}}),
    }
    described = bundle.manifest.model_copy(
        update={
            "training": training,
            "git_revision": revision,
            "calibration": calibrate_bundle(bundle, config.data.sources, config.data.root, cache),
            "metrics": _metrics(bundle, config.data.root, cache),
        }
    )
    return write_bundle(folder, described)


def centred_bundle(
    state: State,
    material: Material,
    folder: Path,
    *,
    name: str,
    centring: bool,
    images: int = CENTRE_IMAGES,
) -> Bundle:
    """The averaged weights as a bundle that encodes, with training means of c if `centring`.

    Args:
        images: so many a modality are averaged.
    """
    means = centres(state.average, material, images) if centring else {}
    return export_bundle(
        state.average,
        state.config,
        folder,
        name=name,
        locator=SHIPPED,
        centres=means,
    )


@torch.no_grad()
def centres(
    model: Null, material: Material, images: int = CENTRE_IMAGES
) -> dict[Modality, list[float]]:
    """Mean over training images of c, averaged with c of the mirrored crop."""
    model.cpu().eval()
    means: dict[Modality, list[float]] = {}
    for number, domain in enumerate(material.domains):
        crops = samples(material, domain, images)
        total = torch.zeros(256, dtype=torch.float64)
        for batch in crops.split(BATCH):
            for view in (batch, batch.flip(3)):
                total += model.content(view, number).mean.double().sum(0)
        means[domain] = (total / (2 * len(crops))).tolist()
    return means


def _metrics(bundle: Bundle, root: Path, cache: Path) -> list[MetricFields]:
    """Figures on every test the data folder holds."""
    today = datetime.now(UTC).date().isoformat()
    figures: list[MetricFields] = []
    for protocol in TESTS:
        try:
            trials = trials_of(protocol(root))
        except DataMissingError:
            continue
        system = bundle_system(bundle, threads=2)
        done = evaluate(
            protocol.__name__,
            trials,
            [system],
            bundle_recipe(bundle),
            cache=cache / "crops",
            processes=2,
        )
        for outcome in done.outcomes:
            for name in MEASURED:
                figure = outcome.result.figure(name)
                if figure.value is not None:
                    figures.append(
                        MetricFields(
                            protocol=outcome.trial.name,
                            metric=name,
                            value=figure.value,
                            interval=figure.interval,
                            n=outcome.result.probes,
                            date=today,
                        )
                    )
    return figures
