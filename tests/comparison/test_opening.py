"""Two models are opened from whatever names them, and refused where they do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from leanfair.comparison.opening import open_pair
from leanfair.errors import InputError
from leanfair.files import write_tensors
from leanfair.models.resnet_cifar import CifarResNet
from tests.support.nets import same, samples, tiny


def test_a_file_and_a_module_are_a_pair(tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    write_tensors(file, tiny().state_dict())
    pair = open_pair(file, tiny(seed=1), test=samples(8))
    assert same(pair.parent.model, tiny())
    assert (pair.parent.path, pair.child.path) == (file, None)
    assert len(pair.classes) == 4


def test_other_numbers_of_classes_are_refused() -> None:
    other = CifarResNet(14, classes=5, channels=1).eval()
    with pytest.raises(InputError, match=r"4 classes apart, but .* 5: compare two models of the"):
        open_pair(tiny(), other, test=samples(8))


def test_one_model_alone_is_refused() -> None:
    with pytest.raises(InputError, match="name a second one"):
        open_pair(tiny())
