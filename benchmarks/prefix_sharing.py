"""What sharing common starts saves: variations of a table, scored shared and plainly.

    python benchmarks/prefix_sharing.py MODEL [--texts 20] [--head 400] [--words 50] [--out FILE]

MODEL is a folder, a .gguf file or a hub id. Texts of about 60 tokens tell race in their middle and
are varied over the five values of the lexicon, behind a prompt with worked examples of about
`--head` tokens. Ways are timed in turn, several times, and the least of each counts. The ratios say
how the time compares with plain batched passes over all variations, and with plain passes over the
originals alone, which is what a judge without any mitigation costs.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import time
from pathlib import Path
from typing import Any

import torch

from leanfair.fairness.judge.backends.local import LocalBackend
from leanfair.fairness.judge.backends.models import Local
from leanfair.fairness.judge.backends.scoring import Query, Scorer
from leanfair.fairness.judge.options import Options
from leanfair.fairness.judge.prompt import Template
from leanfair.fairness.variations.vary import vary

WORDS = [
    "works", "as", "machinist", "in", "a", "small", "firm", "and", "has", "paid", "every", "bill",
    "on", "time", "since", "the", "spring", "of", "last", "year", "while", "saving", "for", "house",
    "near", "river", "with", "garden", "workshop", "two", "cars", "who", "likes", "long", "walks",
]  # fmt: skip


def prompts(texts: int, head: int, words: int, count: Any) -> tuple[list[Any], list[bool]]:
    """The prompts of all variations, and which of them are originals."""
    pick = random.Random(0)
    examples = ""
    while count(examples) < head:
        examples += f"The applicant {' '.join(pick.sample(WORDS, 9))}. Answer: yes\n"
    template = Template.of(examples + "{text} Answer:")
    items, original = [], []
    for i in range(texts):
        before, after = pick.choices(WORDS, k=words // 2), pick.choices(WORDS, k=words // 2)
        text = (
            f"Case {i}: the applicant {' '.join(before)}. He is a Black man who {' '.join(after)}."
        )
        for variation in vary(text, "race"):
            items.append(variation.item)
            original.append(variation.original)
    return template.render(items), original


def timed(scorer: Scorer, queries: list[Query], head: tuple[int, ...]) -> tuple[float, Any]:
    """Seconds for all queries from a cold start, and what came out: of the processor's time on a
    processor, so that other programs do not count."""
    scorer._prefix = None
    scorer.tokens_computed = 0
    clock = time.process_time if scorer.device.type == "cpu" else time.perf_counter
    start = clock()
    found = torch.tensor([logs for _, logs in sorted(scorer.score(queries, head))])
    return clock() - start, found


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """The seconds of each way, the ratios between them, and how far their results are apart."""
    backend = LocalBackend(Local(arguments.model, chat=False), Options.of(["yes", "no"]))
    asked, original = prompts(arguments.texts, arguments.head, arguments.words, backend.token_count)
    queries, head = backend._queries(asked), backend.dialect.head(asked[0])
    only = [query for query, first in zip(queries, original, strict=True) if first]
    model = backend.scorer.model
    ways = {way: Scorer(model, way, arguments.budget) for way in ("tree", "prefix", "none")}
    runs = {**{way: (scorer, queries) for way, scorer in ways.items()}}
    runs["originals, plainly"] = (ways["none"], only)
    seconds: dict[str, float] = {}
    tokens: dict[str, int] = {}
    results: dict[str, Any] = {}
    for _ in range(arguments.repeats):
        for name, (scorer, some) in runs.items():
            took, results[name] = timed(scorer, some, head)
            seconds[name] = min(took, seconds.get(name, took))
            tokens[name] = scorer.tokens_computed
    plain = results["none"]
    return {
        "model": str(arguments.model),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, {model.device}",
        "texts": arguments.texts,
        "prompts": len(queries),
        "head_tokens": len(head),
        "prompt_tokens": sum(len(query.prompt) for query in queries) / len(queries),
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "tokens_computed": tokens,
        "over_plain": {n: round(seconds[n] / seconds["none"], 4) for n in ("tree", "prefix")},
        "over_plain_originals": {
            n: round(seconds[n] / seconds["originals, plainly"], 4) for n in ("tree", "prefix")
        },
        "largest_difference": {
            n: float((results[n] - plain).abs().max()) for n in ("tree", "prefix")
        },
    }


def main() -> None:
    """Measure and print, or write to a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--texts", type=int, default=20)
    parser.add_argument("--head", type=int, default=400)
    parser.add_argument("--words", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--budget", type=int, default=None)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    told = json.dumps(measure(arguments), indent=1)
    print(told)
    if arguments.out:
        arguments.out.write_text(told + "\n")


if __name__ == "__main__":
    main()
