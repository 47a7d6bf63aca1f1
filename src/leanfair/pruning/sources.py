"""Where a network comes from: opening one by name, and building its architecture anew.

Weights are read from safetensors, or with torch's `weights_only`; no code of a model's is run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from leanfair.errors import InputError, LeanfairError, MissingDependencyError
from leanfair.files import read_tensors
from leanfair.language import is_transformer
from leanfair.models.resnet_cifar import CifarResNet, from_state_dict
from leanfair.pruning import pretrained
from leanfair.pruning.stock import shapes

OriginKind = Literal["cifar-resnet", "transformers", "timm", "torchvision"]
ATTRIBUTE = "leanfair_origin"
"""The attribute of a network that holds its Origin; copies of the network keep it."""

CIFAR_DEPTHS = (20, 32, 44, 56, 110)
WEIGHT_FILES = (".safetensors", ".pt", ".pth", ".bin")


@dataclass(frozen=True)
class Origin:
    """How to build a network's architecture: its `kind`, what that needs to know (JSON), and the
    `cuts` (as `Cut.to_json` writes them) that were made since."""

    kind: OriginKind
    spec: Mapping[str, Any]
    cuts: tuple[Mapping[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """This origin in plain JSON types."""
        return {"kind": self.kind, "spec": dict(self.spec), "cuts": list(self.cuts)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Origin:
        """The origin that `to_json` wrote."""
        return Origin(data["kind"], data["spec"], tuple(data.get("cuts", ())))


def open_model(
    name: str, *, classes: int | None = None, channels: int = 3, seed: int = 0
) -> nn.Module:
    """The trained network that `name` names, on the CPU, in evaluation mode.

    `name` is a file of weights of a CIFAR ResNet (.safetensors, or .pt and .pth without pickled
    code), the folder of a classifier or language model of transformers or of a finished leanfair
    run, a .gguf file of a language model, a hub id (only where the network of machines is reachable
    or the model is cached), "timm:NAME" or "torchvision:NAME" (with their published weights), or
    "resnet20" to "resnet110": an *untrained* CIFAR ResNet with `classes` and `channels`, from
    `seed`. Raises InputError where there is no such thing, and where it is quantised.
    """
    path = Path(name)
    if path.is_dir():
        return _from_folder(path).eval()
    if path.suffix == ".gguf":
        return _from_gguf(path).eval()
    if path.is_file():
        return from_state_dict(_weights(path)).eval()
    if path.suffix in WEIGHT_FILES:
        raise InputError(f"There is no file {name}: give the trained model's weights.")
    guest, _, rest = name.partition(":")
    if rest and guest in ("timm", "torchvision"):
        return _guest(guest, rest, pretrained=True).eval()
    if name in {f"resnet{depth}" for depth in CIFAR_DEPTHS}:
        torch.manual_seed(seed)
        depth = int(name.removeprefix("resnet"))
        return CifarResNet(depth, classes=classes or 10, channels=channels).eval()
    return pretrained.open_pretrained(name).eval()


def origin_of(model: nn.Module) -> Origin | None:
    """How `model`'s architecture can be built anew; None where that is not known. What is found is
    tried out: parameters must come out with the same names and shapes."""
    origin = getattr(model, ATTRIBUTE, None) or _inferred(model)
    if not isinstance(origin, Origin):
        return None
    try:
        built = shapes(skeleton(origin))
    except (LeanfairError, RuntimeError, TypeError, ValueError, ImportError):
        return None
    return origin if built == shapes(model) else None


def with_origin(model: nn.Module, origin: Origin | None, cuts: Sequence[Any] = ()) -> nn.Module:
    """`model`, told where it comes from: `origin`, and `cuts` made since."""
    if origin is not None:
        more = tuple(cut.to_json() for cut in cuts)
        setattr(model, ATTRIBUTE, replace(origin, cuts=(*origin.cuts, *more)))
    return model


def build(origin: Origin) -> nn.Module:
    """A network of that architecture, with weights of no meaning."""
    return pretrained.with_memory(skeleton(origin))


def skeleton(origin: Origin) -> nn.Module:
    """`build`, but parameters of a model of transformers have no memory (they are on the meta
    device): enough to compare shapes, or to be loaded with `assign=True`."""
    from leanfair.pruning.surgery import remove
    from leanfair.pruning.types import Cut

    state = torch.random.get_rng_state()
    try:
        model = _BUILDERS[origin.kind](origin.spec)
    except KeyError:
        raise InputError(f"There is no kind of model {origin.kind!r}.") from None
    finally:
        torch.random.set_rng_state(state)
    for cut in origin.cuts:
        model = remove(Cut.from_json(cut), model)
    return with_origin(model, origin)


def title_of(model: nn.Module) -> str:
    """What a person calls the network."""
    if isinstance(model, CifarResNet):
        return f"ResNet-{model.settings['depth']}"
    origin = getattr(model, ATTRIBUTE, None)
    if isinstance(origin, Origin) and origin.kind in ("timm", "torchvision"):
        return str(origin.spec["name"])
    kind = type(model).__name__
    if not is_transformer(model) or kind.endswith("ForImageClassification"):
        return kind.removesuffix("ForImageClassification")
    given = Path(str(getattr(model.config, "name_or_path", None) or "")).name
    # The folder of a snapshot or of a converted model is named by a hash, which tells nobody.
    if given and not re.fullmatch(r"[0-9a-f]{32,}", given):
        return given
    return re.sub(r"(For[A-Z]\w*|LMHeadModel|LMHead)$", "", kind)


def fingerprint(model: nn.Module) -> str:
    """A hash of a network's class and of the names, shapes and values of all its tensors."""
    digest = hashlib.sha256(type(model).__name__.encode())
    for name, value in model.state_dict().items():
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        raw = value.detach().cpu().contiguous().flatten().view(torch.uint8)
        digest.update(raw.numpy().tobytes())
    return digest.hexdigest()[:16]


