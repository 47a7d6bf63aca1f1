"""Fast products are the products of linear layers, and nothing else is touched."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch

from leanfair.fairness.judge.backends.scoring import Query, Scorer, products
from leanfair.fairness.judge.backends.scoring.products import fast_products, is_amd
from tests.support.tiny_judge import model

CPU = torch.device("cpu")


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> AbstractContextManager[Any]:
    """Fast products, whatever this processor is."""
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(products, "onednn_is_faster", lambda: True)
    return fast_products(CPU)


@pytest.mark.parametrize("shape", [(7, 24), (1, 7, 24), (2, 3, 4, 24), (0, 24)])
@pytest.mark.parametrize("bias", [True, False])
@torch.no_grad()
def test_a_linear_layer_gives_the_same(
    fast: AbstractContextManager[Any], shape: tuple[int, ...], bias: bool
) -> None:
    layer, given = torch.nn.Linear(24, 40, bias), torch.randn(shape)
    turned = torch.randn(*shape[:-2], 24, shape[-2]).transpose(-1, -2)
    expected = layer(given), layer(turned)
    with fast:
        found = layer(given), layer(turned)
    torch.testing.assert_close(found, expected)


@torch.no_grad()
def test_other_numbers_and_other_functions_are_as_they_were(
    fast: AbstractContextManager[Any],
) -> None:
    layer, given = torch.nn.Linear(24, 40).double(), torch.randn(7, 24).double()
    expected = layer(given), torch.softmax(given, -1)
    with fast:
        assert all(map(torch.equal, (layer(given), torch.softmax(given, -1)), expected))


def test_prompts_are_scored_as_without_them(fast: AbstractContextManager[Any]) -> None:
    asked = [Query((*range(20, 40), value, 5), ((7,), (8, 9))) for value in range(200, 205)]
    [plain, quick] = (
        torch.tensor([logs for _, logs in sorted(Scorer(model("Llama"), way).score(asked))])
        for way in ("none", "packed")
    )
    torch.testing.assert_close(quick, plain, atol=1e-4, rtol=0)


def test_elsewhere_nothing_changes() -> None:
    with fast_products(torch.device("meta")) as nothing:
        assert nothing is None


@pytest.mark.parametrize(
    ("told", "amd"), [("vendor_id : AuthenticAMD\n", True), ("vendor_id : GenuineIntel\n", False)]
)
def test_the_maker_of_the_processor_is_read(tmp_path: Path, told: str, amd: bool) -> None:
    (tmp_path / "cpuinfo").write_text(told)
    assert is_amd(tmp_path / "cpuinfo") == amd
    assert not is_amd(tmp_path / "none")
