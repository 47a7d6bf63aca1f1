"""How well two models answer when their images are changed: a part of a comparison's
`summary.json`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from leanfair.comparison.schema.quality import Difference


class AttackEntry(TypedDict):
    """Both networks under one attack within one radius."""

    attack: Literal["noise", "fgsm", "pgd", "transfer"]
    """random noise of that size, FGSM, PGD, or samples that PGD made against the other network."""
    radius: float
    """How far each pixel may be changed, as a share of its range."""
    level: str
    """The same as people write it, such as 8/255."""
    accuracy: Difference
    """The share of all images that is answered rightly under the attack."""
    kept: Difference | None
    """Of the images that a network gets right when nothing is done to them, the share that it still
    gets right; null where one gets none."""


class CheckEntry(TypedDict):
    """One check of whether gradients can be believed."""

    name: str
    """What must hold."""
    network: str
    """Of which network."""
    holds: bool
    """Whether it does, beyond what chance explains."""
    words: str
    """What was seen."""


class AttacksEntry(TypedDict):
    """Attacks by the gradient, on images in pixels from 0 to 1, in the maximum norm."""

    samples: int
    """Images that were attacked."""
    steps: int
    """Steps of PGD."""
    restarts: int
    """Random starts of PGD."""
    clean: Difference
    """The accuracy on the same images when nothing is done to them."""
    rows: list[AttackEntry]
    """Every attack within every radius."""
    checks: list[CheckEntry]
    """Whether gradients are masked."""
    trusted: bool
    """Whether all checks hold. If not, robustness cannot be read from these numbers."""


class CorruptionEntry(TypedDict):
    """Both networks under one corruption."""

    name: str
    """Its name, as in Hendrycks and Dietterich (2019)."""
    kind: str
    """noise, blur, weather or digital."""
    accuracy: list[Difference]
    """The share answered rightly, one for each severity."""
    relative: float | None
    """The child's errors over the parent's, severities together; null where the parent makes
    none."""


class RelativeEntry(TypedDict):
    """A quotient with its 95 % interval."""

    value: float | None
    """The child's over the parent's; null where the parent makes no error."""
    low: float | None
    """Where its interval begins; null where it has none."""
    high: float | None
    """Where it ends; null where it has none."""


class CorruptionsEntry(TypedDict):
    """Common corruptions, as drawn by leanfair."""

    samples: int
    """Images that were corrupted."""
    severities: list[int]
    """How strongly, from 1 to 5."""
    clean: Difference
    """The accuracy on the same images when nothing is done to them."""
    rows: list[CorruptionEntry]
    """Every corruption."""
    accuracy: Difference
    """The mean accuracy over corruptions and severities."""
    error: Difference
    """The mean corruption error of each network by itself: 1 less `accuracy`."""
    drop: Difference
    """How much of the accuracy the corruptions take: `clean` less `accuracy`."""
    relative: RelativeEntry
    """The mean corruption error relative to the parent: the mean over corruptions of `relative`.
    Below 1 the child makes fewer errors."""


class ExtraEntry(TypedDict):
    """Both networks on one more test set."""

    name: str
    """What it was called."""
    samples: int
    """How many samples it has."""
    accuracy: Difference
    """The share answered rightly."""


class ClaimEntry(TypedDict):
    """A claim about pruned networks, and what was found here."""

    claim: str
    """What is claimed."""
    verdict: Literal["holds", "does not hold", "cannot be said"]
    """What these figures bear."""
    words: str
    """Why, in a sentence."""
    value: float | None
    """The change of accuracy that decided; null where there is none."""
    low: float | None
    """Where its interval begins."""
    high: float | None
    """Where it ends."""


class Robustness(TypedDict):
    """How well each model answers when its images are changed, on purpose and by chance."""

    attacks: AttacksEntry | None
    """Attacks; null where there were none."""
    attacks_missing: str | None
    """Why there were none; null where there were."""
    corruptions: CorruptionsEntry | None
    """Corruptions; null where there were none."""
    corruptions_missing: str | None
    """Why there were none; null where there were."""
    extra: list[ExtraEntry]
    """Other test sets."""
    claims: list[ClaimEntry]
    """What the paper on pruning claims, held against these figures."""
