"""Log-probabilities of what may follow a prompt, with every common start computed once.

Four ways, the first that this model takes (see `Scorer`):

- "packed", on a processor: the start that all prompts share is computed once and kept. What is left
  of the prompts, and the options behind them, are laid out as trees in one row: whatever prompts
  share, such as the start of a text up to the word that is varied, is computed once for them too.
  Attention reads the common start once for all, and the path of each token beside it.
- "tree": likewise, with the model's own attention and a mask that lets each token see its own
  ancestors only. Trees of about the same size are the rows of a batch.
- "prefix": the common start is computed once; the rest of each prompt is a row of a batch.
- "none": each prompt is a row of a batch, as a plain forward pass has it.

Rows are padded on the right, where causal models do not look, so padding changes nothing. Logits
are computed where they are read alone.

A pass holds as many tokens as `budget` says, or one prompt, or one tree where trees are rows:
memory does not grow with the table. It takes the common start once for each row, of which at most
MOST_KEYS times as many tokens are kept; a packed pass has one row. Of a large vocabulary it takes
fewer prompts (`_MOST_LOGITS`). Where products are oneDNN's, MOST_BYTES of weights are kept a second
time (see `products`).
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Literal

import torch
from torch import Tensor

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.scoring.attention import packed_attention
from leanfair.fairness.judge.backends.scoring.layout import (
    Layout,
    Query,
    Room,
    agreement,
    batches,
    packs,
    trees,
)
from leanfair.fairness.judge.backends.scoring.masks import tree_inputs
from leanfair.fairness.judge.backends.scoring.memory import keep_freed_memory
from leanfair.fairness.judge.backends.scoring.packing import pack
from leanfair.fairness.judge.backends.scoring.products import Prepacked, fast_products
from leanfair.fairness.judge.backends.scoring.reading import last_mlp_at, logits_at
from leanfair.fairness.judge.backends.scoring.weights import state_of
from leanfair.fairness.judge.backends.tokens import Tokens

Sharing = Literal["auto", "packed", "tree", "prefix", "none"]
WAYS: tuple[Sharing, ...] = ("packed", "tree", "prefix", "none")
_LAYOUTS = {"packed": packs, "tree": trees, "prefix": batches, "none": batches}
UNABLE = (RuntimeError, TypeError, ValueError, AttributeError, LookupError, AssertionError)
"""Raised by models that cannot compute what prompts share."""
_WORTH_KEEPING = 4
"""Common tokens below which a cache is not worth its while."""
_BUDGET = 512
_BUDGET_PACKED = 800
_BUDGET_ELSEWHERE = 4096
_MOST_LOGITS = 1 << 26
"""Logits of one pass, where each prompt is read at one place: 256 MiB of them in float32."""


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
        self._budget = budget
        self._batch_size = batch_size
        self._keys = _keys_per_token(model)
        self._vocabulary = int(model.config.get_text_config().vocab_size)
        self.tokens_computed = 0
        self._selects = "logits_to_keep" in inspect.signature(model.forward).parameters
        self._prefix: tuple[Tokens, Any] | None = None
        self._prepacked, self._state = Prepacked(), state_of(model)
        self.way: Sharing = self._choose(sharing)
        self._forget()
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
        keep_freed_memory(self.device)
        if (state := state_of(self.model)) != self._state:  # trained, say, or another adapter
            self._state = state
            self._forget()
        way = self.way if self._fits(queries) else "none"
        shared = () if way == "none" else self._shared(queries, head)
        for layout in _LAYOUTS[way](queries, len(shared), self.room(way)):
            yield from self._run(layout, queries, shared, way)

    def _forget(self) -> None:
        """Drop what was computed with the weights as they were."""
        self._prefix, self._prepacked = None, Prepacked()

    def room(self, way: Sharing) -> Room:
        """What one pass holds, the given way."""
        usual = _BUDGET_PACKED if way == "packed" else _BUDGET
        tokens = self._budget or (usual if self.device.type == "cpu" else _BUDGET_ELSEWHERE)
        most = max(1, _MOST_LOGITS // self._vocabulary)
        return Room(tokens, min(self._batch_size or most, most), self._keys)

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
        self.tokens_computed += ids.numel()
        places = torch.tensor([(row, column) for _, _, row, column, _ in layout.reads])
        unique, which = torch.unique(places, dim=0, return_inverse=True)
        rows, columns = unique.to(self.device).unbind(1)
        with ExitStack() as attending:
            if way != "none":  # which is what a plain pass is
                attending.enter_context(fast_products(self.device, self._prepacked))
            if way == "packed":
                assert layout.parents is not None
                packing = pack(layout.parents[0], len(shared), self.model.dtype)
                inputs["position_ids"] = packing.positions
                attending.enter_context(packed_attention(self.model, packing))
                attending.enter_context(last_mlp_at(self.model, columns))
            elif layout.parents is not None:
                made = tree_inputs(layout.parents, width, len(shared), self.model.dtype)
                inputs |= {name: value.to(self.device) for name, value in made.items()}
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
            common = common[: agreement(common, query.prompt[:-1])]
        return common if len(common) >= _WORTH_KEEPING else ()

    def _cache(self, shared: Tokens, rows: int, way: Sharing) -> Any:
        """What the model keeps of the common start, for as many rows: a copy, as it grows."""
        if self._prefix is None or self._prefix[0] != shared:
            self._prefix = (shared, self._start(shared, way))
        if way == "packed":  # its layers hold new tensors then, and leave those of before alone
            once = copy.copy(self._prefix[1])
            once.layers = [copy.copy(layer) for layer in once.layers]
            return once
        kept = copy.deepcopy(self._prefix[1])
        if rows > 1:
            kept.batch_repeat_interleave(rows)
        return kept

    def _start(self, shared: Tokens, way: Sharing) -> Any:
        ids = torch.tensor([shared], device=self.device)
        self.tokens_computed += len(shared)
        past = {}
        if way in ("packed", "tree"):
            from transformers import DynamicCache

            # of its own making, a model with a sliding window drops what the mask still counts
            past = {"past_key_values": DynamicCache()}
        more = {"logits_to_keep": 1} if self._selects else {}
        with fast_products(self.device, self._prepacked):
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
        ways = WAYS[:-1] if sharing == "auto" else (sharing,)
        if self.device.type != "cpu":
            ways = tuple(way for way in ways if way != "packed")
            if not ways:
                raise InputError("sharing 'packed' is for processors: use 'auto' or 'tree'.")
        plain = self._tried("none")
        for way in ways:
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
        a, b, c, d, e = ((11 + 7 * i) % self._vocabulary for i in range(5))
        head = (a, b, c, d, e)
        answers = ((b,), (c, d), (c, e), (d, a, b))
        queries = [Query((*head, *rest), answers) for rest in ((a, c, b), (a, c, e, d), (e, b))]
        return torch.tensor([logs for _, logs in sorted(self.score(queries, head))])


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
