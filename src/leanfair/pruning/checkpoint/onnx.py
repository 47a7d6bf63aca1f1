"""A network as one ONNX file, proven to give the same outputs in onnxruntime."""

from __future__ import annotations

import contextlib
import copy
import importlib
import io
import logging
import os
import warnings
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch, Inputs, forward
from leanfair.data.language import token_ids
from leanfair.errors import (
    InputError,
    LeanfairError,
    MissingDependencyError,
    RunDirectoryError,
    raise_if_out_of_memory,
)
from leanfair.files import write_bytes
from leanfair.pruning.surgery.verification import TOLERANCE
from leanfair.version import __version__

LARGEST = 2**31 - 2**24
"""Bytes of weights that fit one file: a protobuf ends at 2 GiB, and the graph needs some of it."""

PROOF_ROWS = 16
"""Samples, at most, on which the file is held against the network."""


def export_onnx(
    model: nn.Module, sample: Tensor | Batch, path: str | Path, *, check: bool = True
) -> Path:
    """Write `model` in evaluation mode to `path` as ONNX, weights inside, and return the path.

    `sample` [n, ...] are inputs such as the model takes. The file takes batches of any size and, of
    a model that the exporter can follow there, texts of any length (`length_of` tells); its inputs
    are named "input", or as in the sample's dict, and its output is "logits" [n, classes] or
    [n, tokens, words]. With `check` its outputs in onnxruntime are first held against the model's,
    on the sample, on two other batch sizes and on shorter texts. `model` stays as it is, and a file
    already at `path` until the new one is whole.

    Raises MissingDependencyError without the packages of `leanfair[onnx]`, InputError on a path
    that is a directory and on a model above 2 GB, RunDirectoryError where `path` cannot be written,
    and LeanfairError, leaving no file, where the model cannot be expressed or outputs differ.
    """
    target = _writable(Path(path))
    _require("onnx", "onnxscript", *(["onnxruntime"] if check else []))
    _fits(model)
    batch = (sample if isinstance(sample, Batch) else Batch(sample)).to("cpu")
    # A copy keeps the model's device and mode, whatever the exporter does.
    network = _Logits(copy.deepcopy(model).cpu().eval())
    with _quiet():
        content = _written(network, batch, check)
    return write_bytes(target, content)


def length_of(path: str | Path) -> int | None:
    """How many tokens, padding included, a text must have for the ONNX file at `path`; None where
    it may have any number."""
    import onnx

    graph = onnx.load(str(path), load_external_data=False).graph
    dims = [value.type.tensor_type.shape.dim for value in graph.input]
    return next((dim[1].dim_value for dim in dims if len(dim) == 2 and dim[1].dim_value), None)


def _written(network: nn.Module, batch: Batch, check: bool) -> bytes:
    """The content of the file, proven if asked: for texts of any length where that can be, else for
    those of as many tokens as the sample."""
    if (shorter := _shorter(batch)) is not None:
        with contextlib.suppress(LeanfairError):
            content = _serialised(network, _resized(shorter, 2), lengths=True)
            for each in (batch, shorter) if check else ():
                _prove(content, network, each)
            return content
    content = _serialised(network, _resized(batch, 2))
    if check:
        _prove(content, network, batch)
    return content


def _shorter(batch: Batch) -> Batch | None:
    """Every other token of each text, so that what is padding stays some; None where there are no
    texts, or too short ones."""
    ids = token_ids(batch)
    parts = [batch.inputs] if isinstance(batch.inputs, Tensor) else list(batch.inputs.values())
    if ids is None or ids.shape[1] < 4 or any(part.shape != ids.shape for part in parts):
        return None
    return Batch(batch.mapped(lambda value: value[:, ::2]).inputs)


class _Logits(nn.Module):
    """A network that returns nothing but its logits, from a tensor or from a dict of tensors."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Inputs) -> Tensor:
        return forward(self.model, inputs)


def _writable(target: Path) -> Path:
    """`target`, or an error, before minutes are spent on what cannot be written."""
    if target.is_dir():
        raise InputError(f"{target} is a directory: name a file, such as {target / 'model.onnx'}.")
    folder = next(parent for parent in target.absolute().parents if os.path.lexists(parent))
    if not folder.is_dir():
        raise RunDirectoryError(f"{target} cannot be written: {folder} is not a directory.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RunDirectoryError(f"{target} cannot be written: {folder} is not writable.")
    return target


def _require(*packages: str) -> None:
    for package in packages:
        try:
            importlib.import_module(package)
        except ImportError as error:
            raise MissingDependencyError(
                f"ONNX export needs {package}: pip install 'leanfair[onnx]'."
            ) from error


def _fits(model: nn.Module) -> None:
    unique = {id(value): value for value in chain(model.parameters(), model.buffers())}
    size = sum(value.numel() * value.element_size() for value in unique.values())
    if size > LARGEST:
        raise InputError(
            f"The weights take {size / 1e9:.1f} GB and one ONNX file holds 2 GB: convert the model "
            f"to half precision with model.half(), or prune more."
        )


def _resized(batch: Batch, rows: int) -> Batch:
    """`batch` repeated or cut short to `rows`."""
    picked = torch.arange(rows) % len(batch)
    return Batch(batch.mapped(lambda value: value[picked]).inputs)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter, which reports through warnings, logging and print alike."""
    disabled = logging.root.manager.disable
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(disabled)


