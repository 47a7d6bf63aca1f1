"""Summaries of pruning runs, out of real runs of tiny networks, and small changes of them.

Each kind of run is made once a process; every call hands out a copy to change. Whatever is changed
here still is a `Summary` (tests/pruning/test_schema.py holds them against the schema).
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel, ViTConfig, ViTForImageClassification

import leanfair
from leanfair.files.checked_json import read_json
from leanfair.pruning.schema import BlockEntry, StageEntry, Summary, WidthEntry
from leanfair.pruning.types import Event
from tests.support.nets import samples, tiny
from tests.support.tiny_text import llama

UNTRAINED: dict[str, Any] = {
    "criterion": "random", "candidate_epochs": 0.0, "round_epochs": 0.0, "final_epochs": 0.0,
    "latency_batches": (), "seed": 3, "pace": 0.2,
}  # fmt: skip


def produced(kind: str) -> Summary:
    """The summary of a run of that kind, to be changed at will."""
    return copy.deepcopy(_produced(kind))


@cache
def _produced(kind: str) -> Summary:
    return RUNS[kind]()


def _pruned(model: nn.Module, calibration: Any, **settings: Any) -> Summary:
    asked = {**UNTRAINED, **settings}
    if asked.get("only") == "layer":
        del asked["pace"]  # for rounds without a layer
    run = leanfair.prune(model, calibration=calibration, **asked)
    return cast(Summary, run.summary)


def _images() -> Summary:
    """A residual network that loses blocks and filters, is fine-tuned and timed."""
    return _pruned(
        tiny(20), samples(48, 1), train=samples(64, 2), test=samples(64, 3), cut=0.6,
        final_epochs=1.0, latency_batches=(1, 2),
    )  # fmt: skip


def _untouched() -> Summary:
    """A run that stops before its first round is done."""
    return _pruned(tiny(14), samples(48, 1), test=samples(64, 3), cut=0.5, min_accuracy=1.0)


def _plain(of: str, cut: float) -> Callable[[], Summary]:
    def run() -> Summary:
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 12, 3), nn.ReLU(), nn.Flatten(),
            nn.Linear(192, 16), nn.ReLU(), nn.Linear(16, 4),
        )  # fmt: skip
        return _pruned(model.eval(), samples(32, 1), cut=cut, of=of)

    return run


def _texts(count: int, seed: int) -> Tensor:
    return torch.randint(2, 64, (count, 9), generator=torch.Generator().manual_seed(seed))


def _language(heads: int = 4, **more: Any) -> Callable[[], Summary]:
    """A decoder of `heads` heads, of which every two or more share a key-value head."""

    def run() -> Summary:
        # As it is cut, both kinds go, which the page has to tell of.
        settings = {"cut": 0.4, "test": _batches(_texts(6, 2)), "reconstruct": False, **more}
        model = llama(num_attention_heads=heads)
        return _pruned(model, _batches(_texts(8, 1)), **settings)

    return run


def _batches(ids: Tensor) -> list[Any]:
    return [{"input_ids": rows} for rows in ids.split(4)]


def _vision() -> Summary:
    """A classifier of images that has heads."""
    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
        image_size=8, patch_size=4, num_channels=1, num_labels=4,
    )  # fmt: skip
    model = ViTForImageClassification(config).eval()
    return _pruned(model, samples(32, 1), test=samples(32, 2), cut=0.4, reconstruct=False)


def _regression() -> Summary:
    """A network of one output, which is a number."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 8), nn.ReLU())
    model.append(nn.Linear(8, 1))

    def numbers(count: int, seed: int) -> list[Any]:
        images = samples(count, seed).tensors[0]
        return [(images, images.mean((1, 2, 3)))]

    held = numbers(32, 1)
    return _pruned(model.eval(), held, train=numbers(32, 2), test=numbers(32, 3), cut=0.3)


