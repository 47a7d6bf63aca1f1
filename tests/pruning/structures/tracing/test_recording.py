"""One forward pass is recorded as it was: the order, the number of calls, and their inputs."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.pruning.structures.tracing.recording import (
    Answer,
    Answering,
    again,
    copied,
    handles,
    is_close,
    mapped,
    record,
    tensors,
    within,
)
from tests.support.zoo import CASES, PROOF, Auxiliary, randomised


def test_the_order_and_number_of_calls_are_those_of_the_pass() -> None:
    model = randomised(CASES["looped"].make())
    recording = record(model, PROOF, {"block"})
    assert recording.order[:4] == ("", "stem", "stem.0", "stem.1")
    assert recording.order[-1] == "head"
    assert recording.times["block"] == 3
    assert recording.times["block.relu"] == 6
    assert recording.times["stem"] == recording.times["head"] == 1
    assert set(recording.calls) == {"block"}
    assert recording.calls["block"].shape == (4, 8, 8, 8)


def test_a_module_that_does_not_run_is_not_recorded() -> None:
    recording = record(randomised(Auxiliary("training")), PROOF, {"auxiliary", "head"})
    assert not any(name.startswith("auxiliary") for name in recording.order)
    assert set(recording.calls) == {"head"}


def test_a_call_can_be_made_again_though_the_module_changes_its_input_in_place() -> None:
    model = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 2)).eval()
    x = torch.tensor([[-1.0, 2.0, -3.0]])
    call = record(model, Batch(x.clone()), {"0"}).calls["0"]
    assert torch.equal(call.args[0], x)
    assert torch.equal(again(model[0], call), x.relu())
    assert torch.equal(again(model[0], call), x.relu())
    assert torch.equal(call.args[0], x)


def test_no_hook_stays_behind_even_when_the_pass_fails() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(5, 2)).eval()
    with pytest.raises(RuntimeError, match="shapes"):
        record(model, Batch(torch.ones(1, 3)), set())
    for module in model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


def test_handles_are_removed_when_their_context_ends() -> None:
    module = nn.Linear(3, 2)
    x = torch.ones(1, 3)
    with handles() as held:
        held.append(module.register_forward_hook(lambda module, args, output: output * 0))
        assert not module(x).any()
    assert module(x).any()


class Pair(NamedTuple):
    left: Tensor
    rest: list[object]


def test_nested_values_keep_their_types_and_their_order() -> None:
    value = OrderedDict(b=Pair(torch.tensor(1), [torch.tensor(2), "x"]), a=(torch.tensor(3), None))
    assert [int(tensor) for tensor in tensors(value)] == [1, 2, 3]
    twice = mapped(value, lambda tensor: tensor * 2)
    assert type(twice) is OrderedDict
    assert type(twice["b"]) is Pair
    assert [int(tensor) for tensor in tensors(twice)] == [2, 4, 6]
    assert twice["b"].rest[1] == "x"
    copied(value)["b"].left.zero_()
    assert int(value["b"].left) == 1


@pytest.mark.parametrize(
    ("one", "other", "close"),
    [
        (torch.ones(2, 3), torch.ones(2, 3) + 1e-7, True),
        (torch.ones(2, 3), torch.ones(2, 3) + 1e-3, False),
        (torch.ones(2, 3), torch.ones(3, 2), False),
        (torch.ones(2, 3).long(), torch.ones(2, 3), False),  # ids, and a score for each
        (torch.ones(2, 3).long(), torch.ones(2, 3).long(), True),
        (torch.ones(2).bool(), torch.tensor([True, False]), False),
        (torch.ones(2).half(), torch.ones(2), False),
    ],
)
def test_tensors_are_close_only_where_they_are_of_one_shape_and_type(one, other, close):
    assert is_close(one, other) is close


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e-8, 1e-14])
def test_small_values_are_not_alike_for_being_small(scale):
    """A deep network with random weights may have activations of 1e-14."""
    one = scale * torch.tensor([1.0, -0.5, 0.25])
    assert is_close(one, one * (1 + 1e-7))
    assert not is_close(one, 0.5 * one)
    assert not is_close(one, torch.zeros(3))
    assert within(one, one * 1.0005, 1e-3, 1e-4)
    assert not within(one, one * 1.1, 1e-3, 1e-4)


def test_what_a_module_gave_is_given_again_for_any_number_of_samples_until_it_is_let_go() -> None:
    model = nn.Sequential(nn.Conv2d(2, 3, 1), nn.ReLU(inplace=True)).eval()
    x = torch.randn(1, 2, 4, 4)
    with torch.no_grad():
        gave, other = model[0](x), torch.zeros(3, 2, 4, 4)
        answer = record(model, Batch(x), set()).answers["0"]
        with handles() as held:
            held.append(Answering(model[0], answer))
            assert torch.equal(model(other), gave.relu().expand(3, -1, -1, -1))
            assert torch.equal(model[0](other[:1]), gave)  # nothing was changed in place
            assert model[0](torch.zeros(1, 2, 5, 5)).shape == (1, 3, 5, 5)  # so it did run
        assert not torch.equal(model[0](other[:1]), gave)
    assert "forward" not in vars(model[0])


def test_a_module_with_a_forward_of_its_own_has_it_back() -> None:
    module = nn.Linear(2, 2)
    own = vars(module)["forward"] = lambda x: x + 1.0
    held = Answering(module, Answer(torch.Size((1, 2)), torch.zeros(1, 2)))
    assert torch.equal(module(torch.ones(2, 2)), torch.zeros(2, 2))
    held.remove()
    assert vars(module)["forward"] is own
    assert torch.equal(module(torch.ones(2, 2)), torch.full((2, 2), 2.0))


def test_whether_a_module_keeps_the_shape_of_its_input_and_gives_nothing_else_is_recorded() -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(3, 3)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.inner(x), x

    model = nn.Sequential(nn.Sequential(nn.Linear(3, 3)), nn.Sequential(nn.Linear(3, 2)))
    calls = record(model.eval(), Batch(torch.ones(1, 3)), {"0", "1"}).calls
    assert [calls[name].keeps_shape for name in "01"] == [True, False]
    outer = nn.Sequential(Pair(), _First()).eval()
    assert not record(outer, Batch(torch.ones(1, 3)), {"0"}).calls["0"].keeps_shape


class _First(nn.Module):
    def forward(self, pair: tuple[Tensor, Tensor]) -> Tensor:
        return pair[0]
