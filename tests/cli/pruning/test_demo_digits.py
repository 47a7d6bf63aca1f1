"""The demo goes on with the network that it trained before, and with the run that it began."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from leanfair.cli.pruning import demo_digits
from leanfair.models.resnet_cifar import CifarResNet


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """What the demo trains and prunes; neither is done."""
    kept: dict[str, list[Any]] = {"trained": [], "pruned": []}

    def trained(splits: Any, quiet: bool) -> nn.Module:
        torch.manual_seed(len(kept["trained"]))
        kept["trained"].append(splits)
        return CifarResNet(depth=demo_digits.DEPTH, classes=10, channels=1)

    def pruned(
        parent: nn.Module, splits: Any, out: str, resume: bool, settings: Any, quiet: bool
    ) -> Any:
        kept["pruned"].append((parent.state_dict(), resume, parent.training))
        return SimpleNamespace(summary={"removed": 0.8})

    monkeypatch.setattr(demo_digits, "_trained", trained)
    monkeypatch.setattr(demo_digits, "prune_and_show", pruned)
    return kept


def test_the_parent_is_trained_once_and_read_again(
    calls: dict[str, list[Any]], tmp_path: Path
) -> None:
    assert demo_digits.run(str(tmp_path)) == {"removed": 0.8}
    demo_digits.run(str(tmp_path))
    assert len(calls["trained"]) == 1
    (first, _, training), (second, _, _) = calls["pruned"]
    assert not training
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_run_that_was_begun_is_resumed(calls: dict[str, list[Any]], tmp_path: Path) -> None:
    demo_digits.run(str(tmp_path))
    (tmp_path / "run.json").write_text("{}")
    demo_digits.run(str(tmp_path))
    assert [resume for _, resume, _ in calls["pruned"]] == [False, True]
