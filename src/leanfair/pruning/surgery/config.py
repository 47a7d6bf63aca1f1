"""Reading and changing configurations of transformers models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch import nn

from leanfair.errors import FORWARD_ERRORS
from leanfair.pruning.types import Cut


def configuration_errors() -> tuple[type[Exception], ...]:
    """What transformers raises for a configuration that it, or the model's class, refuses."""
    from huggingface_hub.errors import StrictDataclassError

    return (*FORWARD_ERRORS, ImportError, OSError, StrictDataclassError)


def changed(config: Any, changes: Mapping[str, Any]) -> Any:
    """A copy of a configuration with entries changed, as it would be read after being saved.

    An entry is addressed by its path: "num_hidden_layers", "text_config.num_hidden_layers",
    "depths.0".
    """
    data = config.to_dict()
    for path, value in changes.items():
        _put(data, path.split("."), value)
    _forget_stages(data)
    with silence():
        made = _read(type(config), data)
    made._attn_implementation = config._attn_implementation
    return made


def _read(kind: Any, data: dict[str, Any]) -> Any:
    """The configuration that `kind.from_dict` makes of `data`. What transformers brings writes it
    out for its log each time, whether that is read or not, which takes longer than all the rest."""
    from transformers import PretrainedConfig

    usual = getattr(kind.from_dict, "__func__", None) is PretrainedConfig.from_dict.__func__
    return kind(**data) if usual else kind.from_dict(data)


def _forget_stages(data: dict[str, Any]) -> None:
    """Drop the names of a backbone's stages, so that they are derived anew from the number of
    stages; unless outputs other than the last, the default, were chosen."""
    stages = data.get("stage_names")
    if isinstance(stages, list) and data.get("out_features") == stages[-1:]:
        for name in ("stage_names", "out_features", "out_indices"):
            data.pop(name, None)


def entries(config: Any) -> dict[str, Any]:
    """Every entry of a configuration by its path. A list is an entry, and so is each integer in
    it."""
    return dict(_leaves(config.to_dict()))


def _leaves(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}.")
            continue
        yield path, list(value) if isinstance(value, tuple) else value
        if isinstance(value, (list, tuple)):
            for i, item in enumerate(value):
                if type(item) is int:
                    yield f"{path}.{i}", item


def entry(data: Any, path: str) -> Any:
    """The entry at `path` of a configuration in the form of a dict; None if there is none."""
    *way, last = path.split(".")
    for step in way:
        data = _item(data, step)
    return data.get(last) if isinstance(data, Mapping) else _item(data, last)


def _item(place: Any, step: str) -> Any:
    """What a dict, a list or tuple, or else an object has under the name or number `step`."""
    if isinstance(place, Mapping):
        return place[step]
    return place[int(step)] if isinstance(place, (list, tuple)) else getattr(place, step)


def _put(place: Any, way: Sequence[str], value: Any) -> Any:
    """`place` with `value` at the end of `way`: changed in place, but for tuples, which are made
    anew. A configuration may have them where it has lists once it was saved."""
    step, *rest = way
    new = _put(_item(place, step), rest, value) if rest else value
    if isinstance(place, tuple):
        return (*place[: int(step)], new, *place[int(step) + 1 :])
    if isinstance(place, list):
        place[int(step)] = new
    elif isinstance(place, MutableMapping):
        place[step] = new
    else:
        setattr(place, step, new)
    return place


def depth_entries(cut: Cut, model: nn.Module) -> dict[str, Any]:
    """The values after `cut` of the entries in the configuration of `model` that hold the number of
    blocks or one item for each block."""
    if not any(layer.fields or layer.lists for layer in cut.layers):
        return {}
    data: Any = model.config.to_dict()  # type: ignore[operator, union-attr]
    gone = {layer.name for layer in cut.layers}
    changes: dict[str, Any] = {}
    for layer in cut.layers:
        keys = [key for key, _ in model.get_submodule(layer.container).named_children()]
        stay = [i for i, key in enumerate(keys) if f"{layer.container}.{key}" not in gone]
        changes |= {path: len(stay) for path in layer.fields}
        changes |= {path: [entry(data, path)[i] for i in stay] for path in layer.lists}
    return changes


def width_entries(cut: Cut) -> dict[str, Any]:
    """The values after `cut` of the configuration entries that hold widths; empty if `cut` leaves
    different widths in layers that share an entry."""
    changes: dict[str, Any] = {}
    for neurons in cut.neurons:
        left = neurons.group.count - len(neurons.drop)
        wanted = {path: per_neuron * left for path, per_neuron in neurons.group.fields}
        if any(changes.get(path, value) != value for path, value in wanted.items()):
            return {}
        changes |= {**wanted, **dict(neurons.group.fixed)}
    return changes


def with_entries(model: nn.Module, changes: Mapping[str, Any]) -> nn.Module:
    """`model`, with its configuration changed in place, since its modules refer to that object."""
    for path, value in changes.items():
        _put(model.config, path.split("."), value)
    return model


@contextmanager
def entries_changed(model: nn.Module, changes: Mapping[str, Any]) -> Iterator[None]:
    """Change entries in the configuration of `model` for the duration of the context."""
    data = model.config.to_dict() if changes else {}  # type: ignore[operator, union-attr]
    before = {path: entry(data, path) for path in changes}
    with_entries(model, changes)
    try:
        yield
    finally:
        with_entries(model, before)


@contextmanager
def silence() -> Iterator[None]:
    """Suppress the warnings and progress bars of transformers for the duration of the context."""
    from transformers.utils import logging

    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()
