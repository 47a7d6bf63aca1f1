"""All that a classifier answers, held in memory."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from leanfair.errors import InputError
from leanfair.evaluation.outputs.collected import outputs_of
from tests.support.nets import batches_of, samples, tiny


def test_what_is_held_is_what_the_network_answers() -> None:
    data, model = samples(20), tiny()
    found = outputs_of(model, data, batch_size=7)
    with torch.no_grad():
        wanted = torch.cat([model(part) for part in data.tensors[0].split(7)])
    torch.testing.assert_close(found.logits, wanted)
    assert found.labels is not None
    assert torch.equal(found.labels, data.tensors[1])


def test_without_labels_there_are_none() -> None:
    assert outputs_of(tiny(), [samples(4).tensors[0]]).labels is None


def test_labels_with_some_batches_alone_are_refused() -> None:
    first, second = batches_of(samples(8), 4)
    with pytest.raises(InputError, match="Batch 2 of the test data has no labels"):
        outputs_of(tiny(), [first, second[0]])


def test_nan_is_told_with_its_batch() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    with torch.no_grad():
        model[1].bias.fill_(torch.nan)  # type: ignore[union-attr, operator]
    with pytest.raises(InputError, match="NaN in batch 1"):
        outputs_of(model, samples(4))
