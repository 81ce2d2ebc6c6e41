"""The five-point network: a plain convolutional net of 0.2 million weights."""

import torch
from torch import Tensor, nn

from faces.landmarks import SIZE, TEMPLATE


class Landmarks(nn.Module):
    """(n, 1, SIZE, SIZE) grey in [0, 1] -> (n, 5, 2) points in pixels and (n,) face logits.

    Each input is brought to zero mean and unit spread first, so brightness and contrast of the
    whole crop do not matter.
    """

    template: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_conv(1, 24, stride=2),
            *_conv(24, 24),
            *_conv(24, 48, stride=2),
            *_conv(48, 48),
            *_conv(48, 64, stride=2),
            *_conv(64, 64),
            *_conv(64, 64, stride=2),
            nn.Flatten(),
            nn.Linear(64 * (SIZE // 16) ** 2, 64),
            nn.ReLU(),
        )
        self.head = nn.Linear(64, 11)
        self.register_buffer("template", torch.from_numpy(TEMPLATE.copy()))

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Points and logits of a batch."""
        centred = crops - crops.mean(dim=(2, 3), keepdim=True)
        spread = (centred * centred).mean(dim=(2, 3), keepdim=True).sqrt() + 1e-2
        out = self.head(self.body(centred / spread))
        return self.template + SIZE * out[:, :10].view(-1, 5, 2), out[:, 10]


def _conv(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]
