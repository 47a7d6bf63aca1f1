"""How fast a language model writes: against a clock that the model moves, and with a real one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from leanfair.errors import InputError
from leanfair.evaluation import generation
from leanfair.evaluation.generation import compare_generation
from tests.support import tiny_text
from tests.support.meters import Hand

PROMPT = torch.arange(5)[None]


class Writer(nn.Module):
    """Takes `read` seconds for each token of a prompt and `write` for each new one."""

    def __init__(self, hand: Hand, read: float, write: float, log: list[Any] | None = None):
        super().__init__()
        self.hand, self.read, self.write = hand, read, write
        self.log = [] if log is None else log

    def forward(self, input_ids: Tensor, use_cache: bool, past_key_values: Any = None) -> Any:
        assert use_cache
        assert not torch.is_grad_enabled()
        assert not self.training
        first = past_key_values is None
        assert first or input_ids.shape == (1, 1)
        self.hand.now += self.read * input_ids.shape[1] if first else self.write
        if first:
            self.log.append(self)
        cache = input_ids if first else torch.cat([past_key_values, input_ids], dim=1)
        return SimpleNamespace(logits=torch.eye(7)[cache % 7], past_key_values=cache)


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    made = Hand()
    monkeypatch.setattr(generation, "time", made)
    monkeypatch.setattr("leanfair.evaluation.speed.time", made)
    return made


def test_the_prompt_and_each_new_token_are_timed_apart(hand: Hand) -> None:
    models = {"parent": Writer(hand, 0.02, 0.4), "child": Writer(hand, 0.01, 0.3)}
    found = compare_generation(models, PROMPT, new_tokens=4, runs=3, budget=1e9)
    assert found["parent"].prompt.median == pytest.approx(0.1)
    assert found["parent"].token.median == pytest.approx(0.4)
    assert found["parent"].prefill == pytest.approx(50.0)
    assert found["child"].prefill == pytest.approx(100.0)
    assert found["child"].token.median == pytest.approx(0.3)
    assert found["child"].token.runs == 3


def test_models_take_turns_in_an_order_that_alternates(hand: Hand) -> None:
    log: list[Any] = []
    models = {name: Writer(hand, 1.0, 1.0, log) for name in "ab"}
    compare_generation(models, PROMPT, new_tokens=1, runs=2, budget=1e9)
    a, b = models.values()
    assert log == [a, b, a, b, b, a]


def test_the_budget_ends_it_but_not_before_three_runs(hand: Hand) -> None:
    found = compare_generation({"": Writer(hand, 9.0, 9.0)}, PROMPT, 2, runs=50, budget=1.0)
    assert found[""].token.runs == 3


def test_a_real_model_writes_what_generate_writes() -> None:
    model = tiny_text.llama(eos_token_id=None)
    ids: list[Tensor] = []
    model.register_forward_hook(
        lambda module, args, kwargs, out: ids.append(kwargs["input_ids"]), with_kwargs=True
    )
    found = compare_generation({"": model}, PROMPT, new_tokens=6, runs=1)[""]
    written = torch.cat(ids[-6:], dim=1)
    wanted = model.generate(PROMPT, max_new_tokens=6, do_sample=False)  # type: ignore[operator]
    assert torch.equal(written, wanted[:, 5:])
    assert found.prompt_tokens == 5
    assert found.token.median > 0


def test_a_model_is_left_in_the_mode_it_was_in() -> None:
    model = tiny_text.llama().train()
    compare_generation({"": model}, PROMPT, new_tokens=1, runs=1)
    assert model.training


@pytest.mark.parametrize(
    ("prompt", "new"), [(PROMPT[0], 3), (PROMPT[:, :0], 3), (PROMPT.expand(2, 5), 3), (PROMPT, 0)]
)
def test_what_is_no_prompt_is_refused(prompt: Tensor, new: int) -> None:
    with pytest.raises(InputError, match="one row of token ids"):
        compare_generation({"": tiny_text.llama()}, prompt, new)


def test_a_model_without_a_cache_is_refused() -> None:
    with pytest.raises(InputError, match="keeps no cache"):
        compare_generation({"": tiny_text.bert()}, PROMPT, 2)
