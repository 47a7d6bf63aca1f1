"""Dissecting leaves the network, and everything around it, as it was."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.pruning.structures.dissect import dissect
from tests.support import parts as p
from tests.support.zoo import CASES, PROOF, Net, images, randomised, repeated

NAMES = ["inverted, gated", "attention", "dense", "auxiliary head in training"]


def state(model: nn.Module) -> dict[str, Any]:
    """Everything about a network that somebody could have changed."""
    return {
        "flags": [module.training for module in model.modules()],
        "gradients": [(p.requires_grad, p.grad is None) for p in model.parameters()],
        "hooks": [
            (len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks))
            for m in model.modules()
        ],
        "attributes": [sorted(vars(module)) for module in model.modules()],
        "identities": [id(tensor) for tensor in model.state_dict(keep_vars=True).values()],
    }


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_changed(name: str) -> None:
    model = randomised(CASES[name].make()).train()
    for i, (module, parameter) in enumerate(zip(model.modules(), model.parameters(), strict=False)):
        module.training = i % 3 > 0
        parameter.requires_grad_(i % 2 > 0)
    before, weights = state(model), {k: v.clone() for k, v in model.state_dict().items()}
    random = torch.get_rng_state()
    dissect(model, PROOF)
    assert state(model) == before
    assert all(torch.equal(weights[key], value) for key, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.equal(PROOF.inputs, images())  # type: ignore[arg-type]


def test_what_a_network_keeps_of_its_last_input_is_not_ours() -> None:
    class Keeping(Net):
        def forward(self, x: Tensor) -> Any:
            self.kept = self.features(x)
            return self.head(self.kept)

    model = randomised(Keeping(*repeated(p.Basic)))
    with torch.no_grad():
        model(images(2))
    kept = model.kept
    dissect(model, PROOF)
    assert model.kept is kept


def test_it_gives_the_same_each_time() -> None:
    model = randomised(CASES["inverted, gated"].make())
    assert dissect(model, PROOF) == dissect(model, PROOF)


def test_it_works_in_inference_mode_and_without_gradients() -> None:
    model = randomised(CASES["basic"].make())
    expected = dissect(model, PROOF)
    with torch.inference_mode():
        assert dissect(model, Batch(images())) == expected
    with torch.no_grad():
        assert dissect(model, PROOF) == expected
