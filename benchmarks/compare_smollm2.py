"""Whom pruning SmolLM2 touched: parent and child decide about people of Adult and COMPAS.

    python benchmarks/compare_smollm2.py magnitude repaired=runs/smollm2-repaired

Each child is a pruning run of SmolLM2-135M-Instruct, after NAME=, or `magnitude`, which is made
here: in each layer the MLP units whose weights have the smallest norms go, 20 % of the parameters
that are no embeddings at once, without training or repair. Both models decide about the same
600 people (`--people`) of each data set, drawn as evenly from groups and outcomes as the data have
them, with the prompt of worked examples of `fair_models.py`, calibrated by the batch; race is
stated in turn as each group. The prompt and the people were chosen before, for another study, and
every child and data set is reported.

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

from fair_data import STUDIES, Study, people_of, written
from leanfair.cli.fairness.demo_fair import smollm2
from leanfair.comparison.comparing import compare
from leanfair.comparison.pair import Side
from leanfair.comparison.result import ComparisonEvent
from leanfair.comparison.sides.reading import side_of
from leanfair.comparison.whom.people import People
from leanfair.files import write_json
from leanfair.pruning.run.summary import machine

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "benchmarks/results/compare-smollm2.json"
PEOPLE = 600
PARENT = "smollm2"
KEPT = (
    "verdict", "sentence", "multiplicity", "rows", "favourable", "attribute", "seed", "bootstrap",
    "rates", "flips", "captured", "values", "groupings", "notes",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("children", nargs="+", help="magnitude, or runs of SmolLM2 as NAME=RUN")
    parser.add_argument("--people", type=int, default=PEOPLE, help="the first so many")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--runs", type=Path, default=ROOT / "runs/compare-smollm2")
    parser.add_argument("--answers", type=Path, default=ROOT / "runs/compare-smollm2/answers")
    parser.add_argument("--target", type=Path, default=TARGET)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    parent = named(side_of(smollm2()), PARENT)
    parts = json.loads(given.target.read_text())["parts"] if given.target.exists() else {}
    for child in given.children:
        name, _, run = child.partition("=")
        made = side_of(run, tokenizer=parent.tokenizer) if run else by_magnitude(parent)
        side = named(made, f"{PARENT}-{name}")
        for study in STUDIES:
            print(side.name, study.name, flush=True)
            parts[f"{name}/{study.name}"] = part(parent, side, study, given)
            command = " ".join(["python", *sys.argv])
            write_json(given.target, {"machine": machine(), "command": command, "parts": parts})
    print(f"written to {given.target}")


def by_magnitude(parent: Side, cut: float = 0.2) -> Side:
    """A copy of `parent` without the MLP units whose weights' norms have the smallest products."""
    model: Any = copy.deepcopy(parent.model)
    body = sum(weight.numel() for weight in model.model.layers.parameters())
    units, width = model.config.intermediate_size, model.config.hidden_size
    kept = units - round(cut * body / (3 * width * len(model.model.layers)))
    for layer in model.model.layers:
        mlp = layer.mlp
        norms = mlp.gate_proj.weight.norm(dim=1) * mlp.up_proj.weight.norm(dim=1)
        rows = (norms * mlp.down_proj.weight.norm(dim=0)).topk(kept).indices.sort().values
        for part, dim in ((mlp.gate_proj, 0), (mlp.up_proj, 0), (mlp.down_proj, 1)):
            part.weight = torch.nn.Parameter(part.weight.detach().index_select(dim, rows))
        mlp.gate_proj.out_features = mlp.up_proj.out_features = mlp.down_proj.in_features = kept
        mlp.intermediate_size = kept
    model.config.intermediate_size = kept
    return replace(parent, model=model.eval(), path=None)


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
        "parent": found.summary["parent"],
        "child": found.summary["child"],
        **{key: value for key, value in whom.items() if key in KEPT},
    }


def told(event: ComparisonEvent) -> None:
    if event.stage == "whom":
        print(f"  {event.done:.0%}", flush=True)


if __name__ == "__main__":
    main()
