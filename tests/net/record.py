"""Write down what today's code decides: python -m tests.net.record [NAME ...]

NAME is that of a recording (digits/kl), or of a kind of them (digits); without one, all are made.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch

from tests.net.audits import AUDITS
from tests.net.prunings import DIGITS, TRANSFORMERS
from tests.net.texts import NAMES, recorded

FOLDER = Path(__file__).parent / "recorded"
DIGITS_KEPT = 7
"""Significant digits of a number: more than are compared."""

KINDS: dict[str, dict[str, Callable[[], Any]]] = {
    "digits": DIGITS,
    "transformers": TRANSFORMERS,
    "audits": AUDITS,
    "variations": {name: partial(recorded, name) for name in NAMES},
}
RUNS = {f"{kind}/{name}": run for kind, runs in KINDS.items() for name, run in runs.items()}


def path_of(name: str) -> Path:
    """Where the recording `name` is written down."""
    return FOLDER / f"{name}.json"


def plain(found: Any) -> Any:
    """`found` as it is read back, its numbers rounded."""
    if isinstance(found, float):
        return float(f"{found:.{DIGITS_KEPT}g}")
    if isinstance(found, dict):
        return {key: plain(value) for key, value in found.items()}
    return [plain(value) for value in found] if isinstance(found, (list, tuple)) else found


def lines(found: Any) -> str:
    """JSON of which every item of the outermost lists and dicts has a line of its own."""
    if isinstance(found, list):
        return "[\n" + ",\n".join(map(_compact, found)) + "\n]"
    parts = [
        f"{json.dumps(key)}:{lines(value) if isinstance(value, list) else _compact(value)}"
        for key, value in found.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}"


def _compact(found: Any) -> str:
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def record(name: str) -> None:
    """Run it and write it down."""
    path = path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(lines(plain(RUNS[name]())) + "\n", encoding="utf-8")


def main(asked: list[str]) -> None:
    torch.set_num_threads(1)
    names = [n for n in RUNS if not asked or n in asked or n.partition("/")[0] in asked]
    known = {*RUNS, *KINDS}
    if not set(asked) <= known:
        sys.exit(f"There is no {', '.join(set(asked) - known)}: there are {', '.join(RUNS)}.")
    for name in names:
        record(name)
        print(name, path_of(name).stat().st_size, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
