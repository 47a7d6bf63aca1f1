"""Where a network comes from: enough to build its architecture anew and to know it again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from leanfair.data.language import is_transformer
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.models.tensors import tensors_of

OriginKind = Literal["cifar-resnet", "transformers", "timm", "torchvision"]


ATTRIBUTE = "leanfair_origin"
"""The attribute of a network that holds its Origin; copies of the network keep it."""


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


def with_origin(model: nn.Module, origin: Origin | None, cuts: Sequence[Any] = ()) -> nn.Module:
    """`model`, told where it comes from: `origin`, and `cuts` made since."""
    if origin is not None:
        more = tuple(cut.to_json() for cut in cuts)
        setattr(model, ATTRIBUTE, replace(origin, cuts=(*origin.cuts, *more)))
    return model


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
    for name, value in tensors_of(model):
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        raw = value.detach().cpu().contiguous().flatten().view(torch.uint8)
        digest.update(raw.numpy().tobytes())
    return digest.hexdigest()[:16]


def weights_hash(model: Any) -> str:
    import torch

    digest = hashlib.blake2b(type(model).__name__.encode(), digest_size=16)
    for name, value in model.state_dict().items():
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        raw = value.detach().cpu().contiguous().flatten().view(torch.uint8)
        digest.update(raw.numpy().tobytes())
    return digest.hexdigest()
