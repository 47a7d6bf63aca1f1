"""Tiny networks and data, made the same way by the tests and by the processes that they start."""

from __future__ import annotations

import json

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from leanfair.models.origin import Origin
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.pruning.checkpoint.architecture import build, origin_of


def tiny(depth: int = 14, seed: int = 0, channels: int = 1) -> CifarResNet:
    """A CIFAR ResNet with batch statistics of some meaning."""
    torch.manual_seed(seed)
    model = CifarResNet(depth, classes=4, channels=channels)
    model.train()
    with torch.no_grad():
        for _ in range(3):
            model(torch.randn(32, channels, 8, 8))
    return model.eval()


def samples(count: int, seed: int = 0, channels: int = 1) -> TensorDataset:
    """Images whose class shows in the brightness of one quarter."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 4, (count,), generator=generator)
    images = torch.randn(count, channels, 8, 8, generator=generator)
    for label in range(4):
        rows, columns = divmod(label, 2)
        quarter = slice(4 * rows, 4 * rows + 4), slice(4 * columns, 4 * columns + 4)
        images[(labels == label).nonzero().flatten(), :, quarter[0], quarter[1]] += 2.0
    return TensorDataset(images, labels)


def batches_of(data: TensorDataset, size: int = 32) -> list[tuple[Tensor, Tensor]]:
    """`data` as a list of batches."""
    images, labels = data.tensors
    return list(zip(images.split(size), labels.split(size), strict=True))


def resnet(layer_type: str = "basic") -> nn.Module:
    """A ResNet of transformers for grey images."""
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(
        num_channels=1, embedding_size=8, hidden_sizes=[8, 16], depths=[2, 2],
        layer_type=layer_type, num_labels=3,
    )  # fmt: skip
    torch.manual_seed(0)
    model: nn.Module = ResNetForImageClassification(config).eval()
    return model


def same(one: nn.Module, other: nn.Module) -> bool:
    """Whether two networks have the same tensors, to the last bit."""
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[k], theirs[k]) for k in mine)


def rebuilt(model: nn.Module) -> nn.Module:
    """`model` built anew from what JSON says of it, with its weights loaded."""
    origin = origin_of(model)
    assert origin is not None
    built = build(Origin.from_json(json.loads(json.dumps(origin.to_json()))))
    built.load_state_dict(model.state_dict())
    return built.eval()
