"""What a trainer should watch, computed without any test label (DESIGN section 3)."""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from faces.modality import Modality
from training.data import NAMELESS
from training.grid import samples
from training.material import Material
from training.model import Null

SAMPLES = 256
ACTIVE_VARIANCE = 0.01


@torch.no_grad()
def signals(model: Null, material: Material, image_size: int) -> dict[str, float]:
    """Figures of the present weights, by name.

    modality_probe: accuracy of a linear probe that guesses the domain from c; chance is the aim.
    effective_dimensions: how many directions of c carry its variance within a domain, the squared
        trace of the covariance over its squared norm; near 1 a cosine compares one number.
    active_units: share of dimensions of c whose mean varies over images (Burda et al. 2016).
    content_norm: mean ||c||.
    mirror_consistency: mean cosine of c and c of the mirrored crop.
    person_probe_style: rank-1 rate of s at finding another photo of the person; chance is the aim.
    """
    model.eval()
    device = next(model.parameters()).device
    crops = [samples(material, domain, SAMPLES).to(device) for domain in material.domains]
    content = [_means(model, batch, i) for i, batch in enumerate(crops)]
    mirrored = _means(model, crops[0].flip(3), 0)
    stacked = np.concatenate(content)
    domains = np.repeat(np.arange(len(content)), [len(c) for c in content])
    measured = {
        "modality_probe": linear_probe(stacked, domains),
        "effective_dimensions": effective_dimensions(content),
        "active_units": float((stacked.var(axis=0) > ACTIVE_VARIANCE).mean()),
        "content_norm": float(np.linalg.norm(stacked, axis=1).mean()),
        "mirror_consistency": float(
            F.cosine_similarity(torch.from_numpy(content[0]), torch.from_numpy(mirrored)).mean()
        ),
    }
    style = _person_probe(model, material, image_size)
    model.train()
    return measured if style is None else {**measured, "person_probe_style": style}


def effective_dimensions(content: list[NDArray[np.float32]]) -> float:
    """Participation ratio of the eigenvalues of the covariance, domains centred one by one."""
    centred = np.concatenate([codes - codes.mean(0) for codes in content]).astype(np.float64)
    covariance = centred.T @ centred / len(centred)
    return float(np.trace(covariance) ** 2 / max((covariance**2).sum(), 1e-12))


def linear_probe(features: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Accuracy on every second row of a ridge classifier fitted on the others."""
    x = (features - features.mean(0)) / (features.std(0) + 1e-6)
    x = np.column_stack([x, np.ones(len(x))])
    targets = np.eye(int(labels.max()) + 1)[labels]
    seen, unseen = slice(0, None, 2), slice(1, None, 2)
    gram = x[seen].T @ x[seen] + 10.0 * np.eye(x.shape[1])
    weights = np.linalg.solve(gram, x[seen].T @ targets[seen])
    return float(((x[unseen] @ weights).argmax(1) == labels[unseen]).mean())


def _means(model: Null, crops: Tensor, domain: int) -> NDArray[np.float32]:
    made: NDArray[np.float32] = model.content(crops, domain).mean.cpu().numpy()
    return made


def _person_probe(model: Null, material: Material, image_size: int) -> float | None:
    vis = material.pools[Modality.VIS]
    named = [row for row, mates in enumerate(material.mates) if len(mates) > 1][: 4 * SAMPLES]
    if len(named) < SAMPLES or vis.people[named[0]] == NAMELESS:
        return None
    rows = np.array(named[:SAMPLES])
    images = vis.grey(rows).to(next(model.parameters()).device)
    style = model.style(F.avg_pool2d(images, images.shape[-1] // image_size), 0).mean
    unit = F.normalize(style, dim=1)
    similarity = (unit @ unit.T).fill_diagonal_(-2)
    nearest = similarity.argmax(1).cpu().numpy()
    return float((vis.people[rows[nearest]] == vis.people[rows]).mean())
