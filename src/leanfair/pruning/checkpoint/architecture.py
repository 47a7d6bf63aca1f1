"""Building the architecture of a network anew: from its origin, and from the cuts made since."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import nn

from leanfair.errors import (
    FORWARD_ERRORS,
    InputError,
    LeanfairError,
    first_line,
    raise_if_out_of_memory,
)
from leanfair.models import pretrained
from leanfair.models.origin import ATTRIBUTE, Origin, with_origin
from leanfair.models.zoo import BUILDERS, inferred_origin
from leanfair.pruning.checkpoint.weights import with_weights
from leanfair.pruning.surgery.rebuild import shapes
from leanfair.pruning.surgery.removal import remove
from leanfair.pruning.types import Cut


def origin_of(model: nn.Module) -> Origin | None:
    """How `model`'s architecture can be built anew; None where that is not known. What is found is
    tried out: parameters must come out with the same names and shapes."""
    origin = getattr(model, ATTRIBUTE, None) or inferred_origin(model)
    if not isinstance(origin, Origin):
        return None
    try:
        built = shapes(skeleton(origin))
    except (LeanfairError, RuntimeError, TypeError, ValueError, ImportError):
        return None
    return origin if built == shapes(model) else None


MOST_TIMES = 1_000
"""How much larger a network was before it was pruned, at most."""
MOST_LAYERS = 10_000
"""Of a network that is built from what a file says, so that none is built for hours."""


def build(origin: Origin, params: int | None = None) -> nn.Module:
    """A network of that architecture, with weights of no meaning. `params`: how many parameters it
    has to have, checked before there is memory for them. Raises InputError where no such network
    can be built."""
    _check_bounded(origin.spec)
    try:
        if params is not None:
            _check_size(origin, params)
        return pretrained.with_memory(skeleton(origin))
    except (*FORWARD_ERRORS, StrictDataclassError) as error:
        raise_if_out_of_memory(error)
        raise InputError(
            f"The network that was pruned cannot be built anew from what run.json says of it: "
            f"{first_line(error)}."
        ) from error


def _check_size(origin: Origin, params: int) -> None:
    """Raise InputError where no network of that architecture, cut, has so many parameters."""
    if origin.kind not in ("cifar-resnet", "transformers"):
        return  # others are known by their names alone
    with torch.device("meta") if origin.kind == "cifar-resnet" else nullcontext():
        found = sum(value.numel() for value in skeleton(replace(origin, cuts=())).parameters())
    if found != params if not origin.cuts else not params < found <= MOST_TIMES * params:
        raise InputError(f"it has {found:,} parameters, not {params:,}")


def _check_bounded(spec: Any, name: str = "") -> None:
    """Raise InputError for a network of more layers than there are."""
    if isinstance(spec, Mapping):
        for key, value in spec.items():
            _check_bounded(value, str(key))
    elif isinstance(spec, (list, tuple)) and _is_count(name):
        for value in spec:
            _check_bounded(value, name)
    elif isinstance(spec, int) and spec > MOST_LAYERS and _is_count(name):
        raise InputError(f"A network with {name} {spec:,} is not built: {MOST_LAYERS:,} at most.")


def _is_count(name: str) -> bool:
    """Whether an entry of a configuration may say how many layers there are."""
    return "layer" in name or "depth" in name


def skeleton(origin: Origin) -> nn.Module:
    """`build`, but parameters of a model of transformers have no memory (they are on the meta
    device): enough to compare shapes, or to be loaded with `assign=True`."""
    state = torch.random.get_rng_state()
    try:
        model = BUILDERS[origin.kind](origin.spec)
    except KeyError:
        raise InputError(f"There is no kind of model {origin.kind!r}.") from None
    finally:
        torch.random.set_rng_state(state)
    for cut in origin.cuts:
        model = remove(Cut.from_json(cut), model)
    return with_origin(model, origin)


def rebuilt(model: nn.Module, replay: Sequence[Cut], weights: Path) -> nn.Module:
    """`model` after `replay`, with the weights of a file."""
    return with_weights(replayed(model, replay), weights)


def replayed(model: nn.Module, replay: Sequence[Cut]) -> nn.Module:
    """A copy of `model` after `replay`."""
    try:
        child = copy.deepcopy(model)
        for cut in replay:
            child = remove(cut, child)
    except FORWARD_ERRORS as error:
        raise_if_out_of_memory(error)
        raise InputError(
            f"The network does not fit the run: give the same architecture that was pruned "
            f"({first_line(error)})."
        ) from error
    return child
