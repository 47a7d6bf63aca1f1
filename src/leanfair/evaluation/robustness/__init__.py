"""How well a classifier of images answers when the images are changed: on purpose, by attacks that
know it (FGSM, PGD), and by chance, by fifteen common corruptions.

Everything is told in pixels from 0 to 1; each network's own normalisation is redone behind that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.evaluation.robustness.adversarial import Attacks as Attacks
    from leanfair.evaluation.robustness.corrupted import Corruptions as Corruptions
    from leanfair.evaluation.robustness.corruptions.catalogue import CORRUPTIONS as CORRUPTIONS
    from leanfair.evaluation.robustness.corruptions.catalogue import corrupted as corrupted
    from leanfair.evaluation.robustness.gradients import fgsm as fgsm
    from leanfair.evaluation.robustness.gradients import pgd as pgd

_HOMES = {
    "Attacks": "adversarial",
    "Corruptions": "corrupted",
    "CORRUPTIONS": "corruptions.catalogue",
    "corrupted": "corruptions.catalogue",
    "fgsm": "gradients",
    "pgd": "gradients",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)
