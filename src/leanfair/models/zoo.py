"""Building networks by name: CIFAR ResNets, and those of timm and torchvision."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from leanfair.errors import (
    FORWARD_ERRORS,
    InputError,
    MissingDependencyError,
    raise_if_out_of_memory,
)
from leanfair.files import read_tensors
from leanfair.models import pretrained
from leanfair.models.origin import Origin, with_origin
from leanfair.models.resnet_cifar import CifarResNet

CIFAR_DEPTHS = (20, 32, 44, 56, 110)


WEIGHT_FILES = (".safetensors", ".pt", ".pth", ".bin")


def from_gguf(path: Path) -> nn.Module:
    if not path.is_file():
        raise InputError(f"There is no file {path}: give the .gguf file of a language model.")
    return pretrained.open_gguf(path)


_BROKEN: tuple[type[Exception], ...] = (
    *FORWARD_ERRORS,
    EOFError,
    ImportError,
    OSError,
    UnpicklingError,
)
"""What PyTorch raises for bytes that are no weights."""


STATES = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params")
"""What training loops call the weights among what they save."""
AVERAGED = ("state_dict_ema", "model_ema", "ema_state_dict", "ema")
"""What they call averaged weights."""


def read_weights(path: Path, which: str | None = None) -> dict[str, Tensor]:
    """The weights in a file, without the prefixes of wrappers; of a file that holds several sets
    the one called `which`. Raises InputError where it is not told which, or there are none."""
    if path.suffix == ".safetensors":
        return _unwrapped(read_tensors(path), path)
    if path.suffix not in WEIGHT_FILES:
        raise InputError(f"{path} is not a file of weights: give a .safetensors file.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except _BROKEN as error:
        raise_if_out_of_memory(error)
        raise InputError(
            f"{path} cannot be read as weights alone: save them as safetensors."
        ) from error
    return _unwrapped(_state_in(content, path, which), path)


def _state_in(content: Any, path: Path, which: str | None) -> Mapping[str, Any]:
    """The state dict in what a training loop saved."""
    if not isinstance(content, Mapping):
        raise InputError(f"{path} holds no state dict of tensors: save the model's state_dict().")
    sets = [key for key in (*STATES, *AVERAGED) if _is_state(content.get(key))]
    if which is not None:
        if which not in sets:
            raise InputError(f"{path} has no weights called {which!r}, but {', '.join(sets)}.")
        return dict(content[which])
    if not sets:
        return content
    if len(sets) > 1:
        raise InputError(
            f"{path} holds several sets of weights ({', '.join(sets)}): say which, as in "
            f"{path}::{sets[0]}."
        )
    return dict(content[sets[0]])


def _is_state(value: Any) -> bool:
    """Whether it is a state dict: names with tensors, most of them."""
    return isinstance(value, Mapping) and any(isinstance(v, Tensor) for v in value.values())


def _unwrapped(state: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    """`state` without the prefixes of wrappers, and without the count of an average."""
    named = {name: value for name, value in state.items() if name != "n_averaged"}
    if not named or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in named.items()
    ):
        raise InputError(f"{path} holds no state dict of tensors: save the model's state_dict().")
    prefix = pretrained.prefix_of(named)
    return {name.removeprefix(prefix): value for name, value in named.items()}


def inferred_origin(model: nn.Module) -> Origin | None:
    if isinstance(model, CifarResNet):
        return Origin("cifar-resnet", dict(model.settings))
    module = type(model).__module__.partition(".")[0]
    config: Any = getattr(model, "config", None)
    if module == "transformers" and config is not None:
        return Origin("transformers", pretrained.spec_of(model))
    made = getattr(model, "pretrained_cfg", None)
    if module == "timm" and isinstance(made, Mapping) and made.get("architecture"):
        return Origin("timm", {"name": made["architecture"], "classes": model.num_classes})
    return None


def _build_cifar(spec: Mapping[str, Any]) -> nn.Module:
    return CifarResNet(**spec)


def _build_timm(spec: Mapping[str, Any]) -> nn.Module:
    return guest_model("timm", spec["name"], pretrained=False, classes=spec.get("classes"))


def _build_torchvision(spec: Mapping[str, Any]) -> nn.Module:
    return guest_model("torchvision", spec["name"], pretrained=False)


BUILDERS = {
    "cifar-resnet": _build_cifar,
    "transformers": pretrained.skeleton,
    "timm": _build_timm,
    "torchvision": _build_torchvision,
}


def guest_model(
    guest: str, name: str, *, pretrained: bool, classes: int | None = None
) -> nn.Module:
    """A model of timm or torchvision, where that package is there."""
    from importlib import import_module

    try:
        package = import_module("timm" if guest == "timm" else "torchvision.models")
    except (ImportError, RuntimeError, OSError) as error:
        raise MissingDependencyError(
            f"{guest}:{name} needs the package {guest}, which cannot be imported here ({error})."
        ) from error
    try:
        if guest == "timm":
            more = {} if classes is None else {"num_classes": classes}
            model: nn.Module = package.create_model(name, pretrained=pretrained, **more)
            return with_origin(model, Origin("timm", {"name": name, "classes": model.num_classes}))
        weights = "DEFAULT" if pretrained else None
        return with_origin(
            package.get_model(name, weights=weights), Origin("torchvision", {"name": name})
        )
    except (RuntimeError, ValueError, KeyError, OSError) as error:
        raise InputError(f"{guest} gives no model {name!r}: {error}") from error
