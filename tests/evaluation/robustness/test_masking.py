"""Gradients that point nowhere are found out, and honest ones are not suspected."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from leanfair.evaluation.robustness.adversarial import Attacks, all_attacked
from leanfair.evaluation.robustness.masking import checks
from leanfair.evaluation.robustness.pictures import Network
from tests.support.pictures import trained

ATTACKS = Attacks(radii=(0.02, 0.06), steps=5, samples=60)


class Saturated(nn.Module):
    """The same answers, so far apart that the loss of a right one has no gradient in float32."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = 1e4 * self.inner(x)
        return answer


def test_honest_networks_pass_every_check() -> None:
    parent, child, drawn = trained()
    right = all_attacked([parent, child], drawn, ATTACKS)
    for number in (0, 1):
        found = checks(number, [parent, child], drawn, right, ATTACKS)
        assert len(found) == 6
        assert [check.words for check in found if not check.holds] == []


def test_a_network_that_hides_its_gradient_is_found_out() -> None:
    parent, child, drawn = trained()
    hidden = Network("hidden", Saturated(child.model), child.mean, child.std, child.problem)
    right = all_attacked([parent, hidden], drawn, ATTACKS)
    found = checks(1, [parent, hidden], drawn, right, ATTACKS)
    failed = {check.name for check in found if not check.holds}
    assert "a large radius breaks everything" in failed
    assert "samples made against parent are weaker" in failed
    assert torch.equal(  # the same decisions, all the same
        hidden.right(drawn.pixels, drawn.labels), child.right(drawn.pixels, drawn.labels)
    )
