"""The race finds what exact scores remove, without trying everything out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from leanfair.data.batches import Batch
from leanfair.pruning.criteria import criteria
from leanfair.pruning.criteria.criteria import kl
from leanfair.pruning.criteria.layer_race import layers_raced
from leanfair.pruning.criteria.race import Estimates, NeuronRace
from leanfair.pruning.criteria.trials import Trial, Trials, Wanted
from leanfair.pruning.types import Anatomy, Cut, Layer, NeuronCut, Neurons, Scores
from tests.support.oracles import zoo

LAYERS = tuple(Layer(f"layer{i}", "", ()) for i in range(8))
GROUPS = tuple(Neurons(f"group{i}", "", 60, ()) for i in range(4))
ANATOMY = Anatomy(LAYERS, GROUPS, (), (), "", {})
NAMED = {group.name: group for group in GROUPS}
SAMPLES = 64


@dataclass
class Known:
    """Trials whose results are known: `true` divergences of each structure, [samples, count]."""

    true: dict[str, Tensor]
    anatomy: Anatomy = ANATOMY
    rows: Tensor = field(default_factory=lambda: torch.ones(SAMPLES, dtype=torch.long))
    tried: int = 0

    def each(self, wanted: Wanted, samples: Tensor) -> Iterator[Trial]:
        for structure, places in wanted.items():
            for i in places:
                self.tried += len(samples)
                yield Trial(structure, i, samples, self.true[structure.name][samples, i])

    def together(self, wanted: Wanted) -> float:
        return sum(float(self.true[each.name][:, list(i)].sum()) for each, i in wanted.items())


def _drawn(seed: int, *, error: float = 0.2) -> tuple[Known, dict[str, Tensor]]:
    """True divergences, of few samples nearly all, and estimates that are off by `error`."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    weight = (2.0 * draw(SAMPLES, 1)).exp()
    true, guessed = {}, {}
    for group in GROUPS:
        mean = (1.5 * draw(1, group.count)).exp()
        true[group.name] = weight * mean * (0.5 * draw(SAMPLES, group.count)).exp()
        own = 1.1 * (error * (draw(1, group.count) + draw(SAMPLES, group.count))).exp()
        guessed[group.name] = (true[group.name] * own).float()
    for layer in LAYERS:
        true[layer.name] = weight * (draw(1, 1) + 0.5 * draw(SAMPLES, 1)).exp()
    return Known(true), guessed


def _goes(scores: Scores, most: int = 40) -> list[Cut]:
    """The lowest layer and the lowest 40 neurons."""
    layer = min(LAYERS, key=lambda each: scores.layers[each.name])
    ranked = sorted((s, g, i) for g in NAMED for i, s in enumerate(scores.neurons[g]))[:most]
    drops: dict[str, list[int]] = {}
    for _, name, i in ranked:
        drops.setdefault(name, []).append(i)
    cuts = tuple(NeuronCut(NAMED[name], tuple(i)) for name, i in drops.items())
    return [Cut("layer", (layer,)), Cut("neurons", neurons=cuts)]


def _removed(cuts: list[Cut]) -> set[Any]:
    neurons = {(each.group.name, i) for cut in cuts for each in cut.neurons for i in each.drop}
    return neurons | {layer.name for cut in cuts for layer in cut.layers}


def _raced(known: Known, guessed: dict[str, Tensor], **how: Any) -> tuple[Scores, float]:
    trials = cast(Trials, known)
    estimates = Estimates(NAMED, guessed, SAMPLES)
    layers = layers_raced(trials, estimates.scores(), _goes, 0, lambda share: None)
    given = {"most": 16.0, "strict": True, **how}
    race = NeuronRace(trials, estimates, layers, _goes, **given)
    race.run(lambda share: None)
    neurons = {name: tuple(each.tolist()) for name, each in estimates.scores().items()}
    return Scores("kl", layers, neurons), race.doubt


