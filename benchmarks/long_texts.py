"""How long texts of 100 kB take to be varied and blinded, of many kinds and for every attribute.

    python benchmarks/long_texts.py --out benchmarks/results/long-texts.json
    python benchmarks/long_texts.py --before benchmarks/results/long-texts.json --out new.json

Seconds are those of the processor, of one process with one thread, the least of `--repeats`. With
`--before` each figure stands beside that of an earlier run. Ends with 1 where one is over a second.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from leanfair import __version__
from leanfair.fairness.mentions.doubts import doubts_of_texts
from leanfair.fairness.mentions.parsed_text import parsed_texts
from leanfair.fairness.mentions.reading import readings
from leanfair.fairness.variations.varier import Varier

ATTRIBUTES = ("race", "gender", "age", "religion", "nationality", "disability", "name")
UNITS = {
    "mentions": "He is a Black man. She is a White woman. ",
    "mentions of all": "Emily Baker, 34, a German Muslim who is deaf, met her Black husband. ",
    "repeated prose": "The clerk wrote a long letter about the weather in Ohio. ",
    "short lines": "Dear all,\nhe is here.\n\nrace: Black\n",
    "links": "see https://example.org/a/black?man=1&x=%20b and www.example.com/he ",
    "markup": '<p class="x">A <b>Black</b> man &amp; his wife</p>\n',
    "rows of a table": "| Emily Baker | 34 | Black | female |\n",
    "json": '{"race": "Black", "age": 34, "sex": "male"}, ',
    "numbers": "34 years old, 12% of 1,000 in 1984; ",
    "one word": "a", "he": "he ", "black": "black ", "her": "her ", "an": "an an ",
    "spaces": " ", "newlines": "\n", "quotes": "'", "hyphens": "Black-", "dots": ". ",
    "brackets": "([{<", "Chinese": "\u4e2d\u56fd\u4eba", "emoji": "\U0001f468\u200d\U0001f469",
    "titles": "Mr. and Mrs. Emily Baker ", "names": "Emily Washington and DeShawn Baker, ",
    "shouted": "HE IS A BLACK MAN FROM GERMANY. ", "thinking": "<think>",
}  # fmt: skip
TAIL = " x. He is a Black Muslim man from Germany, 34 years old, and Emily knows him."
_PROSE = """\
the a clerk wrote long letters about weather in Ohio that nobody answered for weeks and
then another office took over what had been left on tables by people who were gone it
was not clear whether anyone had read of them before she came back from Boston with her
sister to see a Black teacher whose son is 34 years old and works as an engineer in
Germany while Emily Baker said that he was deaf"""


def texts(size: int) -> dict[str, str]:
    """The texts by kind, of `size` characters and a sentence that tells every attribute."""
    made = {kind: (unit * (size // len(unit) + 1))[:size] for kind, unit in UNITS.items()}
    chance, words = random.Random(0), _PROSE.split()
    made["base64"] = base64.b64encode(chance.randbytes(size))[:size].decode()
    made["a data URI"] = ("data:image/png;base64," + made["base64"])[:size]
    sentences = [
        " ".join(chance.choice(words) for _ in range(chance.randrange(5, 25))).capitalize() + "."
        for _ in range(size // 30)
    ]
    made["prose"] = " ".join(sentences)[:size]
    made["paragraphs"] = "\n\n".join(sentences)[:size]
    return {kind: text + TAIL for kind, text in made.items()}


def seconds(work: Callable[[], object], repeats: int) -> float:
    """The least processor time of some calls, none of which may know what an earlier one read."""
    taken = []
    for _ in range(repeats):
        readings.forget()
        doubts_of_texts.forget()
        parsed_texts.forget()
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return round(min(taken), 3)


def main() -> int:
    """Measure, print what is over a second, write the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--attributes", nargs="*", default=ATTRIBUTES)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    before = json.loads(given.before.read_text())["seconds"] if given.before else {}
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for attribute in given.attributes:
        varier = Varier(attribute)
        varier.blinded("He is a Black man.")  # the lexicons are read once
        for kind, text in texts(given.size).items():
            if given.only and given.only not in kind:
                continue
            for what, work in (("vary", varier.variations), ("blind", varier.blinded)):
                now = {"seconds": seconds(lambda work=work, text=text: work(text), given.repeats)}
                if (was := before.get(kind, {}).get(attribute, {}).get(what)) is not None:
                    now["before"] = was["seconds"]
                    now["ratio"] = round(was["seconds"] / max(now["seconds"], 0.001), 1)
                found.setdefault(kind, {}).setdefault(attribute, {})[what] = now
                print(f"{what:5} {kind:16} {attribute:12} {now}", flush=True)
    figures = [
        one["seconds"]
        for kinds in found.values()
        for both in kinds.values()
        for one in both.values()
    ]
    over = sum(figure > 1 for figure in figures)
    print(f"{len(figures)} figures, {over} over a second, the most {max(figures)} s")
    if given.out:
        whole = {
            "version": __version__, "size": given.size, "over_a_second": over,
            "most": max(figures), "seconds": found,
        }  # fmt: skip
        given.out.write_text(json.dumps(whole, indent=1) + "\n")
    return int(over > 0)


if __name__ == "__main__":
    sys.exit(main())
