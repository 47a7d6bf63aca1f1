"""Low-rank adaptation (LoRA, Hu et al. 2021, arXiv 2106.09685) with peft: a low-rank update of each
linear layer is trained instead of its weight, and merged into it afterwards."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from leanfair.data.language import is_transformer
from leanfair.data.randomness import preserved
from leanfair.errors import InputError, MissingDependencyError
from leanfair.pruning.surgery.modules import is_dense

NAME = "leanfair"
"""The adapter's name in peft."""


@contextmanager
def adapted(model: nn.Module, rank: int, seed: int) -> Iterator[None]:
    """Within the context, only an update of rank `rank` of each linear layer except the head is
    trained; at the end it is merged into the weight. `model` then has the same modules, names and
    parameters as before and, after an exception, also the same weights. A rank of 0 changes
    nothing.

    The initial update depends on `seed` alone. Linear layers that are frozen or share their weight
    are left out. Raises MissingDependencyError without peft, InputError if there is no linear layer
    to train.
    """
    if rank < 1:
        yield
        return
    frozen = {name for name, value in model.named_parameters() if not value.requires_grad}
    names = linear_layers(model)
    if not names:
        raise InputError(
            f"{type(model).__name__} has no linear layer besides its head for LoRA to train: "
            f"train all weights (lora=0)."
        )
    try:
        _inject(model, names, rank, seed)
        yield
        _remove(model, names, merge=True)
    finally:
        _remove(model, names, merge=False)
        for name, value in model.named_parameters():
            value.requires_grad_(name not in frozen)


def linear_layers(model: nn.Module) -> list[str]:
    """The names of the linear layers that LoRA trains."""
    head = _head(model)
    owners = Counter(
        id(module.weight)
        for _, module in model.named_modules(remove_duplicate=False)
        if isinstance(getattr(module, "weight", None), nn.Parameter)
    )
    # nn.MultiheadAttention uses the weight of its output projection without calling the module.
    uncalled = {
        f"{name}.out_proj"
        for name, module in model.named_modules()
        if isinstance(module, nn.MultiheadAttention)
    }
    return [
        name
        for name, module in model.named_modules()
        if is_dense(module)
        and module.weight.requires_grad
        and owners[id(module.weight)] == 1
        and name not in uncalled
        and id(module) not in head
    ]


def _head(model: nn.Module) -> set[int]:
    """The ids of the modules of the head: those outside of the base model of a transformers model,
    or the last linear layer of any other network."""
    body = getattr(model, "base_model", model) if is_transformer(model) else model
    if body is not model:
        inside = {id(module) for module in body.modules()}
        return {id(module) for module in model.modules() if id(module) not in inside}
    return {id(module) for module in [m for m in model.modules() if is_dense(m)][-1:]}


def check_peft() -> None:
    """Raise MissingDependencyError where peft cannot be imported."""
    try:
        import peft  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            "LoRA needs peft: pip install 'leanfair[lora]', or train all weights (lora=0)."
        ) from error


def _inject(model: nn.Module, names: list[str], rank: int, seed: int) -> None:
    check_peft()
    from peft import LoraConfig, inject_adapter_in_model

    config = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        target_modules="|".join(re.escape(name) for name in names),
        fan_in_fan_out=not all(isinstance(model.get_submodule(n), nn.Linear) for n in names),
    )
    with preserved(seed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inject_adapter_in_model(config, model, adapter_name=NAME)
    for value in model.parameters():
        if value.requires_grad and value.dtype in (torch.float16, torch.bfloat16):
            value.data = value.data.float()  # small updates would be lost to rounding


def _remove(model: nn.Module, names: list[str], merge: bool) -> None:
    """Restore the plain linear layers; with `merge`, the trained update is added to their
    weights."""
    for name in names:
        layer: Any = model.get_submodule(name)
        if not hasattr(layer, "get_base_layer"):
            continue
        if merge:
            layer.merge()
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, layer.get_base_layer())
    model.__dict__.pop("peft_config", None)
