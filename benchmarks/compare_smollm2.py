"""Whom pruning SmolLM2 touched: parent and child decide about people of Adult and COMPAS.

    python benchmarks/compare_smollm2.py quick repaired=runs/smollm2-repaired

Each child is a pruning run of SmolLM2-135M-Instruct, after NAME=, or `quick`, which is made here in
a minute: in each layer the MLP units that contribute least on 24 texts of WikiText go at once, 20 %
of the parameters that are no embeddings, and the rest is fitted to make up for them by least
squares; nothing is trained. Both models decide about the same 600 people (`--people`) of each data
set, drawn as evenly from groups and outcomes as the data have them, with the prompt of worked
examples of `fair_models.py`, calibrated by the batch; race is stated in turn as each group. The
prompt and the people were chosen before, for another study. With `--dtype bfloat16` both models
answer in that precision, several times as fast where the processor has units for it.

Every answer is kept below `--answers`, by model and data set: a broken run goes on, and a model
that is in several comparisons answers once. Perplexity, speed and energy of the same models:
`compare_energy.py`.
"""

from __future__ import annotations

import argparse
import copy
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from fair_data import DATA, STUDIES, Study, people_of, written
from leanfair.cli.fairness.demo_fair import smollm2
from leanfair.comparison.comparing import compare
from leanfair.comparison.pair import Side
from leanfair.comparison.result import ComparisonEvent
from leanfair.comparison.schema.summary import SideEntry
from leanfair.comparison.sides.reading import side_of
from leanfair.comparison.whom.people import People
from leanfair.data.text import read_text, tokens
from leanfair.files import write_json
from leanfair.pruning.run.summary import machine

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "benchmarks/results/compare-smollm2.json"
PEOPLE = 600
PARENT = "smollm2"
CALIBRATION = 24
"""Texts of 128 tokens."""
KEPT = (
    "verdict", "sentence", "multiplicity", "rows", "favourable", "attribute", "seed", "bootstrap",
    "rates", "flips", "captured", "values", "groupings", "notes",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("children", nargs="+", help="quick, or runs of SmolLM2 as NAME=RUN")
    parser.add_argument("--people", type=int, default=PEOPLE, help="the first so many")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs/compare-smollm2")
    parser.add_argument("--answers", type=Path, default=ROOT / "runs/compare-smollm2/answers")
    parser.add_argument("--target", type=Path, default=TARGET)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    parent = named(side_of(smollm2()), PARENT)
    parts = json.loads(given.target.read_text())["parts"] if given.target.exists() else {}
    for child in given.children:
        name, _, run = child.partition("=")
        made = side_of(run, tokenizer=parent.tokenizer) if run else quick(parent)
        side = named(made, f"{PARENT}-{name}")
        for each in (parent, side):
            each.model.to(getattr(torch, given.dtype))
        for study in STUDIES:
            print(side.name, study.name, flush=True)
            parts[f"{name}/{study.name}"] = part(parent, side, study, given)
            command = " ".join(["python", "benchmarks/compare_smollm2.py", *sys.argv[1:]])
            write_json(given.target, {"machine": machine(), "command": command, "parts": parts})
    print(f"written to {given.target}")


def quick(parent: Side, cut: float = 0.2) -> Side:
    """A copy of `parent` without the MLP units that contribute least; the rest makes up for them by
    least squares, on what the parent's own layers get to see."""
    model: Any = copy.deepcopy(parent.model)
    body = sum(weight.numel() for weight in model.model.layers.parameters())
    units, width = model.config.intermediate_size, model.config.hidden_size
    kept = units - round(cut * body / (3 * width * len(model.model.layers)))
    for layer, seen in zip(model.model.layers, activations(parent), strict=True):
        mlp, out = layer.mlp, layer.mlp.down_proj.weight.detach().double()
        gram = seen.T @ seen  # [units, units]
        importance = gram.diagonal() * out.square().sum(dim=0)
        rows = importance.topk(kept).indices.sort().values
        own = gram[rows][:, rows]
        ridge = 1e-4 * own.diagonal().mean() * torch.eye(kept, dtype=own.dtype)
        repaired = torch.linalg.solve(own + ridge, gram[rows] @ out.T).T
        for part in (mlp.gate_proj, mlp.up_proj):
            part.weight = torch.nn.Parameter(part.weight.detach()[rows])
            part.out_features = kept
        mlp.down_proj.weight = torch.nn.Parameter(repaired.float())
        mlp.down_proj.in_features = mlp.intermediate_size = kept
    model.config.intermediate_size = kept
    return replace(parent, model=model.eval(), path=None)


def activations(parent: Side) -> list[torch.Tensor]:
    """What comes out of each layer's MLP units on the calibration texts, [tokens, units] each."""
    model: Any = parent.model
    found: list[torch.Tensor] = []
    hooks = [
        layer.mlp.down_proj.register_forward_pre_hook(
            lambda _, given: found.append(given[0].detach().flatten(0, 1).double())
        )
        for layer in model.model.layers
    ]
    texts = tokens(read_text(DATA / "wikitext2/valid.txt.gz"), parent.tokenizer, 128).ids
    with torch.no_grad():
        model(input_ids=texts[:: len(texts) // CALIBRATION][:CALIBRATION])
    for hook in hooks:
        hook.remove()
    return found


def named(side: Side, name: str) -> Side:
    """`side` under another name, which is part of what its answers are kept by."""
    return Side(name, side.model, side.tokenizer, path=side.path, notes=side.notes)


def part(parent: Side, child: Side, study: Study, given: argparse.Namespace) -> dict[str, Any]:
    """What one comparison found of whom it touched."""
    rows, worked = people_of(study)
    people = People(
        rows[: given.people],
        written(study, "worked examples", worked),
        ["yes", "no"],
        study.favourable,
        "race",
        attribute="race",
        label=study.label,
        labels=study.labels,
        calibration="batch",
        chat=False,
    )
    out = given.runs / child.name / study.name
    stores = {
        given.answers / side.name / study.name / "answers.jsonl": out / "whom" / place
        for side, place in ((parent, "parent"), (child, "child"))
    }
    for store, folder in stores.items():
        if store.exists():
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(store, folder / store.name)
    # first without calibration: that asks each person's variations together, person after person
    compare(parent, child, out=out, people=replace(people, calibration=None), on_event=told)
    found = compare(parent, child, out=out, people=people, on_event=told)
    for store, folder in stores.items():
        store.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / store.name, store)
    whom = found.summary["whom"]
    assert whom is not None
    print(whom["sentence"], flush=True)
    return {
        "dtype": given.dtype,
        "parent": known(found.summary["parent"]),
        "child": known(found.summary["child"]),
        **{key: value for key, value in whom.items() if key in KEPT},
    }


def known(side: SideEntry) -> dict[str, Any]:
    """What tells a model from others."""
    return {"name": side["name"], "fingerprint": side["fingerprint"], "params": side["params"]}


def told(event: ComparisonEvent) -> None:
    if event.stage == "whom":
        print(f"  {event.done:.0%}", flush=True)


if __name__ == "__main__":
    main()
