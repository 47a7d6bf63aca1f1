"""Building the architecture of a network anew: from its origin, and from the cuts made since."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from leanfair.errors import InputError, LeanfairError, SurgeryError
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


def build(origin: Origin) -> nn.Module:
    """A network of that architecture, with weights of no meaning."""
    return pretrained.with_memory(skeleton(origin))


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
    except (SurgeryError, RuntimeError) as error:
        raise InputError(
            f"The network does not fit the run: give the same architecture that was pruned "
            f"({error})."
        ) from error
    return child
