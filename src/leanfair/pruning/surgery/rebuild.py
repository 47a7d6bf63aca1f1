"""What transformers itself builds from a configuration, so that a pruned model is one of its own.

A stock model is rebuilt from its changed configuration and takes over the tensors of the network
that was cut. It is then by construction what `from_pretrained` gives in another process: layer
numbers, cache, head counts and all that hangs on the configuration are in step.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from leanfair.data.language import is_transformer
from leanfair.models.dtypes import default_dtype, dtype_of
from leanfair.pruning.surgery.config import changed, silence

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
)
"""Parts of the names of attributes that tell which layer a module is in, whether layers of a kind
are left, how much it drops in training, which often grows from layer to layer, which kernel
computes its attention, or where the model was loaded from."""


def shapes(model: nn.Module) -> Shapes:
    """The shape of every parameter and buffer by name, but for what is not saved: it is computed
    when a network is built, as the angles are for each kind of attention that there is."""
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


def apart(model: nn.Module) -> nn.Module:
    """`model`, known from now on to be something else than its configuration says, however alike
    it may look: cut in a way that this cannot tell."""
    vars(model)["_apart"] = True
    return model


def is_apart(model: nn.Module) -> bool:
    """Whether a model is known to be something else than its configuration says."""
    return vars(model).get("_apart") is True


def exact(model: nn.Module) -> nn.Module:
    """`model`, with what is computed when it is built, and not saved, as transformers makes it: a
    model that was cast has its angles rounded, which leads astray in long texts."""
    saved = model.state_dict().keys()
    rounded = [
        name
        for name, value in model.named_buffers()
        if value.is_floating_point() and value.itemsize < 4 and name not in saved
    ]
    if not rounded or not is_transformer(model):
        return model
    with torch.random.fork_rng([]):
        built = skeleton(model, changed(model.config, {}))
    made = {} if built is None else dict(built.named_buffers())
    for name in rounded:
        holder, _, key = name.rpartition(".")
        module, value = model.get_submodule(holder), made.get(name)
        if value is not None and value.shape == module._buffers[key].shape:  # type: ignore[union-attr]
            module._buffers[key] = value.to(model.get_buffer(name).device)
    return model


def skeleton(model: nn.Module, config: Any) -> nn.Module | None:
    """What the class of `model` builds from `config`: parameters without memory, buffers as they
    are. None where it builds nothing."""
    from accelerate import init_empty_weights
    from transformers.initialization import no_init_weights

    try:
        with (
            silence(),
            default_dtype(dtype_of(model)),
            no_init_weights(),
            init_empty_weights(False),
        ):
            built: nn.Module = type(model)(config)
    except Exception:  # a configuration may be refused in any way
        return None
    return built


def stocked(child: nn.Module, config: Any, bare: nn.Module) -> nn.Module | None:
    """The stock model of `config` with the tensors of `child`, or None where it is not of the same
    shapes, or its modules are not set to the same as those of `bare`: what transformers built
    before, cut likewise."""
    with torch.random.fork_rng([]):
        built = skeleton(child, config)
    if built is None or shapes(built) != shapes(child) or not alike(built, bare, windows=True):
        return None
    device = next(child.parameters()).device
    frozen = {name for name, value in child.named_parameters() if not value.requires_grad}
    built.load_state_dict(child.state_dict(), assign=True)
    built.tie_weights()  # type: ignore[operator]
    for name, value in built.named_parameters():
        value.requires_grad_(name not in frozen)
    built.to(device)
    if (generation := getattr(child, "generation_config", None)) is not None:
        built.generation_config = copy.deepcopy(generation)
    config.name_or_path = getattr(child.config, "name_or_path", "")
    return built.train(child.training)


def is_stock(model: nn.Module) -> bool:
    """Whether transformers builds `model` from its configuration alone, so that
    `from_pretrained` loads what `save_pretrained` writes."""
    if not is_transformer(model) or is_apart(model):
        return False
    with torch.random.fork_rng([]):
        built = skeleton(model, changed(model.config, {}))
    return built is not None and shapes(built) == shapes(model) and alike(built, model)


def alike(one: nn.Module, other: nn.Module, windows: bool = False) -> bool:
    """Whether the modules of two networks are set to the same, but for the numbers of layers and
    for widths: scales, kinds of attention and, where neither ever ran (which may narrow them), its
    `windows`."""
    theirs = dict(other.named_modules())

    def same(module: nn.Module, beside: nn.Module) -> bool:
        had = _settings(beside, windows)
        return _made(module) is _made(beside) and all(
            had.get(name, value) == value for name, value in _settings(module, windows).items()
        )

    return all(
        name in theirs and same(module, theirs[name]) for name, module in one.named_modules()
    )


def _made(module: nn.Module) -> type[nn.Module]:
    """The class that a module was made of: one with a parametrization has a class of its own."""
    own = type(module)
    return own.__bases__[0] if parametrize.is_parametrized(module) else own


def _settings(module: nn.Module, windows: bool) -> dict[str, Any]:
    """The plain attributes of a module that are neither widths nor the number of its layer."""
    return {
        name: value
        for name, value in vars(module).items()
        if (value is None or isinstance(value, (bool, float, str)) or _window(name, value, windows))
        and name != "training"
        and not any(part in name for part in _VARYING)
    }


def _window(name: str, value: Any, windows: bool) -> bool:
    return windows and isinstance(value, int) and ("window" in name or "shift" in name)
