"""Attention of a packed pass, in the place of a model's own: the common start is read once for all
tokens, unmasked, and each segment reads what leads to it and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor

from leanfair.fairness.judge.backends.scoring.packing import Group, Packing

_NAME = "leanfair_packed"
_HARMLESS = {
    "cache_position", "dropout", "is_causal", "output_attentions", "output_hidden_states",
    "position_ids", "sliding_window", "use_cache",
}  # fmt: skip
"""What models tell attention that changes nothing here: windows are checked before (`Scorer`)."""


class _Pass:
    """A packing, and how often it was attended by."""

    def __init__(self, packing: Packing) -> None:
        self.packing = packing
        self.layers = 0


_CURRENT: ContextVar[_Pass] = ContextVar(_NAME)


@contextmanager
def packed_attention(model: Any, packing: Packing) -> Iterator[None]:
    """Within it `model` attends by `packing`. Raises ValueError if it never asks for attention."""
    from transformers import AttentionInterface

    AttentionInterface.register(_NAME, _attend)
    configs = {id(m.config): m.config for m in model.modules() if hasattr(m, "config")}
    before = [(config, config._attn_implementation) for config in configs.values()]
    current = _Pass(packing)
    token = _CURRENT.set(current)
    try:
        for config, _ in before:
            config._attn_implementation = _NAME
        yield
    finally:
        for config, own in before:
            config._attn_implementation = own
        _CURRENT.reset(token)
    if not current.layers:
        raise ValueError(f"{type(model).__name__} attends in a way of its own")


def packed(query: Tensor, key: Tensor, value: Tensor, packing: Packing, scale: Any) -> Tensor:
    """Attention [1, tokens, heads, width] of the queries [1, heads, tokens, width] of a packed pass
    to keys [1, key heads, start + tokens, width]: to the common start and to their own paths, put
    together by how much each weighs."""
    start = packing.start
    found, weights = [], []
    for group in packing.groups:
        one, weight = _by_group(query[0], key[0, :, start:], value[0, :, start:], group, scale)
        found.append(one)
        weights.append(weight)
    own = torch.cat(found).index_select(0, packing.places)
    if not start:
        return own[None]
    of_own = torch.cat(weights).index_select(0, packing.places)
    _, heads, tokens, width = query.shape
    wide = query.reshape(1, key.shape[1], -1, width)  # heads that share keys, one after another
    common, weight = _weighed(wide, key[:, :, :start], value[:, :, :start], None, scale)
    common = common.reshape(heads, tokens, -1).transpose(0, 1)
    share = torch.sigmoid(weight.reshape(heads, tokens).T - of_own)[..., None].to(own.dtype)
    return torch.lerp(own, common, share)[None]


def _by_group(
    query: Tensor, key: Tensor, value: Tensor, group: Group, scale: Any
) -> tuple[Tensor, Tensor]:
    """The attention [rows * length, heads, width] of a group, and what it weighs."""
    heads, shared = query.shape[0], key.shape[0]
    each, rows, length = heads // shared, group.rows, group.length
    # as models lay them out, the heads of a token stand side by side, and are taken at once
    asked = query.transpose(0, 1).reshape(query.shape[1], -1).index_select(0, group.queries)
    asked = asked.view(rows, length, shared, each, -1).permute(0, 2, 3, 1, 4)
    asked = asked.reshape(rows, shared, each * length, -1)
    keys, values = (
        kept.index_select(1, group.keys).view(shared, rows, group.width, -1).transpose(0, 1)
        for kept in (key, value)
    )
    found, weight = _weighed(asked, keys, values, group.mask.repeat(1, 1, each, 1), scale)
    found = found.reshape(rows, shared, each, length, -1).permute(0, 3, 1, 2, 4)
    weight = weight.reshape(rows, shared, each, length).permute(0, 3, 1, 2)
    return found.reshape(rows * length, heads, -1), weight.reshape(rows * length, heads)


def _weighed(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: Any
) -> tuple[Tensor, Tensor]:
    """Attention, and the logarithm of the sum of what its softmax divides by."""
    found: tuple[Tensor, Tensor] = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        query, key, value, 0.0, False, attn_mask=mask, scale=scale
    )
    return found


def _attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """Attention as transformers calls it. Raises ValueError for what changes it in other ways."""
    odd = [name for name in more if more[name] is not None and name not in _HARMLESS]
    if odd or attention_mask is not None:
        raise ValueError(f"attention with {', '.join(odd) or 'a mask of its own'} is not packed")
    current = _CURRENT.get()
    current.layers += 1
    return packed(query, key, value, current.packing, scaling), None
