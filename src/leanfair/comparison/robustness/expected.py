"""How long robustness will take, told before it begins."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from leanfair.evaluation.mode import evaluating
from leanfair.evaluation.robustness.adversarial import Attacks, units
from leanfair.evaluation.robustness.corruptions.catalogue import corrupted
from leanfair.evaluation.robustness.gradients import gradient
from leanfair.evaluation.robustness.masking import CHECKED, MORE, WIDE_RESTARTS, WIDE_STEPS
from leanfair.evaluation.robustness.pictures import Network, Pictures
from leanfair.evaluation.robustness.under_corruptions import Corruptions
from leanfair.html.formats import duration

TRIED = 32
"""Images that the pace is measured on."""


def expected(
    networks: Sequence[Network],
    pictures: Pictures,
    attacks: Attacks | None,
    corruptions: Corruptions | None,
) -> str:
    """A sentence on how many passes there will be, and how long they take at the pace of a first
    batch."""
    few = pictures.first(TRIED)
    gradients = 0 if attacks is None else gradient_passes(attacks, len(pictures))
    forwards = 0 if attacks is None else len(pictures) * len(list(units(attacks, len(networks))))
    made = 0
    if corruptions is not None:
        images = min(corruptions.samples, len(pictures))
        made = images * len(corruptions.names) * len(corruptions.severities)
    forwards += made
    seconds = 0.0 if corruptions is None else made * _making(few)
    for network in networks:
        seconds += forwards * _pace(network, few, False)
        seconds += gradients * (_pace(network, few, True) if gradients else 0.0)
    return (
        f"{forwards + gradients:,} passes of an image for each network, {gradients:,} of them with "
        f"a gradient: about {duration(seconds)}"
    )


def gradient_passes(attacks: Attacks, samples: int) -> int:
    """Gradients of single images that are taken of each network, the checks included."""
    pgd = attacks.steps * attacks.restarts
    checked = min(CHECKED, samples)
    anew = checked * (WIDE_STEPS * WIDE_RESTARTS + MORE * pgd)
    return samples * len(attacks.radii) * (1 + pgd) + anew


def _making(few: Pictures) -> float:
    """Seconds that it takes to corrupt one image, in one of the slower ways."""
    started = time.perf_counter()
    corrupted(few.pixels, "glass_blur", 5, rows=few.rows)
    return (time.perf_counter() - started) / len(few)


def _pace(network: Network, few: Pictures, slope: bool) -> float:
    """Seconds that one image takes."""
    with evaluating(network.model), torch.no_grad():
        network.outputs(few.pixels[:1])
        started = time.perf_counter()
        if slope:
            gradient(network, few.pixels, few.labels)
        else:
            network.outputs(few.pixels)
        return (time.perf_counter() - started) / len(few)
