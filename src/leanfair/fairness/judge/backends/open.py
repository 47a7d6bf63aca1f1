"""Which back end is meant by what a user names as a model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.base import Backend, Settings


def open_backend(model: Any, settings: Settings) -> Backend:
    """The back end for `model`: a hub id, a folder, a .gguf file, the URL of a server, a callable,
    a pair (model, tokenizer) of transformers, or a back end, which is taken as it is. Raises
    InputError where it is none of these."""
    if not isinstance(model, (str, os.PathLike)):
        if isinstance(model, Backend):
            return model
        if isinstance(model, tuple) and len(model) == 2:
            from leanfair.fairness.judge.backends.local import LocalBackend

            return LocalBackend(model, settings)
        if callable(model) and not hasattr(model, "state_dict"):
            from leanfair.fairness.judge.backends.function import FunctionBackend

            return FunctionBackend(model, settings)
        raise InputError(
            f"A judge's model is a hub id, a folder, a .gguf file, the URL of a server, a callable "
            f"or a pair (model, tokenizer), and this one is of type {type(model).__name__}."
        )
    name = os.fspath(model)
    if name.startswith(("http://", "https://")):
        from leanfair.fairness.judge.backends.server import ServerBackend

        return ServerBackend(name, settings)
    if name.startswith((".", "/", "~")) or name.endswith(".gguf"):
        name = str(Path(name).expanduser())
        if not Path(name).exists():
            raise InputError(f"There is no model at {name}: name a folder or a .gguf file.")
    from leanfair.fairness.judge.backends.local import LocalBackend

    return LocalBackend(name, settings)
