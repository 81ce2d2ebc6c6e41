"""Data-parallel training under `torchrun`: every process takes its rows of one common batch.

All processes draw the same batch from the same generators and compute their own rows of it; norms
and contrast see the rows of all. So a run does not depend on how many processes compute it, and a
checkpoint of one process holds all that is random.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd import Function


@dataclass(frozen=True, slots=True)
class Rank:
    """Which rows of a batch this process computes."""

    number: int = 0
    of: int = 1

    @property
    def rows(self) -> slice:
        """Every `of`-th row, from `number` on."""
        return slice(self.number, None, self.of)


@contextmanager
def joined() -> Iterator[tuple[Rank, torch.device]]:
    """This process's rank and device, among those that `torchrun` started or alone."""
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", dist.get_node_local_rank(fallback_rank=0)) if cuda else None
    if not dist.is_torchelastic_launched():
        yield Rank(), device or torch.device("cpu")
        return
    if device is not None:
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if cuda else "gloo")
    try:
        yield Rank(dist.get_rank(), dist.get_world_size()), device or torch.device("cpu")
    finally:
        dist.destroy_process_group()


def several() -> bool:
    """Whether other processes train with this one."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def mean(x: Tensor) -> Tensor:
    """Mean over processes of a tensor that each has; gradients are shared alike."""
    return _Mean.apply(x) if several() else x  # type: ignore[no-untyped-call]


def gathered(x: Tensor) -> Tensor:
    """Rows of all processes, in the same order in each; gradients go back to their process."""
    return _Gathered.apply(x) if several() else x  # type: ignore[no-untyped-call]


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace the gradients of each process by their mean, in one message."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not several() or not gradients:
        return
    flat = mean(torch.cat([gradient.flatten() for gradient in gradients]))
    for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


class _Mean(Function):
    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total / dist.get_world_size()

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total / dist.get_world_size()


class _Gathered(Function):
    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        parts = [torch.empty_like(x) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, x.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total.chunk(dist.get_world_size())[dist.get_rank()]
