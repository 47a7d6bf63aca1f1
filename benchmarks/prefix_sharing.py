"""What sharing common starts saves: variations of a table, scored shared and plainly.

    python benchmarks/prefix_sharing.py MODEL [--texts 100] [--head 400] [--words 50] [--out FILE]

MODEL is a folder, a .gguf file or a hub id. Texts of about 60 tokens tell race in their middle and
are varied over the five values of the lexicon, behind a prompt with worked examples of about
`--head` tokens. The texts come in `--parts`: in each, the ways are timed in turn, so that a machine
that is busy for a while is busy for all. The plain ways, which cost ten times as much, are timed on
the first `--plain-texts` of a part, and counted for each text. The ratios say how the time for a
text compares with plain batched passes over its variations, and with a plain pass over the original
alone, which is what a judge without any mitigation costs. The common start is computed in the first
part and counted in full. `matrix_products` compares the floating-point operations of the weights
alone, for the tokens that a way computes, with the rate that the machine reaches in one product, by
the faster of its libraries; `with_attention` counts the two products of attention, too, of each
token with those up to it. `--torch-products` leaves linear layers to torch.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from leanfair.fairness.judge.backends.local import LocalBackend
from leanfair.fairness.judge.backends.models import Local
from leanfair.fairness.judge.backends.scoring import Query, Scorer, products
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


def timed(
    scorer: Scorer, queries: list[Query], head: tuple[int, ...]
) -> tuple[float, dict[tuple[int, ...], list[float]]]:
    """Seconds for the queries, and the log-probabilities behind each prompt: seconds of the
    processor's time on a processor, so that other programs do not count."""
    clock = time.process_time if scorer.device.type == "cpu" else time.perf_counter
    start = clock()
    found = {queries[i].prompt: logs for i, logs in scorer.score(queries, head)}
    return clock() - start, found


