"""How costs grow: finding structures with depth, scoring with images; and a picture of them.

    python benchmarks/growth.py             # measure, and draw docs/images/growth.svg
    python benchmarks/growth.py --finding   # measure finding alone; scoring stays as it was
    python benchmarks/growth.py --draw      # draw alone

One thread, seconds of the processor, which other work disturbs less than the wall time. `passes` is
how many forward and backward passes of the same network on the same images that is. The limit of a
pass is what the machine's matrix products would take for its multiply-accumulates (`gigaflops`).
The picture also shows what `streamed_cka.py` and `decide_scale.py` measured.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from leanfair.data.batches import Batch, forward
from leanfair.data.images import load
from leanfair.files import write_json, write_text
from leanfair.html import svg
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.pruning.checkpoint.loading import open_model
from leanfair.pruning.cost.macs import cost_of
from leanfair.pruning.criteria.criteria import fisher, kl
from leanfair.pruning.run.summary import machine
from leanfair.pruning.structures.dissect import dissect

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
RESULTS = ROOT / "benchmarks/results"
PICTURE = ROOT / "docs/images/growth.svg"
DEPTHS = (20, 32, 56, 110)
IMAGES = (16, 32, 64, 128)
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "ResNet-50": ("ResNet", {}),
    "RegNet-Y": ("RegNet", {}),
    "ConvNeXt-base": (
        "ConvNext", {"hidden_sizes": [128, 256, 512, 1024], "depths": [3, 3, 27, 3]},
    ),
    "ViT-small": (
        "ViT",
        {
            "hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1536,
            "image_size": 64, "patch_size": 8,
        },
    ),
}  # fmt: skip
"""As transformers builds them by default, but for what is said."""


class _DenseLayer(nn.Module):
    """What a DenseNet adds to its channels: `growth` more, computed from all before."""

    def __init__(self, wide: int, growth: int, bottleneck: int) -> None:
        super().__init__()
        hidden = bottleneck * growth
        self.norm1, self.relu1 = nn.BatchNorm2d(wide), nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(wide, hidden, 1, bias=False)
        self.norm2, self.relu2 = nn.BatchNorm2d(hidden), nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(hidden, growth, 3, padding=1, bias=False)

    def forward(self, before: list[torch.Tensor]) -> torch.Tensor:
        hidden = self.conv1(self.relu1(self.norm1(torch.cat(before, 1))))
        added: torch.Tensor = self.conv2(self.relu2(self.norm2(hidden)))
        return added


class _DenseBlock(nn.ModuleDict):
    """Layers each of which reads all before it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = [x]
        for layer in self.values():
            features.append(layer(features))
        return torch.cat(features, 1)


