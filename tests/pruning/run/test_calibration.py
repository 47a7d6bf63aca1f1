"""Calibration data in batches whose logits fit memory, and features that are found once."""

from __future__ import annotations

import pytest
import torch

from leanfair.data.batches import Batch
from leanfair.pruning.run import calibration
from leanfair.pruning.run.calibration import Calibration, Features, calibration_for
from leanfair.pruning.surgery.activations import outputs
from tests.support.nets import batches_of, samples, tiny

HELD = [Batch(*batch) for batch in batches_of(samples(50, seed=1), 20)]


@pytest.mark.parametrize("samples_asked", [1, 7, 20, 33, 50, 80])
def test_the_first_samples_come_in_order_in_batches_that_fit(samples_asked: int) -> None:
    found = Calibration(HELD, rows=8).first(samples_asked)
    together = torch.cat([batch.inputs for batch in found])
    whole = torch.cat([batch.inputs for batch in HELD])
    assert torch.equal(together, whole[:samples_asked])
    assert all(len(batch) <= 8 for batch in found)


def test_rows_are_as_many_as_their_logits_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    assert calibration_for(tiny(), HELD).rows == calibration.SCORE_BATCH
    monkeypatch.setattr(calibration, "MOST_LOGITS", 5 * 4 + 1)  # a sample has four
    few = calibration_for(tiny(), HELD)
    assert few.rows == 5
    assert len(few.proof) == 5
    assert len(few) == 50
    assert few.tokens is None


def test_features_are_found_once_until_the_network_is_trained() -> None:
    model, held = tiny(), Calibration(HELD, rows=8)
    features = Features(held)
    first = list(features.of(model, None))
    assert torch.equal(torch.cat(first), outputs(model, HELD).features)
    assert all(one is two for one, two in zip(features.of(model, None), first, strict=True))
    features.forget(model)
    again = list(features.of(model, None))
    assert all(one is not two for one, two in zip(again, first, strict=True))
    assert torch.equal(torch.cat(again), torch.cat(first))


def test_features_that_take_too_much_room_are_found_each_time_and_never_kept() -> None:
    model, held = tiny(), Calibration(HELD, rows=8)
    whole = outputs(model, HELD).features
    kept, unkept = (Features(held, most=most) for most in (whole.numel(), whole.numel() - 1))
    for features in (kept, unkept):
        for _ in range(2):
            assert torch.equal(torch.cat(list(features.of(model, None))), whole)
    assert model in kept.known
    assert model not in unkept.known
