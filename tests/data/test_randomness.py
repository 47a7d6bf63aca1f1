"""What draws random numbers draws its own: the global generators stay as they were."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

import leanfair
from leanfair.data.batches import iterate
from leanfair.data.randomness import drawn, preserved
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.pruning.checkpoint.loading import open_model
from tests.support.nets import samples, tiny

SOURCES: dict[str, Callable[[], float]] = {
    "torch": lambda: torch.rand(()).item(),
    "numpy": lambda: float(np.random.rand()),
    "python": random.random,
}


@contextmanager
def unmoved() -> Iterator[None]:
    """Assert that the global generators are in the same state before and after."""
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()
    yield
    assert torch.equal(torch.get_rng_state(), before[0])
    for now, then in zip(np.random.get_state(), before[1], strict=True):
        assert np.array_equal(now, then)
    assert random.getstate() == before[2]


class Noisy(Dataset[tuple[Tensor, int]]):
    """Samples that are augmented with whatever generator there is."""

    def __len__(self) -> int:
        return 32

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        noise = sum(draw() for draw in SOURCES.values())
        return torch.full((1, 8, 8), index + noise), index % 4


@pytest.mark.parametrize("name", SOURCES)
def test_inside_numbers_are_those_of_the_seed_and_outside_the_callers(name: str) -> None:
    draw = SOURCES[name]
    with unmoved():
        with preserved(7):
            first = [draw() for _ in range(3)]
        with preserved(7):
            assert [draw() for _ in range(3)] == first
        with preserved(8):
            assert draw() != first[0]
        with pytest.raises(ZeroDivisionError), preserved(7):
            raise ZeroDivisionError


def test_without_a_seed_numbers_go_on_from_where_they_were() -> None:
    with unmoved():
        with preserved():
            first = torch.rand(3)
        with preserved():
            assert torch.equal(torch.rand(3), first)


@pytest.mark.parametrize("name", SOURCES)
def test_items_do_not_depend_on_what_is_drawn_between_them(name: str) -> None:
    draw = SOURCES[name]
    with unmoved():
        alone = list(drawn((draw() for _ in range(4)), 3))
    disturbed, between = [], []
    for item in drawn((draw() for _ in range(4)), 3):
        disturbed.append(item)
        between.append(draw())
    assert disturbed == alone
    assert len({*alone, *between}) == 8, "the caller has numbers of its own"


@pytest.mark.parametrize("shuffle", [None, 5])
@pytest.mark.parametrize(
    "source",
    [Noisy(), DataLoader(Noisy(), batch_size=8, shuffle=True), samples(32)],
    ids=["dataset", "loader", "images"],
)
def test_a_pass_over_data_leaves_the_generators(source: Any, shuffle: int | None) -> None:
    with unmoved():
        first = torch.cat([batch.inputs for batch in iterate(source, 8, shuffle=shuffle)])
        again = torch.cat([batch.inputs for batch in iterate(source, 8, shuffle=shuffle)])
    assert torch.equal(first, again)
    next(iterate(source, 8, shuffle=shuffle))


def test_opening_a_network_leaves_the_generators_and_gives_the_weights_of_the_seed(
    tmp_path: Path,
) -> None:
    with unmoved():
        opened = open_model("resnet20", seed=3)
    torch.manual_seed(3)
    expected = CifarResNet(20, classes=10, channels=3).state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in opened.state_dict().items())
    leanfair.prune(
        opened, calibration=torch.randn(16, 3, 8, 8), cut=0.1, criterion="l1", out=tmp_path,
        latency_batches=(),
    )  # fmt: skip
    with unmoved():
        open_model(str(tmp_path))
        leanfair.load(tmp_path)


class Dropping(nn.Module):
    """A network whose training draws random numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.network, self.dropout = tiny(), nn.Dropout(0.2)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.network(self.dropout(x))
        return logits


def test_a_run_leaves_the_generators() -> None:
    model = Dropping().eval()
    loader = DataLoader(Noisy(), batch_size=16, shuffle=True)
    with unmoved():
        leanfair.prune(
            model, train=loader, calibration=samples(32, seed=1), test=samples(16, seed=2),
            cut=0.2, criterion="random", min_layers=1, latency_batches=(), round_epochs=1,
            candidate_epochs=1, final_epochs=1,
        )  # fmt: skip


def test_variations_and_an_audit_leave_the_generators() -> None:
    rows = [
        {"text": f"A {race} man of {age}.", "race": race, "hired": hired}
        for age in range(20, 40)
        for race, hired in (("Black", "yes"), ("White", "no"))
    ]
    judge = leanfair.Judge(lambda texts: [[0.4, 0.6]] * len(texts), "{text}", ["yes", "no"])
    with unmoved():
        leanfair.vary("He is a Black man from Ohio.", "race")
        leanfair.audit(
            judge, rows, label="hired", group="race", favourable="yes", attribute="race",
            bootstrap=100,
        )  # fmt: skip