def _embedding() -> Summary:
    """A model of transformers without a head."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=3,
        num_attention_heads=4, max_position_embeddings=16,
    )  # fmt: skip
    held, asked = _batches(_texts(8, 1)), _batches(_texts(8, 2))
    return _pruned(BertModel(config).eval(), held, test=asked, cut=0.3, of="params")


class _KilledError(Exception):
    """What kills a run."""


def _resumed() -> Summary:
    """A run that is killed after its second round, and resumed."""

    def kill(event: Event) -> None:
        if event.stage == "step" and event.round == 2:
            raise _KilledError

    settings = {"cut": 0.3, "test": samples(32, 3)}
    with tempfile.TemporaryDirectory() as folder:
        try:
            _pruned(tiny(14), samples(32, 1), out=folder, on_event=kill, **settings)
        except _KilledError:
            _pruned(tiny(14), samples(32, 1), out=folder, resume=True, **settings)
        return cast(Summary, read_json(Path(folder) / "summary.json"))


RUNS: dict[str, Callable[[], Summary]] = {
    "images": _images,
    "untouched": _untouched,
    "resumed": _resumed,
    "plain": _plain("macs", 0.5),
    "latency": _plain("latency", 0.02),
    "memory": _plain("memory", 0.1),
    "language": _language(latency_batches=(1,)),
    "language, single heads": _language(heads=2),
    "language, free widths": _language(free=True),
    "language, untouched": _language(cut=0.001, only="layer", min_layers=2),
    "vision": _vision,
    "regression": _regression,
    "embedding": _embedding,
}


# ---- small changes ------------------------------------------------------------------------------


def without_labels(found: Summary) -> Summary:
    """The same run without labels, training data and latency."""
    for step in found["steps"]:
        step["accuracy"] = step["perplexity"] = None
    found["data"].update(train=None, test=None)
    for quality in ("accuracy", "perplexity"):
        found[quality] = found[f"{quality}_change"] = found[f"calibration_{quality}"] = None
    found["balanced_accuracy"] = found["worst_class"] = found["classes"] = None
    found["latency"], found["images"] = None, 0
    return found


def missed(found: Summary, cut: float = 0.9) -> Summary:
    """The same run, asked for more than it removed."""
    found["settings"]["cut"] = cut
    found["stopped_because"] = "neither a layer nor a neuron may go any more"
    return found


def longer(found: Summary, rounds: int) -> Summary:
    """The same run in so many rounds: its own over and over, each with a little less left."""
    own = found["steps"]
    found["steps"] = []
    for index in range(1, rounds + 1):
        step = copy.deepcopy(own[(index - 1) % len(own)])
        step["index"] = index
        for counted in ("macs", "params"):
            whole, last = found[counted]["before"], found[counted]["after"]
            step[counted] = round(whole - (whole - last) * index / rounds)
        step["cost"] = found["cost"]["before"] * step["macs"] / found["macs"]["before"]
        found["steps"].append(step)
    return found


def only_neurons(found: Summary) -> Summary:
    """The same run, as if every round had removed neurons: no block is gone."""
    cut = next(step for step in found["steps"] if step["chosen"] == "neurons")
    for step in found["steps"]:
        step.update(chosen="neurons", cut=copy.deepcopy(cut["cut"]), text=cut["text"])
    after = {b["name"]: b for stage in found["architecture"]["after"] for b in stage["blocks"]}
    found["architecture"]["after"] = [
        {**stage, "blocks": [after.get(b["name"], copy.deepcopy(b)) for b in stage["blocks"]]}
        for stage in found["architecture"]["before"]
    ]
    return found


def deeper(found: Summary, blocks: int) -> Summary:
    """The same run of a network of so many blocks a stage, none of which went."""
    found = only_neurons(found)
    for stages in (found["architecture"]["before"], found["architecture"]["after"]):
        for stage in stages:
            stage["blocks"] = _repeated(stage, blocks)
    return found


def _repeated(stage: StageEntry, blocks: int) -> list[BlockEntry]:
    made = []
    for place in range(blocks):
        block = copy.deepcopy(stage["blocks"][place % len(stage["blocks"])])
        name = f"{stage['container']}.{place}"
        for width in block["widths"]:
            width["name"] = name + width["name"].removeprefix(block["name"])
        made.append({**block, "name": name})
    return cast(list[BlockEntry], made)


def with_widths(found: Summary, names: tuple[str, ...]) -> Summary:
    """The same network with widths of these names inside each block."""
    for stages in (found["architecture"]["before"], found["architecture"]["after"]):
        for stage in stages:
            for block in stage["blocks"]:
                first = block["widths"][0]
                block["widths"] = [
                    cast(WidthEntry, {**first, "name": f"{block['name']}.{name}"}) for name in names
                ]
    return found


def larger(found: Summary, times: int) -> Summary:
    """The same run of a network of so many times the cost."""
    for part in ("macs", "params", "bytes"):
        for when in ("before", "after"):
            found[part][when] *= times
    for step in found["steps"]:
        step["macs"] *= times
        step["params"] *= times
    return found
