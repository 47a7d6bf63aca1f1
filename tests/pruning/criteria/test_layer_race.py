"""Layers are raced on few texts where their order is clear, and on more where it is close."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import cast

import pytest
import torch
from torch import Tensor

from leanfair.pruning.criteria.layer_race import layers_raced
from leanfair.pruning.criteria.trials import Trial, Trials, Wanted
from leanfair.pruning.types import Anatomy, Cut, Layer, Scores

TEXTS, TOKENS = 32, 128


@dataclass
class Known:
    """Trials whose results are known: the `true` divergence of each text without each layer,
    [texts, layers]; and how many texts each was `tried` on."""

    true: Tensor
    tried: dict[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> Tensor:
        return torch.full((len(self.true),), TOKENS)

    @property
    def anatomy(self) -> Anatomy:
        layers = tuple(Layer(f"layer{i}", "", ()) for i in range(self.true.shape[1]))
        return Anatomy(layers, (), (), (), "", {})

    def each(self, wanted: Wanted, samples: Tensor) -> Iterator[Trial]:
        for layer in wanted:
            self.tried[layer.name] = self.tried.get(layer.name, 0) + len(samples)
            i = int(layer.name.removeprefix("layer"))
            yield Trial(layer, 0, samples, self.true[samples, i])


def _drawn(seed: int, layers: int = 24, own: float = 0.15) -> Known:
    """Texts differ in how much of the divergence they have, and layers in each text by `own`."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    logs = 0.5 * draw(TEXTS, 1) + draw(1, layers) + own * draw(TEXTS, layers)
    return Known(logs.exp())


def _raced(known: Known) -> dict[str, float]:
    layers = {layer.name: layer for layer in known.anatomy.layers}

    def goes(scores: Scores) -> list[Cut]:
        return [Cut("layer", (layers[min(layers, key=scores.layers.__getitem__)],))]

    return layers_raced(cast(Trials, known), {}, goes, 0, lambda share: None)


def _raced_for(known: Known, counts: list[int]) -> tuple[dict[str, float], int]:
    """The race of those that go, of which there are other numbers each time that it is asked; and
    how many there were in the end."""
    layers = {layer.name: layer for layer in known.anatomy.layers}
    left = [*counts]

    def goes(scores: Scores) -> list[Cut]:
        order = sorted(layers, key=scores.layers.__getitem__)
        count = left.pop(0) if len(left) > 1 else left[0]
        last.append(count)
        return [Cut("layer", tuple(layers[name] for name in order[:count]))]

    last: list[int] = []
    found = layers_raced(cast(Trials, known), {}, goes, 0, lambda share: None)
    return found, last[-1]


def _least(scores: dict[str, float]) -> str:
    return min(scores, key=scores.__getitem__)


def test_the_layer_that_goes_is_that_of_all_texts_and_most_are_tried_on_two() -> None:
    right, shares, early = 0, [], []
    for seed in range(20):
        known = _drawn(seed)
        least = _least(_raced(known))
        exact = known.true.sum(dim=0)
        right += least == f"layer{int(exact.argmin())}"
        shares.append(sum(known.tried.values()) / exact.numel() / TEXTS)
        early.append(sum(each == 2 for each in known.tried.values()) / exact.numel())
    assert right >= 19
    assert max(shares) < 0.4
    assert sorted(early)[len(early) // 2] > 0.5


def test_layers_that_differ_much_between_texts_are_tried_on_more_than_two() -> None:
    early = []
    for seed in range(20):
        known = _drawn(seed, own=2.0)
        _raced(known)
        early.append(sum(each == 2 for each in known.tried.values()) / len(known.tried))
    assert sum(early) / len(early) < 0.25


def test_few_layers_do_not_tell_how_much_they_differ_between_texts() -> None:
    known = _drawn(0, layers=5)
    _raced(known)
    assert min(known.tried.values()) >= 4


def test_a_layer_that_changes_nothing_goes() -> None:
    known = _drawn(1)
    known.true[:, 3] = 0.0
    found = _raced(known)
    assert _least(found) == "layer3"
    assert found["layer3"] == 0.0


@pytest.mark.parametrize("layers", [7, 24])
@pytest.mark.parametrize("counts", [[1, 3], [3, 1, 4], [1, 1, 1, 1, 6], [2, 0, 5], [6, 1]])
def test_layers_that_go_after_all_come_back_into_the_race(layers: int, counts: list[int]) -> None:
    right = 0
    for seed in range(20):
        known = _drawn(seed, layers)
        found, count = _raced_for(known, counts)
        assert all(isfinite(value) for value in found.values())
        last = sorted(found, key=found.__getitem__)[:count]
        exact = known.true.mean(dim=0).argsort()[:count].tolist()
        right += set(last) == {f"layer{i}" for i in exact}
    assert right >= 18


def test_a_layer_that_comes_back_is_tried_on_what_it_has_missed() -> None:
    for seed in range(20):
        known = _drawn(seed, layers=7)
        found, _ = _raced_for(known, [1, 1, 1, 1, 1, 4])
        sure = [name for name, count in known.tried.items() if count == TEXTS]
        for name in sure:
            exact = known.true[:, int(name.removeprefix("layer"))].sum() / (TEXTS * TOKENS)
            assert found[name] == pytest.approx(float(exact))
        assert max(known.tried.values()) <= TEXTS
