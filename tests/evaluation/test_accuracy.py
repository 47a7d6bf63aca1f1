"""Accuracy: exactly the share of samples whose largest logit is their label's, over any source."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from leanfair.data.batches import Batch
from leanfair.errors import InputError
from leanfair.evaluation.accuracy import Change, accuracy, change, correct


class Same(nn.Module):
    """The inputs are the logits."""

    def forward(self, x: Tensor) -> Tensor:
        return x


class Wrapped(nn.Module):
    """Logits in an object, inputs by name, as transformers has it."""

    def forward(self, pixel_values: Tensor) -> Any:
        return SimpleNamespace(logits=pixel_values)


LOGITS = torch.randn(10, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.randint(4, (10,), generator=torch.Generator().manual_seed(1))
SHARE = sum(row.index(max(row)) == label for row, label in zip(LOGITS.tolist(), LABELS.tolist()))  # noqa: B905


@pytest.mark.parametrize(
    "source",
    [
        TensorDataset(LOGITS, LABELS),
        DataLoader(TensorDataset(LOGITS, LABELS), batch_size=3),
        [Batch(LOGITS[:7], LABELS[:7]), Batch(LOGITS[7:], LABELS[7:])],
        [(LOGITS[:1], LABELS[:1]), [LOGITS[1:], LABELS[1:].tolist()]],
        ((x[None], y[None]) for x, y in zip(LOGITS, LABELS, strict=True)),
    ],
    ids=["dataset", "loader", "batches", "pairs", "generator"],
)
def test_every_source_gives_the_share_of_right_answers(source: Any) -> None:
    assert accuracy(Same(), source, batch_size=4) == SHARE / 10


def test_named_inputs_and_wrapped_logits_are_understood() -> None:
    source = [{"pixel_values": LOGITS, "labels": LABELS}]
    assert accuracy(Wrapped(), source) == SHARE / 10


@given(data=st.data(), n=st.integers(1, 30), classes=st.integers(1, 5), size=st.integers(1, 40))
def test_the_batch_size_changes_nothing(data: Any, n: int, classes: int, size: int) -> None:
    seed = data.draw(st.integers(0, 2**31))
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, classes, generator=generator)
    labels = torch.randint(classes, (n,), generator=generator)
    right = (logits.argmax(1) == labels).double().mean().item()
    assert accuracy(Same(), TensorDataset(logits, labels), size) == right


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_labels_of_any_integer_type_count(dtype: torch.dtype) -> None:
    assert accuracy(Same(), [(LOGITS, LABELS.to(dtype))]) == SHARE / 10


class Nosy(nn.Module):
    """Notes how it was called; a batch-norm and a dropout show which mode was on."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4)
        self.drop = nn.Dropout(0.9)
        self.seen: list[bool] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(not torch.is_grad_enabled() and not self.drop.training)
        out: Tensor = self.drop(self.norm(x))
        return out


def test_the_model_is_evaluated_in_evaluation_mode_and_left_as_it_was() -> None:
    model = Nosy().train()
    model.norm.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    assert accuracy(model, TensorDataset(LOGITS, LABELS), 5) == SHARE / 10
    assert model.seen == [True, True]
    assert (model.training, model.norm.training, model.drop.training) == (True, False, True)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)


NAN = torch.where(torch.arange(10)[:, None] == 8, torch.nan, LOGITS)


def _halves(logits: Tensor, labels: Tensor | None) -> Iterator[Batch]:
    whole = Batch(logits, labels)
    yield Batch(LOGITS[:5], LABELS[:5])
    yield whole[5:]


@pytest.mark.parametrize(
    ("logits", "labels", "told"),
    [
        (LOGITS, None, "Batch 2 has no labels"),
        (LOGITS, LABELS + 4, r"Batch 2 has the label [4-7], but the model has 4 classes.* 0 to 3"),
        (LOGITS, LABELS - 100, r"Batch 2 has the label -\d+"),
        (LOGITS, LABELS.float(), r"labels of batch 2 are torch.float32"),
        (LOGITS, LABELS[:, None], r"labels of shape \[5, 1\] for logits of shape \[5, 4\]"),
        (LOGITS, torch.eye(4, dtype=torch.long)[LABELS], r"labels of shape \[5, 4\]"),
        (LOGITS[..., None], LABELS, r"logits of shape \[5, 4, 1\]"),
        (NAN, LABELS, "NaN in batch 2"),
    ],
)
def test_what_cannot_be_judged_is_refused_by_the_batch(
    logits: Tensor, labels: Tensor | None, told: str
) -> None:
    model = Same().train()
    with pytest.raises(InputError, match=told):
        accuracy(model, _halves(logits, labels))
    assert model.training


def test_no_data_is_refused() -> None:
    with pytest.raises(InputError, match="empty"):
        accuracy(Same(), [])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_batches_follow_the_model_to_its_device() -> None:
    model = nn.Linear(4, 4).cuda()
    share = accuracy(model.cpu(), [(LOGITS, LABELS)])
    assert accuracy(model.cuda(), [(LOGITS, LABELS)]) == share
    assert accuracy(model, [(LOGITS.cuda(), LABELS.cuda())]) == share


def changed(samples: int, lost: int, gained: int) -> Change:
    """Two networks on `samples` samples, half of the rest right with both."""
    both = (samples - lost - gained) // 2
    labels = torch.zeros(samples, dtype=torch.long)
    before, after = torch.zeros(2, samples, 2)
    before[: both + lost, 0] = 1
    after[:both, 0] = 1
    after[both + lost : both + lost + gained, 0] = 1
    before[before[:, 0] == 0, 1] = 1
    after[after[:, 0] == 0, 1] = 1
    data = [(torch.arange(samples), labels)]
    return change(correct(Table(before), data), correct(Table(after), data))


class Table(nn.Module):
    """Logits by row."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.register_buffer("logits", logits)

    def forward(self, rows: Tensor) -> Tensor:
        found: Tensor = self.logits[rows]  # type: ignore[index]
        return found


def test_a_change_counts_the_samples_that_were_lost_and_gained() -> None:
    found = changed(100, lost=7, gained=3)
    assert (found.samples, found.lost, found.gained) == (100, 7, 3)
    assert found.after - found.before == pytest.approx(-0.04)
    assert found.low < -0.04 < found.high
    assert found.to_json()["value"] == found.after - found.before


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (5, 5), (100, 0), (0, 100)])
def test_the_interval_stays_open_where_nothing_or_everything_changed(
    lost: int, gained: int
) -> None:
    found = changed(100, lost, gained)
    assert found.low < found.high
    assert (found.low < 0 < found.high) == (lost == gained)


def test_the_interval_covers_the_true_change_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    for lost, gained in ((0.02, 0.01), (0.1, 0.05), (0.03, 0.03)):
        found = rng.multinomial(300, [lost, gained, 1 - lost - gained], size=4000).tolist()
        intervals = [Change(0.0, 0.0, 300, b, c) for b, c, _ in found]
        covered = sum(x.low <= gained - lost <= x.high for x in intervals) / len(intervals)
        assert 0.93 < covered < 0.985, (lost, gained, covered)
