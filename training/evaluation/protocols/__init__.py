"""Who may be trained on, who is in the gallery and who is the probe, for each data set.

A protocol is a function from the folder of the data to its folds. It checks the tree first and
raises `DataMissingError` naming what it lacks; a `Fold` whose people are on both sides cannot be
made.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from training.evaluation.protocols.casia_nir_vis import casia_nir_vis, casia_nir_vis_view_1
from training.evaluation.protocols.cufs import cufs
from training.evaluation.protocols.cufsf import cufsf
from training.evaluation.protocols.fold import Fold, Pools, TrainImage, trials_of
from training.evaluation.protocols.folders import folders
from training.evaluation.protocols.fs2k import fs2k
from training.evaluation.protocols.lfw import lfw
from training.evaluation.protocols.oulu_casia import oulu_casia
from training.evaluation.protocols.people import assert_disjoint, held_out, subject_of
from training.evaluation.protocols.trial import (
    Attribute,
    DataMissingError,
    PeopleOverlapError,
    ProtocolError,
    Sample,
    Trial,
)
from training.evaluation.protocols.unpaired import (
    Unpaired,
    assert_unpaired,
    half_of,
    halves,
    in_two_pools,
)

ProtocolName = Literal[
    "casia-nir-vis-2.0",
    "casia-nir-vis-2.0-view-1",
    "oulu-casia-nir-vis",
    "cufsf",
    "cufs",
    "fs2k",
    "lfw",
    "folders",
]

PROTOCOLS: dict[ProtocolName, Callable[[Path], list[Fold]]] = {
    "casia-nir-vis-2.0": casia_nir_vis,
    "casia-nir-vis-2.0-view-1": casia_nir_vis_view_1,
    "oulu-casia-nir-vis": oulu_casia,
    "cufsf": cufsf,
    "cufs": cufs,
    "fs2k": fs2k,
    "lfw": lfw,
    "folders": folders,
}

__all__ = [
    "PROTOCOLS",
    "Attribute",
    "DataMissingError",
    "Fold",
    "PeopleOverlapError",
    "Pools",
    "ProtocolError",
    "ProtocolName",
    "Sample",
    "TrainImage",
    "Trial",
    "Unpaired",
    "assert_disjoint",
    "assert_unpaired",
    "casia_nir_vis",
    "cufs",
    "cufsf",
    "folders",
    "fs2k",
    "half_of",
    "halves",
    "held_out",
    "in_two_pools",
    "lfw",
    "oulu_casia",
    "subject_of",
    "trials_of",
]
