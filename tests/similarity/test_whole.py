"""CKA of rows in memory is the same through the Gram and through the feature matrices."""

from __future__ import annotations

import pytest
import torch

from leanfair.similarity.whole import aligned, ratio
from tests.support.oracles import alignment


@pytest.mark.parametrize("debiased", [False, True])
@pytest.mark.parametrize(("n", "p", "q"), [(6, 2, 3), (6, 20, 30), (6, 2, 30)])
def test_it_is_the_definition_whichever_matrices_are_smaller(n, p, q, debiased):
    draw = torch.Generator().manual_seed(n + p + q)
    x, y = (torch.randn(n, each, generator=draw, dtype=torch.float64) for each in (p, q))
    before = x.clone()
    found = aligned(x, y, debiased)
    assert found == pytest.approx(alignment.cka(x.numpy(), y.numpy(), debiased), abs=1e-9)
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    ("xy", "xx", "yy", "share"), [(2.0, 4.0, 1.0, 1.0), (3.0, 4.0, 1.0, 1.0), (1.0, 0.0, 1.0, 0.0)]
)
def test_a_share_is_at_most_1_and_that_of_nothing_is_0(xy, xx, yy, share):
    assert ratio(xy, xx, yy) == share
