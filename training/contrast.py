"""Beyond the paper: contrast between a photo and its rendering in another modality.

No cross-modal pair is used. The positive of a photo is a rendering of that photo, or, where names
within VIS may be used, of another photo of the person; the positive of a real sketch or NIR frame
is another random view of itself.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from training import losses
from training.config import Loss
from training.model import Null
from training.processes import gathered
from training.step import Terms


@dataclass(frozen=True, slots=True, eq=False)
class ContrastBatch:
    """Views by domain, each (n, 1, 128, 128).

    `photos` and `renderings` correspond row by row; row r's rendering imitates domain
    `rendered_as[r]` (n,) int64. `people` (n,) int64 holds a label per row, unique where nameless.
    `real` maps a domain other than VIS to two views of the same real images.
    """

    photos: Tensor
    renderings: Tensor
    rendered_as: Tensor
    people: Tensor
    real: dict[int, tuple[Tensor, Tensor]]

    def of(self, rows: slice) -> "ContrastBatch":
        """Some rows of everything."""
        return ContrastBatch(
            photos=self.photos[rows],
            renderings=self.renderings[rows],
            rendered_as=self.rendered_as[rows],
            people=self.people[rows],
            real={domain: (a[rows], b[rows]) for domain, (a, b) in self.real.items()},
        )


def contrast_terms(model: Null, batch: ContrastBatch, loss: Loss) -> Terms:
    """InfoNCE terms; a domain's renderings and real images share one pass, so one normalisation."""
    photos = model.content(batch.photos, 0).mean
    renderings = torch.empty_like(photos)
    own: list[Tensor] = []
    for domain in sorted({*batch.rendered_as.unique().tolist(), *batch.real}):
        rows = torch.nonzero(batch.rendered_as == domain).flatten()
        views = batch.real.get(domain, ())
        content = model.content(torch.cat([batch.renderings[rows], *views]), domain).mean
        renderings = renderings.index_copy(0, rows, content[: len(rows)])
        if views:
            first, second = content[len(rows) :].chunk(2)
            own.append(losses.info_nce(gathered(first), gathered(second), loss.temperature))
    photos, renderings, people = gathered(photos), gathered(renderings), gathered(batch.people)
    same = people[:, None] == people[None]
    terms: Terms = {}
    if loss.weights.contrast:
        terms["contrast"] = losses.info_nce(photos, renderings, loss.temperature, same)
    if loss.weights.own_contrast and own:
        terms["own_contrast"] = torch.stack(own).mean()
    return terms
