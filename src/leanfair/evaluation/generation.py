"""How fast a language model writes: the time for a prompt, and for each new token after it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn

from leanfair.errors import InputError
from leanfair.evaluation.mode import device_of, evaluating
from leanfair.evaluation.speed import Latency, alternating, rounds_until, summary_of, synchronize

FEWEST_RUNS = 3
"""Timed runs of each model even where they take longer than the budget."""


@dataclass(frozen=True)
class Generation:
    """Seconds that a language model takes to write: for a `prompt` of `prompt_tokens`, and for one
    new `token`, a mean over the `new_tokens` of a run, which use the cache of what came before."""

    prompt: Latency
    token: Latency
    prompt_tokens: int
    new_tokens: int

    @property
    def prefill(self) -> float:
        """Tokens of the prompt read in a second, in the median."""
        return self.prompt_tokens / self.prompt.median


def compare_generation(
    models: Mapping[str, nn.Module],
    prompt: Tensor,
    new_tokens: int = 32,
    runs: int = 20,
    budget: float = 30.0,
) -> dict[str, Generation]:
    """How fast several causal language models of transformers write after `prompt`, token ids
    [1, tokens], in turn run by run, so that a busy machine slows all alike.

    Each writes `new_tokens` by taking the likeliest each time, whatever they mean, so that all do
    the same work. `budget` (seconds) is for all together; 3 runs are made in any case. Raises
    InputError for a prompt or a number that is too small, and for a model that keeps no cache.
    """
    if prompt.ndim != 2 or prompt.shape[0] != 1 or prompt.shape[1] < 1 or new_tokens < 1:
        raise InputError(
            f"A prompt is one row of token ids, [1, tokens], and new_tokens 1 or more, but these "
            f"are {list(prompt.shape)} and {new_tokens}."
        )
    started = time.perf_counter()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in models}
    with ExitStack() as held, torch.no_grad():
        for model in models.values():
            held.enter_context(evaluating(model))
        for model in models.values():
            _written(model, prompt, min(2, new_tokens))
        for number in rounds_until(runs, min(FEWEST_RUNS, runs), started + budget):
            for name in alternating(list(models), number):
                found[name].append(_written(models[name], prompt, new_tokens))
    return {
        name: Generation(
            summary_of([first for first, _ in times]),
            summary_of([each for _, each in times]),
            int(prompt.shape[1]),
            new_tokens,
        )
        for name, times in found.items()
    }


def _written(model: Any, prompt: Tensor, new_tokens: int) -> tuple[float, float]:
    """Seconds for the prompt, and for one of `new_tokens` after it."""
    device = device_of(model)
    ids = prompt if device is None else prompt.to(device)
    last = _last_alone(model)
    synchronize(device)
    start = time.perf_counter()
    out = model(input_ids=ids, use_cache=True, **last)
    synchronize(device)
    read = time.perf_counter()
    cache = getattr(out, "past_key_values", None)
    if cache is None:
        raise InputError(
            f"{type(model).__name__} keeps no cache of what it has read, so the speed of writing "
            f"cannot be measured."
        )
    for _ in range(new_tokens):
        ids = out.logits[:, -1:].argmax(dim=-1)
        out = model(input_ids=ids, past_key_values=cache, use_cache=True)
        cache = out.past_key_values
    synchronize(device)
    return read - start, (time.perf_counter() - read) / new_tokens


def _last_alone(model: Any) -> dict[str, int]:
    """What makes `model` give the logits of the last token alone, as in writing, where it can."""
    known = signature(model.forward).parameters
    return {"logits_to_keep": 1} if "logits_to_keep" in known else {}
