"""From scores to the two cuts of a round: the layer's, and the neurons' at matched cost."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from itertools import pairwise
from math import inf
from typing import NamedTuple, TypeAlias

from leanfair.pruning.cost.macs import Cost, cut_of
from leanfair.pruning.cost.matching import NEARLY, filled, nearest
from leanfair.pruning.settings import Match, Settings
from leanfair.pruning.types import Anatomy, Cut, Layer, NeuronCut, Neurons, Scores, Target

COUNTED = ("macs", "params")
"""What a cut saves of these is known to the last unit before it is made."""


Prices: TypeAlias = "dict[str, float]"
"""What one neuron of tied groups saves, by the first of them: the same whatever the scores are."""


class Bundle(NamedTuple):
    """Neurons that go together, of one group or as many of each of several that are tied, how much
    is lost with them, and what they save."""

    cuts: tuple[NeuronCut, ...]
    score: float
    saves: float

    @property
    def name(self) -> str:
        """The first of its groups."""
        return self.cuts[0].group.name


def propose_layer(
    anatomy: Anatomy, scores: Scores, cost: Cost, settings: Settings, save: int = 0
) -> Cut | None:
    """The cut of the least important layers: as many as `settings` say (with auto, one), and more
    where that comes nearer to saving `save` (of `settings.matched`); None where none may go."""
    least = 1 if settings.layers_per_round == "auto" else settings.layers_per_round
    chosen: list[Layer] = []
    found: Cut | None = None
    for layer in sorted(anatomy.layers, key=lambda layer: scores.layers[layer.name]):
        if not _may_go(layer, chosen, anatomy, settings.min_layers):
            continue
        more = cut_of("layer", cost, layers=[*chosen, layer])
        if found is not None and len(chosen) >= least:
            now, then = (cut.saves[settings.matched] for cut in (found, more))
            if then - save >= save - now:
                break
        chosen.append(layer)
        found = more
    return found


def propose_neurons(
    anatomy: Anatomy,
    scores: Scores,
    cost: Cost,
    settings: Settings,
    save: int,
    *,
    least: int = 0,
    enough: int | None = None,
    prices: Prices | None = None,
) -> Cut | None:
    """The cut of the least important neurons that together save `save` (of `settings.matched`) as
    nearly as can be, but `least` in any case; None where all that may go save less, or nothing. No
    more go than save `enough` of what the target counts, and that many are never too few. `prices`
    are those found before for the same cost, and take what is found now."""
    prices = {} if prices is None else prices
    if settings.spread == "uniform":
        bundles = [_bundles(tie, scores, cost, settings, prices) for tie in _ties(anatomy)]
        grow, longest = _evenly(bundles), sum(len(each) for each in bundles)
        saved = cache(lambda n: _saving(grow(n), cost, settings.matched))
        many = nearest(save, least, saved, longest)
    else:
        order = _fitting(_ranked(anatomy, scores, cost, settings, prices), save)

        def saves(chosen: Sequence[Bundle]) -> int:
            return _saving(_gathered(chosen), cost, settings.matched)

        chosen = filled(order, save, least, saves, lambda bundle: bundle.name)
        grow, many = (lambda n: _gathered(chosen[:n])), len(chosen)
    if enough is not None and many and _saving(grow(many), cost, settings.of) >= enough:
        counted = partial(_saving, cost=cost, what=settings.of)
        many = 1 + bisect_left(range(1, many), enough, key=lambda n: counted(grow(n)))
    elif not many or _saving(grow(many), cost, settings.matched) < max(least, 1):
        return None
    return cut_of("neurons", cost, neurons=grow(many))


def overshoots(
    removed: float, cut: Cut | None, now: Cost, whole: Mapping[str, int], settings: Settings
) -> bool:
    """Whether the layers that `cut` takes from the cost `now` would bring the share removed farther
    beyond the target than it is short of it now, and it is nearly met already. `whole` are the
    totals of the first network."""
    if cut is None or settings.of not in now.totals() or removed < NEARLY * settings.cut:
        return False
    return _beyond(cut, now, whole, settings) > settings.cut - removed


def fitting(
    cuts: list[Cut], removed: float, now: Cost, whole: Mapping[str, int], settings: Settings
) -> list[Cut]:
    """Of the two cuts of a round those that may be chosen. One that would go farther beyond the
    target than the network is short of it now (the share `removed` is gone) stays out where the
    other ends nearer to the target: they save no longer equally much. Cuts that are matched by
    filters, the paper's way, both stay."""
    if settings.of not in COUNTED or settings.matched == "filters":
        return cuts
    beyond = [_beyond(cut, now, whole, settings) for cut in cuts]
    least_far = min(map(abs, beyond), default=0.0)
    short = settings.cut - removed
    return [c for c, far in zip(cuts, beyond, strict=True) if far <= max(short, least_far)]


def _beyond(cut: Cut, now: Cost, whole: Mapping[str, int], settings: Settings) -> float:
    """How far beyond the target a cut would bring the share removed; less than 0 short of it."""
    of = settings.of
    return 1.0 - (now.totals()[of] - cut.saves[of]) / whole[of] - settings.cut