def rate(size: int = 1024, repeats: int = 3) -> float:
    """Floating-point operations a second of one matrix product, by the faster library."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    took = []
    with torch.inference_mode():
        for library in (nullcontext(), products.fast_products(a.device)):
            for _ in range(repeats):
                start = time.process_time()
                with library:
                    torch.nn.functional.linear(a, b)
                took.append(time.process_time() - start)
    return 2 * size**3 / min(took)


PLAINLY = "originals, plainly"


def in_turn(
    runs: dict[str, tuple[Scorer, list[list[Query]]]], head: tuple[int, ...]
) -> dict[str, tuple[float, int, dict[Any, Any]]]:
    """What each way takes for its texts, one after the other: seconds, tokens computed, and the
    log-probabilities behind each prompt."""
    found = {}
    for name, (scorer, some) in runs.items():
        before = scorer.tokens_computed
        took, logs = timed(scorer, [query for text in some for query in text], head)
        found[name] = (took, scorer.tokens_computed - before, logs)
    return found


def gap(one: dict[Any, list[float]], other: dict[Any, list[float]]) -> float:
    """The largest difference of log-probabilities behind the prompts of `one`."""
    pairs = (zip(logs, other[prompt], strict=True) for prompt, logs in one.items())
    return max(abs(a - b) for pair in pairs for a, b in pair)


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """The seconds of each way for a text, the ratios, and how far the results are apart."""
    backend = LocalBackend(Local(arguments.model, chat=False), Options.of(["yes", "no"]))
    asked, original = prompts(arguments.texts, arguments.head, arguments.words, backend.token_count)
    queries, head = backend._queries(asked), backend.dialect.head(asked[0])
    of_text = len(queries) // arguments.texts
    texts = [queries[i : i + of_text] for i in range(0, len(queries), of_text)]
    firsts = [[query] for query, first in zip(queries, original, strict=True) if first]
    model = backend.scorer.model
    shared = [way for way in ("packed", "tree", "prefix") if way in arguments.ways]
    ways = {way: Scorer(model, way, arguments.budget) for way in (*shared, "none")}
    seconds = dict.fromkeys([*shared, "none", PLAINLY], 0.0)
    counts, tokens = dict.fromkeys(seconds, 0), dict.fromkeys(seconds, 0)
    difference, rates = dict.fromkeys(shared, 0.0), []
    size = arguments.texts // arguments.parts
    for start in range(0, size * arguments.parts, size):
        some = slice(start, start + arguments.plain_texts)
        runs = {way: (ways[way], texts[start : start + size]) for way in shared}
        runs |= {"none": (ways["none"], texts[some]), PLAINLY: (ways["none"], firsts[some])}
        found = in_turn(runs, head)
        for name, (took, computed, _) in found.items():
            seconds[name] += took
            tokens[name] += computed
            counts[name] += len(runs[name][1])
        for way in shared:
            difference[way] = max(difference[way], gap(found["none"][2], found[way][2]))
        rates.append(rate())
    each_text = {name: seconds[name] / counts[name] for name in seconds}
    each_tokens = {name: tokens[name] / counts[name] for name in seconds}
    flops = 2 * weights_of(model) / max(rates)
    seen = {n: keys_seen(queries, len(head) if n in shared else 0) for n in seconds}
    attention = {n: 2 * attention_of(model) * seen[n] / max(rates) for n in seconds}
    return {
        "model": str(arguments.model),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, {model.device}",
        "note": arguments.note,
        "texts": size * arguments.parts,
        "texts_plainly": counts["none"],
        "variations": of_text,
        "head_tokens": len(head),
        "prompt_tokens": sum(len(query.prompt) for query in queries) / len(queries),
        "seconds_a_text": {name: round(value, 4) for name, value in each_text.items()},
        "tokens_a_text": {name: round(value, 1) for name, value in each_tokens.items()},
        "over_plain": {n: round(each_text[n] / each_text["none"], 4) for n in shared},
        "over_plain_originals": {n: round(each_text[n] / each_text[PLAINLY], 4) for n in shared},
        "tokens_over_plain_originals": {
            n: round(each_tokens[n] / each_tokens[PLAINLY], 4) for n in shared
        },
        "matrix_products": {n: round(flops * each_tokens[n] / each_text[n], 3) for n in seconds},
        "with_attention": {
            n: round((flops + attention[n]) * each_tokens[n] / each_text[n], 3) for n in seconds
        },
        "rate": round(max(rates) / 1e9, 1),
        "onednn": products.onednn_is_faster(),
        "largest_difference": difference,
    }


def weights_of(model: Any) -> int:
    """How many weights every token passes through: all but those of embeddings and head."""
    tables = {id(m.weight) for m in (model.get_input_embeddings(), model.get_output_embeddings())}
    return sum(p.numel() for p in model.parameters() if p.dim() > 1 and id(p) not in tables)


def keys_seen(queries: list[Query], start: int) -> float:
    """To how many tokens one of a prompt attends, behind `start` others, on average."""
    tokens = sum(len(query.prompt) - start for query in queries)
    ends = sum(len(query.prompt) * (len(query.prompt) + 1) for query in queries)
    return (ends - len(queries) * start * (start + 1)) / 2 / tokens


def attention_of(model: Any) -> int:
    """Multiplications of all layers for one token that attends to one."""
    config = model.config
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(2 * config.num_hidden_layers * config.num_attention_heads * width)


def main() -> None:
    """Measure and print, or write to a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--texts", type=int, default=100)
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--plain-texts", type=int, default=1, help="in each part")
    parser.add_argument("--ways", nargs="+", default=["packed", "tree", "prefix"])
    parser.add_argument("--head", type=int, default=400)
    parser.add_argument("--words", type=int, default=50)
    parser.add_argument("--budget", type=int, default=None)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--torch-products", action="store_true")
    parser.add_argument("--note", default="")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.torch_products:
        products.onednn_is_faster = lambda: False
    told = json.dumps(measure(arguments), indent=1)
    print(told)
    if arguments.out:
        arguments.out.write_text(told + "\n")


if __name__ == "__main__":
    main()
