"""Log-probabilities of what may follow a prompt, with every common start computed once.

Three ways, the first that this model takes (see `Scorer`):

- "tree": the start that all prompts share is computed once and kept. What is left of the prompts,
  and the options behind them, are laid out as trees, a mask letting each token see its own
  ancestors only: whatever some prompts share, such as the start of a text up to the word that is
  varied, is computed once for them too. Trees of about the same size are the rows of a batch.
- "prefix": the common start is computed once; the rest of each prompt is a row of a batch.
- "none": each prompt is a row of a batch, as a plain forward pass has it.

Rows are padded on the right, where causal models do not look, so padding changes nothing. Logits
are computed where they are read alone.

A pass holds as many tokens as `budget` says, or one tree: memory does not grow with the table. It
takes the common start once for each row, of which at most MOST_KEYS times as many tokens are kept.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.scoring.layout import (
    Layout,
    Query,
    Room,
    batches,
    trees,
)
from leanfair.fairness.judge.backends.scoring.masks import tree_inputs
from leanfair.fairness.judge.backends.scoring.reading import logits_at
from leanfair.fairness.judge.backends.tokens import Tokens

Sharing = Literal["auto", "tree", "prefix", "none"]
WAYS: tuple[Sharing, ...] = ("tree", "prefix", "none")
UNABLE = (RuntimeError, TypeError, ValueError, AttributeError, LookupError, AssertionError)
"""Raised by models that cannot compute what prompts share."""
_WORTH_KEEPING = 4
"""Common tokens below which a cache is not worth its while."""
_BUDGET = {"cpu": 512}
_BUDGET_ELSEWHERE = 4096


class Scorer:
    """Scores queries with a causal language model, sharing what can be shared.

    With `sharing` "auto" the first way is taken that gives, on a few made-up tokens, what a plain
    forward pass gives; `way` tells which. A call whose prompts outgrow a sliding window, or a
    position scheme that depends on the length, goes the plain way. `budget`: tokens in one pass.
    """

    def __init__(
        self,
        model: Any,
        sharing: Sharing = "auto",
        budget: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        self.model = model
        self.device = next(model.parameters()).device
        tokens = budget or _BUDGET.get(self.device.type, _BUDGET_ELSEWHERE)
        self.room = Room(tokens, batch_size, _keys_per_token(model))
        self.tokens_computed = 0
        self._selects = "logits_to_keep" in inspect.signature(model.forward).parameters
        self._prefix: tuple[Tokens, Any] | None = None
        self.way: Sharing = self._choose(sharing)
        self._prefix = None
        self.tokens_computed = 0

    @torch.inference_mode()
    def score(
        self, queries: Sequence[Query], head: Tokens = ()
    ) -> Iterator[tuple[int, list[float]]]:
        """For each query, with its index, the log-probabilities of its answers, as passes end.

        `head`: what the prompts are known to start with; what of it they do is shared.
        """
        if not queries:
            return
        way = self.way if self._fits(queries) else "none"
        shared = () if way == "none" else self._shared(queries, head)
        layouts = trees if way == "tree" else batches
        for layout in layouts(queries, len(shared), self.room):
            yield from self._run(layout, queries, shared, way)

    # ---- running ------------------------------------------------------------------------------

    def _run(
        self, layout: Layout, queries: Sequence[Query], shared: Tokens, way: Sharing
    ) -> Iterator[tuple[int, list[float]]]:
        logs = self._logs(layout, shared, way)
        sums = {index: [0.0] * len(queries[index].answers) for index in layout.queries}
        for (query, answer, *_), value in zip(layout.reads, logs, strict=True):
            sums[query][answer] += value
        yield from sums.items()

    def _logs(self, layout: Layout, shared: Tokens, way: Sharing) -> list[float]:
        """The log-probability of every read."""
        width = max(len(row) for row in layout.rows)
        ids = torch.tensor([row + [0] * (width - len(row)) for row in layout.rows])
        inputs: dict[str, Any] = {"input_ids": ids.to(self.device)}
        if shared:
            inputs["past_key_values"] = self._cache(shared, len(layout.rows), way)
        inputs["use_cache"] = bool(shared)
        if layout.parents is not None:
            made = tree_inputs(layout.parents, width, len(shared), self.model.dtype)
            inputs |= {name: value.to(self.device) for name, value in made.items()}
        self.tokens_computed += ids.numel()
        places = torch.tensor([(row, column) for _, _, row, column, _ in layout.reads])
        unique, which = torch.unique(places, dim=0, return_inverse=True)
        rows, columns = unique.to(self.device).unbind(1)
        logits = logits_at(self.model, inputs, rows, columns)
        table = torch.log_softmax(logits.float(), dim=-1)
        tokens = torch.tensor([read[4] for read in layout.reads])
        found = table[which.to(table.device), tokens.to(table.device)]
        values: list[float] = found.double().cpu().tolist()
        return values

    # ---- what is shared -----------------------------------------------------------------------

    def _shared(self, queries: Sequence[Query], head: Tokens) -> Tokens:
        """The common start of the prompts, within `head`; the last token of each stays out."""
        common = head or queries[0].prompt
        for query in queries:
            common = common[: _agreement(common, query.prompt[:-1])]
        return common if len(common) >= _WORTH_KEEPING else ()

    def _cache(self, shared: Tokens, rows: int, way: Sharing) -> Any:
        """What the model keeps of the common start, for as many rows: a copy, as it grows."""
        if self._prefix is None or self._prefix[0] != shared:
            self._prefix = (shared, self._start(shared, way))
        kept = copy.deepcopy(self._prefix[1])
        if rows > 1:
            kept.batch_repeat_interleave(rows)
        return kept

    def _start(self, shared: Tokens, way: Sharing) -> Any:
        ids = torch.tensor([shared], device=self.device)
        self.tokens_computed += len(shared)
        past = {}
        if way == "tree":
            from transformers import DynamicCache

            # of its own making, a model with a sliding window drops what the mask still counts
            past = {"past_key_values": DynamicCache()}
        more = {"logits_to_keep": 1} if self._selects else {}
        return self.model(input_ids=ids, use_cache=True, **past, **more).past_key_values

    def _fits(self, queries: Sequence[Query]) -> bool:
        limit = _sharable_length(self.model.config)
        return limit is None or max(query.longest() for query in queries) <= limit

    # ---- choosing a way -----------------------------------------------------------------------

    def _choose(self, sharing: Sharing) -> Sharing:
        if sharing not in ("auto", *WAYS):
            raise InputError(f"sharing is one of auto, {', '.join(WAYS)}, not {sharing!r}.")
        if sharing == "none":
            return "none"
        plain = self._tried("none")
        for way in WAYS[:-1] if sharing == "auto" else (sharing,):
            try:
                shared = self._tried(way)
            except torch.OutOfMemoryError:
                raise
            except UNABLE:  # the model knows no such masks or caches
                continue
            if bool((shared - plain).abs().max() <= _tolerance(self.model.dtype)):
                return way
        if sharing != "auto":
            raise InputError(
                f"{type(self.model).__name__} does not give the same results with sharing "
                f"{sharing!r} as without: use 'auto' or 'none'."
            )
        return "none"

    def _tried(self, way: Sharing) -> Tensor:
        """The scores of a few made-up queries with common starts, the given way."""
        self.way = way
        self._prefix = None
        vocabulary = int(self.model.config.get_text_config().vocab_size)
        a, b, c, d, e = ((11 + 7 * i) % vocabulary for i in range(5))
        head = (a, b, c, d, e)
        answers = ((b,), (c, d), (c, e), (d, a, b))
        queries = [Query((*head, *rest), answers) for rest in ((a, c, b), (a, c, e, d), (e, b))]
        return torch.tensor([logs for _, logs in sorted(self.score(queries, head))])


def _agreement(a: Tokens, b: Tokens) -> int:
    """How many tokens `a` and `b` have in common at their start."""
    if a == b[: len(a)]:
        return len(a)
    return next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )


def _sharable_length(config: Any) -> int | None:
    """The longest sequence over which attention is over everything and positions mean the same."""
    config = config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ())
    limits = []
    window = getattr(config, "sliding_window", None)
    used = "sliding_attention" in kinds or (
        not kinds and getattr(config, "use_sliding_window", True) is not False
    )
    if window and used:
        limits.append(int(window))
    chunk = getattr(config, "attention_chunk_size", None)
    if chunk and (not kinds or "chunked_attention" in kinds):
        limits.append(int(chunk))
    scaling = (
        getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    )
    if scaling.get("rope_type") in ("dynamic", "longrope"):
        trained = scaling.get("original_max_position_embeddings")
        limits.append(
            int(
                trained
                or getattr(config, "original_max_position_embeddings", None)
                or config.max_position_embeddings
            )
        )
    return min(limits, default=None)


def _keys_per_token(model: Any) -> int:
    """To how many tokens one token can attend for as much work as its passage through the weights
    is: weights without embeddings, over twice the width of all heads of all layers."""
    config = model.config.get_text_config()
    layers, heads, hidden = (
        int(getattr(config, name, None) or 1)
        for name in ("num_hidden_layers", "num_attention_heads", "hidden_size")
    )
    tables = (model.get_input_embeddings(), model.get_output_embeddings())
    outside = {id(getattr(table, "weight", None)) for table in tables}
    weights: int = sum(
        p.numel() for p in model.parameters() if p.dim() > 1 and id(p) not in outside
    )
    width = int(getattr(config, "head_dim", None) or max(1, hidden // heads))
    return max(1, weights // (2 * layers * heads * width))


def _tolerance(dtype: torch.dtype) -> float:
    return 2e-3 if dtype in (torch.float32, torch.float64) else 0.2
