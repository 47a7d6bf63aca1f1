"""Each kind of module has the role that its weights give it."""

from __future__ import annotations

import pytest
from torch import nn
from torch.nn.utils import parametrizations, weight_norm

from leanfair.pruning.structures.tracing.roles import roles


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        (nn.Linear(4, 4), "dense"),
        (nn.Conv2d(4, 4, 3), "dense"),
        (nn.Conv1d(4, 4, 3, groups=2), "grouped"),
        (nn.BatchNorm2d(4), "channelwise"),
        (nn.InstanceNorm1d(4, affine=True), "channelwise"),
        (nn.PReLU(4), "channelwise"),
        (nn.PReLU(), "single"),
        (nn.ConvTranspose2d(4, 4, 3), "closed"),
        (nn.LayerNorm(4), "closed"),
        (nn.GroupNorm(2, 4), "closed"),
        (nn.LSTM(4, 4), "closed"),
        (nn.ReLU(), "clear"),
        (nn.Sequential(nn.Linear(4, 4)), "clear"),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, nn.Module) else given,
)
def test_a_module_has_the_role_of_its_weights(module: nn.Module, kind: str) -> None:
    found = roles(module, {""})[""]
    assert found.kind == kind
    assert bool(found.why) == (kind == "closed")


@pytest.mark.filterwarnings("ignore:.*weight_norm.*")
@pytest.mark.parametrize(
    ("norm", "said"), [(parametrizations.weight_norm, "parametrization"), (weight_norm, "hook")]
)
def test_weights_that_are_computed_are_closed_with_the_remedy(norm, said: str) -> None:
    found = roles(norm(nn.Linear(4, 4)), {""})[""]
    assert found.kind == "closed"
    assert said in found.why
