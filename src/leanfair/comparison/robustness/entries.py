"""What was measured under attacks and corruptions, as `summary.json` holds it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from leanfair.comparison.schema.quality import Difference
from leanfair.comparison.schema.robustness import AttackEntry, AttacksEntry, CorruptionsEntry
from leanfair.evaluation.robustness.adversarial import ATTACKS, Attacks, Right, Unit, level
from leanfair.evaluation.robustness.corruptions.catalogue import CORRUPTIONS
from leanfair.evaluation.robustness.intervals import Paired, difference, kept, relative_error
from leanfair.evaluation.robustness.masking import Check
from leanfair.evaluation.robustness.under_corruptions import Corruptions


def attacks_entry(
    clean: Tensor, right: Right, attacks: Attacks, tests: Sequence[Check]
) -> AttacksEntry:
    """What `all_attacked` found of two networks. `clean`: bool [2, n]."""
    rows: list[AttackEntry] = []
    for attack in (*ATTACKS, "transfer"):
        for radius in attacks.radii:
            both = both_under(right, attack, radius)
            stays = kept((clean[0], clean[1]), both)
            rows.append(
                {
                    "attack": attack,  # type: ignore[typeddict-item]
                    "radius": radius,
                    "level": level(radius),
                    "accuracy": _plain(difference(*both)),
                    "kept": None if stays is None else _plain(stays),
                }
            )
    return {
        "samples": clean.shape[1], "steps": attacks.steps, "restarts": attacks.restarts,
        "clean": _plain(difference(clean[0], clean[1])), "rows": rows,
        "checks": [
            {"name": t.name, "network": t.network, "holds": t.holds, "words": t.words}
            for t in tests
        ],
        "trusted": all(t.holds for t in tests),
    }  # fmt: skip


def both_under(right: Right, attack: str, radius: float) -> tuple[Tensor, Tensor]:
    """What the parent and the child get right: each under its own attack, or the other's."""
    if attack == "noise":
        both = right[Unit("noise", radius, None)]
        return both[0], both[1]
    if attack == "transfer":
        return right[Unit("pgd", radius, 1)][0], right[Unit("pgd", radius, 0)][1]
    kind = "fgsm" if attack == "fgsm" else "pgd"
    return right[Unit(kind, radius, 0)][0], right[Unit(kind, radius, 1)][1]  # type: ignore[arg-type]


def corruptions_entry(
    clean: Tensor, right: Tensor, corruptions: Corruptions, *, seed: int = 0
) -> CorruptionsEntry:
    """What `all_under` found of two networks. `clean`: bool [2, n]; `right`: bool [corruptions,
    severities, 2, n]."""
    relative = relative_error(right[:, :, 0], right[:, :, 1], seed=seed)
    means = right.double().mean(dim=(0, 1))
    wholes = clean.double()
    # A drop lies between -1 and 1; halved and shifted it is a share, as `difference` takes it.
    fall = difference(*((wholes - means + 1) / 2))
    return {
        "samples": clean.shape[1],
        "severities": list(corruptions.severities),
        "clean": _plain(difference(clean[0], clean[1])),
        "rows": [
            {
                "name": name,
                "kind": CORRUPTIONS[name].kind,
                "accuracy": [_plain(difference(both[0], both[1])) for both in right[place]],
                "relative": relative.each[place],
            }
            for place, name in enumerate(corruptions.names)
        ],
        "accuracy": _plain(difference(means[0], means[1])),
        "error": _plain(difference(1 - means[0], 1 - means[1])),
        "drop": {
            "parent": 2 * fall.before - 1, "child": 2 * fall.after - 1, "value": 2 * fall.value,
            "low": 2 * fall.low, "high": 2 * fall.high,
        },
        "relative": {"value": relative.value, "low": relative.low, "high": relative.high},
    }  # fmt: skip


def _plain(found: Paired) -> Difference:
    return {
        "parent": found.before, "child": found.after, "value": found.value,
        "low": found.low, "high": found.high,
    }  # fmt: skip
