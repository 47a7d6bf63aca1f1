"""Models, opened and built: of transformers, timm and torchvision, CIFAR ResNets, GGUF files.

Each network remembers where it is from (its `Origin`), so that a run can build it anew; weights are
read without pickle, and no code of a model's own is run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.models.origin import Origin as Origin
    from leanfair.models.origin import fingerprint as fingerprint
    from leanfair.models.origin import title_of as title_of
    from leanfair.models.origin import with_origin as with_origin
    from leanfair.models.pretrained import open_pretrained as open_pretrained
    from leanfair.models.pretrained import open_tokenizer as open_tokenizer
    from leanfair.models.resnet_cifar import CifarResNet as CifarResNet
    from leanfair.models.resnet_cifar import from_state_dict as from_state_dict

_HOMES = {
    "CifarResNet": "resnet_cifar",
    "Origin": "origin",
    "fingerprint": "origin",
    "from_state_dict": "resnet_cifar",
    "open_pretrained": "pretrained",
    "open_tokenizer": "pretrained",
    "title_of": "origin",
    "with_origin": "origin",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)
