"""A run that is killed at any moment ends where an unbroken one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.places import ROOT


def decisions(run: Path) -> list[dict[str, Any]]:
    steps = json.loads((run / "steps.json").read_text())
    spent = ("seconds", "energy")
    return [{key: value for key, value in step.items() if key not in spent} for step in steps]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked, which needs POSIX")
@pytest.mark.real
@pytest.mark.parametrize("seed", [0, 1])
def test_a_run_killed_several_times_at_random_ends_at_the_same_network(
    seed: int, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.support.killed", str(tmp_path), str(seed), "7"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert int(done.stdout.split("died ")[1].split()[0]) >= 2, done.stdout
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    assert decisions(broken) == decisions(unbroken)
    assert len(decisions(broken)) >= 2
    for name in ("model.safetensors", "cuts.json"):
        assert (broken / name).read_bytes() == (unbroken / name).read_bytes()
    files = {path.name for path in unbroken.iterdir()}
    assert {path.name for path in broken.iterdir()} == files, "nothing of the kills is left"
