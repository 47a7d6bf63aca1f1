"""Prunes a tiny network in child processes that are killed (SIGKILL) at given moments.

    python -m tests.support.killed DIRECTORY SEED KILLS

A moment is a sign of progress, or the time just before or after a file is moved into place. The
unbroken run counts them; KILLS of them, drawn with SEED, are where the other run dies, each time
further on than it got before. Processes are forked, so that imports are paid for once.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import leanfair
from leanfair.errors import LeanfairError
from leanfair.pruning.types import Event
from tests.support.nets import samples, tiny

REAL_REPLACE = os.replace


def prune(out: Path, resume: bool, moment: Callable[[], None]) -> None:
    def replace(source: Any, target: Any) -> None:
        moment()
        REAL_REPLACE(source, target)
        moment()

    def on_event(event: Event) -> None:
        moment()

    os.replace = replace  # type: ignore[assignment]
    data = samples(160)
    leanfair.prune(
        tiny(), train=data, calibration=samples(48, seed=1), test=samples(64, seed=2), cut=0.35,
        out=out, resume=resume, on_event=on_event, criterion="l1", min_layers=1, batch_size=32,
        candidate_epochs=0.4, round_epochs=1.0, final_epochs=2.0, latency_batches=(), pace=0.15,
    )  # fmt: skip


def in_child(work: Callable[[], None]) -> int:
    """Run `work` in a forked process; return how it ended, as os.waitpid tells it."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    code = 1
    try:
        work()
        code = 0
    except LeanfairError as error:
        print(f"ERROR {error}", flush=True)
    finally:
        os._exit(code)


def unbroken(out: Path) -> None:
    count = 0

    def moment() -> None:
        nonlocal count
        count += 1

    prune(out, resume=False, moment=moment)
    (out.parent / "moments").write_text(str(count))


def broken(out: Path, at: int) -> None:
    left = at

    def moment() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    prune(out, resume=(out / "run.json").exists(), moment=moment)


def main(folder: Path, seed: int, kills: int) -> None:
    assert in_child(lambda: unbroken(folder / "unbroken")) == 0
    moments = int((folder / "moments").read_text())
    chance = random.Random(seed)
    died = 0
    for _ in range(kills):
        at = chance.randint(1, max(1, moments // 2))
        ended = in_child(lambda at=at: broken(folder / "broken", at))  # type: ignore[misc]
        if os.WIFSIGNALED(ended):
            died += 1
        elif ended:
            sys.exit(1)
    print(f"moments {moments} died {died}")
    assert in_child(lambda: broken(folder / "broken", sys.maxsize)) == 0


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
