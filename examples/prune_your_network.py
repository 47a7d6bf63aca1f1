"""Any residual network of yours, any iterable of batches, any training of yours."""

import torch
from torch import nn

import leanfair


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU())
        self.back = nn.Conv2d(2 * width, width, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.back(self.body(x))


network = nn.Sequential(*[Block(3) for _ in range(5)], nn.Flatten(), nn.Linear(3 * 64, 10))
batches = [torch.randn(32, 3, 8, 8) for _ in range(4)]  # no labels: nothing is trained
run = leanfair.prune(network, calibration=batches, cut=0.5, criterion="fisher")
print(run.model)
