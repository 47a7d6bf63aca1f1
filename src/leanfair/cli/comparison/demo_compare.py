"""The demo of comparing: the network of the demo of pruning, before and after."""

from __future__ import annotations

from pathlib import Path

from leanfair.cli.comparison.running import compare_and_show
from leanfair.cli.pruning import demo_digits
from leanfair.cli.pruning.options import DataOptions, Machine
from leanfair.comparison.result import WRITTEN
from leanfair.files.own_folder import check_own

SECONDS = 3.0
"""How long each timing takes: the demo is to be over in minutes."""
ROBUST = {"attack_samples": 100, "attack_restarts": 1, "corruption_samples": 100}
"""Few images under attack and under corruptions, for the same reason."""


def run(out: str, quiet: bool = False) -> None:
    """Prune, where that is not done yet, compare, and show. What there is already is not redone: a
    finished demo of pruning beside `out`, as make demo leaves it, or an earlier one in it."""
    check_own(Path(out), "compare", WRITTEN)
    beside, own = Path(out).parent / "demo-prune", Path(out) / "run"
    pruned = beside if demo_digits.is_finished(beside) else own
    if not demo_digits.is_finished(pruned):
        demo_digits.run(str(pruned), quiet)
    compare_and_show(
        str(demo_digits.weights_in(pruned)), str(pruned), "digits", DataOptions(), Machine(),
        {"out": out, "seconds": SECONDS, "seed": demo_digits.SEED}, ROBUST, quiet,
    )  # fmt: skip
