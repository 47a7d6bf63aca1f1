"""A small network for the digits, and a way to call the command line in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from leanfair.cli import app
from leanfair.files import write_tensors
from leanfair.models.resnet_cifar import CifarResNet

Leanfair = Callable[..., Result]


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file of an untrained ResNet-14 over 8x8 digits; two blocks a stage."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("models") / "resnet14.safetensors"
    write_tensors(path, CifarResNet(depth=14, classes=10, channels=1).state_dict())
    return str(path)


@pytest.fixture(scope="session")
def leanfair() -> Leanfair:
    """Calls `leanfair` with some arguments."""
    runner = CliRunner()

    def call(*arguments: object) -> Result:
        return runner.invoke(app, [str(argument) for argument in arguments])

    return call


@pytest.fixture(scope="session")
def quick(weights: str) -> list[str]:
    """Arguments of a run that trains nothing and is over in a moment."""
    return [
        weights, "--data", "digits", "--criterion", "l1", "--min-layers", "1",
        "--candidate-epochs", "0", "--round-epochs", "0", "--final-epochs", "0", "--threads", "1",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def finished(
    leanfair: Leanfair, quick: list[str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Result]:
    """The directory of a finished run, and what the command said."""
    out = tmp_path_factory.mktemp("runs") / "digits"
    result = leanfair("prune", *quick, "--cut", 0.4, "--out", out)
    assert result.exit_code == 0, result.output
    return out, result
