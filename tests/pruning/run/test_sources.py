"""The data of a run are looked at before anything is written: every way to give them wrong, and to
give them right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

import leanfair
from leanfair.data.batches import iterate
from leanfair.errors import InputError
from leanfair.pruning.run.sources import readable
from tests.support.marks import mostly_real
from tests.support.nets import batches_of, samples, tiny

QUICK: dict[str, Any] = {
    "criterion": "l1", "min_layers": 1, "latency_batches": (), "cut": 0.2,
}  # fmt: skip
DATA = samples(32, seed=1)
IMAGES, LABELS = DATA.tensors
WIDER = torch.zeros(4, 3, 8, 8)
SMALL = torch.zeros(4, 1)
TRAINED: dict[str, Any] = {
    "candidate_epochs": 0.0, "round_epochs": 0.0, "final_epochs": 0.1, "batch_size": 16,
}  # fmt: skip


def pairs(seed: int = 1) -> list[tuple[Tensor, Tensor]]:
    return batches_of(samples(32, seed=seed), 8)


def generated(seed: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
    yield from pairs(seed)


RIGHT: dict[str, Callable[[int], Any]] = {
    "two tensors": lambda seed: samples(32, seed=seed).tensors,
    "two tensors in a list": lambda seed: list(samples(32, seed=seed).tensors),
    "a generator": generated,
    "an iterator": lambda seed: iter(pairs(seed)),
    "a map": lambda seed: map(tuple, pairs(seed)),
    "a tuple of batches": lambda seed: tuple(pairs(seed)),
    "a loader": lambda seed: DataLoader(samples(32, seed=seed), batch_size=8, shuffle=True),
    "a dataset": lambda seed: samples(32, seed=seed),
}


@pytest.mark.parametrize("name", mostly_real(RIGHT, [*RIGHT][::2]))
def test_any_source_serves_for_all_data(name: str) -> None:
    make = RIGHT[name]
    run = leanfair.prune(
        tiny(), calibration=make(1), train=make(2), test=make(3), batch_size=16, **QUICK
    )
    data = run.summary["data"]
    assert (data["calibration"], data["train"], data["test"]) == (32, 32, 32)
    assert run.summary["accuracy"] is not None
    assert run.summary["calibration_accuracy"] is not None
    assert run.summary["images"] > 0


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a later calibration batch of another shape": (
        {"calibration": [*pairs(), (WIDER, LABELS[:4])]},
        r"batch 5 of the calibration data of shape \[1, 3, 8, 8\]",
    ),
    "a later test batch of another shape": (
        {"test": [*pairs(2), (WIDER, LABELS[:4])]},
        "does not run on batch 5 of the test data",
    ),
    "the first training batch of another shape": (
        {"train": [(WIDER, LABELS[:4])]},
        "does not run on batch 1 of the training data",
    ),
    "a later training batch of another shape": (
        {"train": [*pairs(2), (WIDER, LABELS[:4])]},
        "does not run on batch 5 of the training data",
    ),
    "inputs and labels of other numbers": (
        {"calibration": (IMAGES, LABELS[:-1])},
        "does not run on batch 2 of the calibration data",
    ),
    "labels of another number": (
        {"calibration": [(IMAGES, LABELS), (IMAGES[:4], LABELS[:3])]},
        "3 labels for the 4 samples of batch 2 of the calibration data",
    ),
    "labels with some batches": (
        {"calibration": [(IMAGES, LABELS), IMAGES[:4]]},
        "batch 2 of the calibration data has none",
    ),
    "a label beyond the classes in a later batch": (
        {"calibration": [(IMAGES, LABELS), (IMAGES[:4], LABELS[:4] + 9)]},
        "calibration label is",
    ),
    "labels that are no numbers of classes": (
        {"calibration": [(IMAGES, LABELS + 0.5)]},
        "no whole numbers",
    ),
    "training data without labels": ({"train": [IMAGES.clone()]}, "training data has no labels"),
    "a training label beyond the classes in a later batch": (
        {"train": [*pairs(2), (IMAGES[:4], LABELS[:4] + 9)]},
        "training label is",
    ),
    "an empty generator": ({"calibration": iter(())}, "empty"),
    "an empty training generator": ({"train": iter(())}, "empty"),
    "an empty test generator": ({"test": iter(())}, "empty"),
    "the same generator twice": (
        dict.fromkeys(("calibration", "train"), generated()),
        "share samples",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_before_anything_is_written_down(name: str, tmp_path: Path) -> None:
    given, told = WRONG[name]
    data = {"calibration": DATA, **given}
    with pytest.raises(InputError, match=told) as caught:
        leanfair.prune(tiny(), out=tmp_path / "run", **data, **QUICK)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run" / "run.json").exists()


def test_batches_of_several_shapes_that_the_model_takes_are_fine() -> None:
    larger = torch.randn(4, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    run = leanfair.prune(tiny(), calibration=[IMAGES, larger], **QUICK)
    assert run.summary["removed"] >= 0.2


@pytest.mark.parametrize(
    "batches",
    [IMAGES.split(16), [IMAGES[:16], IMAGES[16:]], list(IMAGES.split(20))],
    ids=["a tuple", "a list", "of other lengths"],
)
def test_two_batches_of_inputs_are_no_pair(batches: Any) -> None:
    assert readable(batches) is batches
    assert sum(map(len, iterate(readable(batches)))) == 32


def test_what_can_be_read_again_stays_as_it_is() -> None:
    for source in (DATA, DataLoader(DATA), pairs(), IMAGES, None):
        assert readable(source) is source
    assert isinstance(readable((IMAGES, LABELS)), TensorDataset)
    assert len(readable(generated())) == 4
