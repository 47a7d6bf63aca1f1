"""How well a classifier answers when its images are changed: on purpose, and by chance.

By attacks that know it (FGSM, PGD), and by fifteen common corruptions.

Everything is told in pixels from 0 to 1; each network's own normalisation is redone behind that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.evaluation.robustness.adversarial import Attacks as Attacks
    from leanfair.evaluation.robustness.corruptions.catalogue import CORRUPTIONS as CORRUPTIONS
    from leanfair.evaluation.robustness.corruptions.catalogue import corrupted as corrupted
    from leanfair.evaluation.robustness.gradients import fgsm as fgsm
    from leanfair.evaluation.robustness.gradients import pgd as pgd
    from leanfair.evaluation.robustness.under_corruptions import Corruptions as Corruptions

_HOMES = {
    "Attacks": "adversarial",
    "Corruptions": "under_corruptions",
    "CORRUPTIONS": "corruptions.catalogue",
    "corrupted": "corruptions.catalogue",
    "fgsm": "gradients",
    "pgd": "gradients",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)
