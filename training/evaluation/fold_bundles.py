"""A bundle for each fold: a model must be tested on the fold that it was not trained on.

null-face evaluate --protocol casia-nir-vis-2.0 --data DATA --bundle 'models/casia-{fold}'
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from faces.bundle import Bundle, load_bundle
from faces.errors import BundleError
from training.evaluation.bundles import bundle_system
from training.evaluation.protocols import Fold
from training.evaluation.systems import Folded

PLACE = "{fold}"
FAMILY = "casia-nir-vis-2.0"
"""View 1 and the folds of view 2 are divisions of the same people."""


def is_pattern(bundle: Path) -> bool:
    """Whether a path stands for one bundle a fold."""
    return PLACE in str(bundle)


def load_folded(pattern: Path, protocol: str, folds: Sequence[Fold]) -> tuple[Folded, Bundle]:
    """The bundles of all folds as one row, and the first of them.

    Raises:
        BundleError: one cannot be read, takes other crops than the first, or was trained on
            another fold.
    """
    bundles = {
        fold.name: load_bundle(Path(str(pattern).replace(PLACE, fold.name))) for fold in folds
    }
    first = bundles[folds[0].name]
    for fold in folds:
        bundle = bundles[fold.name]
        refuse_trained(bundle, protocol, [fold])
        if bundle.crop_spec != first.crop_spec:
            raise BundleError(f"{bundle.folder}: takes other crops than {first.folder}.")
    name = pattern.name.replace(PLACE, "").strip("-_.") or protocol
    by_trial = {
        trial.name: bundle_system(bundles[fold.name]) for fold in folds for trial in fold.trials
    }
    return Folded(name, by_trial), first


def refuse_trained(bundle: Bundle, protocol: str, folds: Sequence[Fold]) -> None:
    """Check that a bundle was not trained on people of these folds' tests, as far as it says.

    Raises:
        BundleError: it was trained on another fold of the same data.
    """
    for trained_on, fold in _trained_on(bundle.manifest.training):
        same = trained_on == protocol or (FAMILY in trained_on and FAMILY in protocol)
        others = [each.name for each in folds if (protocol, each.name) != (trained_on, fold)]
        if same and others:
            raise BundleError(
                f"{bundle.folder} was trained on fold {fold} of {trained_on}: people whom it has "
                f"seen are tested in fold {others[0]} of {protocol}. Train one bundle a fold and "
                f"give them all: --bundle 'models/NAME-{PLACE}'."
            )


def _trained_on(training: Mapping[str, object]) -> list[tuple[str, str]]:
    """Protocol and fold of each source in the training record of a bundle."""
    found: object = training
    for key in ("config", "data", "sources"):
        found = found.get(key, {}) if isinstance(found, Mapping) else {}
    sources = found if isinstance(found, Sequence) else ()
    named = [each for each in sources if isinstance(each, Mapping) and each.get("protocol")]
    return [(str(each["protocol"]), str(each.get("fold", "1"))) for each in named]
