"""The names that the net needs from inside the package; all others are public."""

from __future__ import annotations

from leanfair.fairness.types import Answer
from leanfair.models.resnet_cifar import CifarResNet

__all__ = ["Answer", "CifarResNet"]
