"""Rebuilding a pruned transformers model from its configuration.

A model that matches its configuration is built anew from the changed configuration and given the
tensors of the narrowed network. By construction it is then what `from_pretrained` returns in
another process: layer indices, cache, head counts and everything else derived from the
configuration agree.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from leanfair.data.language import is_transformer
from leanfair.errors import raise_if_out_of_memory
from leanfair.models.dtypes import default_dtype, dtype_of
from leanfair.pruning.surgery.config import changed, configuration_errors, silence

Shapes = dict[str, tuple[int, ...]]

_VARYING = (
    "idx",
    "index",
    "layer_id",
    "layer_number",
    "has_sliding",
    "drop",
    "attn_implementation",
    "name_or_path",
    "gradient_checkpointing",
)
"""Parts of names of attributes that may differ between equal modules: the index of the layer, flags
for the kinds of layers that are left, the attention kernel, where the model was loaded from, and
what only training heeds: dropout rates (which may grow with depth) and gradient checkpointing."""


def shapes(model: nn.Module) -> Shapes:
    """The shape of every saved parameter and buffer by name. Buffers that are not saved, such as
    the angles of rotary embeddings, are computed when a network is built."""
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


def apart(model: nn.Module) -> nn.Module:
    """`model`, marked as deviating from its configuration, since it was cut in a way that the
    configuration cannot express, even where the shapes agree."""
    vars(model)["_apart"] = True
    return model


def is_apart(model: nn.Module) -> bool:
    """Whether a model is marked as deviating from its configuration."""
    return vars(model).get("_apart") is True


def exact(model: nn.Module) -> nn.Module:
    """`model`, with the buffers that are computed and not saved in the precision in which
    transformers computes them. Casting a model rounds its rotary angles, which is wrong for long
    texts."""
    saved = model.state_dict().keys()
    rounded = [
        name
        for name, value in model.named_buffers()
        if value.is_floating_point() and value.itemsize < 4 and name not in saved
    ]
    if not rounded or not is_transformer(model):
        return model
    built = build_from(model, changed(model.config, {}))
    made = {} if built is None else dict(built.named_buffers())
    for name in rounded:
        holder, _, key = name.rpartition(".")
        module, value = model.get_submodule(holder), made.get(name)
        if value is not None and value.shape == module._buffers[key].shape:  # type: ignore[union-attr]
            module._buffers[key] = value.to(model.get_buffer(name).device)
    return model


def build_from(model: nn.Module, config: Any) -> nn.Module | None:
    """The network that the class of `model` builds from `config`, with parameters on the meta
    device and real buffers; None if the class refuses the configuration. Global random state is
    kept."""
    from accelerate import init_empty_weights
    from transformers.initialization import no_init_weights

    try:
        with (
            torch.random.fork_rng([]),
            silence(),
            default_dtype(dtype_of(model)),
            no_init_weights(),
            init_empty_weights(False),
        ):
            built: nn.Module = type(model)(config)
    except configuration_errors() as error:
        raise_if_out_of_memory(error)
        return None
    return built


def with_tensors_of(child: nn.Module, config: Any, reference: nn.Module) -> nn.Module | None:
    """The network that transformers builds from `config`, with the tensors of `child`. None if the
    shapes differ, or if the settings of its modules differ from those of `reference`, the network
    built from the configuration before the cut and narrowed in the same way."""
    built = build_from(child, config)
    if built is None or shapes(built) != shapes(child) or not alike(built, reference, windows=True):
        return None
    device = next((value.device for value in child.parameters() if not value.is_meta), None)
    frozen = {name for name, value in child.named_parameters() if not value.requires_grad}
    built.load_state_dict(child.state_dict(), assign=True)
    built.tie_weights()  # type: ignore[operator]
    for name, value in built.named_parameters():
        value.requires_grad_(name not in frozen)
    for part in built.modules() if device is not None else ():  # weights are there already
        for name, buffer in part._buffers.items():
            part._buffers[name] = None if buffer is None else buffer.to(device)
    if (generation := getattr(child, "generation_config", None)) is not None:
        built.generation_config = copy.deepcopy(generation)
    config.name_or_path = getattr(child.config, "name_or_path", "")
    return built.train(child.training)


def matches_configuration(model: nn.Module) -> bool:
    """Whether transformers builds `model` from its configuration alone, so that `from_pretrained`
    restores what `save_pretrained` writes."""
    if not is_transformer(model) or is_apart(model):
        return False
    built = build_from(model, changed(model.config, {}))
    return built is not None and shapes(built) == shapes(model) and alike(built, model)


def alike(model: nn.Module, other: nn.Module, windows: bool = False) -> bool:
    """Whether the modules of two networks have the same classes and settings, apart from layer
    indices and widths. With `windows`, attention windows are compared as well; a forward pass may
    narrow them, so only for networks that never ran."""
    theirs = dict(other.named_modules())

    def same(module: nn.Module, beside: nn.Module) -> bool:
        had = _settings(beside, windows)
        return _made(module) is _made(beside) and all(
            had.get(name, value) == value for name, value in _settings(module, windows).items()
        )

    return all(
        name in theirs and same(module, theirs[name]) for name, module in model.named_modules()
    )


def _made(module: nn.Module) -> type[nn.Module]:
    """The original class of a module; a parametrization replaces it by a subclass."""
    own = type(module)
    return own.__bases__[0] if parametrize.is_parametrized(module) else own


def _settings(module: nn.Module, windows: bool) -> dict[str, Any]:
    """The plain attributes of a module other than widths and the index of its layer."""
    return {
        name: value
        for name, value in vars(module).items()
        if (value is None or isinstance(value, (bool, float, str)) or _window(name, value, windows))
        and name != "training"
        and not any(part in name for part in _VARYING)
    }


def _window(name: str, value: Any, windows: bool) -> bool:
    return windows and isinstance(value, int) and ("window" in name or "shift" in name)
