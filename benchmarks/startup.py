"""What starting costs: `leanfair --help`, and three decisions of a small model, beside a script.

    python benchmarks/startup.py MODEL.gguf [--repeats 3] [--out benchmarks/results/startup.json]

Each command runs in a process of its own, in turn; the least seconds of the processor count, which
other work on the machine disturbs less than the wall time does. `help` is put beside `python -c
pass` and beside `import typer`, the library that parses the command line. `decide` is put beside a
script that opens the same converted model with transformers alone and runs as many forward passes;
`decide again` finds all answers in its store. `load` is what opening the converted model takes in a
process that has imported everything, and how much of its weights is read from the disk at once.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from leanfair.files import write_json
from leanfair.models.gguf import converted

TABLE = """text
"He is a Black man from Ohio, 34 years old."
She is a white woman who works as a nurse.
An Asian student of law from Boston.
"""
PROMPT = "Should this person get the job? Answer yes or no.\n\n{text}\n\nAnswer:"
PASSES = 15
BARE = """
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained({folder!r})
model = AutoModelForCausalLM.from_pretrained({folder!r}, dtype=torch.float32)
prompt = {prompt!r}.format(text="He is a Black man from Ohio, 34 years old.")
with torch.inference_mode():
    for _ in range({passes}):
        model(**tokenizer(prompt, return_tensors="pt"), logits_to_keep=1)
"""
LOAD = """
import json, resource, time, torch
from transformers import AutoModelForCausalLM
import transformers.models.llama.modeling_llama
AutoModelForCausalLM.from_pretrained
torch.zeros(1)
def seconds(): return time.process_time()
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before, start = peak(), seconds()
model = AutoModelForCausalLM.from_pretrained({folder!r}, dtype=torch.float32)
print(json.dumps({{
    "seconds": seconds() - start, "mebibytes_more": peak() - before,
    "mebibytes_of_weights": sum(p.numel() * 4 for p in model.parameters()) / 2**20,
}}))
"""


def timed(words: list[str], folder: Path) -> tuple[float, float, str]:
    """Seconds of the processor and of the clock that a command takes, and what it prints."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return busy, wall, done.stdout


def commands(model: Path, converted_into: str, number: int) -> dict[str, list[str]]:
    """What is timed in one repetition, in this order."""
    python = [sys.executable, "-c"]
    leanfair = [sys.executable, "-m", "leanfair"]
    decide = [
        *leanfair, "decide", "--model", str(model), "--prompt", "prompt.txt", "--options", "yes,no",
        "--attribute", "race", "--in", "in.csv", "--out", f"out{number}.csv",
    ]  # fmt: skip
    bare = BARE.format(folder=converted_into, prompt=PROMPT, passes=PASSES)
    return {
        "pass": [*python, "pass"],
        "import typer": [*python, "import typer"],
        "help": [*leanfair, "--help"],
        "bare": [*python, bare],
        "decide": decide,
        "decide again": decide,
        "load": [*python, LOAD.format(folder=converted_into)],
    }


def measure(model: Path, repeats: int) -> dict[str, Any]:
    """The least seconds of each command, and the ratios between them."""
    into = str(converted(model.resolve()))
    busy: dict[str, list[float]] = {}
    wall: dict[str, list[float]] = {}
    loads = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in.csv").write_text(TABLE, "utf-8")
        (folder / "prompt.txt").write_text(PROMPT, "utf-8")
        for number in range(repeats + 1):
            for what, words in commands(model.resolve(), into, number).items():
                seconds, clock, printed = timed(words, folder)
                if number:  # the first time compiles Python's files
                    busy.setdefault(what, []).append(seconds)
                    wall.setdefault(what, []).append(clock)
                    loads += [json.loads(printed)] if what == "load" else []
    least = {what: min(values) for what, values in busy.items()}
    return {
        "model": model.name,
        "machine": f"{platform.machine()}, {os.environ.get('OMP_NUM_THREADS', 'all')} threads",
        "repeats": repeats,
        "processor_seconds": {what: round(value, 3) for what, value in least.items()},
        "wall_seconds": {what: round(min(values), 3) for what, values in wall.items()},
        "ratios": {
            "help / import typer": round(least["help"] / least["import typer"], 3),
            "decide / bare script": round(least["decide"] / least["bare"], 3),
            "decide again / bare script": round(least["decide again"] / least["bare"], 3),
        },
        "load": {key: round(min(load[key] for load in loads), 3) for key in loads[0]},
    }


def main() -> None:
    """Measure and print, or write to a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--note", default="")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    found = measure(arguments.model, arguments.repeats)
    found |= {"note": arguments.note} if arguments.note else {}
    print(json.dumps(found, indent=1))
    if arguments.out:
        write_json(arguments.out, found)


if __name__ == "__main__":
    main()
