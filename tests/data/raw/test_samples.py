"""Samples as people have them come out as one batch; what is none is told with what to give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from leanfair.data.batches import Batch, as_batch, iterate
from leanfair.data.raw.samples import batched, collated, is_sample, takes_rows, tensor_of
from leanfair.errors import InputError

X = torch.arange(12.0).reshape(4, 3)
Y = torch.tensor([0, 1, 2, 0])
PICTURE = Image.new("L", (2, 2))

SAMPLES: dict[str, list[Any]] = {
    "pairs of a tensor and a number": [(X[i], int(Y[i])) for i in range(4)],
    "pairs of tensors": list(zip(X, Y, strict=True)),
    "pairs of an array and a scalar": [(X[i].numpy(), Y[i].numpy()) for i in range(4)],
    "arrays in double precision": [(X[i].double().numpy(), np.int64(Y[i])) for i in range(4)],
    "dicts of tensors": [{"x": X[i], "labels": Y[i]} for i in range(4)],
    "dicts of lists": [{"x": X[i].tolist(), "label": int(Y[i])} for i in range(4)],
    "dicts with texts beside": [{"x": X[i], "labels": Y[i], "text": "a"} for i in range(4)],
}


@pytest.mark.parametrize("name", SAMPLES)
def test_single_samples_are_put_together(name: str) -> None:
    samples = SAMPLES[name]
    assert all(map(is_sample, samples))
    batch = as_batch(collated(samples))
    inputs = batch.inputs if isinstance(batch.inputs, torch.Tensor) else batch.inputs["x"]
    assert torch.equal(inputs, X)
    assert batch.labels is not None
    assert torch.equal(batch.labels, Y)
    stream = list(iterate((sample for sample in samples), 3))
    assert [len(each) for each in stream] == [3, 1]


@pytest.mark.parametrize(
    "raw",
    [X, (X, Y), [X, Y], (X, [0, 1, 2, 0]), {"x": X, "labels": Y}, Batch(X), [X], X.numpy(),
     {"input_ids": [[1, 2], [3, 4]], "labels": [0, 1]}, (X.numpy(), Y.numpy())],
)  # fmt: skip
def test_batches_are_no_samples(raw: Any) -> None:
    assert not is_sample(raw)
    assert len(as_batch(raw)) in (2, 4)
    assert next(batched([raw], 2)) is raw


def test_what_starts_and_ends_an_answer_is_its_label() -> None:
    batch = as_batch({"input_ids": Y[:, None], "start_positions": Y, "end_positions": Y + 1})
    assert batch.labels is not None
    assert batch.labels.tolist() == [[0, 1], [1, 2], [2, 3], [0, 1]]
    assert isinstance(batch.inputs, dict)
    assert list(batch.inputs) == ["input_ids"]


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        ([(PICTURE, 0)], "an image of PIL: give tensors"),
        ([PICTURE], "an image of PIL: give tensors"),
        ([(X[0], 1, 2)], "of 3: give pairs, or dicts"),
        ([{"text": "a", "label": 1}], "dict of label without inputs"),
        ([{"input_ids": [1, 2]}, {"input_ids": [1]}], "differ in shape in input_ids .*padding"),
        (["a text"], "of text: give a tokenizer"),
    ],
)
def test_what_is_no_batch_is_told_with_what_to_give(samples: list[Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        as_batch(collated(samples))


def test_numbers_become_tensors_in_the_precision_of_networks() -> None:
    found = [tensor_of(v) for v in (np.ones(2), [1.0, 2.0], 1.5, np.float64(1.0))]
    assert [each.dtype for each in found if each is not None] == [torch.float32] * 4
    assert [tensor_of(v) for v in ("a", None, [[1], [1, 2]], ["a"], object())] == [None] * 5
    assert tensor_of(X) is X


def test_a_take_of_another_library_is_not_ours() -> None:
    class Ours:
        def take(self, rows: Any, generator: Any) -> Any: ...

    class Theirs:
        def take(self, n: int) -> Any: ...

    class Table:
        def take(self, indices: Any, axis: int = 0) -> Any: ...

    class Neither:
        take = 3

    assert takes_rows(Ours())
    assert not any(map(takes_rows, (Theirs(), Table(), Neither(), [])))


def test_what_does_not_number_its_samples_is_told() -> None:
    class Table:
        def __len__(self) -> int:
            return 2

        def __getitem__(self, name: str) -> Any:
            return {"a": 1}[name]

    with pytest.raises(InputError, match=r"Table gives no sample 0 .KeyError"):
        next(iterate(Table(), 2))
