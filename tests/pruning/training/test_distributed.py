"""Several processes: the same result as one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import leanfair
from leanfair.files import read_tensors
from leanfair.pruning.training.distributed import agreed, group, is_main, worst
from tests.support.places import ROOT

LAUNCH = [
    "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines",
    "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0",
]  # fmt: skip
"""accelerate's switch for several processes on one machine; without a CUDA device they run on the
CPU."""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def test_one_process_agrees_with_itself() -> None:
    assert group() == (0, 1)
    assert is_main()
    assert agreed(1.5) == 1.5
    assert worst(True)
    assert not worst(False)


@pytest.mark.real
def test_two_processes_fine_tune_to_the_weights_of_one(tmp_path: Path) -> None:
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    run("-m", "tests.support.tuned", str(one))
    run(*LAUNCH, "-m", "tests.support.tuned", str(two))
    alone, together = read_tensors(one), read_tensors(two)
    assert (int(alone.pop("processes")), int(together.pop("processes"))) == (1, 2)
    for name, value in alone.items():
        torch.testing.assert_close(together[name], value, rtol=1e-8, atol=1e-9)


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    from leanfair.files import write_tensors
    from leanfair.models.resnet_cifar import CifarResNet

    torch.manual_seed(0)
    weights = tmp_path / "resnet14.safetensors"
    write_tensors(weights, CifarResNet(14, classes=10, channels=1).state_dict())
    return [
        "-m", "leanfair", "prune", str(weights), "--data", "digits", "--cut", "0.3", "--criterion",
        "l1", "--min-layers", "1", "--candidate-epochs", "0.1", "--round-epochs", "0.2",
        "--final-epochs", "0.5", "--lr", "0.01", "--threads", "1",
    ]  # fmt: skip


@pytest.mark.real
def test_two_processes_prune_to_the_decisions_of_one(arguments: list[str], tmp_path: Path) -> None:
    run(*arguments, "--out", str(tmp_path / "one"))
    told = run(*LAUNCH, *arguments, "--out", str(tmp_path / "two"))
    assert told.stdout.count("Removed") == 1, "only the main process speaks"
    one, two = steps(tmp_path / "one"), steps(tmp_path / "two")
    assert [step["chosen"] for step in one] == [step["chosen"] for step in two]
    assert [step["cut"] for step in one] == [step["cut"] for step in two]
    for before, after in zip(one, two, strict=True):
        for kind, value in before["cka"].items():
            assert after["cka"][kind] == pytest.approx(value, abs=0.01)
    x = torch.randn(16, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        logits: list[Tensor] = [leanfair.load(tmp_path / name)(x) for name in ("one", "two")]
    torch.testing.assert_close(logits[0], logits[1], rtol=0.05, atol=0.05)


def steps(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((path / "steps.json").read_text())
    return found
