"""What two networks get right under attack: each on samples made against itself, and on those made
against the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from leanfair.errors import InputError
from leanfair.evaluation.robustness.gradients import fgsm, noise, pgd
from leanfair.evaluation.robustness.pictures import Network, Pictures

Attack = Literal["noise", "fgsm", "pgd"]
ATTACKS: tuple[Attack, ...] = get_args(Attack)


@dataclass(frozen=True)
class Attacks:
    """How networks are attacked: within which `radii` (shares of the range of pixels: 8/255 is 8 of
    255 levels), with how many `steps` and `restarts` of PGD, on how many images (`samples`)."""

    radii: tuple[float, ...] = (1 / 255, 2 / 255, 4 / 255, 8 / 255)
    steps: int = 10
    restarts: int = 1
    samples: int = 256

    def __post_init__(self) -> None:
        radii = self.radii
        if not radii or len(set(radii)) < len(radii) or not all(0 < r <= 1 for r in radii):
            raise InputError(
                f"The radii of attacks are different shares of the range of pixels, above 0 and up "
                f"to 1, such as 8/255 = {8 / 255:.4f}; they are {', '.join(map(str, radii))}."
            )
        for name, value in (("steps", self.steps), ("restarts", self.restarts)):
            if value < 1:
                raise InputError(f"PGD takes 1 of its {name} or more, not {value}.")
        if self.samples < 2:
            raise InputError(f"Attack 2 samples or more, not {self.samples}.")
        object.__setattr__(self, "radii", tuple(sorted(radii)))


@dataclass(frozen=True)
class Unit:
    """One attack: of what kind, within which radius, against which network (its number, None for
    noise, which is against none)."""

    attack: Attack
    radius: float
    against: int | None

    @property
    def key(self) -> str:
        """A name for a store, such as pgd-8/255-0."""
        return f"{self.attack}-{level(self.radius)}-{self.against}"


Right: TypeAlias = "Mapping[Unit, Tensor]"
"""What each network gets right under each attack, bool [networks, n]."""


def units(attacks: Attacks, networks: int) -> Iterator[Unit]:
    """Every attack of `attacks`, on so many networks."""
    for radius, attack in product(attacks.radii, ATTACKS):
        for against in (None,) if attack == "noise" else range(networks):
            yield Unit(attack, radius, against)


def passes(attacks: Attacks, networks: int, samples: int) -> int:
    """Forward and backward passes of single images that `all_attacked` takes, each kind counted as
    one; the checks of `leanfair.evaluation.robustness.masking` not counted."""
    by_kind = {"noise": 0, "fgsm": 2, "pgd": attacks.restarts * (2 * attacks.steps + 1) + 1}
    return samples * sum(by_kind[unit.attack] + networks for unit in units(attacks, networks))


def made_by(
    unit: Unit,
    networks: Sequence[Network],
    pictures: Pictures,
    attacks: Attacks,
    *,
    seed: int = 0,
    batch_size: int = 128,
) -> Tensor:
    """The pixels of `pictures` as the attack `unit` changes them, against its one of `networks`."""
    made = []
    for start in range(0, len(pictures), batch_size):
        here = slice(start, start + batch_size)
        pixels, labels, rows = pictures.pixels[here], pictures.labels[here], pictures.rows[here]
        if unit.against is None:
            made.append(noise(pixels, unit.radius, seed=seed, rows=rows))
        elif unit.attack == "fgsm":
            made.append(fgsm(networks[unit.against], pixels, labels, unit.radius))
        else:
            changed = pgd(
                networks[unit.against], pixels, labels, unit.radius,
                steps=attacks.steps, restarts=attacks.restarts, seed=seed, rows=rows,
            )  # fmt: skip
            made.append(changed)
    return torch.cat(made)


def all_attacked(
    networks: Sequence[Network],
    pictures: Pictures,
    attacks: Attacks,
    *,
    seed: int = 0,
    batch_size: int = 128,
    on_unit: Callable[[float], None] | None = None,
) -> dict[Unit, Tensor]:
    """What each of `networks` gets right under every attack. `on_unit` is told the share done."""
    todo = list(units(attacks, len(networks)))
    found = {}
    for number, unit in enumerate(todo, start=1):
        made = made_by(unit, networks, pictures, attacks, seed=seed, batch_size=batch_size)
        found[unit] = torch.stack([net.right(made, pictures.labels) for net in networks])
        if on_unit is not None:
            on_unit(number / len(todo))
    return found


def level(radius: float) -> str:
    """A radius as people write it: 8/255 where it is a whole number of levels."""
    levels = 255 * radius
    if abs(levels - round(levels)) < 1e-6:
        return f"{round(levels)}/255"
    close = Fraction(radius).limit_denominator(100)
    return str(close) if abs(float(close) - radius) < 1e-9 else f"{radius:g}"
