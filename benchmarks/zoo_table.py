"""Finding structures in torchvision's classification networks, beside Torch-Pruning.

    PYTHONPATH=... python benchmarks/zoo_table.py [--only resnet vit] [--again]

In the environment of `make test-zoo`, with Torch-Pruning 1.6.1 on the path. One network after the
other, by both in turn, each in a process of its own after a pass that warms up, on one thread and
one image size: 64 pixels where the network allows that, else the least. Networks in the result are
left out, so a run that was stopped goes on where it was.

`ours_seconds`: `dissect`, which tries out every removal that it offers; `torch_pruning_seconds`:
`DependencyGraph().build_dependency`, which tries out none, and `torch_pruning_groups_seconds` with
all its groups made. All of the processor. `ours_ok`: a quarter of the neurons of every group and a
layer can go, and the network without them equals the one in which they are zeroed.
`torch_pruning_ok`: after a step of its pruner at 25 %, set up for ViTs and ConvNeXts as in its own
tests, the network runs and is smaller.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from leanfair.data.batches import Batch
from leanfair.files import write_json
from leanfair.pruning.run.summary import machine
from leanfair.pruning.structures.dissect import anatomy_of
from leanfair.pruning.surgery.removal import apply
from leanfair.pruning.types import Cut, NeuronCut

RESULT = Path(__file__).resolve().parent / "results/zoo-table.json"
SIZES = {"inception_v3": 75, "maxvit_t": 224, "vit_h_14": 70}
SHARE = 0.25
LONGEST = 180


def made(name: str) -> tuple[nn.Module, torch.Tensor]:
    """A network as torchvision builds it, untrained, and two images."""
    import torchvision

    torch.manual_seed(0)
    size, given = SIZES.get(name, 64), {}
    if name.startswith("vit_"):
        given = {"image_size": size}
    elif name in ("googlenet", "inception_v3"):
        given = {"aux_logits": False, "init_weights": False}
    network = torchvision.models.get_model(name, weights=None, **given)
    return network.eval(), torch.randn(2, 3, size, size)


def timed(work: Callable[[], Any]) -> tuple[float, Any, str]:
    """Seconds of the processor, the result, and the first line of an error."""
    before = time.process_time()
    try:
        result, error = work(), ""
    except Exception as raised:  # whatever the other raises counts as not supported
        result, error = None, f"{type(raised).__name__}: {raised}".partition("\n")[0][:160]
    return time.process_time() - before, result, error


def ours(name: str) -> dict[str, Any]:
    """What is found of a network, and whether it can go."""
    network, images = made(name)
    sample = Batch(images)
    with torch.no_grad():
        network(images)
    seconds, anatomy, error = timed(lambda: anatomy_of(network, sample))
    if anatomy is None:
        return {"ours_seconds": seconds, "ours_ok": False, "ours_error": error}

    def smaller() -> bool:
        cuts = tuple(
            NeuronCut(group, tuple(range(0, group.count - 1, round(1 / SHARE))))
            for group in anatomy.neurons
        )
        if cuts:
            apply(Cut("neurons", neurons=cuts), network, sample, share=True)
        if anatomy.layers:
            apply(Cut("layer", layers=anatomy.layers[-1:]), network, sample, share=True)
        return bool(cuts or anatomy.layers)

    _, ok, error = timed(smaller)
    return {
        "ours_seconds": seconds, "groups": len(anatomy.neurons), "layers": len(anatomy.layers),
        "ours_ok": bool(ok), **({"ours_error": error} if error else {}),
    }  # fmt: skip


def theirs(name: str) -> dict[str, Any]:
    """How long Torch-Pruning takes for its graph, and whether its pruner leaves what runs."""
    import torch_pruning as tp

    network, images = made(name)
    with torch.no_grad():
        network(images)
    seconds, _, error = timed(
        lambda: tp.DependencyGraph().build_dependency(network, example_inputs=images)
    )
    row: dict[str, Any] = {"torch_pruning_seconds": seconds}
    if error:
        return {**row, "torch_pruning_ok": False, "torch_pruning_error": error}
    row["torch_pruning_groups_seconds"], _, _ = timed(lambda: _groups(network, images))
    _, ok, error = timed(lambda: _step(*made(name)))
    if not ok and not name.startswith(("vit_", "convnext")):
        return {**row, "torch_pruning_ok": bool(ok), "torch_pruning_error": error}
    if not ok:  # perhaps it goes without what its tests set up
        _, ok, error = timed(lambda: _step(*made(name), plain=True))
    return {
        **row,
        "torch_pruning_ok": bool(ok),
        **({"torch_pruning_error": error} if error else {}),
    }


def _groups(network: nn.Module, images: torch.Tensor) -> int:
    """The number of groups that Torch-Pruning's graph has, all of them made."""
    import torch_pruning as tp

    graph = tp.DependencyGraph().build_dependency(network, example_inputs=images)
    return len(list(graph.get_all_groups()))


