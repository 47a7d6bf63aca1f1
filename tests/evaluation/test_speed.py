"""Speed and memory, against a clock that the models advance and against counts made by hand."""

from __future__ import annotations

import gc
import statistics
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import chain, count, pairwise, product
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.errors import InputError
from leanfair.evaluation import speed
from leanfair.evaluation.speed import (
    Latency,
    alternating,
    compare_latency,
    latency,
    peak_memory,
    time_in_turn,
)
from leanfair.models.resnet_cifar import CifarResNet

ROWS = Batch(torch.arange(6.0).view(3, 2))


class Clock:
    """A clock that stands still until somebody advances it."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


class Slow(nn.Module):
    """Takes the next of `seconds` on `clock` for each pass, and notes the pass in `log`."""

    def __init__(self, clock: Clock, seconds: Iterator[float], log: list[Any] | None = None):
        super().__init__()
        self.clock, self.seconds, self.log = clock, seconds, [] if log is None else log
        self.inputs: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        assert not torch.is_grad_enabled()
        assert not self.training
        self.clock.now += next(self.seconds)
        self.log.append(self)
        self.inputs.append(x)
        return x


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(speed, "time", made)
    return made


def always(seconds: float) -> Iterator[float]:
    return (seconds for _ in count())


def test_latency_is_the_median_and_the_spread_of_the_timed_passes(clock: Clock) -> None:
    times = [0.001 * k for k in (5, 1, 4, 2, 3, 11, 7, 8, 10, 9, 6)]
    model = Slow(clock, chain([0.9, 0.9], times))
    found = latency(model, ROWS, 1, runs=11, warmup=2)
    assert found.runs == 11
    assert found.median == pytest.approx(statistics.median(times))
    assert (found.low, found.high) == pytest.approx((0.002, 0.010))
    assert set(asdict(found)) == {"median", "low", "high", "runs"}


@pytest.mark.parametrize(
    ("seconds", "runs", "expected"),
    [(0.1, 100, 41), (0.1, 7, 7), (3.0, 100, 5), (3.0, 2, 2)],
)
def test_measuring_ends_with_the_budget_but_not_before_five_passes(
    clock: Clock, seconds: float, runs: int, expected: int
) -> None:
    model = Slow(clock, always(seconds))
    assert latency(model, ROWS, 1, runs, warmup=10, budget=5.05).runs == expected
    # Warming up takes at most a fifth of the budget, or one pass.
    assert len(model.log) - expected == (10 if seconds == 0.1 else 1)


def test_without_warmup_every_pass_counts(clock: Clock) -> None:
    model = Slow(clock, always(0.1))
    latency(model, ROWS, 1, runs=6, warmup=0)
    assert len(model.log) == 6


@given(size=st.integers(1, 9))
def test_the_sample_is_repeated_or_cut_short_to_the_batch_size(size: int) -> None:
    clock = Clock()
    model = Slow(clock, always(0.0))
    latency(model, ROWS, size, runs=1, warmup=0)
    assert torch.equal(model.inputs[0], ROWS.inputs.repeat(3, 1)[:size])  # type: ignore[union-attr]


def test_named_inputs_are_resized_together() -> None:
    class Two(nn.Module):
        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            assert a.shape == (5, 2)
            assert b.shape == (5,)
            return a

    latency(Two(), Batch({"a": torch.ones(3, 2), "b": torch.ones(3)}), 5, runs=2)


def test_models_take_turns_in_an_order_that_alternates(clock: Clock) -> None:
    log: list[Any] = []
    a, b = Slow(clock, always(0.1), log).train(), Slow(clock, always(0.2), log)
    found = compare_latency({"a": a, "b": b}, ROWS, 1, runs=5, warmup=1)
    assert log == [a, b, *(a, b, b, a, a, b, b, a, a, b)]
    assert found["a"].runs == found["b"].runs == 5
    assert found["a"].median == pytest.approx(0.1)
    assert found["b"].median == pytest.approx(0.2)
    assert a.training
    assert b.training


@pytest.mark.parametrize("many", [3, 4, 9])
def test_of_several_models_none_runs_after_the_same_one_most_of_the_time(many: int) -> None:
    names = [str(i) for i in range(many)]
    turns = [name for number in range(400) for name in alternating(names, number)]
    assert Counter(turns) == Counter(400 * names)
    followed = Counter(pairwise(turns))
    for one, other in product(names, names):
        assert followed[one, other] < 400 * 2 / many


def test_what_slows_down_whatever_runs_next_slows_all_others_alike(clock: Clock) -> None:
    last = [""]

    def call(name: str) -> Callable[[], object]:
        def run() -> None:
            clock.now += 0.02 if last[0] == "large" else 0.01
            last[0] = name

        return run

    calls = {name: call(name) for name in ("large", "a", "b", "c")}
    found = time_in_turn(calls, None, runs=101, warmup=0, budget=1e9)
    assert [found[name].median for name in "abc"] == pytest.approx([0.01] * 3)


def test_the_budget_is_for_all_models_together(clock: Clock) -> None:
    models = {name: Slow(clock, always(0.25)) for name in "abcd"}
    found = compare_latency(models, ROWS, 1, runs=100, warmup=0, budget=10.0)
    assert [latency.runs for latency in found.values()] == [10] * 4


def test_a_machine_that_slows_down_slows_all_models_alike(clock: Clock) -> None:
    class Tired(Slow):
        def forward(self, x: Tensor) -> Tensor:
            self.seconds = iter([0.001 + self.clock.now / 100])
            return super().forward(x)

    found = compare_latency({name: Tired(clock, always(0)) for name in "ab"}, ROWS, 1, runs=40)
    assert found["a"].median == pytest.approx(found["b"].median, rel=0.02)


def test_a_deeper_network_is_slower_on_the_real_clock() -> None:
    models = {"deep": CifarResNet(56), "shallow": CifarResNet(8)}
    found = compare_latency(models, Batch(torch.randn(1, 3, 32, 32)), 1, runs=10)
    assert found["deep"].median > 2 * found["shallow"].median
    for one in found.values():
        assert 0 < one.low <= one.median <= one.high


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: compare_latency({}, ROWS, 1), "no model"),
        (lambda: latency(nn.ReLU(), ROWS, 0), "batch_size and runs must be 1 or more"),
        (lambda: latency(nn.ReLU(), ROWS, 1, runs=0), "batch_size and runs must be 1 or more"),
        (lambda: latency(nn.ReLU(), ROWS[:0], 1), "is empty"),
        (lambda: peak_memory(nn.ReLU(), ROWS[:0]), "is empty"),
    ],
)
def test_what_cannot_be_measured_is_refused(call: Callable[[], object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        call()


def held(model: nn.Module) -> int:
    return sum(t.numel() * t.element_size() for t in chain(model.parameters(), model.buffers()))


def activations(model: nn.Module, *shape: int) -> int:
    """The counted bytes beside weights, in units of 4 bytes, for one of three samples."""
    size, rest = divmod(peak_memory(model, Batch(torch.randn(3, *shape))) - held(model), 4)
    assert rest == 0
    return size


@settings(deadline=None)
@given(widths=st.lists(st.integers(1, 50), min_size=2, max_size=8), bias=st.booleans())
def test_a_chain_holds_its_input_and_the_two_ends_of_one_layer(
    widths: list[int], bias: bool
) -> None:
    model = nn.Sequential(*[nn.Linear(a, b, bias=bias) for a, b in pairwise(widths)])
    # The first layer's input is the network's; it is not there a second time.
    ends = [b + (a if i else 0) for i, (a, b) in enumerate(pairwise(widths))]
    assert activations(model, widths[0]) == widths[0] + max(ends)


class Residual(nn.Module):
    """w -> h -> w, around a shortcut or not."""

    def __init__(self, w: int, h: int, shortcut: bool) -> None:
        super().__init__()
        self.a, self.b, self.shortcut = nn.Linear(w, h), nn.Linear(h, w), shortcut

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.a(x)
        if not self.shortcut:
            del x
        hidden = self.b(hidden)
        return x + hidden if self.shortcut else hidden


@pytest.mark.parametrize(("w", "h"), [(10, 30), (30, 10)])
def test_a_shortcut_keeps_its_tensor_alive(w: int, h: int) -> None:
    def stacked(shortcut: bool) -> nn.Module:
        return nn.Sequential(nn.Linear(4, w), Residual(w, h, shortcut))

    with_shortcut = max(w + h + w, 3 * w)
    assert activations(stacked(True), 4) == 4 + with_shortcut
    # nn.Sequential itself holds the block's input until the block returns.
    assert activations(stacked(False), 4) == 4 + w + h + w


class Of(nn.Module):
    """A network that is a function."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x, 24),
        (lambda x: x.view(-1).view(1, 4, 6).transpose(1, 2)[:, 1:], 24),
        (lambda x: x.expand(100, 24), 24),
        (lambda x: x.relu_().add_(1), 24),
        (lambda x: x + 1, 48),
        (lambda x: (x + 1).view(2, 12).T.expand(12, 2), 48),
        (lambda x: x[:, :6] * 2, 30),
        (lambda x: (x + 1, x + 2, x + 3)[0], 96),
        (lambda x: (x + 1).sum() + (x + 2).sum(), 24 + 24 + 2),
        (lambda x: torch.cat([x, x]), 72),
        (lambda x: (x.repeat(10, 1).sum(0), x * 2)[1], 24 + 240 + 24),
    ],
    ids=[
        "nothing", "views", "expanded", "in place", "one", "views of one", "slice", "kept",
        "freed", "cat", "peak early",
    ],
)  # fmt: skip
def test_each_storage_counts_once_for_as_long_as_it_lives(
    function: Callable[[Tensor], Any], expected: int
) -> None:
    assert activations(Of(function), 24) == expected


