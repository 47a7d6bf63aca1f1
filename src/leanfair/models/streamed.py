"""Models of transformers that are larger than memory: each block is read from its safetensors files
when it runs, and let go of when it has run.

Such a model is a model of transformers as any other: it is called, copied and measured alike, and
gives the same numbers. What it computes with is read anew each time, so it cannot be trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from leanfair.errors import InputError, UnsupportedModelError
from leanfair.models.dtypes import default_dtype
from leanfair.models.pretrained import check_whole, class_of, opening
from leanfair.models.shelf import Entry, Shelf, stored

DeviceMap = str | torch.device | Mapping[str, str | int | torch.device] | None
_SHELF, _UNIT, _BEFORE = "leanfair_shelf", "leanfair_unit", "leanfair_before"
_ASIDE = ("cpu", "disk")


def streamed(folder: str | Path, device_map: DeviceMap = None) -> nn.Module:
    """The language model in a folder of transformers, in evaluation mode, with one block in memory
    at a time. Embeddings, the last normalisation and the head stay in memory.

    device_map: where it runs: a device, "auto" (the first GPU where there is one), or a dict as
    accelerate takes it: modules that are mapped to the device stay there, and those that are mapped
    to "cpu" or "disk" are brought to it when they run.

    Raises InputError where the folder holds no such model, its weights are quantised, missing or
    called otherwise, or `device_map` names several devices; UnsupportedModelError for a network
    without blocks, or whose blocks share weights.
    """
    path = Path(folder)
    if not (path / "config.json").is_file():
        raise InputError(
            f"{path} is no folder of a model of transformers: to be read block by block it needs a "
            f"config.json and weights as safetensors."
        )
    with opening(str(path), True):
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=False)
        check_whole(str(path), config)
        kind = class_of(str(path), config)
        held = stored(path)
        dtype = _dtype_of(config, held)
        model = _skeleton(kind, config, dtype)
    device, staying = _devices(device_map, model)
    shelf = _shelf_for(model, held, dtype, path)
    _check_alone(model)
    _fill(model, shelf, device, staying)
    attach(model, shelf, device)
    generation = path / "generation_config.json"
    if generation.is_file() and getattr(model, "generation_config", None) is not None:
        from transformers import GenerationConfig

        with opening(str(path), True):
            model.generation_config = GenerationConfig.from_pretrained(path)
    model.eval()
    return cast(nn.Module, model)


def shelf_of(model: nn.Module) -> Shelf | None:
    """Where the tensors of a streamed model are; None for any other network, or what is none."""
    found = getattr(model, "__dict__", {}).get(_SHELF)
    return found if isinstance(found, Shelf) else None


def attach(model: nn.Module, shelf: Shelf, device: torch.device | None = None) -> nn.Module:
    """`model`, whose blocks are from now on read from `shelf`, and brought to `device` (where its
    embeddings are)."""
    device = device or next(value.device for value in model.parameters() if not value.is_meta)
    vars(model)[_SHELF] = shelf
    for name in blocks_of(model):
        block = model.get_submodule(name)
        if not any(value.is_meta for value in block.parameters()):
            continue  # it stays on the device
        if _UNIT not in vars(block):
            block.register_forward_pre_hook(_enter, prepend=True)
            block.register_forward_hook(_leave, always_call=True)
        vars(block)[_UNIT] = _Unit(shelf, name, device)
    return model


def blocks_of(model: nn.Module) -> list[str]:
    """The names of the modules that are read one at a time: the members of the outermost lists of
    modules."""
    lists: list[str] = []
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and not f"{name}.".startswith(tuple(lists)):
            lists.append(f"{name}.")
    return [
        f"{place}{key}"
        for place in lists
        for key, _ in model.get_submodule(place[:-1]).named_children()
    ]


@contextmanager
def resident(model: nn.Module, name: str) -> Iterator[nn.Module]:
    """The module called `name`, with its weights in memory, on the device that `model` runs on, for
    the duration of the context."""
    module, shelf = model.get_submodule(name), shelf_of(model)
    if shelf is None:
        yield module
        return
    device = next(value.device for value in model.parameters() if not value.is_meta)
    before = _brought(module, shelf, name, device)
    try:
        yield module
    finally:
        _put_back(before)


def read_from(model: nn.Module, folder: Path) -> nn.Module:
    """A streamed `model`, read from now on from the files in `folder`, to which it was written."""
    held = stored(folder)
    return attach(model, Shelf({name: held[name] for name, _ in model.named_parameters()}))


def adapting_in(model: nn.Module, folder: Path | None) -> nn.Module:
    """`model` which, if it is streamed, keeps what is adapted of it in `folder`."""
    shelf = shelf_of(model)
    return model if shelf is None else attach(model, replace(shelf, scratch=folder))


def keep(model: nn.Module, name: str, module: nn.Module) -> None:
    """Write down the weights of `module`, which is `resident` and was changed, as those of the
    module called `name`. In a network that is in memory they are its own already."""
    shelf = shelf_of(model)
    if shelf is not None:
        changed = {f"{name}.{key}": value.detach() for key, value in module.named_parameters()}
        attach(model, shelf.adapt(changed))


# ---- reading and letting go --------------------------------------------------------------------


@dataclass(frozen=True)
class _Unit:
    """A block that is read when it runs."""

    shelf: Shelf
    name: str
    device: torch.device


def _enter(module: nn.Module, args: Any) -> None:
    unit = vars(module)[_UNIT]
    _put_back(vars(module).pop(_BEFORE, ()))
    vars(module)[_BEFORE] = _brought(module, unit.shelf, unit.name, unit.device)


def _leave(module: nn.Module, args: Any, output: Any) -> None:
    _put_back(vars(module).pop(_BEFORE, ()))


_Held = tuple[nn.Module, str, nn.Parameter]


def _brought(module: nn.Module, shelf: Shelf, name: str, device: torch.device) -> list[_Held]:
    """Give `module` its weights; what it had instead, which `_put_back` puts back."""
    before: list[_Held] = []
    for place, part in module.named_modules():
        for key, value in part._parameters.items():
            if value is None or not value.is_meta:
                continue
            full = ".".join(piece for piece in (name, place, key) if piece)
            loaded = shelf.load(full)
            before.append((part, key, value))
            part._parameters[key] = nn.Parameter(loaded.to(device), requires_grad=False)
    return before


def _put_back(before: Any) -> None:
    for part, key, value in before:
        part._parameters[key] = value


# ---- opening -----------------------------------------------------------------------------------


def _dtype_of(config: Any, held: Mapping[str, Entry]) -> torch.dtype:
    """The type of numbers that transformers opens the model in: what its configuration says, else
    that of its first tensor."""
    told = getattr(config, "dtype", None)
    if isinstance(told, str):
        told = getattr(torch, told.removeprefix("torch."), None)
    if isinstance(told, torch.dtype):
        return told
    return next(iter(held.values())).dtype


def _skeleton(kind: Any, config: Any, dtype: torch.dtype) -> Any:
    from accelerate import init_empty_weights

    if getattr(kind, "_keep_in_fp32_modules", None):
        raise UnsupportedModelError(
            f"{kind.__name__} keeps some weights in another precision than the rest, so it cannot "
            f"be read block by block: open it whole."
        )
    with default_dtype(dtype), init_empty_weights(include_buffers=False):
        model = kind(config)
    model.tie_weights()  # each was moved by itself
    return model


def _shelf_for(model: Any, held: Mapping[str, Entry], dtype: torch.dtype, path: Path) -> Shelf:
    """Where each parameter of `model` is. Raises InputError where one is not to be found."""
    entries: dict[str, Entry] = {}
    own: dict[int, str] = {}
    for name, value in model.named_parameters(remove_duplicate=False):
        first = own.setdefault(id(value), name)
        entry = held.get(name)
        if entry is None:
            continue
        if entry.shape != tuple(value.shape):
            raise InputError(
                f"{name} of {path} is {list(entry.shape)}, but its configuration says "
                f"{list(value.shape)}: give the folder as transformers saved it."
            )
        entries.setdefault(first, replace(entry, dtype=dtype))
    lacking = sorted(set(own.values()) - set(entries))
    saved = {name for name, _ in model.named_buffers()} & model.state_dict().keys()
    if lacking or saved:
        what = f"lacks {lacking[0]}" if lacking else f"holds a buffer, {sorted(saved)[0]}"
        raise InputError(
            f"{path} {what}, or has it under another name, so it cannot be read block by block: "
            f"open it whole, and save it once with save_pretrained."
        )
    return Shelf(entries)


def _check_alone(model: nn.Module) -> None:
    """Raise UnsupportedModelError where there are no blocks, or they share weights."""
    names = blocks_of(model)
    if not names:
        raise UnsupportedModelError(
            f"{type(model).__name__} has no list of blocks, so it cannot be read block by block."
        )
    home: dict[int, str] = {}
    inside = tuple(f"{name}." for name in names)
    for name, value in model.named_parameters(remove_duplicate=False):
        place = next((block for block in inside if name.startswith(block)), "")
        if home.setdefault(id(value), place) != place:
            raise UnsupportedModelError(
                f"{type(model).__name__} shares {name} between blocks, so it cannot be read block "
                f"by block: open it whole."
            )


def _fill(model: nn.Module, shelf: Shelf, device: torch.device, staying: tuple[str, ...]) -> None:
    """Read what stays in memory: what is in no block, and the blocks `staying`."""
    inside = tuple(f"{name}." for name in blocks_of(model) if name not in staying)
    made: dict[int, nn.Parameter] = {}
    names: dict[int, str] = {}
    for name, value in model.named_parameters():
        names[id(value)] = name
    for place, part in model.named_modules():
        for key, value in part._parameters.items():
            full = f"{place}.{key}" if place else key
            if value is None or full.startswith(inside):
                continue
            if id(value) not in made:
                loaded: Tensor = shelf.load(names[id(value)]).clone()
                made[id(value)] = nn.Parameter(loaded.to(device), requires_grad=False)
            part._parameters[key] = made[id(value)]
        for key, buffer in part._buffers.items():
            part._buffers[key] = None if buffer is None else buffer.to(device)


def _devices(asked: DeviceMap, model: nn.Module) -> tuple[torch.device, tuple[str, ...]]:
    """The device that `model` runs on, and the blocks that stay there."""
    if asked is None or asked == "auto":
        gpu = asked == "auto" and torch.cuda.is_available()
        return torch.device("cuda:0" if gpu else "cpu"), ()
    if not isinstance(asked, Mapping):
        try:
            return torch.device(asked), ()
        except RuntimeError as error:
            raise InputError(
                f"device_map is {asked!r}: give a device such as cpu or cuda:0, auto, or a dict of "
                f"modules and devices."
            ) from error
    places = {name: _device(place) for name, place in asked.items()}
    run = {place for place in places.values() if place not in _ASIDE}
    if len(run) > 1:
        raise InputError(
            f"device_map names {len(run)} devices ({', '.join(sorted(run))}): pruning runs on one. "
            f"Map what does not fit there to cpu or disk."
        )
    device = run.pop() if run else "cpu"
    return torch.device(device), tuple(
        block for block in blocks_of(model) if _mapped(block, places) == device != "cpu"
    )


def _device(place: Any) -> str:
    if isinstance(place, int):
        return f"cuda:{place}"
    return str(place) if str(place) in _ASIDE else str(torch.device(place))


def _mapped(name: str, places: Mapping[str, str]) -> str:
    """Where `name` is mapped to: by the longest of the names that it begins with."""
    fit = [key for key in places if not key or f"{name}.".startswith(f"{key}.")]
    return places[max(fit, key=len)] if fit else "disk"
