"""The paper's k-means row: unsupervised patch features, no network.

Coates, Lee and Ng (2011): whitened patches, k-means centroids, triangle activation, sums pooled
over a grid; here learnt from the training images of all modalities together, then centred per
modality with training means as our own rows are.
"""

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from faces.modality import Modality
from training.evaluation.systems import CropEncoder, Vectors
from training.grid import samples
from training.material import Material

PATCH = 6
CENTROIDS = 256
IMAGES = 1000
PATCHES_AN_IMAGE = 40
SIDE = 64
GRID = 4
ROUNDS = 15


def kmeans_encoder(material: Material, seed: int = 0) -> CropEncoder:
    """Fit on training crops; the result takes crops of `faces.align` and a modality."""
    generator = torch.Generator().manual_seed(seed)
    crops = {m: samples(material, m, IMAGES) for m in material.domains}
    patches = torch.cat([_random_patches(c, generator) for c in crops.values()])
    mean, whiten = _whitening(patches)
    centroids = _kmeans((patches - mean) @ whiten, generator)
    features = {m: _describe(c, mean, whiten, centroids) for m, c in crops.items()}
    centres: Mapping[Modality, Tensor] = {m: f.mean(0) for m, f in features.items()}

    def encode(crops: Vectors, modality: Modality) -> Vectors:
        batch = torch.from_numpy(np.ascontiguousarray(crops))[:, None]
        described = _describe(batch, mean, whiten, centroids) - centres[modality]
        return np.asarray(described.numpy(), dtype=np.float32)

    return encode


def _patches(crops: Tensor) -> Tensor:
    """(n, 1, 128, 128) -> (n, places, 36), each patch of zero mean and unit contrast."""
    small = F.avg_pool2d(crops, crops.shape[-1] // SIDE)
    patches = F.unfold(small, PATCH).transpose(1, 2)
    patches = patches - patches.mean(2, keepdim=True)
    return patches / (patches.std(2, keepdim=True) + 0.04)


def _random_patches(crops: Tensor, generator: torch.Generator) -> Tensor:
    chosen: list[Tensor] = []
    for batch in crops.split(100):
        patches = _patches(batch)
        places = torch.randint(patches.shape[1], (PATCHES_AN_IMAGE,), generator=generator)
        chosen.append(patches[:, places].flatten(0, 1))
    return torch.cat(chosen)


def _whitening(patches: Tensor) -> tuple[Tensor, Tensor]:
    """ZCA: mean (36,) and symmetric (36, 36) matrix."""
    mean = patches.mean(0)
    values, vectors = torch.linalg.eigh(torch.cov(patches.T))
    return mean, vectors @ torch.diag((values + 0.1).rsqrt()) @ vectors.T


def _kmeans(patches: Tensor, generator: torch.Generator) -> Tensor:
    start = torch.randperm(len(patches), generator=generator)[:CENTROIDS]
    centroids = patches[start]
    for _ in range(ROUNDS):
        nearest = torch.cat(
            [torch.cdist(part, centroids).argmin(1) for part in patches.split(4096)]
        )
        sums = torch.zeros_like(centroids).index_add_(0, nearest, patches)
        counts = torch.bincount(nearest, minlength=CENTROIDS)[:, None]
        centroids = torch.where(counts > 0, sums / counts.clamp(min=1), centroids)
    return centroids


def _describe(crops: Tensor, mean: Tensor, whiten: Tensor, centroids: Tensor) -> Tensor:
    """(n, 256 * 16): triangle activations max(0, mean distance - distance), pooled to 4 x 4."""
    described: list[Tensor] = []
    for batch in crops.split(32):
        white = (_patches(batch) - mean) @ whiten
        distances = torch.cdist(white, centroids)
        active = F.relu(distances.mean(2, keepdim=True) - distances)
        side = SIDE - PATCH + 1
        maps = active.transpose(1, 2).unflatten(2, (side, side))
        described.append(F.adaptive_avg_pool2d(maps, GRID).flatten(1))
    return torch.cat(described)
