"""What tells data and functions from others, so that a run is resumed with the same ones."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator
from itertools import islice
from types import CodeType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from leanfair.data import batches
from leanfair.data.batches import Batch, Source
from leanfair.data.randomness import preserved

SAMPLES = 256
"""Samples of a data set outside of memory that are looked at, evenly spaced, its first and last
among them."""
BATCHES = 4
"""Batches of an iterable that are looked at."""


class Fingerprint(NamedTuple):
    """Hashes of the inputs and of the labels of data; None where there are none, and where two
    looks at the same data see different ones."""

    inputs: str | None
    labels: str | None


def fingerprint_of(source: Source | None) -> Fingerprint:
    """What tells `source` from other data of its size. All of what is in memory counts: tensors,
    lists of batches, and the tensors and arrays that a data set holds itself. Of what is made or
    read one by one some samples count, in a fixed state of chance. The data may be read twice."""
    if source is None:
        return Fingerprint(None, None)
    first = _seen(source)
    if isinstance(source, (TensorDataset, Tensor, list, tuple)):
        return first
    return first if _seen(source) == first else Fingerprint(None, None)


def digest_of(held: list[Batch]) -> str:
    """A hash of the inputs of batches."""
    digest = hashlib.sha256()
    for batch in held:
        tensors = [batch.inputs] if isinstance(batch.inputs, Tensor) else batch.inputs.values()
        for tensor in tensors:
            digest.update(tensor.detach().cpu().contiguous().float().numpy().tobytes())
    return digest.hexdigest()[:16]


def labels_digest(held: list[Batch]) -> str | None:
    """A hash of the labels of batches; None where there are none."""
    digest, found = hashlib.sha256(), False
    for batch in held:
        if batch.labels is not None:
            found = True
            _add(digest, batch.labels)
    return digest.hexdigest()[:16] if found else None


def told(function: Callable[..., Any] | None) -> str | None:
    """A function's name and a hash of its source (of its code where there is no source) and of the
    numbers and texts that it is bound to; None for none."""
    if function is None:
        return None
    inner = inspect.unwrap(getattr(function, "func", function))
    owner, inner = getattr(inner, "__self__", inner), getattr(inner, "__func__", inner)
    named = inner if hasattr(inner, "__qualname__") else type(inner)
    try:
        text = inspect.getsource(named).encode()
    except (OSError, TypeError):
        text = b"".join(_code(getattr(inner, "__code__", None)))
    cells = [_content(cell) for cell in getattr(inner, "__closure__", None) or ()]
    args, named_args = getattr(function, "args", ()), getattr(function, "keywords", {})
    text += repr(_plain([cells, list(args), named_args, getattr(owner, "__dict__", {})])).encode()
    return f"{named.__module__}.{named.__qualname__} ({hashlib.sha256(text).hexdigest()[:8]})"


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it is empty yet
        return None


def _plain(value: Any) -> Any:
    """What of `value` is the same in another process: numbers, texts, and lists of them."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return [(key, _plain(item)) for key, item in sorted(value.items(), key=str)]
    return value if isinstance(value, (bool, int, float, str, type(None))) else None


def _code(code: CodeType | None) -> Iterator[bytes]:
    if code is not None:
        yield code.co_code
        yield repr(code.co_names).encode()
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                yield from _code(constant)
            else:
                yield repr(constant).encode()


def _seen(source: Source) -> Fingerprint:
    inputs, labels = hashlib.sha256(), hashlib.sha256()
    labelled = False
    held = getattr(source, "dataset", None)
    behind: Any = held if batches.is_dataset(held) else source
    for name, tensor in _own_tensors(behind):
        _add(labels if name in ("labels", "targets", "y") else inputs, tensor)
    with preserved(0):
        for batch in _some(behind):
            for _, value in sorted(_named(batch).items()):
                _add(inputs, value)
            if batch.labels is not None:
                labelled = True
                _add(labels, batch.labels)
    return Fingerprint(inputs.hexdigest()[:16], labels.hexdigest()[:16] if labelled else None)


def _some(source: Any) -> Iterator[Batch]:
    if isinstance(source, (Tensor, TensorDataset)):
        yield from batches.iterate(source, 4096)
    elif batches.is_dataset(source):
        size = len(source)
        rows = sorted({i * (size - 1) // max(1, SAMPLES - 1) for i in range(SAMPLES)})
        for start in range(0, len(rows), 64):
            samples = [source[row] for row in rows[start : start + 64]] if size else []
            if samples:
                yield batches.as_batch(batches.collated(samples))
    elif isinstance(source, (list, tuple)):
        yield from batches.iterate(source)
    else:
        yield from islice(batches.iterate(source), BATCHES)


def _own_tensors(source: Any) -> Iterator[tuple[str, Tensor]]:
    """What a data set holds of tensors and arrays, by the names of its attributes."""
    if isinstance(source, (Tensor, TensorDataset)) or not batches.is_dataset(source):
        return
    for name, value in sorted(getattr(source, "__dict__", {}).items()):
        if isinstance(value, Tensor):
            yield name, value
        elif isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            yield name, torch.as_tensor(value)


def _named(batch: Batch) -> dict[str, Tensor]:
    return {"": batch.inputs} if isinstance(batch.inputs, Tensor) else batch.inputs


def _add(digest: Any, tensor: Tensor) -> None:
    plain = tensor.detach().cpu().contiguous()
    digest.update(f"{plain.dtype}{tuple(plain.shape)}".encode())
    digest.update(plain.flatten().view(torch.uint8).numpy())
