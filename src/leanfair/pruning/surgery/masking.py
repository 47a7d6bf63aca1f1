"""The zero-masked twin: the network with structures still present but contributing zero."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from leanfair.pruning.surgery.modules import (
    consumers,
    feature_dim,
    features_of,
    first_output,
    first_tensor,
    module_named,
    with_first_output,
    with_first_tensor,
)
from leanfair.pruning.types import Cut, Layer, NeuronCut

Hook = Callable[..., Any]


def _zero_features(positions: Tensor, dim: int) -> Hook:
    def hook(module: nn.Module, args: Any, kwargs: Any) -> Any:
        _, x = first_tensor(args, kwargs)
        masked = x.index_fill(dim, positions.to(x.device), 0.0)
        return with_first_tensor(args, kwargs, masked)

    return hook


def zero_output(module: nn.Module, args: Any, output: Any) -> Any:
    """A forward hook that replaces the first tensor of the output by zeros."""
    return with_first_output(output, torch.zeros_like(first_output(output)))


def _pass_on(module: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
    """A forward hook that returns the input of a block in place of its output."""
    return with_first_output(output, first_tensor(args, kwargs)[1])


@contextmanager
def masked(
    model: nn.Module, layers: tuple[Layer, ...] = (), neurons: tuple[NeuronCut, ...] = ()
) -> Iterator[nn.Module]:
    """`model`, for the duration of the context, with the contributions of `layers` and of the
    dropped neurons set to zero: the reference that their physical removal must reproduce. Raises
    SurgeryError if the model lacks one of them."""
    handles = []
    try:
        for layer in layers:
            for name in layer.exits:
                handles.append(module_named(model, name).register_forward_hook(zero_output))
            if not layer.exits:
                block = module_named(model, layer.name)
                handles.append(block.register_forward_hook(_pass_on, with_kwargs=True))
        for cut in neurons:
            for member in consumers(cut.group):
                module = module_named(model, member.module)
                hook = _zero_features(features_of(member, cut.drop), feature_dim(module))
                handles.append(module.register_forward_pre_hook(hook, with_kwargs=True))
        yield model
    finally:
        for handle in handles:
            handle.remove()


def masked_by(cut: Cut, model: nn.Module) -> Any:
    """`masked` for everything that `cut` removes."""
    return masked(model, cut.layers, cut.neurons)
