"""What a cut leaves of the files that a streamed model is read from."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from leanfair.errors import SurgeryError
from leanfair.models.shelf import Entry, Shelf
from leanfair.models.streamed import attach, shelf_of
from leanfair.pruning.surgery.modules import is_dense, module_named, positions_of
from leanfair.pruning.surgery.narrowing import keys_left
from leanfair.pruning.types import Cut


def shelved(cut: Cut, model: nn.Module, child: nn.Module) -> nn.Module:
    """`child`, the architecture that `cut` leaves of `model`, read from the files of `model`: of
    each tensor what stays. A network that is in memory stays as it is."""
    shelf = shelf_of(model)
    if shelf is None:
        return child
    device = next(value.device for value in model.parameters() if not value.is_meta)
    return attach(child, shelf_after(cut, shelf, model), device)


def shelf_after(cut: Cut, shelf: Shelf, model: nn.Module) -> Shelf:
    """Where the tensors are of what `cut` leaves of `model`, whose tensors are on `shelf`."""
    taken = _taken(cut, model)
    gone = tuple(f"{layer.name}." for layer in cut.layers)
    keys = {
        container: keys_left(
            module_named(model, container)._modules,
            {layer.name.rpartition(".")[2] for layer in cut.layers if layer.container == container},
        )
        for container in {layer.container for layer in cut.layers}
    }

    def left(name: str, entry: Entry) -> tuple[str, Entry] | None:
        if name.startswith(gone):
            return None
        for dim, positions in taken.get(name, ()):
            entry = entry.without(dim, positions)
        return _now(name, keys), entry

    return shelf.mapped(left)


def _taken(cut: Cut, model: nn.Module) -> dict[str, list[tuple[int, Tensor]]]:
    """The positions that `cut` takes from each parameter, by dimension. Raises SurgeryError for a
    module that is no dense layer."""
    found: dict[str, list[tuple[int, Tensor]]] = {}
    for (name, side), positions in positions_of(cut).items():
        module = module_named(model, name)
        if not is_dense(module) or side == "both":
            raise SurgeryError(
                f"{name} is a {type(module).__name__}, which is not narrowed in a model that is "
                f"read block by block: open it whole."
            )
        inward = side == "in"
        out_first = isinstance(module, nn.Linear)  # the Conv1D of transformers has [in, out]
        found.setdefault(f"{name}.weight", []).append((int(inward == out_first), positions))
        if not inward and module._parameters.get("bias") is not None:
            found.setdefault(f"{name}.bias", []).append((0, positions))
    return found


def _now(name: str, keys: Mapping[str, Mapping[str, str]]) -> str:
    """`name` when the members of containers have the new `keys`."""
    parts = name.split(".")
    for i in range(1, len(parts)):
        container = ".".join(name.split(".")[:i])
        if container in keys:
            parts[i] = keys[container].get(parts[i], parts[i])
    return ".".join(parts)
