"""What a language model writes before and after pruning: twenty beginnings, continued greedily.

    python benchmarks/generations.py PARENT CHILD [CHILD ...] [--tokens 40] [--out FILE]

PARENT and each CHILD are folders, run directories or .gguf files. All write with the parent's
tokenizer. `rows` has for each beginning what each model adds to it; `repeats` the share of its
4-grams that a model has written before in the same text, over all texts, and `same` the share of
the parent's first tokens on which a child agrees, until they part.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from leanfair.files import write_json
from leanfair.models.pretrained import open_tokenizer
from leanfair.pruning.checkpoint.loading import open_model
from leanfair.pruning.run.summary import machine

BEGINNINGS = (
    "The capital of France is",
    "Water boils at a temperature of",
    "The three primary colours are",
    "To bake bread you need flour,",
    "The Second World War ended in",
    "The largest planet of the solar system is",
    "Photosynthesis is the process by which",
    "A good way to learn a language is to",
    "The heart pumps blood through",
    "In the morning the fisherman went down to the shore and",
    "Once upon a time there was an old king who",
    "The judge looked at the two brothers and said:",
    "Dear Sir or Madam, I am writing to",
    "The difference between a lake and a river is that",
    "If it rains tomorrow, we will",
    "The train from London to Edinburgh takes about",
    "Shakespeare wrote plays such as",
    "To change a tyre, first",
    "The price of bread rose because",
    "She opened the letter, read it twice, and",
)


def written(model: Any, tokenizer: Any, beginning: str, tokens: int) -> list[int]:
    """The tokens that `model` adds to a beginning, the likeliest at each place."""
    asked = tokenizer(beginning, return_tensors="pt")
    with torch.inference_mode():
        found = model.generate(**asked, max_new_tokens=tokens, do_sample=False)
    return [int(token) for token in found[0, asked["input_ids"].shape[1] :]]


def repeats(texts: Sequence[Sequence[int]], length: int = 4) -> float:
    """The share of the pieces of `length` tokens that stood in the same text before."""
    again = total = 0
    for text in texts:
        pieces = [tuple(text[i : i + length]) for i in range(len(text) - length + 1)]
        again += len(pieces) - len(set(pieces))
        total += len(pieces)
    return again / max(1, total)


def together(one: Sequence[int], other: Sequence[int]) -> float:
    """The share of `one` that `other` says alike, from the start until they part."""
    pairs = zip(one, other, strict=False)  # one may have ended before the other
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return alike / max(1, len(one))


def measured(names: Sequence[str], tokens: int) -> dict[str, Any]:
    """What each of the models writes, the parent first."""
    tokenizer = open_tokenizer(names[0])
    said: dict[str, list[list[int]]] = {}
    for name in names:
        model = open_model(name).eval()
        said[name] = [written(model, tokenizer, each, tokens) for each in BEGINNINGS]
    parent = said[names[0]]
    short = {name: Path(name).name for name in names}
    return {
        "tokens": tokens,
        "machine": machine(),
        "repeats": {short[name]: repeats(texts) for name, texts in said.items()},
        "same": {short[name]: mean(map(together, parent, said[name])) for name in names[1:]},
        "rows": [
            {
                "beginning": beginning,
                **{
                    short[name]: tokenizer.decode(said[name][i], skip_special_tokens=True)
                    for name in names
                },
            }
            for i, beginning in enumerate(BEGINNINGS)
        ],
    }


def page(found: dict[str, Any]) -> str:
    """The texts side by side, as Markdown."""
    names = list(found["repeats"])
    lines = [f"| beginning | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for row in found["rows"]:
        cells = [" ".join(row[name].replace("|", "\\|").split()) for name in ("beginning", *names)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write, and show."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="+", metavar="MODEL", help="the parent, then children")
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/generations.json"))
    args = parser.parse_args()
    found = measured(args.models, args.tokens)
    write_json(args.out, found)
    print(page(found), {"repeats": found["repeats"], "same": found["same"]})


if __name__ == "__main__":
    main()
