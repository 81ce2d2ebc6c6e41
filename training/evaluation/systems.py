"""What is compared: named systems, each a way from images to vectors and from vectors to scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.modality import Modality
from training.crops import Crops
from training.evaluation.protocols import Sample

Vectors = NDArray[np.float32]
GreyCrops = NDArray[np.float32]
"""(n, size, size) in [0, 1]."""
CropEncoder = Callable[[NDArray[np.float32], Modality], Vectors]
"""Crops as `faces.align` makes them, of one modality -> (n, d). `faces.encode.Encoder` is one."""

BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Images as every system gets them: where they lie, and the crops all systems share."""

    samples: tuple[Sample, ...]
    crops: Crops

    def rows_of(self, samples: Sequence[Sample]) -> list[int]:
        """Which rows of `crops`, and of what is encoded from them, show these images."""
        row_of = {sample: row for row, sample in enumerate(self.samples)}
        return [row_of[sample] for sample in samples]

    def of(self, samples: Sequence[Sample]) -> "Images":
        """Some of the images, each once."""
        chosen = tuple(dict.fromkeys(samples))
        rows = self.rows_of(chosen)
        crops = Crops(
            crops=self.crops.crops[rows],
            found=self.crops.found[rows],
            faces=self.crops.faces[rows],
            refusals=[self.crops.refusals[row] for row in rows],
        )
        return Images(chosen, crops)


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """(n, d) vectors in the order of the images; meaningless where `found` (n,) is False."""

    vectors: Vectors
    found: NDArray[np.bool_]


def cosine_similarity(a: Vectors, b: Vectors) -> NDArray[np.float32]:
    """(n, m) cosine of every row of `a` with every row of `b`; a zero row is like nothing."""
    return np.asarray(_unit(a) @ _unit(b).T, dtype=np.float32)


def negative_distance(a: Vectors, b: Vectors) -> NDArray[np.float32]:
    """(n, m) Euclidean distances, negated so that more is more alike."""
    squared = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2 * (a @ b.T)
    return np.asarray(-np.sqrt(np.maximum(squared, 0)), dtype=np.float32)


def _unit(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class System:
    """One row of the table."""

    name: str
    encode: Callable[[Images], Encoded]
    compare: Callable[[Vectors, Vectors], NDArray[np.float32]] = cosine_similarity


@dataclass(frozen=True, slots=True)
class Folded:
    """One row of the table that is another model on each trial: a fold must not be trained on."""

    name: str
    by_trial: Mapping[str, System]


Row = System | Folded


def on_crops(name: str, encode: CropEncoder) -> System:
    """A system that sees nothing but the shared crops."""

    def encode_images(images: Images) -> Encoded:
        found = images.crops.found
        vectors: Vectors | None = None
        modalities = np.array([str(sample.modality) for sample in images.samples])
        for modality in sorted(set(modalities[found])):
            rows = np.flatnonzero(found & (modalities == modality))
            for start in range(0, len(rows), BATCH):
                batch = rows[start : start + BATCH]
                crops = images.crops.crops[batch].astype(np.float32) / np.float32(255)
                encoded = encode(crops, Modality(modality))
                if vectors is None:
                    vectors = np.zeros((len(found), encoded.shape[1]), dtype=np.float32)
                vectors[batch] = encoded
        empty = np.zeros((len(found), 1), dtype=np.float32)
        return Encoded(empty if vectors is None else vectors, found)

    return System(name, encode_images)
