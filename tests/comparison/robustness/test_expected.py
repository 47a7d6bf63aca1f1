"""The cost that is told beforehand is counted, not guessed."""

from __future__ import annotations

import pytest
import torch

from leanfair.comparison.robustness.expected import expected, gradient_passes
from leanfair.evaluation.robustness.adversarial import all_attacked
from leanfair.evaluation.robustness.masking import checks
from tests.support.pictures import trained
from tests.support.robust import ATTACKS, CORRUPTIONS


def test_gradients_are_as_many_as_a_run_takes() -> None:
    parent, child, drawn = trained()
    asked = 0

    def count(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        nonlocal asked
        asked += len(inputs[0]) if inputs[0].requires_grad else 0

    held = child.model.register_forward_pre_hook(count)
    right = all_attacked([parent, child], drawn, ATTACKS)
    checks(1, [parent, child], drawn, right, ATTACKS)
    held.remove()
    assert gradient_passes(ATTACKS, len(drawn)) == asked


@pytest.mark.parametrize("attacked", [True, False])
def test_a_sentence_tells_passes_and_time(attacked: bool) -> None:
    parent, child, drawn = trained()
    words = expected([parent, child], drawn, ATTACKS if attacked else None, CORRUPTIONS)
    assert (", 0 of them with a gradient" in words) is not attacked
    assert "about" in words