def savings_goal(
    now: Cost, whole: Mapping[str, int], layer: Cut | None, settings: Settings
) -> tuple[int, int]:
    """What neurons have to save in a round, and at least: about as much as the layer, or else a
    share of the cost `now`; but no more than what is left to the target. `whole` are the totals of
    the first network."""
    matched = settings.matched
    save: float = settings.pace * now.totals()[matched]
    least = 0.0
    if layer is not None:
        save = layer.saves[matched]
        # Latency comes in steps, as kernels take neurons by eights and sixteens: what is a little
        # less by count may save nothing.
        least = save if matched == "latency" else NEARLY * save
    if matched == settings.of:
        left = _left(now, whole, settings)
        if left <= save:
            save = least = left
    return max(1, int(save + 0.5)), int(least)


def enough_to_end(now: Cost, whole: Mapping[str, int], settings: Settings) -> int | None:
    """What is left to remove of what the target counts, which neurons need not exceed; None where
    that is not counted, or where the paper's way has as many filters go as the layer has, whatever
    that saves. `whole` as in `savings_goal`."""
    if settings.of not in now.totals() or settings.matched == "filters":
        return None
    return _left(now, whole, settings)


def _left(now: Cost, whole: Mapping[str, int], settings: Settings) -> int:
    of = settings.of
    return math.ceil(now.totals()[of] - (1.0 - settings.cut) * whole[of])


def floor(anatomy: Anatomy, cost: Cost, settings: Settings) -> Cost:
    """The cost of the smallest network that the settings allow."""
    groups = () if settings.only == "layer" else anatomy.neurons
    narrow = [NeuronCut(group, tuple(range(_spare(group, cost, settings)))) for group in groups]
    slim = cost.without(neurons=[cut for cut in narrow if cut.drop])
    gone: list[Layer] = []
    counted = settings.of if settings.of in cost.totals() else "macs"
    layers = () if settings.only == "neurons" else anatomy.layers
    by_saving = sorted(layers, key=lambda e: slim.without([e.name]).totals()[counted])
    for layer in by_saving:
        if _may_go(layer, gone, anatomy, settings.min_layers):
            gone.append(layer)
    return slim.without([layer.name for layer in gone])


def _may_go(layer: Layer, gone: Iterable[Layer], anatomy: Anatomy, least: int) -> bool:
    """Whether enough of the layer's stage stays without it; a stage's first block always does."""
    stage = next((stage for stage in anatomy.stages if layer.name in stage), ())
    left = len(stage) - sum(other.name in stage for other in gone)
    return bool(stage) and layer.name != stage[0] and left > least


def _ties(anatomy: Anatomy) -> list[tuple[Neurons, ...]]:
    """All groups, those together that only go together."""
    groups = {group.name: group for group in anatomy.neurons}
    tied = {name for tie in anatomy.ties for name in tie}
    alone = [(group,) for group in anatomy.neurons if group.name not in tied]
    return [*(tuple(groups[name] for name in tie) for tie in anatomy.ties), *alone]


def _spare(group: Neurons, cost: Cost, settings: Settings) -> int:
    """How many neurons of a group may go."""
    return group.count - min(_widths(group, cost, settings))


def _widths(group: Neurons, cost: Cost, settings: Settings) -> list[int]:
    """The numbers of neurons that a group may have, from all that it has down."""
    allowed = group.counts or range(group.count - 1, 0, -1)
    liked = _liked(group, cost, settings)
    fit = [n for n in allowed if n >= settings.min_neurons and liked(n)]
    return [group.count, *fit]


def _liked(group: Neurons, cost: Cost, settings: Settings) -> Callable[[int], bool]:
    """Tells whether the device is fast at a number of neurons, as far as that is known."""
    step = settings.round_to
    if step != "auto":
        return lambda n: n % step == 0
    timed = None if cost.times is None else cost.times.widths.get(group.name)
    return (lambda n: True) if timed is None else (lambda n: n in timed.curve.widths)


def _ranked(
    anatomy: Anatomy, scores: Scores, cost: Cost, settings: Settings, prices: Prices
) -> list[Bundle]:
    """Bundles of neurons in the order in which they go."""
    # A bundle never goes before a less important one of its own group, though that may be smaller.
    ranks: dict[str, float] = {}
    keyed: list[tuple[float, int, Bundle]] = []
    for tie in _ties(anatomy):
        for bundle in _bundles(tie, scores, cost, settings, prices):
            neurons = sum(len(cut.drop) for cut in bundle.cuts)
            per = bundle.saves if settings.spread == "cheapest" else neurons
            ranks[bundle.name] = max(ranks.get(bundle.name, -inf), bundle.score / per)
            keyed.append((ranks[bundle.name], len(keyed), bundle))
    return [bundle for _, _, bundle in sorted(keyed, key=lambda item: item[:2])]


