"""Images made on the spot: in files, in memory, and small networks that see them in pixels."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from PIL import Image
from torch import Tensor, nn

from leanfair.data.images import Images, Splits, load
from leanfair.evaluation.problem import SINGLE, Problem
from leanfair.evaluation.robustness.pictures import Network, Pictures, drawn_pictures


def noise(seed: int, count: int, side: int = 6, channels: int = 3) -> np.ndarray:
    shape = (count, side, side, channels) if channels > 1 else (count, side, side)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encoded(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


def table(pixels: np.ndarray, labels: Any, image: str = "image", label: str = "label") -> pa.Table:
    return pa.table({image: [encoded(p) for p in pixels], label: labels})


def folder(root: Path, classes: dict[str, np.ndarray]) -> Path:
    for name, pixels in classes.items():
        (root / name).mkdir(parents=True)
        for number, image in enumerate(pixels):
            Image.fromarray(image).save(root / name / f"{number:03}.png")
    return root


def contents(images: Images) -> set[bytes]:
    return {image.numpy().tobytes() for image in images.pixels}


def assert_disjoint(splits: Splits) -> None:
    train, held, test = map(contents, (splits.train, splits.calibration, splits.test))
    assert train
    assert held
    assert test
    assert not train & held
    assert not train & test
    assert not held & test


def parts_of(splits: Splits) -> tuple[Images, Images, Images]:
    return splits.train, splits.calibration, splits.test


# ---- for tests of robustness --------------------------------------------------------------------


MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


def small_net(seed: int = 0, channels: int = 3, classes: int = 4) -> nn.Module:
    """A convolutional network whose gradients say something."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(channels, 6, 3, padding=1), nn.Tanh(), nn.AdaptiveAvgPool2d(4),
            nn.Flatten(), nn.Linear(96, classes),
        ).eval()  # fmt: skip


def network(
    model: nn.Module | None = None, name: str = "parent", problem: Problem = SINGLE
) -> Network:
    return Network(name, small_net() if model is None else model, MEAN, STD, problem)


def images(count: int = 24, seed: int = 0, side: int = 12) -> Images:
    """Random pictures of three channels, labelled by what `small_net` says of most of them."""
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (count, 3, side, side), generator=generator, dtype=torch.uint8)
    return Images(pixels, torch.zeros(count, dtype=torch.int64), MEAN, STD)


def labelled(net: Network, count: int = 24, seed: int = 0) -> Pictures:
    """Pictures with the answers of `net` as labels."""
    data = images(count, seed)
    drawn = drawn_pictures(data, count, mean=MEAN, std=STD)
    with torch.no_grad():
        labels = net.outputs(drawn.pixels).argmax(dim=1)
    return Pictures(drawn.pixels, labels, drawn.rows)


@cache
def trained() -> tuple[Network, Network, Pictures]:
    """Two networks trained on digits, and 60 test digits."""
    splits = load("digits")
    train = splits.train
    inputs, labels = train.take(torch.arange(len(train)), torch.Generator())
    nets = [_trained(inputs, labels, width) for width in (64, 16)]
    both = [
        Network(name, net, train.mean, train.std, SINGLE)
        for name, net in zip(("parent", "child"), nets, strict=True)
    ]
    drawn = drawn_pictures(splits.test, 60, mean=train.mean, std=train.std)
    return both[0], both[1], drawn


def _trained(inputs: Tensor, labels: Tensor, width: int) -> nn.Module:
    with torch.random.fork_rng([]):
        torch.manual_seed(width)
        net = nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))
    step = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(60):
        step.zero_grad()
        nn.functional.cross_entropy(net(inputs), labels).backward()
        step.step()
    return net.eval()
