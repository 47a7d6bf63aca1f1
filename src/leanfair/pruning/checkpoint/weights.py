"""A finished network on disk: in the format of transformers if that can load it, else as
tensors."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch import nn

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
from leanfair.pruning.surgery.config import silence
from leanfair.pruning.surgery.rebuild import matches_configuration, shapes

WEIGHTS = "model.safetensors"
SCRATCH = ".saving-"
"""Begins the name of a folder that is being written, and is left behind only by a kill."""


def write_model(path: Path, model: nn.Module, tokenizer: Any = None) -> None:
    """Write a network into the folder `path`, and its tokenizer beside it.

    A model that transformers builds from its configuration is written by `save_pretrained`, so that
    `from_pretrained` loads the folder; of any other network the tensors are written, which fit it
    once its cuts are made. Raises RunDirectoryError if the folder cannot be written.
    """
    with _moved_into(path) as folder:
        if matches_configuration(model):
            with silence():
                model.save_pretrained(folder)  # type: ignore[operator]
        else:
            write_tensors(folder / WEIGHTS, model.state_dict())
        if tokenizer is not None:
            tokenizer.save_pretrained(folder)


def read_model(path: Path, model: nn.Module) -> nn.Module:
    """The network in the folder `path`, of which `model` has the architecture. Raises InputError
    where the two do not fit, RunDirectoryError where a file is not what was written there."""
    for file in sorted(path.glob("model*.safetensors*")):
        verify(path, file.name)
    if (path / "config.json").exists():
        verify(path, "config.json")
        return _read_pretrained(path, model)
    return with_weights(model, path / WEIGHTS)


def with_weights(model: nn.Module, file: Path) -> nn.Module:
    """`model` with the weights of a file. Raises InputError where they do not fit it."""
    try:
        model.load_state_dict(read_tensors(file))
    except RuntimeError as error:
        raise InputError(
            f"The network does not fit {file}: give the same architecture that was pruned "
            f"({first_line(error)})."
        ) from error
    return model


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
