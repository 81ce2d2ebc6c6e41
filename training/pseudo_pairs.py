"""Pairs guessed between two modalities that show the same people in no known order.

Only for the paper's shuffled setting, and said so wherever a figure rests on it: the sources must
hold the same people (`Source.same_people`). No name and no order of files is looked at; two images
are taken for one person when each is the other's nearest neighbour.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


def mutual_neighbours(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of (n, d) and (m, d) vectors that are each other's nearest by cosine.

    Returns:
        Two index vectors of one length: row `first[k]` of `a` belongs to row `second[k]` of `b`.
    """
    similarity = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T
    nearest_b, nearest_a = similarity.argmax(1), similarity.argmax(0)
    first = torch.nonzero(nearest_a[nearest_b] == torch.arange(len(a))).flatten()
    return first, nearest_b[first]
