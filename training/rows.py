"""The rows of each ladder: what each switches off in a config that has everything on."""

from collections.abc import Mapping
from typing import Any, Literal

from training.config import Config

Change = Mapping[str, object]
"""Fields of a `Config` by their dotted path, and what they become."""

LadderName = Literal["paper", "beyond", "curve"]

_NO_START: dict[str, object] = {"start.discriminants": False, "start.pseudo_pair_rounds": 0}
_FROM_NOTHING: dict[str, object] = _NO_START | {"optimiser.learning_rate": 1e-3}
"""The rate of a run that has a start is far too low for one that has none."""
_NO_NULL: Change = {f"loss.weights.{term}": 0.0 for term in ("x", "c", "s", "kl", "gan")}
_ALONE: dict[str, object] = {"images": 0}

PAPER: Mapping[str, Change] = {
    "untrained Ec": _ALONE,
    "base": {"loss.weights.kl": 0.0, "loss.weights.gan": 0.0},
    "+VAE": {"loss.weights.gan": 0.0},
    "+LGAN": {"loss.weights.kl": 0.0},
    "+VAE+LGAN": {},
}
"""The paper's four, and what they start from (DESIGN section 3)."""

BEYOND: Mapping[str, Change] = {
    "everything": {},
    "no training after the start": _ALONE,
    "no guessed pairs": {"start.pseudo_pair_rounds": 0},
    "no guessed pairs, no training": _ALONE | {"start.pseudo_pair_rounds": 0},
    "no names": {"loss.same_person": 0.0},
    "no views of real drawings": {"loss.weights.own_contrast": 0.0},
    "no NULL terms": _NO_NULL,
    "no start": _FROM_NOTHING,
    "gradient front end": {"networks.front_end": "gradient"},
    "no start, no front end": _FROM_NOTHING | {"networks.front_end": None},
    "untrained Ec": _NO_START | _ALONE,
    "untrained Ec, no front end": _NO_START | _ALONE | {"networks.front_end": None},
}
"""What is beyond the paper, each switch off in turn. There is no row without contrast: without it a
run has no renderings, which the start needs; 'no training after the start' has neither."""

CURVE: Mapping[str, Change] = {
    **{f"{n} batches": _ALONE | {"start.batches": n} for n in (3, 10, 30)},
    **{
        f"30 batches, {share:.3g} of the people": _ALONE
        | {"start.batches": 30, "data.people": share}
        for share in (0.5, 0.25, 0.125)
    },
    **{f"{n} batches": _ALONE | {"start.batches": n} for n in (100, 300)},
}
"""The closed-form start by itself over what it has seen; a batch is `contrast_batch` photos, as
many renderings, and two views each of `batch` real drawings."""

LADDERS: Mapping[LadderName, Mapping[str, Change]] = {
    "paper": PAPER,
    "beyond": BEYOND,
    "curve": CURVE,
}


def changed(config: Config, change: Change) -> Config:
    """The config with some fields replaced, checked anew.

    Raises:
        ValidationError: the config cannot be so.
    """
    document = config.model_dump()
    for path, value in change.items():
        *parents, field = path.split(".")
        place: dict[str, Any] = document
        for parent in parents:
            place = place[parent]
        place[field] = value
    return Config.model_validate(document)
