"""A fixed picture of what the decoders make: the eye's check that c and s are split."""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from faces.modality import Modality
from training.batches import as_batch
from training.config import Config
from training.material import Material
from training.model import Null
from training.networks import STYLE

COLUMNS = 8


@torch.no_grad()
def translation_grid(model: Null, material: Material, config: Config) -> Tensor:
    """(1, rows * size, COLUMNS * size) in [0, 1].

    For each domain i: the input, its reconstruction, its translations into every other domain in
    the style of that domain's images, and into its own domain in styles drawn from the prior.
    """
    model.eval()
    size = config.networks.image_size
    device = next(model.parameters()).device
    crops = [samples(material, domain, COLUMNS).to(device) for domain in material.domains]
    images = [F.avg_pool2d(batch, batch.shape[-1] // size) for batch in crops]
    content = [model.content(batch, i).mean for i, batch in enumerate(crops)]
    style = [model.style(batch, i).mean for i, batch in enumerate(images)]
    prior = torch.randn(COLUMNS, STYLE, generator=torch.Generator().manual_seed(0)).to(device)
    rows: list[Tensor] = []
    for i, image in enumerate(images):
        rows += [image, model.decode(content[i], style[i], i)]
        rows += [model.decode(content[i], style[k], k) for k in range(len(images)) if k != i]
        rows.append(model.decode(content[i], prior, i))
    model.train()
    return torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1).cpu()


def samples(material: Material, domain: Modality, count: int) -> Tensor:
    """The same crops of a domain every time, spread over its pool: `count`, or all there are."""
    pool = material.pools.get(domain)
    if pool is not None:
        return pool.grey(_spread(len(pool.crops), count))
    rendered = material.renderings[domain]
    return as_batch(rendered[_spread(len(rendered), count), 0])


def _spread(size: int, count: int) -> NDArray[np.int64]:
    return np.linspace(0, size - 1, min(size, count)).astype(np.int64)
