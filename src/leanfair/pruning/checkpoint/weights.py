"""A finished network on disk: in the format of transformers if that can load it, else as
tensors."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch import Tensor, nn

from leanfair.errors import (
    FORWARD_ERRORS,
    InputError,
    RunDirectoryError,
    first_line,
    raise_if_out_of_memory,
)
from leanfair.files import file_hash, read_tensors, write_tensors
from leanfair.files.own_folder import NAME as MARK
from leanfair.files.own_folder import expect, verify
from leanfair.files.tensors import Held, Later
from leanfair.models.shelf import SCRATCH as SCRATCH
from leanfair.models.shelf import SINGLE, Shelf
from leanfair.models.streamed import attach, shelf_of, streamed
from leanfair.pruning.checkpoint.shards import held_of, write_pretrained
from leanfair.pruning.surgery.config import silence
from leanfair.pruning.surgery.rebuild import matches_configuration, shapes

WEIGHTS = SINGLE


def write_model(path: Path, model: nn.Module, tokenizer: Any = None) -> None:
    """Write a network into the folder `path`, and its tokenizer beside it.

    A model that transformers builds from its configuration is written by `save_pretrained`, so that
    `from_pretrained` loads the folder; of any other network the tensors are written, which fit it
    once its cuts are made. Raises RunDirectoryError if the folder cannot be written.
    """
    shelf = shelf_of(model)
    with _moved_into(path) as folder:
        if not matches_configuration(model):
            write_tensors(folder / WEIGHTS, saved_of(model))
        elif shelf is not None:
            with silence():
                write_pretrained(folder, model, shelf)
        else:
            with silence():
                model.save_pretrained(folder)  # type: ignore[operator]
        if tokenizer is not None:
            tokenizer.save_pretrained(folder)


def read_model(path: Path, model: nn.Module) -> nn.Module:
    """The network in the folder `path`, of which `model` has the architecture. Raises InputError
    where the two do not fit, RunDirectoryError where a file is not what was written there."""
    for file in sorted(path.glob("model*.safetensors*")):
        verify(path, file.name)
    if shelf_of(model) is not None and (path / "config.json").exists():
        return streamed(path, next(v.device for v in model.parameters() if not v.is_meta))
    if (path / "config.json").exists():
        verify(path, "config.json")
        return _read_pretrained(path, model)
    return with_weights(model, path / WEIGHTS)


def saved_of(model: nn.Module, *, adapted: bool = False) -> Mapping[str, Held]:
    """All tensors of a network by name; with `adapted`, of a streamed one only those that are no
    longer what the first network had, as all others are in its files."""
    shelf = shelf_of(model)
    if shelf is None:
        return model.state_dict()
    if adapted:
        return {
            name: Later(entry.shape, entry.dtype, entry.load)
            for name, entry in shelf.adapted().items()
        }
    held = held_of(model, shelf)
    first = {id(value): name for name, value in model.named_parameters()}
    every = model.named_parameters(remove_duplicate=False)
    return {name: held[first[id(value)]] for name, value in every}


def with_weights(model: nn.Module, file: Path) -> nn.Module:
    """`model` with the weights of a file; a streamed one with those in it that are adapted. Raises
    InputError where they do not fit it."""
    shelf = shelf_of(model)
    if shelf is not None:
        found = read_tensors(file)
        if found:
            _check_fits(found, shelf, file)
            attach(model, shelf.adapt(found))
        return model
    try:
        model.load_state_dict(read_tensors(file))
    except RuntimeError as error:
        raise InputError(
            f"The network does not fit {file}: give the same architecture that was pruned "
            f"({first_line(error)})."
        ) from error
    return model


def _check_fits(found: Mapping[str, Tensor], shelf: Shelf, file: Path) -> None:
    for name, value in found.items():
        entry = shelf.entries.get(name)
        if entry is None or (entry.shape, entry.dtype) != (tuple(value.shape), value.dtype):
            raise InputError(
                f"The network does not fit {file}: give the same architecture that was pruned "
                f"({name})."
            )


def _read_pretrained(path: Path, model: nn.Module) -> nn.Module:
    kind: Any = type(model)
    if not hasattr(kind, "from_pretrained"):
        raise InputError(
            f"The network is a {kind.__name__}, but {path} holds one of transformers: give the one "
            f"that was pruned."
        )
    # It knows the names under which it saved its tensors, which may be others.
    try:
        with silence():
            read: nn.Module = kind.from_pretrained(
                path, local_files_only=True, use_safetensors=True, dtype="auto"
            )
    except (*FORWARD_ERRORS, OSError, SafetensorError, StrictDataclassError) as error:
        raise_if_out_of_memory(error)
        raise RunDirectoryError(f"{path} cannot be read: {first_line(error)}.") from error
    if shapes(read) != shapes(model):
        raise InputError(f"The network does not fit {path}: give the one that was pruned.")
    return read.to(next(model.parameters()).device)


@contextmanager
def _moved_into(path: Path) -> Iterator[Path]:
    """A folder to write files to, which are then moved into `path` one by one, whole, and noted
    there before if it says what it is."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        folder = Path(mkdtemp(prefix=SCRATCH, dir=path))
        try:
            yield folder
            files = sorted(folder.iterdir())
            if (path / MARK).exists():
                expect(path, {file.name: file_hash(file) for file in files})
            for file in files:
                os.replace(file, path / file.name)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        if isinstance(error, RunDirectoryError):
            raise
        raise RunDirectoryError(f"{path} cannot be written: {error.strerror or error}.") from error
