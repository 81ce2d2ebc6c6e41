"""Who is in the gallery and who is the probe, for each data set.

A protocol is a function from the folder of the data to its trials; it checks the tree first and
raises `DataMissingError` naming what it lacks.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from training.evaluation.protocols.cufs import cufs
from training.evaluation.protocols.folders import folders
from training.evaluation.protocols.fs2k import fs2k
from training.evaluation.protocols.lfw import lfw
from training.evaluation.protocols.people import assert_disjoint, held_out, subject_of
from training.evaluation.protocols.trial import (
    DataMissingError,
    PeopleOverlapError,
    ProtocolError,
    Sample,
    Trial,
)

ProtocolName = Literal["cufs", "fs2k", "lfw", "folders"]

PROTOCOLS: dict[ProtocolName, Callable[[Path], list[Trial]]] = {
    "cufs": cufs,
    "fs2k": fs2k,
    "lfw": lfw,
    "folders": folders,
}

__all__ = [
    "PROTOCOLS",
    "DataMissingError",
    "PeopleOverlapError",
    "ProtocolError",
    "ProtocolName",
    "Sample",
    "Trial",
    "assert_disjoint",
    "cufs",
    "folders",
    "fs2k",
    "held_out",
    "lfw",
    "subject_of",
]
