"""Why a network cannot be attacked by its gradients, in a sentence."""

from __future__ import annotations

import torch

from leanfair.evaluation.mode import device_of, evaluating
from leanfair.evaluation.robustness.gradients import gradient
from leanfair.evaluation.robustness.pictures import Network, Pictures

PROBED = 16
"""Images that a gradient is asked of before the attacks begin."""


def why_not_attacked(network: Network, pictures: Pictures) -> str | None:
    """What stands against attacking `network` on `pictures`; None where nothing does."""
    problem, name = network.problem, network.name
    if not problem.classifies:
        return f"{name} answers with numbers (a {problem.type}), which are not right or wrong"
    device = device_of(network.model)
    if device is not None and device.type == "meta":
        return f"{name} has no weights"
    few = pictures.first(PROBED)
    with evaluating(network.model):
        with torch.no_grad():
            outputs = network.outputs(few.pixels)
        if outputs.ndim > 2:
            return f"{name} gives an answer for each token or pixel, not one for each image"
        if not outputs.is_floating_point():
            return f"{name} answers with {outputs.dtype}, which has no gradient"
        try:
            _, slope = gradient(network, few.pixels, few.labels)
        except RuntimeError as error:  # torch has no narrower one for what has no gradient
            line = (str(error).strip() or type(error).__name__).splitlines()[0]
            return f"{name} does not differentiate, as quantised models do not ({line[:160]})"
    if bool(slope.isnan().any()):
        return f"the gradient of {name} is NaN"
    if not bool(slope.any()):
        return (
            f"the gradient of {name} is 0 at every pixel of {len(few)} images, as where its inputs "
            f"or weights are rounded"
        )
    return None
