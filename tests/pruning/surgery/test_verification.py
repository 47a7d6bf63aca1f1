"""A removal that is wrong is found out, and one that is right raises no alarm."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.errors import SurgeryError
from leanfair.pruning.structures.dissect import dissect
from leanfair.pruning.surgery.removal import apply, remove
from leanfair.pruning.surgery.verification import difference
from leanfair.pruning.types import Cut, Member, NeuronCut, Neurons
from tests.support.cuts import PROOF, X, neuron_cut
from tests.support.oracles import zoo
from tests.support.oracles.silence import logits

# Uses that no module shows


@pytest.mark.parametrize("block", [zoo.HiddenUse, zoo.FunctionalUse])
def test_a_hidden_use_of_the_channels_is_found_out_and_named(block):
    model = zoo.awake(zoo.Net(zoo.Block)).double()
    model.blocks[1] = zoo.awake(block()).double()
    drops = [NeuronCut(zoo.by_hand(f"blocks.{i}"), (0, 2)) for i in range(3)]
    cut = Cut("neurons", neurons=tuple(drops))
    before = logits(model, X)
    with pytest.raises(SurgeryError, match=r"Removing blocks\.1\.first does not give"):
        apply(cut, model, PROOF)
    assert torch.equal(logits(model, X), before)
    apply(Cut("neurons", neurons=(drops[0], drops[2])), model, PROOF)


class Checked(zoo.Block):
    """Insists on its width in its own words."""

    def inside(self, x: Tensor) -> Tensor:
        y = super().inside(x)
        assert y.shape[1] == zoo.HIDDEN, "eight channels, please"
        return y


class Counted(zoo.Block):
    """Says how many channels there are: no shape goes wrong, only the numbers."""

    def inside(self, x: Tensor) -> Tensor:
        y = super().inside(x)
        return y / y.shape[1]


@pytest.mark.parametrize("block", [Checked, Counted])
def test_any_way_to_notice_the_removal_is_an_error_of_ours(block):
    model = zoo.awake(zoo.Net(block)).double()
    with pytest.raises(SurgeryError, match=r"blocks\.0\.first"):
        apply(neuron_cut(3), model, PROOF)


class Failing(zoo.Block):
    """Fails in a way of its choice once it is narrower, or given what is no number."""

    error: BaseException

    def inside(self, x: Tensor) -> Tensor:
        y = super().inside(x)
        if y.shape[1] < zoo.HIDDEN or bool(y.isnan().any()):
            raise self.error
        return y


@pytest.fixture
def failing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    monkeypatch.setattr(Failing, "error", request.param, raising=False)
    return zoo.awake(zoo.Net(Failing)).double()


FAULTS = [
    RuntimeError("shapes"), ValueError(), KeyError(), IndexError(), AttributeError(), TypeError(),
]  # fmt: skip
OTHERS = [
    torch.OutOfMemoryError("CUDA out of memory."), MemoryError(), KeyboardInterrupt(),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
]  # fmt: skip


@pytest.mark.parametrize("failing", FAULTS, indirect=True, ids=repr)
def test_what_a_network_raises_at_other_widths_is_a_removal_gone_wrong(failing: nn.Module) -> None:
    with pytest.raises(SurgeryError, match=r"blocks\.0\.first"):
        apply(neuron_cut(3), failing, PROOF)
    assert dissect(failing, PROOF).neurons == ()


@pytest.mark.parametrize("failing", OTHERS, indirect=True, ids=repr)
def test_that_memory_ran_out_or_someone_stopped_is_never_taken_for_that(failing: nn.Module) -> None:
    for work in (lambda: apply(neuron_cut(3), failing, PROOF), lambda: dissect(failing, PROOF)):
        with pytest.raises(type(Failing.error)) as raised:
            work()
        assert raised.value is Failing.error


def test_a_layer_that_is_also_used_elsewhere_is_found_out():
    class Peeking(zoo.Net):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + self.blocks[1].last.bias.sum() * len(self.blocks)

    model = zoo.awake(Peeking(zoo.Block)).double()
    with pytest.raises(SurgeryError, match=r"blocks\.0"):
        apply(Cut("layer", (zoo.layer_by_hand("blocks.0"),)), model, PROOF)


def test_a_block_that_a_list_of_the_models_own_still_holds_is_found_out():
    class Listed(zoo.Net):
        def __init__(self) -> None:
            super().__init__(zoo.Block)
            self.order = list(self.blocks)

        def forward(self, x: Tensor) -> Tensor:
            x = F.relu(self.norm(self.stem(x)))
            for block in self.order:
                x = block(x)
            return self.head(x.mean(dim=(2, 3)))

    model = zoo.awake(Listed()).double()
    with pytest.raises(SurgeryError, match=r"blocks\.1"):
        apply(Cut("layer", (zoo.layer_by_hand("blocks.1"),)), model, PROOF)


@pytest.mark.parametrize("bias", [0.0, 3.0])
def test_a_head_that_is_still_zero_hides_no_wrong_removal(bias):
    for block, right in ((zoo.Block, True), (zoo.HiddenUse, False)):
        model = zoo.awake(zoo.Net(block)).double()
        nn.init.zeros_(model.head.weight)
        nn.init.constant_(model.head.bias, bias)
        if right:
            apply(neuron_cut(0, 2), model, PROOF)
        else:
            with pytest.raises(SurgeryError):
                apply(neuron_cut(0, 2), model, PROOF)


def test_outputs_that_are_all_zero_are_neither_a_false_alarm_nor_a_false_pass():
    class Nothing(nn.Module):
        def __init__(self, wide: int) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(4, wide), nn.Linear(wide, 2, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            y = self.second(torch.relu(self.first(x)) * 0.0)
            return y + (self.first.out_features - 8) * 1e-9

    group = Neurons("first", "first", 8, (Member("first", "out"), Member("second", "in")))
    cut = Cut("neurons", neurons=(NeuronCut(group, (1,)),))
    proof = Batch(torch.randn(3, 4))
    with pytest.raises(SurgeryError):
        apply(cut, Nothing(8), proof)

    class Silent(Nothing):
        def forward(self, x: Tensor) -> Tensor:
            return self.second(torch.relu(self.first(x)) * 0.0)

    apply(cut, Silent(8), proof)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_silenced_network_that_gives_no_numbers_proves_nothing(value):
    class Broken(zoo.Net):
        def forward(self, x: Tensor) -> Tensor:
            out = super().forward(x)
            silenced_only = self.blocks[0].second.in_channels == zoo.HIDDEN
            return torch.where(torch.tensor(silenced_only), value, out)

    with pytest.raises(SurgeryError):
        apply(neuron_cut(1), zoo.awake(Broken(zoo.Block)).double(), PROOF)


def test_classes_that_are_ruled_out_by_minus_infinity_are_no_false_alarm():
    class Ruled(zoo.Net):
        def forward(self, x: Tensor) -> Tensor:
            out = super().forward(x)
            return out.masked_fill(torch.tensor([False, False, True, False, False]), -torch.inf)

    apply(neuron_cut(1), zoo.awake(Ruled(zoo.Block)).double(), PROOF)


def test_a_removal_that_is_right_is_far_within_and_a_wrong_one_far_beyond_rounding():
    model = zoo.awake(zoo.Net(zoo.Block))
    proof = Batch(X.float())
    right, wrong = neuron_cut(3), neuron_cut(4)
    assert difference(right, model, remove(right, model), proof) < 0.1
    assert difference(right, model, remove(wrong, model), proof) > 10.0
