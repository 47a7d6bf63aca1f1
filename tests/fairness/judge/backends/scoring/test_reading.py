"""Logits at some places are those of the whole, and the head works there alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from leanfair.fairness.judge.backends.scoring.reading import last_mlp_at, logits_at
from tests.support.tiny_judge import model

IDS = torch.arange(10, 30).reshape(4, 5)
ROWS, COLUMNS = torch.tensor([0, 3, 3]), torch.tensor([4, 0, 2])


@pytest.mark.parametrize("family", ["Llama", "Gemma2", "Bloom"])
def test_the_logits_are_those_of_the_whole(family: str) -> None:
    net = model(family)
    seen: list[tuple[int, ...]] = []
    net.get_output_embeddings().register_forward_hook(
        lambda module, given, out: seen.append(tuple(out.shape[:2]))
    )
    with torch.no_grad():
        whole = net(input_ids=IDS).logits
        found = logits_at(net, {"input_ids": IDS}, ROWS, COLUMNS)
    torch.testing.assert_close(found, whole[ROWS, COLUMNS])
    assert seen == [(4, 5), (1, 3)]
    assert not net.get_output_embeddings()._forward_pre_hooks


@pytest.mark.parametrize("head", [None, torch.nn.Linear(1, 1)])
def test_a_head_that_is_no_module_or_is_not_called_is_read_off_the_whole(head: Any) -> None:
    net = model("Llama")
    with torch.no_grad():
        whole = net(input_ids=IDS).logits
        net.get_output_embeddings = lambda: head
        found = logits_at(net, {"input_ids": IDS}, ROWS, COLUMNS)
    assert torch.equal(found, whole[ROWS, COLUMNS])


@pytest.mark.parametrize("family", ["Llama", "GPT2", "GPTNeoX", "OPT"])
def test_the_last_mlp_works_where_logits_are_read_alone(family: str) -> None:
    net = model(family)
    columns = torch.tensor([1, 4])
    with torch.no_grad():
        whole = net(input_ids=IDS[:1]).logits
        with last_mlp_at(net, columns):
            found = net(input_ids=IDS[:1]).logits
        after = net(input_ids=IDS[:1]).logits
    torch.testing.assert_close(found[:, columns], whole[:, columns])
    assert torch.equal(after, whole)
    assert torch.equal(found, whole) == (family == "OPT")  # it has no module of that name