# ---- opening ----------------------------------------------------------------------------------


def _from_gguf(path: Path) -> nn.Module:
    if not path.is_file():
        raise InputError(f"There is no file {path}: give the .gguf file of a language model.")
    return pretrained.open_gguf(path)


def _from_folder(path: Path) -> nn.Module:
    if (path / "run.json").exists():
        from leanfair.pruning.checkpoint import load

        return load(path)
    if (path / "config.json").exists():
        return pretrained.open_pretrained(str(path))
    raise InputError(
        f"The folder {path} holds no model: it needs a config.json and weights as transformers "
        f"saves them, or a finished leanfair run."
    )


def _weights(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        return read_tensors(path)
    if path.suffix not in WEIGHT_FILES:
        raise InputError(f"{path} is not a file of weights: give a .safetensors file.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling raises whatever it likes on broken bytes
        raise InputError(
            f"{path} cannot be read as weights alone: save them as safetensors."
        ) from error
    inner = state.get("state_dict", state.get("model", state)) if isinstance(state, dict) else {}
    if not inner or not all(isinstance(value, Tensor) for value in inner.values()):
        raise InputError(f"{path} holds no state dict of tensors: save the model's state_dict().")
    return {name.removeprefix("module."): value for name, value in inner.items()}


# ---- building ---------------------------------------------------------------------------------


def _inferred(model: nn.Module) -> Origin | None:
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
    return _guest("timm", spec["name"], pretrained=False, classes=spec.get("classes"))


def _build_torchvision(spec: Mapping[str, Any]) -> nn.Module:
    return _guest("torchvision", spec["name"], pretrained=False)


_BUILDERS = {
    "cifar-resnet": _build_cifar,
    "transformers": pretrained.skeleton,
    "timm": _build_timm,
    "torchvision": _build_torchvision,
}


def _guest(guest: str, name: str, *, pretrained: bool, classes: int | None = None) -> nn.Module:
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