def _fitting(order: list[Bundle], save: int) -> list[Bundle]:
    """Of `order` what is not by itself too much for `save`, nor comes after such a one of its
    group; the first stays in any case."""
    too_much: set[str] = set()
    fit: list[Bundle] = []
    for bundle in order:
        if bundle.name not in too_much:
            if fit and bundle.saves > save / NEARLY:
                too_much.add(bundle.name)
            else:
                fit.append(bundle)
    return fit


def _bundles(
    tie: tuple[Neurons, ...], scores: Scores, cost: Cost, settings: Settings, prices: Prices
) -> list[Bundle]:
    """The neurons of tied groups that may go, least important first, as many of each group in each
    bundle, in bundles that leave a number that may be."""
    widths = _widths(tie[0], cost, settings)
    name = tie[0].name
    if name not in prices:
        prices[name] = _price(tie, tie[0].count - widths[-1], cost, settings)
    price = prices[name]
    orders = [
        sorted(range(group.count), key=lambda i, s=scores.neurons[group.name]: (s[i], i))  # type: ignore[misc]
        for group in tie
    ]
    bundles = []
    for before, after in pairwise(widths):
        gone = slice(tie[0].count - before, tie[0].count - after)
        cuts = [NeuronCut(g, tuple(order[gone])) for g, order in zip(tie, orders, strict=True)]
        score = sum(scores.neurons[cut.group.name][i] for cut in cuts for i in cut.drop)
        bundles.append(Bundle(tuple(cuts), score, float(price * (before - after))))
    if settings.matched == "latency" and settings.round_to == "auto":
        bundles = _timed(bundles, cost, settings)
        return _pooled(bundles) if settings.spread == "cheapest" else bundles
    return bundles


def _timed(bundles: list[Bundle], cost: Cost, settings: Settings) -> list[Bundle]:
    """Bundles of one group with the time that each saves after those before it: widths that the
    device likes are some steps apart, and not all steps save as much."""
    found, saved = [], 0
    for n, bundle in enumerate(bundles, start=1):
        before, saved = saved, _saving(_gathered(bundles[:n]), cost, settings.matched)
        found.append(bundle._replace(saves=max(1.0, float(saved - before))))
    return found


def _pooled(bundles: list[Bundle]) -> list[Bundle]:
    """Bundles of one group, those joined of which the later one loses less for what it saves: to
    stop between them would be the worse choice."""
    pools: list[Bundle] = []
    for bundle in bundles:
        pools.append(bundle)
        while len(pools) > 1 and _rate(pools[-2]) >= _rate(pools[-1]):
            later, earlier = pools.pop(), pools.pop()
            cuts = tuple(_gathered([earlier, later]))
            pools.append(Bundle(cuts, earlier.score + later.score, earlier.saves + later.saves))
    return pools


def _rate(bundle: Bundle) -> float:
    """What is lost for what is saved."""
    return bundle.score / bundle.saves


def _price(tie: tuple[Neurons, ...], spare: int, cost: Cost, settings: Settings) -> float:
    """What one neuron of each of some tied groups saves: of latency, in which a single one often
    saves nothing, its share of what all `spare` ones save."""
    many = max(1, spare) if settings.matched == "latency" else 1
    cuts = [NeuronCut(group, tuple(range(many))) for group in tie]
    return max(1.0, _saving(cuts, cost, settings.matched) / many)


def _saving(cuts: Iterable[NeuronCut], cost: Cost, what: Match | Target) -> int:
    """What `cuts` save of `what` is counted or timed."""
    if what == "latency" and cost.times is not None:
        return cost.times.total - cost.times.without(neurons=cuts).total
    return cost.totals()[what] - cost.without(neurons=cuts).totals()[what]


def _gathered(bundles: Iterable[Bundle]) -> list[NeuronCut]:
    drops: dict[str, list[int]] = {}
    groups: dict[str, Neurons] = {}
    for bundle in bundles:
        for cut in bundle.cuts:
            drops.setdefault(cut.group.name, []).extend(cut.drop)
            groups[cut.group.name] = cut.group
    return [NeuronCut(groups[name], tuple(sorted(drop))) for name, drop in drops.items()]


def _evenly(bundles: list[list[Bundle]]) -> Callable[[int], list[NeuronCut]]:
    """A function from a number of bundles to cuts that take the same share of every list, what does
    not come out even by largest remainder."""
    lists = [each for each in bundles if each]
    total = sum(len(each) for each in lists)

    def grow(n: int) -> list[NeuronCut]:
        exact = [divmod(min(n, total) * len(each), total) for each in lists]
        counts = [whole for whole, _ in exact]
        by_remainder = sorted(
            (i for i, (_, remainder) in enumerate(exact) if remainder),
            key=lambda i: (-exact[i][1], lists[i][counts[i]].score),
        )
        for i in by_remainder[: min(n, total) - sum(counts)]:
            counts[i] += 1
        return _gathered(b for each, many in zip(lists, counts, strict=True) for b in each[:many])

    return grow
