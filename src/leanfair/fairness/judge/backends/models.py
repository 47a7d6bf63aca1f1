"""Which model is asked, and how: one frozen value for each kind of model."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from leanfair.errors import InputError


@dataclass(frozen=True)
class Server:
    """A model behind the URL of an OpenAI-compatible server, such as "http://localhost:8000/v1".

    `model_name`: the model's name on the server, which may be left out where there is one only.
    `api_key`: else $LEANFAIR_API_KEY. `concurrency`: requests at a time. `timeout`: seconds for
    each. `retries`: how often one is tried again. `requests_per_minute`: the most that are sent.
    `revision`: what tells this version of the model from others in a store. `max_new_tokens`: the
    longest answer, where the server gives no probabilities.
    """

    url: str
    model_name: str | None = None
    api_key: str | None = field(default=None, repr=False)
    concurrency: int = 8
    timeout: float = 30.0
    retries: int = 5
    requests_per_minute: float | None = None
    revision: str | None = None
    max_new_tokens: int = 16

    def __post_init__(self) -> None:
        _check(self.concurrency >= 1, "concurrency", "1 or more", self.concurrency)
        _check(self.timeout > 0, "timeout", "seconds, more than 0", self.timeout)
        _check(self.retries >= 0, "retries", "0 or more", self.retries)
        rate = self.requests_per_minute
        _check(rate is None or rate > 0, "requests_per_minute", "None or more than 0", rate)
        _check(self.max_new_tokens >= 0, "max_new_tokens", "0 or more", self.max_new_tokens)


@dataclass(frozen=True)
class Local:
    """A language model of transformers on this machine.

    `model`: a hub id, a folder, a .gguf file, or a pair (model, tokenizer) that is loaded already.
    `device`: "auto" for CUDA where there is one, "cpu" or another that torch knows. `dtype`: the
    weights' type; "auto" for their own, or float32 on a CPU. `batch_size`: prompts in one forward
    pass; None for as many as fit a number of tokens. `revision`: the commit of a hub id. `chat`:
    whether the chat template is used; None for wherever there is one. `name`: what a store calls a
    pair. `max_new_tokens`: how much is written where the options capture little, to see whether it
    is a refusal.
    """

    model: str | os.PathLike[str] | tuple[Any, Any]
    device: str = "auto"
    dtype: str = "auto"
    batch_size: int | None = None
    revision: str | None = None
    chat: bool | None = None
    name: str | None = None
    max_new_tokens: int = 16

    def __post_init__(self) -> None:
        size = self.batch_size
        _check(size is None or size >= 1, "batch_size", "None or 1 or more", size)
        _check(self.max_new_tokens >= 0, "max_new_tokens", "0 or more", self.max_new_tokens)
        if isinstance(self.model, tuple):
            _refuse(self, ("device", "dtype", "revision"), "a model that is loaded already")
        else:
            _refuse(self, ("name",), "a model that has a name, as a hub id, folder or file has")

    def __deepcopy__(self, memo: dict[int, object]) -> Local:
        """This very one: it never changes, and weights are no thing to copy."""
        return self


@dataclass(frozen=True)
class Function:
    """Any callable from n texts to the probabilities [n, options] of the options.

    `name`: what a store calls it, needed where there is one, and new where it changes. `revision`:
    what tells this version from others there. `batch_size`: texts in one call, all that a kill
    can lose; None for 32.
    """

    function: Callable[[list[str]], Any]
    name: str | None = None
    batch_size: int | None = None
    revision: str | None = None

    def __post_init__(self) -> None:
        function: object = self.function
        if not callable(function):
            kind = type(function).__name__
            raise InputError(f"leanfair.Function takes a callable, and this is of type {kind}.")
        size = self.batch_size
        _check(size is None or size >= 1, "batch_size", "None or 1 or more", size)

    def __deepcopy__(self, memo: dict[int, object]) -> Function:
        """This very one: it never changes, and what it calls is not copied."""
        return self


def _check(holds: bool, name: str, what: str, given: object) -> None:
    if not holds:
        raise InputError(f"{name} is {what}, not {given!r}.")


def _refuse(value: Any, names: tuple[str, ...], what: str) -> None:
    """Raises InputError where one of `names` is given, since it would have no effect on `what`."""
    for name in names:
        if getattr(value, name) != getattr(type(value), name):
            raise InputError(f"{name} would have no effect on {what}: leave it out.")
