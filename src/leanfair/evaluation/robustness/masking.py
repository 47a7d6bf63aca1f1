"""Whether robust accuracies can be believed: what must hold where gradients point the right way.

A network may defend itself from an attack by a gradient that says nothing, and still be weak
(Athalye, Carlini and Wagner 2018, arXiv 1802.00420, section 3.1; Carlini et al. 2019, arXiv
1902.06705, section 5). A check fails only where chance does not explain it: the exact one-sided
McNemar test at 5 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import binomtest
from torch import Tensor

from leanfair.evaluation.robustness.adversarial import Attack, Attacks, Right, Unit, level
from leanfair.evaluation.robustness.gradients import pgd
from leanfair.evaluation.robustness.pictures import Network, Pictures

ALPHA = 0.05
CHECKED = 64
"""Images of the checks that attack anew."""
WIDE = 0.5
"""A radius at which every image can be made plain grey, so that none can tell its class."""
WIDE_STEPS, WIDE_RESTARTS = 20, 2
MORE = 4
"""How many times the steps the check of more steps takes."""

Name = str


@dataclass(frozen=True)
class Check:
    """One check of one network: whether it `holds`, and what was seen, in a sentence."""

    name: Name
    network: str
    holds: bool
    words: str


def checks(
    number: int,
    networks: Sequence[Network],
    pictures: Pictures,
    right: Right,
    attacks: Attacks,
    *,
    seed: int = 0,
) -> list[Check]:
    """The checks of the network `number` of `networks`, of which `right` is what `all_attacked`
    found on `pictures`."""
    network, few = networks[number], pictures.first(CHECKED)
    return [
        _wide(network, few, seed),
        _more_steps(number, network, few, right, attacks, seed),
        _random(number, network, right, attacks),
        _single_step(number, network, right, attacks),
        _larger(number, network, right, attacks),
        *_transferred(number, networks, right, attacks),
    ]


def _wide(network: Network, few: Pictures, seed: int) -> Check:
    changed = pgd(
        network, few.pixels, few.labels, WIDE,
        steps=WIDE_STEPS, restarts=WIDE_RESTARTS, seed=seed, rows=few.rows,
    )  # fmt: skip
    left = int(network.right(changed, few.labels).sum())
    words = f"PGD within {WIDE:g} of the range of pixels leaves {left} of {len(few)} images right"
    return Check("a large radius breaks everything", network.name, left == 0, words)


def _more_steps(
    number: int, network: Network, few: Pictures, right: Right, attacks: Attacks, seed: int
) -> Check:
    """More steps at the radius that breaks about half."""
    shares = {r: right[Unit("pgd", r, number)][number].float().mean() for r in attacks.radii}
    radius = min(shares, key=lambda r: abs(float(shares[r]) - 0.5))
    before = right[Unit("pgd", radius, number)][number][: len(few)]
    steps = MORE * attacks.steps
    changed = pgd(
        network, few.pixels, few.labels, radius,
        steps=steps, restarts=attacks.restarts, seed=seed, rows=few.rows,
    )  # fmt: skip
    after = network.right(changed, few.labels)
    words = (
        f"at {level(radius)} {attacks.steps} steps leave {int(before.sum())} of {len(few)} right, "
        f"{steps} steps {int(after.sum())}"
    )
    holds = not _clearly_more(after, before)
    return Check("more steps never help the defender", network.name, holds, words)


def _random(number: int, network: Network, right: Right, attacks: Attacks) -> Check:
    pairs = _pairs(number, right, attacks, ("fgsm", number), ("noise", None))
    return _ordered(
        "random noise is weaker than FGSM", network, pairs, "FGSM leaves {} right, noise {}"
    )


def _single_step(number: int, network: Network, right: Right, attacks: Attacks) -> Check:
    pairs = _pairs(number, right, attacks, ("pgd", number), ("fgsm", number))
    return _ordered(
        "one step is weaker than several", network, pairs, "PGD leaves {} right, FGSM {}"
    )


def _larger(number: int, network: Network, right: Right, attacks: Attacks) -> Check:
    found = [right[Unit("pgd", r, number)][number] for r in attacks.radii]
    pairs = [(wide, found[place + 1], found[place]) for place, wide in enumerate(attacks.radii[1:])]
    return _ordered(
        "a larger radius never helps the defender",
        network,
        pairs,
        "PGD leaves {} right, and {} at the radius before",
    )


def _transferred(
    number: int, networks: Sequence[Network], right: Right, attacks: Attacks
) -> list[Check]:
    return [
        _ordered(
            f"samples made against {other.name} are weaker",
            networks[number],
            _pairs(number, right, attacks, ("pgd", number), ("pgd", place)),
            "its own leave {} right, the other's {}",
        )
        for place, other in enumerate(networks)
        if place != number
    ]


def _pairs(
    number: int,
    right: Right,
    attacks: Attacks,
    strong: tuple[Attack, int | None],
    weak: tuple[Attack, int | None],
) -> list[tuple[float, Tensor, Tensor]]:
    """What a network gets right at each radius under two attacks, each an attack and against whom
    it was made."""
    return [
        (r, right[Unit(strong[0], r, strong[1])][number], right[Unit(weak[0], r, weak[1])][number])
        for r in attacks.radii
    ]


def _ordered(
    name: str, network: Network, pairs: Sequence[tuple[float, Tensor, Tensor]], words: str
) -> Check:
    """Of each pair (radius, under the stronger attack, under the weaker) the former may not be
    clearly more; told is the worst."""
    if not pairs:
        return Check(name, network.name, True, "a single radius was asked")
    worst = max(pairs, key=lambda pair: int(pair[1].sum()) - int(pair[2].sum()))
    radius, strong, weak = worst
    holds = not any(_clearly_more(one, other) for _, one, other in pairs)
    told = words.format(int(strong.sum()), int(weak.sum()))
    return Check(name, network.name, holds, f"at {level(radius)} {told}, of {len(strong)} images")


def _clearly_more(first: Tensor, second: Tensor) -> bool:
    """Whether `first` [n] holds more often than `second`, beyond what chance explains."""
    alone, other = int((first & ~second).sum()), int((second & ~first).sum())
    if alone <= other:
        return False
    return bool(binomtest(alone, alone + other, alternative="greater").pvalue < ALPHA)
