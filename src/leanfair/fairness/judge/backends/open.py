"""Which back end is meant by what a user names as a model."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeAlias

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.base import Backend
from leanfair.fairness.judge.backends.models import Function, Local, Server
from leanfair.fairness.judge.options import Options

Model: TypeAlias = "Server | Local | Function | Backend"

_KINDS = {Server: "a server", Local: "a model on this machine", Function: "a callable"}


_OLD_SETTINGS = frozenset({
    "max_new_tokens", "chat", "device", "dtype", "batch_size", "model_name", "revision", "api_key",
    "concurrency", "timeout", "retries", "requests_per_minute",
})  # fmt: skip
"""Parameters of 0.1, which are now those of Server, Local and Function."""


def model_of(model: Any) -> Model:
    """The value that `model` stands for: a hub id, a folder, a .gguf file, the URL of a server, a
    callable, a pair (model, tokenizer) of transformers; or a value or a back end, which is taken as
    it is. Raises InputError where it is none of these."""
    if isinstance(model, (Server, Local, Function)):
        return model
    if isinstance(model, (str, os.PathLike)):
        name = os.fspath(model)
        return Server(name) if name.startswith(("http://", "https://")) else Local(name)
    if isinstance(model, Backend):
        return model
    if isinstance(model, tuple) and len(model) == 2:
        return Local(model)
    if callable(model) and not hasattr(model, "state_dict"):
        return Function(model)
    raise InputError(
        f"A judge's model is a hub id, a folder, a .gguf file, the URL of a server, a callable "
        f"or a pair (model, tokenizer), and this one is of type {type(model).__name__}."
    )


def model_with(model: Any, settings: Mapping[str, Any]) -> Model:
    """The value for `model` with `settings`, which are fields of Server, Local or Function, where
    `model_name` is also the name of a Local and a Function. Raises InputError for a setting that
    would have no effect on this kind of model."""
    value = model_of(model)
    if isinstance(value, (Server, Local, Function)):
        known = {one.name for one in fields(value)[1:]}
    else:
        known = set()
    kept = {}
    for name, setting in settings.items():
        own = "name" if name == "model_name" and name not in known else name
        if own not in known:
            what = _KINDS.get(type(value), "a back end of your own")
            raise InputError(f"{name} would have no effect on {what}: leave it out.")
        kept[own] = setting
    return replace(value, **kept) if kept else value  # type: ignore[type-var]


def with_old_settings(model: Any, old: Mapping[str, Any]) -> Any:
    """`model` as a value with settings that were parameters of a judge until 0.1. Warns at the
    caller of the function that calls this."""
    unknown = sorted(old.keys() - _OLD_SETTINGS)
    if unknown:
        raise TypeError(f"Judge() got an unexpected keyword argument {unknown[0]!r}")
    names = ", ".join(old)
    warnings.warn(
        f"{names} as parameters of Judge go in a later release: give them to leanfair.Local, "
        f"leanfair.Server or leanfair.Function, as in Judge(leanfair.Local(model, ...), ...).",
        DeprecationWarning,
        stacklevel=3,
    )
    return model_with(model, old)


def open_backend(model: Any, options: Options, min_captured: float = 0.1) -> Backend:
    """The back end for `model` (see `model_of`), which decides among `options`. Raises InputError
    where there is no such model."""
    value = model_of(model)
    if isinstance(value, Server):
        from leanfair.fairness.judge.backends.server.backend import ServerBackend

        return ServerBackend(value, options, min_captured)
    if isinstance(value, Function):
        from leanfair.fairness.judge.backends.function import FunctionBackend

        return FunctionBackend(value, options)
    if not isinstance(value, Local):
        return value
    from leanfair.fairness.judge.backends.local import LocalBackend

    return LocalBackend(_found(value), options, min_captured)


def _found(local: Local) -> Local:
    """`local` with the path of its model as it is on the disk, where it is a path."""
    if isinstance(local.model, tuple):
        return local
    name = os.fspath(local.model)
    if name.startswith((".", "/", "~")) or name.endswith(".gguf"):
        name = str(Path(name).expanduser())
        if not Path(name).exists():
            raise InputError(f"There is no model at {name}: name a folder or a .gguf file.")
    if local.revision is not None and Path(name).exists():
        raise InputError(
            f"revision would have no effect on the model at {name}: it is the commit of a model on "
            f"the hub."
        )
    return replace(local, model=name)