def _step(network: nn.Module, images: torch.Tensor, plain: bool = False) -> bool:
    """Whether a network runs, and is smaller, after a step of Torch-Pruning's pruner."""
    import torch_pruning as tp

    before = sum(value.numel() for value in network.parameters())
    kept = [
        part
        for part in network.modules()
        if (isinstance(part, (nn.Linear, nn.Conv2d)) and len(part.weight) == 1000)
        or type(part).__name__ == "NonDynamicallyQuantizableLinear"
    ]
    given: dict[str, Any] = {}
    kind = type(network).__name__
    if kind == "VisionTransformer" and not plain:
        given["round_to"] = network.encoder.layers[0].num_heads  # type: ignore[union-attr, index]
        embedded = (network.class_token, network.encoder.pos_embedding)  # type: ignore[union-attr]
        given["unwrapped_parameters"] = [(value, 2) for value in embedded]
    if kind == "ConvNeXt" and not plain:
        blocks = (part for part in network.modules() if type(part).__name__ == "CNBlock")
        given["unwrapped_parameters"] = [(block.layer_scale, 0) for block in blocks]
    tp.pruner.MagnitudePruner(
        network, images, tp.importance.MagnitudeImportance(p=1), pruning_ratio=SHARE,
        ignored_layers=kept, **given,
    ).step()  # fmt: skip
    if kind == "VisionTransformer":  # it reshapes to a width that it was built with
        network.hidden_dim = network.conv_proj.out_channels  # type: ignore[union-attr]
    with torch.no_grad():
        out = network(images)
    after = sum(value.numel() for value in network.parameters())
    return after < before and tuple(out.shape) == (2, 1000) and bool(torch.isfinite(out).all())


SIDES: dict[str, Callable[[str], dict[str, Any]]] = {"ours": ours, "torch_pruning": theirs}


def row_of(name: str) -> dict[str, Any]:
    """Both on one network, each in a process of its own."""
    row: dict[str, Any] = {"network": name}
    for side in SIDES:
        command = [sys.executable, __file__, "--one", name, "--side", side]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=LONGEST, check=False
            )
        except subprocess.TimeoutExpired:
            row |= {f"{side}_ok": False, f"{side}_error": f"longer than {LONGEST} s"}
            continue
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        failed = {f"{side}_ok": False, f"{side}_error": done.stderr.strip()[-160:]}
        row |= json.loads(lines[-1]) if lines else failed
    return row


def told(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Coverage, and seconds in the median, of all rows."""
    both = [row for row in rows if "ours_seconds" in row and "torch_pruning_seconds" in row]
    ratios = [row["ours_seconds"] / row["torch_pruning_seconds"] for row in both]
    return {
        "networks": len(rows),
        "ours_ok": sum(row.get("ours_ok", False) for row in rows),
        "torch_pruning_ok": sum(row.get("torch_pruning_ok", False) for row in rows),
        "ours_seconds_median": statistics.median(row["ours_seconds"] for row in both),
        "torch_pruning_seconds_median": statistics.median(
            row["torch_pruning_seconds"] for row in both
        ),
        "ratio_median": statistics.median(ratios),
        "ours_faster": sum(ratio < 1 for ratio in ratios),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", help="one network, to standard output")
    parser.add_argument("--side", choices=SIDES, default="ours", help="by whom")
    parser.add_argument("--only", nargs="*", default=[""], help="networks that begin so")
    parser.add_argument("--again", action="store_true", help="also those that are measured")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.one:
        print(json.dumps(SIDES[args.side](args.one)))
        return
    import torchvision

    rows = json.loads(RESULT.read_text())["rows"] if RESULT.exists() else []
    known = {} if args.again else {row["network"]: row for row in rows}
    names = torchvision.models.list_models(module=torchvision.models)
    for name in names:
        if name not in known and name.startswith(tuple(args.only)):
            known[name] = row_of(name)
            print(json.dumps(known[name]), flush=True)
            rows = [known[each] for each in names if each in known]
            about = {**machine(), "torchvision": torchvision.__version__}
            write_json(RESULT, {"machine": about, "summary": told(rows), "rows": rows})


if __name__ == "__main__":
    main()
