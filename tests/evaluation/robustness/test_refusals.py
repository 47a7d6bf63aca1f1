"""What cannot be attacked is told in a sentence, and what can is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from leanfair.evaluation.problem import Problem
from leanfair.evaluation.robustness.refusals import why_not_attacked
from tests.support.pictures import labelled, network, small_net, trained


class Wrapped(nn.Module):
    """A network whose answers are changed by a function of its inputs."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.inner, self.kind = small_net(), kind

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "rounded":
            x = (x * 8).round() / 8
        if self.kind == "without a graph":
            with torch.no_grad():
                out: Tensor = self.inner(x)
            return out
        out = self.inner(x)
        if self.kind == "whole numbers":
            return (out * 100).long()
        if self.kind == "a map":
            return out[:, :, None, None].expand(-1, -1, 5, 5)
        return out * float("nan") if self.kind == "nan" else out


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("rounded", "is 0 at every pixel"),
        ("without a graph", "does not differentiate"),
        ("whole numbers", "has no gradient"),
        ("a map", "each token or pixel"),
        ("nan", "NaN"),
        ("plain", None),
    ],
)
def test_each_kind_of_network_is_attacked_or_told_why_not(kind: str, reason: str | None) -> None:
    drawn = labelled(network(), count=6)
    told = why_not_attacked(network(Wrapped(kind).eval()), drawn)
    assert (told is None) if reason is None else (told is not None and reason in told)


@pytest.mark.parametrize("kind", ["regression", "feature_extraction"])
def test_what_is_not_right_or_wrong_is_not_attacked(kind: str) -> None:
    problem = Problem(kind, "asked")  # type: ignore[arg-type]
    told = why_not_attacked(network(problem=problem), labelled(network(), count=4))
    assert told is not None
    assert kind in told


@pytest.mark.filterwarnings("ignore")
def test_a_quantised_network_is_refused() -> None:
    net, _, drawn = trained()
    quantised = torch.ao.quantization.quantize_dynamic(net.model, {nn.Linear}, dtype=torch.qint8)
    told = why_not_attacked(replace(net, model=quantised), drawn)
    assert told is not None
    assert "differentiate" in told
