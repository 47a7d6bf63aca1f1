"""Fast products are the products of linear layers, and nothing else is touched."""

from __future__ import annotations

import copy
import pickle
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch

from leanfair.fairness.judge.backends.scoring import Scorer, products
from leanfair.fairness.judge.backends.scoring.products import Prepacked, fast_products, is_amd
from tests.fairness.judge.backends.scoring.test_scorer import queries, scored
from tests.support.tiny_judge import FAMILIES, model

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


@pytest.fixture
def soon(fast: AbstractContextManager[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Fast products whose weights are laid out once they were used with two rows."""
    monkeypatch.setattr(products, "_MANY", 2)
    monkeypatch.setattr(products, "_USES", 1)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("tied", [False, True])
def test_prompts_are_scored_as_without_them(family: str, tied: bool) -> None:
    net = model(family, tie_word_embeddings=tied)
    asked, head = queries()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    plain = torch.tensor(scored(Scorer(net, "none"), asked, head))
    scorer = Scorer(net, budget=40)
    for _ in range(2):  # as weights come for the first time, and laid out
        quick = torch.tensor(scored(scorer, asked, head))
        torch.testing.assert_close(quick, plain, atol=1e-4, rtol=0)
    linear = any(type(module) is torch.nn.Linear for module in net.modules())
    assert (scorer._prepacked.bytes > 0) == (linear and scorer.way != "none")
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(p.layout == torch.strided for p in net.parameters())


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("rows", [(3,), (1, 7), (2, 3, 4), (300,), (0,)])
@pytest.mark.parametrize("bias", [True, False])
@torch.no_grad()
def test_weights_that_are_laid_out_give_the_same_for_any_number_of_rows(
    rows: tuple[int, ...], bias: bool
) -> None:
    layer, kept = torch.nn.Linear(24, 40, bias), Prepacked()
    with fast_products(CPU, kept):
        layer(torch.randn(5, 24)), layer(torch.randn(5, 24))
    assert kept.bytes == layer.weight.nbytes
    given = torch.randn(*rows, 24)
    expected = layer(given)
    with fast_products(CPU, kept):
        torch.testing.assert_close(layer(given), expected)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("change", ["in place", "other values", "another weight"])
@torch.no_grad()
def test_a_weight_that_changes_is_laid_out_anew(change: str) -> None:
    layer, given, kept = torch.nn.Linear(24, 40), torch.randn(7, 24), Prepacked()
    for _ in range(2):
        with fast_products(CPU, kept):
            layer(given), layer(given)
        if change == "in place":
            layer.weight.mul_(2)
        elif change == "other values":
            layer.weight.data = torch.randn(40, 24)
        else:
            layer.weight = torch.nn.Parameter(torch.randn(40, 24))
            assert kept.bytes == 0
        expected = layer(given)
        with fast_products(CPU, kept):
            torch.testing.assert_close(layer(given), expected)


@pytest.mark.usefixtures("soon")
def test_no_more_is_laid_out_than_there_is_room_for() -> None:
    weights = [torch.nn.Parameter(torch.randn(4, 4), requires_grad=False) for _ in range(3)]
    kept = Prepacked(most=2 * weights[0].nbytes)
    for _ in range(2):
        found = [kept.of(weight, 9) for weight in weights]
    assert [one.is_mkldnn for one in found] == [True, True, False]
    assert kept.bytes == kept.most
    for other in (copy.deepcopy(kept), pickle.loads(pickle.dumps(kept))):
        assert (other.bytes, other.most) == (0, kept.most)
    weights[0].mul_(2)
    assert kept.of(weights[0], 9) is weights[0]  # and its room is free again
    assert kept.of(weights[2], 9).is_mkldnn


def test_what_is_seldom_used_or_made_for_each_product_stays_as_it_is() -> None:
    kept, weight = Prepacked(), torch.nn.Parameter(torch.randn(4, 4), requires_grad=False)
    with torch.inference_mode():
        untold = torch.nn.Parameter(torch.randn(4, 4), requires_grad=False)
    for _ in range(4):
        assert kept.of(weight, 5) is weight  # too few rows
        for other in (torch.randn(4, 4), untold):
            assert kept.of(other, 1000) is other
    assert [kept.of(weight, 1000).is_mkldnn for _ in range(3)] == [False, False, True]


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
