"""What a model takes: a Dataset or any iterable of batches, made into uniform `Batch`es.

A batch may be a tensor, a pair (inputs, labels), or a dict of tensors as transformers has them;
arrays and lists of numbers do as well.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from inspect import signature
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from leanfair.data.randomness import drawn
from leanfair.data.raw.rows import count_of
from leanfair.data.raw.samples import Samples as Samples
from leanfair.data.raw.samples import batched, described, sample_at, takes_rows, tensor_of
from leanfair.data.raw.samples import collated as collated
from leanfair.data.raw.samples import is_dataset as is_dataset
from leanfair.errors import InputError

Inputs: TypeAlias = "Tensor | dict[str, Tensor]"
RawBatch: TypeAlias = "Tensor | Mapping[str, Any] | Sequence[Any] | Batch"
"""A tensor [n, ...], a pair (inputs, labels [n]), or a dict of tensors as transformers has it."""


Source: TypeAlias = "Samples | Dataset[Any] | Iterable[RawBatch] | str | Sequence[str]"
"""A dataset, or an iterable of batches that can be gone through again (a DataLoader or a list);
beside a tokenizer also a text or a list of texts."""


@dataclass(frozen=True)
class Batch:
    """Some samples: `inputs` [n, ...] (or a dict of such) and, where known, `labels`: classes [n],
    or those of each token [n, tokens]."""

    inputs: Inputs
    labels: Tensor | None = None

    def __len__(self) -> int:
        first = self.inputs if isinstance(self.inputs, Tensor) else next(iter(self.inputs.values()))
        return int(first.shape[0])

    def __getitem__(self, rows: slice) -> Batch:
        labels = None if self.labels is None else self.labels[rows]
        return replace(self.mapped(lambda value: value[rows]), labels=labels)

    def mapped(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """The same labels with every tensor of the inputs changed."""
        if isinstance(self.inputs, Tensor):
            return replace(self, inputs=change(self.inputs))
        return replace(self, inputs={name: change(value) for name, value in self.inputs.items()})

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on `device`."""
        labels = None if self.labels is None else self.labels.to(device)
        return replace(self.mapped(lambda value: value.to(device)), labels=labels)


LABELS = ("labels", "label", "label_ids")
"""What a dict calls its labels."""
ENDS = ("start_positions", "end_positions")
"""The labels of a model that answers questions: where the answer starts, and where it ends."""


def as_batch(raw: Any) -> Batch:
    """One raw batch, in any of the accepted shapes, as a `Batch`. Raises InputError otherwise."""
    if isinstance(raw, Batch):
        return raw
    if isinstance(raw, (Tensor, np.ndarray)) and (whole := tensor_of(raw)) is not None:
        return Batch(whole)
    found = _named(raw) if isinstance(raw, Mapping) else _paired(raw)
    if found is None:
        raise InputError(
            f"A batch must be a tensor, a pair (inputs, labels) or a dict of tensors, but one is "
            f"{described(raw)}."
        )
    return found


def _named(raw: Mapping[Any, Any]) -> Batch | None:
    """A batch of a dict: everything in it that is a tensor, or can be one."""
    tensors = {str(name): tensor_of(value) for name, value in raw.items()}
    inputs = {name: value for name, value in tensors.items() if value is not None and value.ndim}
    labels = next((inputs[name] for name in LABELS if name in inputs), None)
    if labels is None and all(name in inputs for name in ENDS):
        labels = torch.stack([inputs[name] for name in ENDS], dim=1)
    for name in (*LABELS, *ENDS):
        inputs.pop(name, None)
    return Batch(inputs, labels) if inputs else None


def _paired(raw: Any) -> Batch | None:
    """A batch of inputs and labels, or of inputs alone in a list."""
    if not isinstance(raw, Sequence) or len(raw) not in (1, 2) or isinstance(raw, (str, bytes)):
        return None
    first = _named(raw[0]) if isinstance(raw[0], Mapping) else None
    inputs = first.inputs if first is not None else _array(raw[0])
    if inputs is None or len(raw) == 1:
        return None if inputs is None else Batch(inputs)
    labels = tensor_of(raw[1])
    return None if labels is None else Batch(inputs, labels)


def _array(value: Any) -> Tensor | None:
    """A tensor or an array; lists of numbers are no inputs."""
    return tensor_of(value) if isinstance(value, (Tensor, np.ndarray)) else None


def check_held_out(calibration: int | None) -> None:
    """Raise InputError where `calibration` is no number of samples to hold out."""
    if calibration is not None and (not isinstance(calibration, int) or calibration <= 0):
        raise InputError(f"calibration must be a whole number above 0, not {calibration}.")


def known_size(source: Source) -> int | None:
    """How many samples one pass gives; None where only going through it would tell."""
    if isinstance(source, (list, tuple)):
        return sum(len(as_batch(raw)) for raw in source)
    return count_of(source)


