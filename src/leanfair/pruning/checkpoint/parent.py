"""The network that a run began with, kept so that both can be compared later."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from leanfair.errors import InputError, LeanfairError
from leanfair.files import TensorFile
from leanfair.files.own_folder import put, read_own, verify
from leanfair.models.origin import Origin, fingerprint
from leanfair.models.parent_card import place_of
from leanfair.pruning.checkpoint.architecture import build
from leanfair.pruning.checkpoint.loading import open_model
from leanfair.pruning.checkpoint.weights import with_weights
from leanfair.pruning.schema import WrittenRecord

FILE = "parent.safetensors"


def keep_parent(path: Path, model: nn.Module, origin: Origin | None) -> None:
    """Write the weights of `model`, which the run in `path` began with, where they could not be
    found again: not those of a folder or of the hub, and not those of a class that cannot be built
    from its `origin`."""
    if origin is not None and place_of(model.__dict__.get("config")) is None:
        put(path, {FILE: TensorFile(model.state_dict())})


def parent_of(path: Path) -> nn.Module:
    """The network that the run in `path` began with, in evaluation mode on the CPU. Raises
    InputError where it can no longer be found."""
    record: WrittenRecord = read_own(path, "run.json", WrittenRecord)
    entry = record["model"]
    origin = None if entry["origin"] is None else Origin.from_json(entry["origin"])
    found = None
    if origin is not None and (path / FILE).is_file():
        verify(path, FILE)
        found = with_weights(build(origin, entry["params"]), path / FILE)
    elif origin is not None and origin.kind == "transformers":
        found = _opened(origin.spec["config"].get("_name_or_path"))
    if found is None or fingerprint(found) != entry["fingerprint"]:
        raise InputError(
            f"The network that the run in {path} began with is not to be found there: name it, "
            f"too, as in leanfair.compare(model, {str(path)!r})."
        )
    return found.eval()


def _opened(name: str | None) -> nn.Module | None:
    """The model of transformers called `name`; None where there is none."""
    if not name:
        return None
    try:
        return open_model(name)
    except LeanfairError:
        return None
