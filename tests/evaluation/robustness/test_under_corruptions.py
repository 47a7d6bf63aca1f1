"""Networks under corruptions."""

from __future__ import annotations

import pytest
import torch

from leanfair.errors import InputError
from leanfair.evaluation.robustness.corruptions.catalogue import corrupted
from leanfair.evaluation.robustness.under_corruptions import Corruptions, all_under, under
from tests.support.pictures import trained


def test_every_network_answers_for_the_same_corrupted_images() -> None:
    parent, child, drawn = trained()
    asked = Corruptions(names=("contrast", "gaussian_noise"), severities=(1, 5), samples=60)
    told: list[float] = []
    found = all_under([parent, child], drawn, asked, seed=2, on_unit=told.append)
    assert found.shape == (2, 2, 2, 60)
    assert told == [0.25, 0.5, 0.75, 1.0]
    made = corrupted(drawn.pixels, "gaussian_noise", 5, rows=drawn.rows, seed=2)
    assert torch.equal(found[1, 1, 1], child.right(made, drawn.labels))
    assert torch.equal(found[0, 0], under("contrast", 1, [parent, child], drawn, seed=2))


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(InputError, match="gaussian_noise, shot_noise"):
        Corruptions(names=("rain",))
    with pytest.raises(InputError, match="from 1 to 5"):
        Corruptions(severities=(0,))
    with pytest.raises(InputError, match="2 samples"):
        Corruptions(samples=1)
    with pytest.raises(InputError, match="at least one"):
        Corruptions(names=())