def densenet(growth: int = 32, depths: Sequence[int] = (6, 12, 24, 16)) -> nn.Module:
    """DenseNet-121 with the modules that it has in torchvision, which does not import beside the
    torch that is pinned for everything else."""
    wide = 2 * growth
    parts: list[nn.Module] = [
        nn.Conv2d(3, wide, 7, 2, 3, bias=False), nn.BatchNorm2d(wide), nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, 1),
    ]  # fmt: skip
    for i, depth in enumerate(depths):
        if i:
            half = wide // 2
            parts.append(
                nn.Sequential(
                    nn.BatchNorm2d(wide), nn.ReLU(inplace=True),
                    nn.Conv2d(wide, half, 1, bias=False), nn.AvgPool2d(2, 2),
                )
            )  # fmt: skip
            wide = half
        layers = {f"layer{k}": _DenseLayer(wide + k * growth, growth, 4) for k in range(depth)}
        parts.append(_DenseBlock(layers))
        wide += depth * growth
    last = (nn.BatchNorm2d(wide), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(*parts, *last, nn.Linear(wide, 1000))


def seconds(work: Callable[[], Any], times: int = 3) -> float:
    """Of the processor, the median."""
    work()
    taken = []
    for _ in range(times):
        before = time.process_time()
        work()
        taken.append(time.process_time() - before)
    return statistics.median(taken)


def gigaflops(size: int = 1024) -> float:
    """What large matrix products reach, in thousand million operations a second."""
    x = torch.randn(size, size)
    return 2 * size**3 / seconds(lambda: x @ x) / 1e9


def one_pass(network: nn.Module, images: torch.Tensor) -> float:
    """Seconds of a forward and a backward pass."""
    return seconds(lambda: forward(network, images).sum().backward())


def finding(name: str, network: nn.Module, images: torch.Tensor, rate: float) -> dict[str, Any]:
    """What finding the structures of a network takes."""
    batch = Batch(images)
    structures = dissect(network, batch)
    taken, each = seconds(lambda: dissect(network, batch)), one_pass(network, images)
    limit = 3 * 2 * cost_of(network, batch).macs * len(images) / rate / 1e9
    row = {
        "network": name, "images": list(images.shape), "groups": len(structures.neurons),
        "layers": len(structures.layers), "seconds": taken, "passes": taken / each,
        "pass / limit": each / limit,
    }  # fmt: skip
    print(json.dumps(row), flush=True)
    return row


def scoring(count: int) -> dict[str, Any]:
    """What scoring the structures of a trained ResNet-20 takes with so many images."""
    network = open_model(str(SHARED / "models/resnet20-cifar10.safetensors"))
    held = load(SHARED / "data/cifar10").test
    images = torch.stack([held[i][0] for i in range(count)])
    structures = dissect(network, Batch(images[:16]))
    batches = [Batch(images)]
    row: dict[str, Any] = {"images": count, "pass": one_pass(network, images)}
    for name, criterion in (("kl", kl), ("fisher", fisher)):
        score = criterion
        row[name] = seconds(lambda: score(network, structures, batches, 0, lambda done: None), 1)  # noqa: B023
    print(json.dumps(row), flush=True)
    return row


def found() -> dict[str, Any]:
    """What finding takes, and on what."""
    import transformers

    rate = gigaflops()
    torch.manual_seed(0)
    rows = [
        finding(f"ResNet-{depth}", CifarResNet(depth).eval(), torch.randn(16, 3, 32, 32), rate)
        for depth in DEPTHS
    ]
    for name, (family, settings) in FAMILIES.items():
        config = getattr(transformers, f"{family}Config")(num_labels=1000, **settings)
        network = getattr(transformers, f"{family}ForImageClassification")(config).eval()
        rows.append(finding(name, network, torch.randn(2, 3, 64, 64), rate))
    rows.append(finding("DenseNet-121", densenet().eval(), torch.randn(2, 3, 64, 64), rate))
    return {"machine": machine(), "gigaflops": rate, "finding": rows}


def measured(scores: bool) -> dict[str, Any]:
    """Everything that is measured here; without `scores`, those that were measured before."""
    if scores:
        return {**found(), "scoring": [scoring(count) for count in IMAGES]}
    before = json.loads((RESULTS / "growth.json").read_text())
    return {**found(), "scoring": before["scoring"]}


# ---- the picture -------------------------------------------------------------------------------

STYLE = (
    ".paper{fill:#fff}.label{font:12px sans-serif;fill:#444}"
    ".name{font:600 13px sans-serif;fill:#222}"
    ".axis{stroke:#999}.grid{stroke:#e8e8e8}.a{fill:#2a6fbb}.b{fill:#c8641e}"
    ".la{stroke:#2a6fbb;fill:none;stroke-width:2}.lb{stroke:#c8641e;fill:none;stroke-width:2}"
)
Series = tuple[str, Sequence[tuple[float, float]]]


def _tick(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"


def chart(
    at: tuple[float, float], name: str, unit: str, below: str, series: list[Series]
) -> list[str]:
    """A small chart: lines from zero, with marks where something was measured."""
    left, top = at
    right, bottom = left + 270, top + 150
    points = [point for _, found in series for point in found]
    across = svg.Scale(0, max(x for x, _ in points) * 1.05, left, right)
    up = svg.Scale(0, max(y for _, y in points) * 1.12, bottom, top)
    shapes: list[str] = [svg.text(left - 40, top - 24, name, "name")]
    shapes.append(svg.text(left - 40, top - 8, unit))
    for value in up.ticks(4):
        shapes.append(svg.line(left, up(value), right, up(value), "grid"))
        shapes.append(svg.text(left - 6, up(value) + 4, _tick(value), anchor="end"))
    for value in across.ticks(4):
        shapes.append(svg.text(across(value), bottom + 16, _tick(value), anchor="middle"))
    shapes.append(svg.line(left, bottom, right, bottom, "axis"))
    shapes.append(svg.text(right, bottom + 32, below, anchor="end"))
    for (title, found), colour in zip(series, "ab", strict=False):
        places = [(across(x), up(y)) for x, y in found]
        shapes.append(svg.element("polyline", points=svg.path(places), class_=f"l{colour}"))
        shapes += [svg.mark("circle", x, y, 3.5, colour) for x, y in places]
        x, y = places[-1]
        shapes.append(svg.text(x, y - 8, title, anchor="end"))
    return shapes


def picture() -> str:
    """How four costs grow."""
    own = json.loads((RESULTS / "growth.json").read_text())
    rows = json.loads((RESULTS / "streamed-cka.json").read_text())["rows"]
    decided = json.loads((RESULTS / "decide-scale.json").read_text())["rows"]
    depth = [
        (float(row["network"].split("-")[1]), row["seconds"])
        for row in own["finding"]
        if row["images"][-1] == 32
    ]
    memory = {
        way: [
            (r["samples"], r["megabytes"]) for r in rows if r["way"] == way and r["features"] == 576
        ]
        for way in ("plain formula", "streamed_cka")
    }
    charts = [
        chart((60, 60), "Finding structures", "seconds", "depth of a CIFAR ResNet", [("", depth)]),
        chart(
            (430, 60), "Scoring ResNet-20", "seconds", "calibration images",
            [(name, [(r["images"], r[name]) for r in own["scoring"]]) for name in ("kl", "fisher")],
        ),
        chart(
            (60, 310), "Memory of CKA, 576 features", "MB", "samples",
            list(memory.items()),
        ),
        chart(
            (430, 310), "Deciding, beside the model", "ms of a processor a row", "rows",
            [("", [(row["rows"], row["ms_per_row"]) for row in decided])],
        ),
    ]  # fmt: skip
    shapes = [svg.element("style", STYLE), svg.rectangle(0, 0, 740, 510, "paper")]
    about = "Seconds, megabytes and milliseconds against the size of the work; all from zero."
    every = [*shapes, *(shape for each in charts for shape in each)]
    return str(svg.drawing("growth", "chart", 740, 510, "How costs grow", about, *every))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draw", action="store_true", help="draw what was measured before")
    parser.add_argument("--finding", action="store_true", help="measure finding alone")
    asked = parser.parse_args()
    if not asked.draw:
        torch.set_num_threads(1)
        write_json(RESULTS / "growth.json", measured(scores=not asked.finding))
    write_text(PICTURE, picture() + "\n")


if __name__ == "__main__":
    main()
