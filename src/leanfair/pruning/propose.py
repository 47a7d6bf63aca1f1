"""From scores to the two cuts of a round: the layer's, and the neurons' at matched cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from leanfair.pruning.cost import Bill, cut_of
from leanfair.pruning.settings import Settings
from leanfair.pruning.types import Anatomy, Cut, Layer, NeuronCut, Neurons, Scores

NEARLY = 0.9
"""A neuron candidate that saves less than this share of the layer's saving is no match for it."""


class Bundle(NamedTuple):
    """Neurons of one group that go together, and how much is lost with them."""

    group: Neurons
    drop: tuple[int, ...]
    score: float


def propose_layer(anatomy: Anatomy, scores: Scores, bill: Bill, settings: Settings) -> Cut | None:
    """The cut of the least important layers, or None where none may go any more."""
    chosen: list[Layer] = []
    for layer in sorted(anatomy.layers, key=lambda layer: scores.layers[layer.name]):
        if len(chosen) < settings.layers_per_round and _may_go(
            layer, chosen, anatomy, settings.min_layers
        ):
            chosen.append(layer)
    return cut_of("layer", bill, layers=chosen) if chosen else None


def propose_neurons(
    anatomy: Anatomy, scores: Scores, bill: Bill, settings: Settings, save: int, *, least: int = 0
) -> Cut | None:
    """The cut of the least important neurons that together save `save` (of `settings.matched`) as
    nearly as can be, or None where all that may go save less than `least`, or nothing."""
    if settings.spread == "uniform":
        grow: Callable[[int], list[NeuronCut]] = _uniform(anatomy, scores, settings)
        longest = sum(_spare(group, settings) for group in anatomy.neurons)
    else:
        order = _ranked(anatomy, scores, bill, settings)
        grow, longest = (lambda n: _gathered(order[:n])), len(order)

    def saved(n: int) -> int:
        return (
            bill.totals()[settings.matched]
            - bill.without(neurons=grow(n)).totals()[settings.matched]
        )

    n = _nearest(save, saved, longest)
    cuts = grow(n)
    if not cuts or saved(n) < max(least, 1):
        return None
    return cut_of("neurons", bill, neurons=cuts)


def floor(anatomy: Anatomy, bill: Bill, settings: Settings) -> Bill:
    """The bill of the smallest network that the settings allow."""
    narrow = [NeuronCut(group, tuple(range(_spare(group, settings)))) for group in anatomy.neurons]
    narrow = [cut for cut in narrow if cut.drop]
    slim = bill.without(neurons=narrow)
    gone: list[Layer] = []
    counted = "params" if settings.of == "params" else "macs"
    by_saving = sorted(anatomy.layers, key=lambda e: slim.without([e.name]).totals()[counted])
    for layer in by_saving:
        if _may_go(layer, gone, anatomy, settings.min_layers):
            gone.append(layer)
    return slim.without([layer.name for layer in gone])


def _may_go(layer: Layer, gone: Iterable[Layer], anatomy: Anatomy, least: int) -> bool:
    """Whether enough of the layer's stage stays without it; a stage's first block always does."""
    stage = next((stage for stage in anatomy.stages if layer.name in stage), ())
    left = len(stage) - sum(other.name in stage for other in gone)
    return bool(stage) and layer.name != stage[0] and left > least


def _spare(group: Neurons, settings: Settings) -> int:
    """How many neurons of a group may go."""
    stay = settings.min_neurons
    stay += -stay % settings.round_to
    return max(0, group.count - stay)


def _ranked(anatomy: Anatomy, scores: Scores, bill: Bill, settings: Settings) -> list[Bundle]:
    """Bundles of neurons in the order in which they go."""
    bundles = [
        bundle
        for group in anatomy.neurons
        for bundle in _bundles(group, scores.neurons[group.name], settings)
    ]
    price = {
        group.name: _price(group, bill, settings) if settings.spread == "cheapest" else 1.0
        for group in anatomy.neurons
    }
    # A bundle never goes before a less important one of its own group, though that may be smaller.
    ranks: dict[str, float] = {}
    keyed: list[tuple[float, int, Bundle]] = []
    for i, bundle in enumerate(bundles):
        rank = bundle.score / (len(bundle.drop) * price[bundle.group.name])
        ranks[bundle.group.name] = max(rank, ranks.get(bundle.group.name, rank))
        keyed.append((ranks[bundle.group.name], i, bundle))
    return [bundle for _, _, bundle in sorted(keyed, key=lambda item: item[:2])]


def _bundles(group: Neurons, scores: Sequence[float], settings: Settings) -> list[Bundle]:
    """The neurons of a group that may go, least important first, in bundles that leave the width a
    multiple of `round_to`."""
    order = sorted(range(group.count), key=lambda i: (scores[i], i))[: _spare(group, settings)]
    first = group.count % settings.round_to or settings.round_to
    starts = [0, *range(first, len(order), settings.round_to)]
    pieces = [
        order[start:end] for start, end in zip(starts, [*starts[1:], len(order)], strict=True)
    ]
    return [Bundle(group, tuple(piece), sum(scores[i] for i in piece)) for piece in pieces if piece]


def _price(group: Neurons, bill: Bill, settings: Settings) -> float:
    """What one neuron of a group saves, of what is matched."""
    without = bill.without(neurons=[NeuronCut(group, (0,))])
    return max(1.0, bill.totals()[settings.matched] - without.totals()[settings.matched])


def _gathered(bundles: Iterable[Bundle]) -> list[NeuronCut]:
    drops: dict[str, list[int]] = {}
    groups: dict[str, Neurons] = {}
    for bundle in bundles:
        drops.setdefault(bundle.group.name, []).extend(bundle.drop)
        groups[bundle.group.name] = bundle.group
    return [NeuronCut(groups[name], tuple(sorted(drop))) for name, drop in drops.items()]


def _uniform(
    anatomy: Anatomy, scores: Scores, settings: Settings
) -> Callable[[int], list[NeuronCut]]:
    """A function from a number of bundles to cuts that take the same share of every group, what
    does not come out even by largest remainder."""
    bundles = {
        group.name: _bundles(group, scores.neurons[group.name], settings)
        for group in anatomy.neurons
    }
    total = sum(len(each) for each in bundles.values())

    def grow(n: int) -> list[NeuronCut]:
        n = min(n, total)
        exact = {name: divmod(n * len(each), total) for name, each in bundles.items() if each}
        counts = {name: whole for name, (whole, _) in exact.items()}
        short = n - sum(counts.values())
        by_remainder = sorted(
            (name for name, (_, remainder) in exact.items() if remainder),
            key=lambda name: (-exact[name][1], bundles[name][counts[name]].score),
        )
        for name in by_remainder[:short]:
            counts[name] += 1
        return _gathered(b for name, count in counts.items() for b in bundles[name][:count])

    return grow


def _nearest(goal: int, saved: Callable[[int], int], longest: int) -> int:
    """The n whose saved(n) is nearest to `goal`, but more than nothing where that can be. `saved`
    grows with n, though not always with each step (a share by largest remainder may fall)."""
    low, high = 0, longest
    while low < high:
        middle = (low + high) // 2
        if saved(middle) >= goal:
            high = middle
        else:
            low = middle + 1

    def off(n: int) -> tuple[bool, int]:
        return saved(n) <= 0, abs(saved(n) - goal)

    n = low
    while n > 0 and off(n - 1) < off(n):
        n -= 1
    while n < longest and off(n + 1) < off(n):
        n += 1
    return n