@pytest.mark.parametrize(("dtype", "size"), [(torch.float64, 8), (torch.bfloat16, 2)])
def test_bytes_follow_the_number_format(dtype: torch.dtype, size: int) -> None:
    model = nn.Linear(7, 9).to(dtype)
    sample = Batch(torch.ones(4, 7, dtype=dtype))
    assert peak_memory(model, sample) == size * (7 * 9 + 9 + 7 + 9)


def test_weights_count_once_however_often_they_are_used() -> None:
    a, b = nn.Linear(5, 5), nn.Linear(5, 5)
    b.weight = a.weight
    sample = Batch(torch.ones(1, 5))
    assert peak_memory(nn.Sequential(a, b), sample) == 4 * (25 + 5 + 5 + 5 + 5 + 5)
    flat = torch.randn(30)
    a.weight, a.bias = nn.Parameter(flat[:25].view(5, 5)), nn.Parameter(flat[25:])
    assert peak_memory(a, sample) == 4 * (30 + 5 + 5)


def test_weights_that_are_a_part_of_a_larger_storage_hold_all_of_it() -> None:
    model = nn.Linear(5, 5, bias=False)
    model.weight = nn.Parameter(torch.randn(100, 5)[:5])
    assert peak_memory(model, Batch(torch.ones(1, 5))) == 4 * (500 + 5 + 5)


