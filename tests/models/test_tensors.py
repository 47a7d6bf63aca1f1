"""The tensors of a network, those of quantised layers among them."""

from __future__ import annotations

import copy

import pytest
import torch

from leanfair.models.origin import fingerprint
from leanfair.models.tensors import packed_count, tensors_of
from tests.support.nets import tiny
from tests.support.quantised import quantised


@pytest.fixture(autouse=True)
def _can_quantise() -> None:
    if not [each for each in torch.backends.quantized.supported_engines if each != "none"]:
        pytest.skip("this build of torch quantises nothing")


def test_of_a_plain_network_they_are_its_state() -> None:
    model = tiny()
    found = dict(tensors_of(model))
    assert found.keys() == model.state_dict().keys()
    assert packed_count(model) == 0


def test_what_quantised_layers_keep_is_counted_and_told_apart() -> None:
    one = quantised()
    assert packed_count(one) == 64 * 16 + 16 + 16 * 4 + 4
    assert fingerprint(one) == fingerprint(copy.deepcopy(one))
    assert fingerprint(one) != fingerprint(quantised(seed=1))