def iterate(
    source: Source, batch_size: int = 128, *, shuffle: int | None = None
) -> Iterator[Batch]:
    """One pass over `source` as batches.

    A Dataset is read in batches of `batch_size`, in its own order or, with `shuffle` (a seed), in a
    random order of that seed; where it has a method ``take(rows, generator)`` that returns whole
    batches (as `leanfair.data.images.Images` has), that is used. An iterable of batches keeps its
    own batch size, and one of single samples is read in batches of `batch_size`; a loader that
    shuffles does so by `shuffle`. The global generators of random numbers stay as they are. Raises
    InputError where there is nothing, or what is no batch.
    """
    empty = True
    for raw in drawn(_raw_batches(source, batch_size, shuffle), shuffle):
        batch = as_batch(raw)
        if len(batch):
            empty = False
            yield batch
    if empty:
        raise InputError("The data is empty: give at least one batch.")


def _raw_batches(source: Source, batch_size: int, shuffle: int | None) -> Iterator[Any]:
    if isinstance(source, Tensor):
        yield from _raw_batches(torch.utils.data.TensorDataset(source), batch_size, shuffle)
        return
    if not is_dataset(source):
        if not isinstance(source, Iterable):
            raise InputError(
                f"Data is a Dataset or an iterable of batches, not {type(source).__name__}."
            )
        yield from batched(source, batch_size)
        return
    generator = torch.Generator().manual_seed(0 if shuffle is None else shuffle)
    n = len(source)
    order = torch.arange(n) if shuffle is None else torch.randperm(n, generator=generator)
    for rows in torch.split(order, batch_size):
        if not len(rows):
            return  # an empty tensor splits into one empty part
        if takes_rows(source):
            yield cast(Any, source).take(rows, generator)
        else:
            yield collated([sample_at(source, int(i)) for i in rows])


@cache
def _keeps_cache(kind: Hashable) -> bool:
    """Whether models of that class take `use_cache`, as those of transformers that generate do."""
    return "use_cache" in signature(cast(Any, kind).forward).parameters


def forward(model: nn.Module, inputs: Inputs) -> Tensor:
    """What the model answers for `inputs`, whatever it wraps that in: logits [n, classes], those of
    a language model, [n, tokens, words], numbers, a map or a representation."""
    # What a language model keeps for generating would be in the way, and cost memory.
    extra: dict[str, Any] = (
        {"use_cache": False} if _keeps_cache(cast(Hashable, type(model))) else {}
    )
    if isinstance(inputs, dict):
        inputs = _taken(cast(Hashable, type(model)), inputs)
    out = model(**inputs, **extra) if isinstance(inputs, dict) else model(inputs, **extra)
    return out if isinstance(out, Tensor) else _answer(out, type(model).__name__)


@cache
def _names(kind: Hashable) -> frozenset[str]:
    """The names that models of that class take, those of transformers alone; else none. A class of
    the user's own may hand on all that it gets to the class that it is derived from."""
    bases = cast(Any, kind).__mro__
    if not any(base.__module__.startswith("transformers.") for base in bases):
        return frozenset()
    names: set[str] = set()
    for base in bases:
        if "forward" in vars(base) and base is not nn.Module:
            given = signature(base.forward).parameters.values()
            names |= {
                one.name for one in given if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
            }
            if not any(one.kind is one.VAR_KEYWORD for one in given):
                break
    return frozenset(names)


def _taken(kind: Hashable, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Those of `inputs` that a model of transformers takes, as its Trainer leaves the other columns
    of a data set out."""
    names = _names(kind)
    if not names or names.issuperset(inputs):
        return inputs
    taken = {name: value for name, value in inputs.items() if name in names}
    if not taken:
        raise InputError(
            f"{cast(Any, kind).__name__} takes none of {', '.join(inputs)}: give a dict with the "
            f"names of its forward pass, such as {', '.join(sorted(names - {'self'})[:4])}."
        )
    return taken


ANSWERS = (
    "logits",
    "prediction_logits",
    "sentence_embedding",
    "text_embeds",
    "image_embeds",
    "predicted_depth",
    "reconstruction",
    "last_hidden_state",
)
"""What transformers calls the tensor that a model answers with, the most telling first."""
BESIDE = ("pred_boxes", "pred_masks", "masks_queries_logits")
"""Answers that come beside logits: to compare the logits alone would say too little."""


def _answer(out: Any, name: str) -> Tensor:
    """The tensor that a model's output is about. That of a model which answers questions is where
    its answer starts and where it ends, [n, 2, tokens]."""
    parts: dict[str, Any] = dict(out) if isinstance(out, Mapping) else {}
    for also in BESIDE:
        if isinstance(parts.get(also), Tensor):
            raise InputError(
                f"{name} answers with logits and {also}, and one tensor alone can be compared."
            )
    ends = parts.get("start_logits"), parts.get("end_logits")
    if isinstance(ends[0], Tensor) and isinstance(ends[1], Tensor):
        return torch.stack([ends[0], ends[1]], dim=1)
    found = [parts.get(key, getattr(out, key, None)) for key in ANSWERS]
    if isinstance(out, (tuple, list)):
        found += out[:1]
    for value in found:
        if isinstance(value, Tensor):
            return value
    raise InputError(f"{name} returns {type(out).__name__} without logits.")