def test_buffers_are_counted() -> None:
    model = nn.BatchNorm1d(6)
    norm = 4 * 4 * 6 + 8  # weight, bias, mean and variance, and the int64 count of batches
    assert peak_memory(model, Batch(torch.ones(2, 6))) == norm + 4 * (6 + 6)


def test_named_inputs_are_counted() -> None:
    class Masked(nn.Module):
        def forward(self, x: Tensor, mask: Tensor) -> Tensor:
            return x * mask

    batch = Batch({"x": torch.ones(3, 8), "mask": torch.ones(3, 8, dtype=torch.bool)})
    assert peak_memory(Masked(), batch) == 4 * 8 + 8 + 4 * 8


@pytest.mark.parametrize(("depth", "alive"), [(8, 4), (20, 5)])
def test_a_residual_network_needs_what_its_first_stage_needs(depth: int, alive: int) -> None:
    # In a block: its input, relu's output, and both ends of the second normalisation; and, from
    # the second block on, the stage's input, which the network's forward still names.
    model = CifarResNet(depth)
    assert activations(model, 3, 32, 32) == 3 * 32 * 32 + alive * 16 * 32 * 32


def test_counting_leaves_the_model_as_it_was() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout()).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    sample = Batch(torch.ones(3, 4))
    peak_memory(model, sample)
    assert all(module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.equal(sample.inputs, torch.ones(3, 4))  # type: ignore[arg-type]


class Cyclic(nn.Module):
    """Leaves each intermediate result to the garbage collector."""

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(20):
            cycle: list[Any] = [x + 1]
            cycle.append(cycle)
            [[] for _ in range(50)]  # what a collector that is on would react to
        return x


def test_the_count_does_not_depend_on_the_garbage_collector() -> None:
    threshold, enabled = gc.get_threshold(), gc.isenabled()
    try:
        for often in (1, 700, 10**6):
            gc.enable()
            gc.set_threshold(often)
            assert activations(Cyclic(), 5) == 5 + 20 * 5
            assert gc.isenabled()
        gc.disable()
        assert activations(Cyclic(), 5) == 5 + 20 * 5
        assert not gc.isenabled()
    finally:
        gc.set_threshold(*threshold)
        (gc.enable if enabled else gc.disable)()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_sees_at_least_weights_input_and_output_and_is_timed() -> None:
    model, sample = nn.Linear(1024, 2048).cuda(), Batch(torch.randn(3, 1024))
    exact = held(model) + 4 * (1024 + 2048)
    assert exact <= peak_memory(model, sample) <= exact + 2**20
    assert isinstance(latency(model, sample, 8, runs=5), Latency)
