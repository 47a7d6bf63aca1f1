"""How the outputs of a module arrive in the stream is seen, not believed."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.pruning.reconstruction.writers import Gap, Writer, around, writer_before
from leanfair.pruning.types import Cut, Layer


class Block(nn.Module):
    """A residual block with a convolution, batch normalisation, scales and what comes behind."""

    def __init__(self, end: nn.Module) -> None:
        super().__init__()
        self.conv = nn.Conv2d(6, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.end = end

    def forward(self, x: Tensor) -> Tensor:
        said: Tensor = self.end(x + self.norm(self.conv(x)))
        return said


class Last(nn.Module):
    """A residual block that writes with features last to a stream that has them second."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor
        self.dense = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        said: Tensor = x + self.factor * self.dense(x.movedim(1, -1)).movedim(-1, 1)
        return said


def network(*before: nn.Module) -> tuple[nn.Module, Batch]:
    torch.manual_seed(0)
    made = nn.Sequential(*before, Block(nn.Identity()), nn.Flatten(), nn.LazyLinear(2))
    sample = Batch(torch.randn(20, 6, 6, 6))  # as many places as features: shapes tell nothing
    made.train()
    with torch.no_grad():
        for module in made.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, -1.5, 1.5)
                nn.init.normal_(module.bias, -0.5)
        for _ in range(20):
            made(sample.inputs)
    return made.eval(), sample


def found(model: nn.Module, sample: Batch, place: int, own: str = "norm") -> Writer | None:
    gap = Gap((f"{place}",), f"{place - 1}" if place else None)
    cut = Cut("layer", (Layer(f"{place}", "", (f"{place}.{own}",)),))
    return writer_before(model, gap, cut, sample)


@pytest.mark.parametrize("end", [nn.Identity(), nn.ReLU()])
def test_batch_normalisation_scales_each_output_by_a_constant_with_or_without_a_relu(end):
    model, sample = network(Block(end))
    writer = found(model, sample, 1)
    assert writer is not None
    assert (writer.name, writer.turned) == ("0.conv", False)
    norm = model[0].norm
    wanted = norm.weight / (norm.running_var + norm.eps).sqrt()
    assert torch.allclose(writer.gains, wanted, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    "end", [nn.GELU(), nn.Tanh(), nn.ReLU6(), nn.MaxPool2d(3, 1, 1), nn.LayerNorm(6), nn.Sigmoid()]
)
def test_what_bends_or_mixes_the_sum_is_seen(end):
    model, sample = network(Block(end))
    assert found(model, sample, 1) is None


@pytest.mark.parametrize("factor", [1.0, -0.3])
def test_features_may_be_last_in_what_is_said_and_second_in_the_stream(factor):
    model, sample = network(Last(factor))
    writer = found(model, sample, 1, "dense")
    assert writer is not None
    assert (writer.name, writer.turned) == ("0.dense", True)
    assert torch.allclose(writer.gains, torch.full((6,), factor), rtol=1e-3)


def test_a_block_of_another_kind_may_come_before_and_a_stem():
    for before, name in ((Last(1.0), "0.dense"), (nn.Conv2d(6, 6, 1), "0")):
        model, sample = network(before)
        writer = found(model, sample, 1)
        assert writer is not None
        assert writer.name == name
        assert torch.equal(writer.gains, torch.ones(6)), "as it is, to the last bit"


def test_a_convolution_in_groups_and_nothing_before_write_nothing():
    model, sample = network(nn.Conv2d(6, 6, 1, groups=2))
    assert found(model, sample, 1) is None
    assert found(model, sample, 0) is None


def test_a_module_that_runs_twice_before_a_layer_is_no_writer():
    conv = nn.Conv2d(6, 6, 1)
    model, sample = network(conv, conv)
    assert found(model, sample, 2) is None


def test_a_pass_ends_behind_the_gap_and_leaves_no_hooks():
    model, sample = network(Block(nn.ReLU()))
    later: list[int] = []
    model[2].register_forward_hook(lambda *_: later.append(1))
    model.train()
    seen = around(model, Gap(("1",), "0"), "0.conv", sample)
    assert set(seen) == {"x", "said", "before", "after"}
    assert later == []
    assert model.training
    assert all(
        not module._forward_pre_hooks and not module._forward_hooks
        for module in model.modules()
        if module is not model[2]
    )