def _serialised(network: nn.Module, batch: Batch, lengths: bool = False) -> bytes:
    """`network` as the content of an ONNX file, for texts of any length if `lengths`. The exporter
    takes a batch of one for a constant, so `batch` has two rows."""
    dynamic: dict[int, Any] = {0: torch.export.Dim("batch")}
    if lengths:
        dynamic[1] = torch.export.Dim.AUTO
    inputs = batch.inputs
    single = isinstance(inputs, Tensor)
    try:
        program = torch.onnx.export(
            network,
            kwargs={"inputs": inputs},  # as a last positional argument a dict means something else
            dynamo=True,
            input_names=["input"] if single else list(inputs),
            output_names=["logits"],
            dynamic_shapes={"inputs": dynamic if single else dict.fromkeys(inputs, dynamic)},
            verbose=False,
        )
        proto: Any = program.model_proto  # type: ignore[union-attr]  # None without dynamo
        proto.producer_name, proto.producer_version = "leanfair", __version__
        return _stripped(_named(proto) if lengths else proto)
    except Exception as error:  # the exporter raises whatever the model's code made it raise
        raise_if_out_of_memory(error)
        raise LeanfairError(
            f"The model cannot be written as ONNX for batches of any size: {_reason(error)}"
        ) from error


def _named(proto: Any) -> Any:
    """The file with "tokens" for the length of a text, which the exporter gives a number. Raises
    ValueError where it took the length for a constant."""
    dims = [list(v.type.tensor_type.shape.dim) for v in (*proto.graph.input, *proto.graph.output)]
    number = dims[0][1].dim_param
    if not number:
        raise ValueError("the length of a text is a constant")
    for dim in chain(*dims):
        if dim.dim_param == number:
            dim.dim_param = "tokens"
    return proto


def _stripped(proto: Any) -> bytes:
    """The file without the exporter's notes (source lines, stack traces, shapes in between), which
    outweigh the weights of a small network."""
    del proto.graph.value_info[:]
    noted = (proto, proto.graph, *proto.functions)
    values = (*proto.graph.input, *proto.graph.output, *proto.graph.initializer)
    for part in (*noted, *values, *_nodes(proto.graph), *chain(*(f.node for f in proto.functions))):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    return bytes(proto.SerializeToString())


def _nodes(graph: Any) -> Iterator[Any]:
    """The nodes of `graph` and of the graphs within them (the branches of an if, a loop's body)."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner)


def _prove(content: bytes, network: nn.Module, batch: Batch) -> None:
    """Raise LeanfairError where onnxruntime does not give the logits of `network`."""
    session = _session(content)
    rows = min(len(batch), PROOF_ROWS)
    for size in sorted({1, rows, rows + 1}):
        inputs = _resized(batch, size).inputs
        with torch.no_grad():
            expected: Tensor = network(inputs)
        logits = _run(session, inputs)
        largest = float(expected.abs().max())
        wrong = _difference(logits, expected)
        if not wrong <= TOLERANCE.get(expected.dtype, 1e-4) * largest:
            raise LeanfairError(
                f"The ONNX file would not give the model's outputs, so it was not written: for a "
                f"batch of {size} they differ by up to {wrong:.3g}, where the largest is "
                f"{largest:.3g}."
            )


def _difference(logits: Tensor, expected: Tensor) -> float:
    if logits.shape != expected.shape:
        return float("inf")
    return float((logits.double() - expected.double()).abs().max())


def _session(content: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors share no class but this
        raise_if_out_of_memory(error)
        raise _unrunnable(error) from error


def _run(session: Any, inputs: Inputs) -> Tensor:
    named = {"input": inputs} if isinstance(inputs, Tensor) else inputs
    try:
        feed = {value.name: named[value.name].numpy() for value in session.get_inputs()}
        return torch.from_numpy(session.run(["logits"], feed)[0])
    except Exception as error:  # likewise
        raise_if_out_of_memory(error)
        raise _unrunnable(error) from error


def _unrunnable(error: Exception) -> LeanfairError:
    return LeanfairError(
        f"The ONNX file was not written because onnxruntime cannot run it: convert the model to "
        f"float32 with model.float(), or export without the check. {_reason(error)}"
    )


def _reason(error: Exception) -> str:
    """The first line that says something, of an error that may span pages."""
    cause = error.__cause__ or error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return f"({type(cause).__name__}: {lines[0][:200] if lines else 'no message'})"
