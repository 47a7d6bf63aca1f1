"""Two networks under attack, each against itself and against the other."""

from __future__ import annotations

import pytest
import torch

from leanfair.errors import InputError
from leanfair.evaluation.robustness.adversarial import (
    Attacks,
    Unit,
    all_attacked,
    level,
    made_by,
    passes,
    units,
)
from leanfair.evaluation.robustness.gradients import fgsm
from tests.support.pictures import trained

ATTACKS = Attacks(radii=(0.1, 0.02), steps=3, samples=60)


def test_each_network_is_attacked_by_itself_and_by_samples_of_the_other() -> None:
    parent, child, drawn = trained()
    told: list[float] = []
    found = all_attacked([parent, child], drawn, ATTACKS, on_unit=told.append)
    assert set(found) == set(units(ATTACKS, 2))
    assert len(found) == 2 * 5
    assert told[-1] == 1.0
    assert sorted(told) == told
    for place, net in enumerate((parent, child)):
        changed = fgsm(net, drawn.pixels, drawn.labels, 0.1)
        rows = found[Unit("fgsm", 0.1, place)]
        assert torch.equal(rows[0], parent.right(changed, drawn.labels))
        assert torch.equal(rows[1], child.right(changed, drawn.labels))


def test_batches_do_not_change_what_is_made() -> None:
    parent, child, drawn = trained()
    unit = Unit("pgd", 0.05, 1)
    made = [made_by(unit, [parent, child], drawn, ATTACKS, batch_size=size) for size in (7, 60)]
    assert torch.allclose(made[0], made[1], atol=1e-4)


def test_the_cost_is_what_the_networks_are_really_asked() -> None:
    parent, child, drawn = trained()
    asked = {"forward": 0, "backward": 0}

    def before(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        asked["forward"] += len(inputs[0])
        if inputs[0].requires_grad:
            asked["backward"] += len(inputs[0])

    held = [net.model.register_forward_pre_hook(before) for net in (parent, child)]
    all_attacked([parent, child], drawn, ATTACKS)
    for hook in held:
        hook.remove()
    assert passes(ATTACKS, 2, len(drawn)) == asked["forward"] + asked["backward"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"radii": ()}, "radii"),
        ({"radii": (0.1, 0.1)}, "radii"),
        ({"radii": (8.0,)}, "8/255"),
        ({"radii": (-0.1,)}, "radii"),
        ({"steps": 0}, "steps"),
        ({"restarts": 0}, "restarts"),
        ({"samples": 1}, "samples"),
    ],
)
def test_attacks_that_cannot_be_are_refused(given: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        Attacks(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("radius", "words"),
    [(8 / 255, "8/255"), (0.5, "1/2"), (0.5 / 255, "0.00196078"), (1, "255/255")],
)
def test_radii_are_written_as_people_do(radius: float, words: str) -> None:
    assert level(radius) == words
