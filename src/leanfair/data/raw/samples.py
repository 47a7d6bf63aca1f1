"""Samples as data sets give them, put together to what a model takes: tensors by position or by
name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from inspect import Parameter, signature
from numbers import Number
from typing import Any, Protocol, TypeGuard

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from leanfair.errors import InputError


class Samples(Protocol):
    """A map-style dataset: a torch Dataset, or anything that has a length and can be indexed."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


class SampleList(Dataset[Any]):
    """Samples in a list, as a map-style Dataset."""

    def __init__(self, samples: Sequence[Any]) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Any:
        return self.samples[index]


def is_dataset(source: Any) -> TypeGuard[Samples]:
    """Whether `source` is a map-style Dataset of samples, rather than an iterable of batches."""
    sized = hasattr(source, "__len__") and hasattr(source, "__getitem__")
    return sized and not isinstance(source, (list, tuple, str, bytes, Tensor, Mapping))


def takes_rows(source: Any) -> bool:
    """Whether `source` has a method ``take(rows, generator)`` that gives whole batches, as
    `leanfair.data.images.Images` has. The `take` of other libraries is none."""
    take = getattr(source, "take", None)
    if not callable(take):
        return False
    try:
        known = list(signature(take).parameters.values())
    except (TypeError, ValueError):
        return False
    places = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    names = [each.name for each in known if each.kind in places]
    return len(names) == 2 and names[1] == "generator"


def sample_at(source: Samples, index: int) -> Any:
    """Sample number `index` of `source`. Raises InputError where it does not number its samples."""
    try:
        return source[index]
    except (LookupError, TypeError) as error:
        raise InputError(
            f"{type(source).__name__} gives no sample {index} ({type(error).__name__}: {error}): "
            f"give tensors, or a Dataset whose samples are numbered from 0."
        ) from error


def is_sample(raw: Any) -> bool:
    """Whether `raw` is one sample, not a batch: its label is a number and not a list of them, its
    tokens are one text, or it is an image of PIL."""
    if isinstance(raw, Mapping):
        ids = raw.get("input_ids")
        one_text = ids is not None and _depth(ids) == 1
        return one_text or any(_is_single(value) for value in raw.values())
    if isinstance(raw, (list, tuple)) and len(raw) > 1:
        return any(_is_single(value) for value in raw) and not all(map(_is_number, raw))
    return _is_image(raw)


def batched(source: Iterable[Any], size: int) -> Iterator[Any]:
    """What `source` gives, single samples put together to batches of `size`."""
    held: list[Any] = []
    for raw in source:
        if is_sample(raw):
            held.append(raw)
            if len(held) < size:
                continue
        if held:
            yield collated(held)
            held = []
            if is_sample(raw):
                continue
        yield raw
    if held:
        yield collated(held)


def collated(samples: list[Any]) -> Any:
    """A raw batch of samples; one of a TensorDataset of inputs alone is those inputs. Columns of a
    dict that are texts are left out, as no model takes them. Raises InputError for samples that
    cannot be put together."""
    first = samples[0]
    if isinstance(first, Mapping):
        columns = {name: [sample[name] for sample in samples] for name in first}
        return {name: _column(values, name) for name, values in columns.items() if _fits(values[0])}
    if type(first) in (list, tuple) and not all(map(_is_number, first)):
        parts = [
            _column(list(part), f"part {i}") for i, part in enumerate(zip(*samples, strict=True))
        ]
        return parts[0] if len(parts) == 1 else parts
    return _column(samples, "the samples")


def tensor_of(value: Any) -> Tensor | None:
    """`value` as a tensor: an array, a number or (nested) lists of numbers; None for anything else.
    Arrays in double precision come in PyTorch's default one, in which networks are."""
    if isinstance(value, Tensor):
        return value
    if type(value) in (bool, int, float):
        return torch.tensor(value)
    try:
        array = (
            np.asarray(value) if isinstance(value, (np.ndarray, np.generic, list, tuple)) else None
        )
        if array is None or array.dtype.kind not in "biuf":
            return None
        found = torch.from_numpy(np.array(array))
    except (TypeError, ValueError):  # ragged lists, and numbers of a kind that PyTorch has not
        return None
    return found.to(torch.get_default_dtype()) if found.dtype == torch.float64 else found


def described(raw: Any) -> str:
    """Why `raw` is no batch and what to give instead, as the end of a sentence."""
    kind = type(raw).__name__
    if isinstance(raw, str) or (isinstance(raw, (list, tuple)) and raw and isinstance(raw[0], str)):
        return f"{kind} of text: give a tokenizer, or dicts of its tokens"
    if _is_image(raw):
        return f"{kind}, an image of PIL: give tensors, as the model's image processor makes them"
    if isinstance(raw, Mapping):
        names = ", ".join(map(str, raw)) or "nothing"
        return f"{kind} of {names} without inputs as tensors: give what the model's forward takes"
    if isinstance(raw, (list, tuple)) and len(raw) > 2:
        return f"{kind} of {len(raw)}: give pairs, or dicts with the names of the forward pass"
    return kind


def _column(values: list[Any], name: str) -> Any:
    """The values of all samples as one tensor [n, ...]."""
    if _is_image(values[0]):
        raise InputError(
            f"A batch must be tensors, but in {name} of the samples is {described(values[0])}."
        )
    tensors = [tensor_of(value) for value in values]
    if any(tensor is None for tensor in tensors):
        return default_collate(values) if not isinstance(values[0], (str, bytes)) else values
    found = [tensor for tensor in tensors if tensor is not None]
    shapes = {tuple(tensor.shape) for tensor in found}
    if len(shapes) > 1:
        one, two = sorted(shapes)[:2]
        raise InputError(
            f"The samples differ in shape in {name} ({list(one)} and {list(two)}): bring all to "
            f"one shape (of texts: padding='max_length' in the tokenizer), or give batches."
        )
    return torch.stack(found)


def _fits(value: Any) -> bool:
    return value is not None and not isinstance(value, (str, bytes))


def _is_number(value: Any) -> bool:
    return isinstance(value, (Number, np.generic))


def _is_single(value: Any) -> bool:
    """Whether `value` belongs to one sample: a number, a text or an image."""
    scalar = isinstance(value, (Tensor, np.ndarray)) and value.ndim == 0
    return scalar or _is_number(value) or isinstance(value, str) or _is_image(value)


def _is_image(value: Any) -> bool:
    return any(base.__module__ == "PIL.Image" for base in type(value).__mro__)


def _depth(value: Any) -> int:
    if isinstance(value, (Tensor, np.ndarray)):
        return value.ndim
    return (
        1 + _depth(value[0])
        if isinstance(value, (list, tuple)) and value
        else int(isinstance(value, (list, tuple)))
    )
