"""The criterion `kl` where it decides: which neurons go, rather than a score of every one.

Neurons are first estimated, all at once, and tried out where the estimate leaves open whether they
go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, exp

import torch
from torch import Tensor

from leanfair.pruning.criteria.layer_race import Goes
from leanfair.pruning.criteria.trials import Trials, Wanted
from leanfair.pruning.types import Neurons, Scores, Structure

WIDE = 3.0
"""Standard deviations of the error of estimated neurons, up to which one may go or stay."""
DOUBTED = 0.05
"""The share of what goes that may be open at the end, where trying it out would take long."""
UNKNOWN = 0.35
"""The standard deviation of the logarithm of value over estimate, before it is measured."""
LEAST = 0.1
"""The least standard deviation that is reckoned with, however well estimates fit."""
ENOUGH = 6
"""Neurons that have to be tried before the error of estimates is measured on them."""
NOTHING = 1e-12
"""A divergence of a sample, in nats, that is rounding."""


@dataclass
class Estimates:
    """What is known of the neurons of each group: `guessed`, the estimated divergence of every
    sample, float32 [samples, count], and `tried`, the true one, float64, NaN where it was not
    tried."""

    groups: dict[str, Neurons]
    guessed: dict[str, Tensor]
    rows: int
    tried: dict[str, Tensor] = field(default_factory=dict)

    def put(self, name: str, i: int, samples: Tensor, divergence: Tensor) -> None:
        """Note what a trial found."""
        if name not in self.tried:
            empty = torch.full(self.guessed[name].shape, torch.nan, dtype=torch.float64)
            self.tried[name] = empty
        self.tried[name][samples, i] = divergence

    @property
    def measured(self) -> bool:
        """Whether enough was tried to know the error of the estimates."""
        return len(self._ratios()) >= ENOUGH

    def spread(self) -> tuple[float, float]:
        """The median ratio of value and estimate of neurons that were tried, and the standard
        deviation of its logarithm, robustly: 1.48 times the median absolute deviation."""
        ratios = self._ratios()
        if len(ratios) < ENOUGH:
            return 1.0, UNKNOWN
        middle = ratios.median()
        deviation = 1.4826 * float((ratios - middle).abs().median())
        return exp(float(middle)), max(LEAST, deviation)

    def _ratios(self) -> Tensor:
        """The logarithm of value over estimate for neurons that were tried."""
        logs = [torch.zeros(0, dtype=torch.float64)]
        for name, tried in self.tried.items():
            known = ~tried.isnan()
            value = tried.nan_to_num(0.0).sum(dim=0)
            estimate = (self.guessed[name].double() * known).sum(dim=0)
            fit = (value > 0.0) & (estimate > 0.0)
            logs.append((value[fit] / estimate[fit]).log())
        return torch.cat(logs)

    def totals(self) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
        """For each group the sums of what was tried and of what is still estimated, and the part
        of the latter that is that of one sample, float64 [count]: the estimate of the other samples
        times the ratio found on those tried."""
        ratio, deviation = self.spread()
        most = exp(3.0 * deviation)
        found = {}
        for name, guessed in self.guessed.items():
            whole = guessed.sum(dim=0, dtype=torch.float64)
            if name not in self.tried:
                largest = guessed.amax(dim=0).double()
                found[name] = torch.zeros_like(whole), ratio * whole, ratio * largest
                continue
            tried = self.tried[name]
            known = ~tried.isnan()
            value = tried.nan_to_num(0.0).sum(dim=0)
            estimate = (guessed.double() * known).sum(dim=0)
            own = torch.where(estimate > 0.0, value / estimate, ratio)
            own = own.clamp(ratio / most, ratio * most)
            rest = guessed.double() * ~known
            found[name] = value, own * rest.sum(dim=0), own * rest.amax(dim=0)
        return found

    def scores(self, wide: float = 0.0, going: Wanted | None = None) -> dict[str, Tensor]:
        """The mean divergence without each neuron, [count]: with `wide`, that of `going` that many
        standard deviations higher, and that of all others lower and without the sample that has
        most of it, as where a single one decides its estimate may be far too high."""
        _, deviation = self.spread()
        found = {}
        for name, (known, rest, largest) in self.totals().items():
            lower = known + exp(-wide * deviation) * (rest - largest if wide else rest)
            goes = list((going or {}).get(self.groups[name], ()))
            lower[goes] = (known + exp(wide * deviation) * rest)[goes]
            found[name] = lower / self.rows
        return found


@dataclass
class NeuronRace:
    """The neurons that may go, tried out on ever more samples: those first on which most would
    change. `layers` are scores to go with them for `goes`; `most` is how many (neurons times
    samples) may be tried, as a share of the samples, before some doubt is left; `strict` whether
    the doubt has to be small even so."""

    trials: Trials
    estimates: Estimates
    layers: dict[str, float]
    goes: Goes
    most: float
    strict: bool
    order: Tensor = field(init=False)
    done: dict[tuple[Structure, int], int] = field(default_factory=dict)
    doubt: float = 0.0

    def run(self, progress: Callable[[float], None]) -> None:
        """Try out neurons until it is clear which go, or what is open is little."""
        total = len(self.trials.rows)
        going = self._going()
        self._check_nothing(going)
        self.order = self._order(self._open(going) or going)
        spent = 0.0
        while True:
            going = self._going()
            open_ = self._open(going)
            self.doubt = _size(open_) / max(1, _size(going))
            progress(min(1.0, spent / self.most))
            enough = self.doubt <= DOUBTED or not self.strict
            stages = self._staged(open_, total)
            if not stages or (spent >= self.most and enough):
                return
            for stage, wanted in stages.items():
                start, end = self._pieces(total)[stage]
                for trial in self.trials.each(wanted, self.order[start:end]):
                    self.estimates.put(
                        trial.structure.name, trial.i, trial.samples, trial.divergence
                    )
                    self.done[trial.structure, trial.i] = stage + 1
                spent += _size(wanted) * (end - start) / total

    def _going(self, scores: dict[str, Tensor] | None = None) -> dict[Structure, list[int]]:
        scores = self.estimates.scores() if scores is None else scores
        found: dict[Structure, list[int]] = {}
        for cut in self.goes(_scores(self.layers, scores)):
            for neurons in cut.neurons:
                found[self.estimates.groups[neurons.group.name]] = list(neurons.drop)
        return found

    def _open(self, going: dict[Structure, list[int]]) -> dict[Structure, list[int]]:
        """Those that go and would not, or stay and would not, if the estimates of all that go were
        too low and those of all others too high."""
        wide = WIDE if self.estimates.measured else WIDE / 2
        others = self._going(self.estimates.scores(wide, going))
        found: dict[Structure, list[int]] = {}
        for each in {**going, **others}:
            apart = sorted(set(going.get(each, ())) ^ set(others.get(each, ())))
            if apart:
                found[each] = apart
        return found

    def _pieces(self, total: int) -> list[tuple[int, int]]:
        """From which sample to which each stage goes: an eighth, and then as many as before."""
        ends = [min(total, max(4, ceil(total / 8)))]
        while ends[-1] < total:
            ends.append(min(total, 2 * ends[-1]))
        return list(zip([0, *ends], ends, strict=False))

    def _staged(
        self, open_: dict[Structure, list[int]], total: int
    ) -> dict[int, dict[Structure, list[int]]]:
        """What is open and not yet tried on all samples, by its next stage; where there are very
        many structures, those whose scores are least certain."""
        last = len(self._pieces(total))
        stages = {(each, i): self.done.get((each, i), 0) for each, at in open_.items() for i in at}
        left = [key for key, stage in stages.items() if stage < last]
        if not self.strict:
            rest = {name: each[1] for name, each in self.estimates.totals().items()}
            left.sort(key=lambda key: -float(rest[key[0].name][key[1]]))
            left = left[: ceil(8 * self.most)]
        found: dict[int, dict[Structure, list[int]]] = {}
        for each, i in left:
            found.setdefault(stages[each, i], {}).setdefault(each, []).append(i)
        return found

    def _order(self, near: dict[Structure, list[int]]) -> Tensor:
        """All samples, those first that have most of the estimated divergence without the neurons
        that are `near` the edge, each of them counting alike."""
        weight = torch.zeros(len(self.trials.rows), dtype=torch.float64)
        for each, places in near.items():
            own = self.estimates.guessed[each.name][:, places].double()
            weight += (own / own.sum(dim=0).clamp(min=1e-300)).sum(dim=1)
        return weight.argsort(descending=True, stable=True)

    def _check_nothing(self, going: dict[Structure, list[int]]) -> None:
        """That an estimate is 0 may mean that no gradient comes back from behind it: neurons that
        would go for it are silenced together and, where that changes anything, one by one."""
        nothing: dict[Structure, list[int]] = {}
        for each, places in going.items():
            whole = self.estimates.guessed[each.name].sum(dim=0)
            if none := [i for i in places if float(whole[i]) == 0.0]:
                nothing[each] = none
        if not nothing:
            return
        samples = torch.arange(len(self.trials.rows))
        if self.trials.together(nothing) > NOTHING * len(samples):
            for trial in self.trials.each(nothing, samples):
                self.estimates.put(trial.structure.name, trial.i, trial.samples, trial.divergence)
                self.done[trial.structure, trial.i] = len(self._pieces(len(samples)))


def _size(wanted: Mapping[Structure, Sequence[int]]) -> int:
    return sum(map(len, wanted.values()))


def _scores(layers: dict[str, float], neurons: dict[str, Tensor]) -> Scores:
    return Scores("kl", layers, {name: tuple(each.tolist()) for name, each in neurons.items()})
