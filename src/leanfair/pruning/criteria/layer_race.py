"""The criterion `kl` of layers where it decides: they are tried out on ever more samples, as long
as they are close to those that would go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf, sqrt
from typing import TypeAlias

import torch
from torch import Tensor

from leanfair.pruning.criteria.trials import Trials
from leanfair.pruning.types import Cut, Layer, Scores

Goes: TypeAlias = Callable[[Scores], Sequence[Cut]]
"""What would be removed by some scores."""

FIRST, FIRST_TEXTS = 16, 4
"""Samples on which every layer is tried; of those with an output for each token fewer do."""
FIRST_OF_MANY = 2
"""As many texts where layers are many."""
SURE = 3.0
"""Standard errors between the mean divergences of two layers, from which on their order is
clear."""
MANY = 8
"""Layers that are many: by how much they differ between samples is found on all of them."""


def layers_raced(
    trials: Trials,
    neurons: dict[str, Tensor],
    goes: Goes,
    seed: int,
    progress: Callable[[float], None],
) -> dict[str, float]:
    """The mean divergence without each layer: over all samples for those that would go and those
    close to them; where the difference to them is clear before, from the samples until then.

    Samples come in random order, and are paired: a layer stays out of the race once its mean lies
    above that of each layer that would go by `SURE` standard errors of the difference, with the
    correction for samples from few. Of texts two are looked at before four: a layer of many is then
    out of the race where the ratio of its divergence to theirs is beyond what their ratios differ
    by between texts. `neurons` are scores to go with them for `goes`.
    """
    total = len(trials.rows)
    order = torch.randperm(total, generator=torch.Generator().manual_seed(seed))
    heats = _Heats(trials.rows)
    left: tuple[Layer, ...] = trials.anatomy.layers
    first = FIRST
    if bool((trials.rows > 1).any()):
        first = FIRST_OF_MANY if len(left) >= MANY else FIRST_TEXTS
    while left and heats.seen < total:
        more = order[heats.seen : min(total, max(first, 2 * heats.seen))]
        for trial in trials.each(dict.fromkeys(left, (0,)), more):
            heats.put(trial.structure.name, trial.samples, trial.divergence)
        heats.seen += len(more)
        progress(heats.seen / total)
        chosen = _chosen(trials, heats, neurons, goes, order[: heats.seen])
        heats.drop(set(heats.found) - set(heats.out), chosen)
        left = tuple(layer for layer in trials.anatomy.layers if layer.name not in heats.out)
        if {layer.name for layer in left} <= set(chosen):
            break
    return heats.means()


def _chosen(
    trials: Trials, heats: _Heats, neurons: dict[str, Tensor], goes: Goes, seen: Tensor
) -> list[str]:
    """The layers that would go by what is known. Where others would have gone before, those that
    left the race come back into it that would go now, or are not clearly above those that would,
    and are tried on what they have missed of the samples `seen`."""
    found = {name: tuple(each.tolist()) for name, each in neurons.items()}
    layers = {layer.name: layer for layer in trials.anatomy.layers}
    while True:
        cuts = goes(Scores("kl", heats.means(), found))
        chosen = [layer.name for cut in cuts for layer in cut.layers]
        back = [name for name in chosen if name in heats.out] or heats.doubted(chosen)
        if not back:
            return chosen
        for name in back:
            del heats.out[name]
            missed = seen[heats.found[name][seen].isnan()]
            for trial in trials.each({layers[name]: (0,)}, missed) if len(missed) else ():
                heats.put(name, trial.samples, trial.divergence)


@dataclass
class _Heats:
    """The divergences `found` of each layer, [samples], on the first `seen` samples of a random
    order, NaN where it was not tried. `out`: of each layer that is out of the race, in the order in
    which they left, the layer that put it out, and how far below it that one's mean was."""

    rows: Tensor
    found: dict[str, Tensor] = field(default_factory=dict)
    seen: int = 0
    out: dict[str, tuple[str, float]] = field(default_factory=dict)

    def put(self, name: str, samples: Tensor, divergence: Tensor) -> None:
        """Note what a trial found."""
        if name not in self.found:
            empty = torch.full((len(self.rows),), torch.nan, dtype=torch.float64)
            self.found[name] = empty
        self.found[name][samples] = divergence

    def means(self) -> dict[str, float]:
        """The mean of each layer over the rows of all samples seen; of one that is out of the race
        that of the layer that put it out, and the difference."""
        means = {}
        for name, each in self.found.items():
            if name not in self.out:
                known = ~each.isnan()
                means[name] = float(each[known].sum()) / int(self.rows[known].sum())
        for name, (other, apart) in reversed(self.out.items()):
            means[name] = means[other] + apart
        return {name: means[name] for name in self.found}

    def drop(self, left: set[str], chosen: Sequence[str]) -> None:
        """Take those of `left` out of the race that clearly stay, beside all of `chosen`. Where
        nothing is chosen, no layer can go: one score is as good as another."""
        last = chosen[-1] if chosen else None
        for name in sorted(left - set(chosen)):
            if self._stays(name, chosen):  # as all do where nothing is chosen
                other = last or min(left)
                if name != other:
                    self.out[name] = other, self._apart(name, other)

    def doubted(self, chosen: Sequence[str]) -> list[str]:
        """Those out of the race that are not clearly above all of `chosen`, which are in it."""
        return [name for name in self.out if not self._stays(name, chosen)]

    def _stays(self, name: str, chosen: Sequence[str]) -> bool:
        return all(self._clear(name, other, len(self.rows)) for other in chosen)

    def _apart(self, name: str, other: str) -> float:
        known = ~self.found[name].isnan()
        apart = float((self.found[name] - self.found[other])[known].sum())
        return apart / int(self.rows[known].sum())

    def _clear(self, name: str, other: str, total: int) -> bool:
        """Whether the mean of `name` is above that of `other` by more than chance."""
        known = ~self.found[name].isnan()
        count = int(known.sum())
        if count in (1, total):
            return count == total
        if count < FIRST_TEXTS:  # too few to tell on two layers alone
            ratio = (self.found[name] / self.found[other])[known].log()
            error = self._deviation(known) * sqrt(2.0 / count) * sqrt(1.0 - count / total)
            return float(ratio.mean()) > SURE * error
        apart = (self.found[name] - self.found[other])[known]
        error = float(apart.std()) / sqrt(count) * sqrt(1.0 - count / total)
        return float(apart.mean()) > SURE * error

    def _deviation(self, known: Tensor) -> float:
        """By how much the logarithm of a layer's divergence differs between the samples `known`,
        beside what sets the layer and the sample apart: the standard deviation over all layers,
        which is reliable on few samples where layers are many. Infinite where they are few."""
        tried = [each[known] for each in self.found.values()]
        logs = torch.stack([each for each in tried if not bool(each.isnan().any())]).log()
        if len(logs) < MANY:
            return inf
        rest = logs - logs.mean(dim=1, keepdim=True) - logs.mean(dim=0) + logs.mean()
        return sqrt(float(rest.square().sum()) / ((len(logs) - 1) * (logs.shape[1] - 1)))