def _exact(known: Known) -> Scores:
    means = {name: tuple(each.mean(dim=0).tolist()) for name, each in known.true.items()}
    layers = {layer.name: means[layer.name][0] for layer in LAYERS}
    return Scores("kl", layers, {name: means[name] for name in NAMED})


def test_what_goes_is_what_goes_by_exact_scores_and_little_is_tried() -> None:
    everything = SAMPLES * (len(LAYERS) + sum(group.count for group in GROUPS))
    overlaps, shares = [], []
    for seed in range(12):
        known, guessed = _drawn(seed)
        scores, doubt = _raced(known, guessed)
        exact = _removed(_goes(_exact(known)))
        overlaps.append(len(_removed(_goes(scores)) & exact) / len(exact))
        shares.append(known.tried / everything)
        assert doubt <= 0.05
        assert min(scores.layers, key=scores.layers.__getitem__) in exact
    assert min(overlaps) >= 0.95
    assert sorted(shares)[len(shares) // 2] < 0.2
    assert max(shares) < 0.4


def test_what_was_tried_in_full_has_its_exact_score() -> None:
    known, guessed = _drawn(3)
    estimates = Estimates(NAMED, guessed, SAMPLES)
    for trial in known.each({GROUPS[1]: [7]}, torch.arange(SAMPLES)):
        estimates.put(trial.structure.name, trial.i, trial.samples, trial.divergence)
    true = float(known.true["group1"][:, 7].mean())
    for wide in (0.0, 3.0):
        assert float(estimates.scores(wide)["group1"][7]) == pytest.approx(true)
    low, middle = estimates.scores(3.0)["group1"], estimates.scores()["group1"]
    assert bool((low[:7] < middle[:7]).all())
    raised = estimates.scores(3.0, {GROUPS[1]: [2]})["group1"]
    assert float(raised[2]) > float(middle[2])


@pytest.mark.parametrize("dead", [True, False])
def test_an_estimate_of_nothing_is_believed_only_where_nothing_changes(dead: bool) -> None:
    known, guessed = _drawn(5)
    guessed["group2"][:, :5] = 0.0
    if dead:
        known.true["group2"][:, :5] = 0.0
    scores, _ = _raced(known, guessed)
    assert _removed(_goes(scores)) >= _removed(_goes(_exact(known))) - {("group2", 0)}
    for i in range(5):
        true = float(known.true["group2"][:, i].mean())
        assert scores.neurons["group2"][i] == pytest.approx(true)


def test_where_very_many_are_open_few_are_tried_and_the_doubt_is_told() -> None:
    known, guessed = _drawn(1, error=1.5)
    _, doubt = _raced(known, guessed, most=1.0, strict=False)
    assert doubt > 0.0
    strict, guessed = _drawn(1, error=1.5)
    _, small = _raced(strict, guessed, most=1.0)
    assert small <= 0.05


def test_the_default_criterion_removes_what_the_exact_one_does() -> None:
    model = zoo.resnet("A", depth=14).double()
    anatomy = zoo.resnet_anatomy(model)
    batch = [Batch(zoo.images(16, channels=2, size=6).inputs.double())]
    goes = partial(criteria._lowest, anatomy)
    found = kl(model, anatomy, batch, 0, lambda share: None, goes=goes)
    exact = kl(model, anatomy, batch, 0, lambda share: None, exact=True)
    gone = _removed(goes(exact))
    assert len(_removed(goes(found)) & gone) >= 0.95 * len(gone)
    assert found.layers.keys() == exact.layers.keys()


def test_a_network_that_cannot_be_differentiated_is_tried_out_in_full() -> None:
    model = zoo.resnet("A", depth=8).double()
    anatomy = zoo.resnet_anatomy(model)
    batch = [Batch(zoo.images(4, channels=2, size=6).inputs.double())]
    exact = kl(model, anatomy, batch, 0, lambda share: None, exact=True)
    model.linear.register_forward_hook(lambda module, args, out: out.detach())
    assert kl(model, anatomy, batch, 0, lambda share: None) == exact
