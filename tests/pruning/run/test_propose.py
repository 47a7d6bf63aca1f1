"""The two cuts of a round save alike, keep what has to stay, and leave nothing to chance."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise, product
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from leanfair.data.batches import Batch
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.pruning.cost.macs import Cost, Operation, cost_of, cut_of
from leanfair.pruning.cost.times import Curve, Times, Width
from leanfair.pruning.run.propose import (
    fitting,
    floor,
    overshoots,
    propose_layer,
    propose_neurons,
    savings_goal,
)
from leanfair.pruning.settings import Settings
from leanfair.pruning.surgery.removal import remove
from leanfair.pruning.types import Anatomy, Cut, Layer, NeuronCut, Scores
from tests.support.oracles import zoo

PICTURE = Batch(torch.zeros(1, 2, 8, 8))
NET = zoo.resnet("B", depth=26)
ANATOMY = zoo.resnet_anatomy(NET)
COST = cost_of(NET, PICTURE)
SMALL = hypothesis(max_examples=40, deadline=None)


def _settings(**given: Any) -> Settings:
    return Settings(cut=0.5, **given)


def _scores(anatomy: Anatomy, seed: int, kinds: int = 10**6) -> Scores:
    """Random scores, with ties where there are few `kinds` of them."""
    rng = random.Random(seed)
    return Scores(
        "made up",
        {layer.name: rng.randrange(kinds) / kinds for layer in anatomy.layers},
        {
            group.name: tuple(rng.randrange(kinds) / kinds for _ in range(group.count))
            for group in anatomy.neurons
        },
    )


def _narrowed(seed: int, anatomy: Anatomy = ANATOMY, whole: Cost = COST) -> tuple[Anatomy, Cost]:
    """The same network some rounds later: groups of all sizes."""
    rng = random.Random(seed)
    cuts = [NeuronCut(group, tuple(range(rng.randrange(group.count)))) for group in anatomy.neurons]
    groups = tuple(
        type(c.group)(c.group.name, c.group.block, c.group.count - len(c.drop), c.group.members)
        for c in cuts
    )
    after = Anatomy(anatomy.layers, groups, anatomy.stages, anatomy.units, anatomy.head, {})
    return after, whole.without(neurons=cuts)


# Layers

LAYERS = st.sampled_from([1, 2, 3, "auto"])


@SMALL
@given(seed=st.integers(0, 10**6), least=st.integers(1, 5), count=st.integers(1, 12))
def test_layers_go_by_score_as_long_as_enough_of_their_stage_stay(seed, least, count):
    scores = _scores(ANATOMY, seed)
    chosen = _settings(min_layers=least, layers_per_round=count)
    cut = propose_layer(ANATOMY, scores, COST, chosen)
    gone = [layer.name for layer in cut.layers] if cut else []
    for stage in ANATOMY.stages:
        assert stage[0] not in gone
        assert sum(name not in gone for name in stage) >= min(least, len(stage))
    expected: list[str] = []
    for layer in sorted(ANATOMY.layers, key=lambda each: scores.layers[each.name]):
        stage = next(s for s in ANATOMY.stages if layer.name in s)
        left = sum(name not in expected for name in stage)
        if layer.name != stage[0] and left > least and len(expected) < count:
            expected.append(layer.name)
    assert gone == expected
    if cut:
        assert cut.kind == "layer"
        assert cut.saves == _saved(cut)


@SMALL
@given(seed=st.integers(0, 10**6), count=LAYERS, share=st.floats(0.0, 0.9))
def test_as_many_layers_go_as_come_nearest_to_what_is_to_be_saved(seed, count, share):
    scores, save = _scores(ANATOMY, seed), int(share * COST.macs)
    offered = [
        propose_layer(ANATOMY, scores, COST, _settings(min_layers=1, layers_per_round=n))
        for n in range(1 if count == "auto" else count, 10)
    ]
    cut = propose_layer(
        ANATOMY, scores, COST, _settings(min_layers=1, layers_per_round=count), save
    )
    assert abs(cut.saves["macs"] - save) == min(abs(each.saves["macs"] - save) for each in offered)


def _saved(cut: Cut) -> dict[str, int]:
    after = cost_of(remove(cut, NET), PICTURE).totals()
    return {key: value - after[key] for key, value in COST.totals().items()}


def test_the_first_block_of_a_stage_never_goes_though_it_may_be_least_important():
    scores = _scores(ANATOMY, 0)
    zero = Scores("made up", {**scores.layers, "layer1.0": -1.0}, scores.neurons)
    cut = propose_layer(ANATOMY, zero, COST, _settings(min_layers=1, layers_per_round=99))
    assert sorted(layer.name for layer in cut.layers) == [
        f"layer{s}.{i}" for s in (1, 2, 3) for i in (1, 2, 3)
    ]


def test_there_is_no_layer_cut_where_none_may_go():
    scores = _scores(ANATOMY, 0)
    assert propose_layer(ANATOMY, scores, COST, _settings(min_layers=4)) is None
    bare = Anatomy((), ANATOMY.neurons, (), (), "linear", {})
    assert propose_layer(bare, scores, COST, _settings()) is None
    homeless = Anatomy(ANATOMY.layers, (), (), (), "linear", {})
    assert propose_layer(homeless, scores, COST, _settings()) is None


# Neurons at matched cost


def _all_savings(anatomy: Anatomy, scores: Scores, whole: Cost, chosen: Settings) -> set[int]:
    """What can be saved at all, along the order in which neurons go."""
    found = set()
    for save in range(0, whole.totals()[chosen.matched], 1 + whole.totals()[chosen.matched] // 60):
        cut = propose_neurons(anatomy, scores, whole, chosen, save)
        if cut:
            found.add(cut.saves[chosen.matched])
    return found


CHOICES = {
    "seed": st.integers(0, 10**6),
    "spread": st.sampled_from(["cheapest", "least", "uniform"]),
    "match": st.sampled_from(["macs", "params", "filters"]),
    "round_to": st.sampled_from([1, 2, 4, 8]),
    "least": st.sampled_from([1, 3, 8]),
    "share": st.floats(0.0, 0.9),
}


@SMALL
@given(**CHOICES)
def test_the_saving_is_as_near_as_can_be_and_what_must_stay_stays(
    seed, spread, match, round_to, least, share
):
    anatomy, whole = _narrowed(seed)
    scores = _scores(anatomy, seed)
    chosen = _settings(spread=spread, match=match, round_to=round_to, min_neurons=least)
    save = max(1, int(share * whole.totals()[match]))
    cut = propose_neurons(anatomy, scores, whole, chosen, save)
    spare = {
        group.name: max(0, group.count - (least + -least % round_to)) for group in anatomy.neurons
    }
    if cut is None:
        assert not any(spare.values())
        return
    assert cut.kind == "neurons"
    for each in cut.neurons:
        width = each.group.count - len(each.drop)
        assert width % round_to == 0
        assert width >= least
        assert list(each.drop) == sorted(set(each.drop))
        kept = set(range(each.group.count)) - set(each.drop)
        points = scores.neurons[each.group.name]
        assert max(points[i] for i in each.drop) <= min(points[i] for i in kept)
    assert len({each.group.name for each in cut.neurons}) == len(cut.neurons)
    assert (
        cut.saves[match]
        == whole.totals()[match] - whole.without(neurons=cut.neurons).totals()[match]
    )
    off = abs(cut.saves[match] - save)
    steps = [
        NeuronCut(group, tuple(range(min(round_to, group.count - 1))))
        for group in anatomy.neurons
        if spare[group.name]
    ]
    dearest = max(cut_of("neurons", whole, neurons=[step]).saves[match] for step in steps)
    # Neurons go in steps, the least important first: no step more or less. The first goes in any
    # case, though it may save more than all that is to be saved.
    if round_to > 1 or save < dearest:
        all_gone = sum(len(each.drop) for each in cut.neurons) == sum(spare.values())
        assert off < dearest or all_gone
        return
    for other in (save - 1, save + 1, save // 2, save * 2, 1):
        neighbour = propose_neurons(anatomy, scores, whole, chosen, max(1, other))
        assert off <= abs(neighbour.saves[match] - save)


@hypothesis(max_examples=6, deadline=None)
@given(**{**CHOICES, "round_to": st.just(1)})
def test_no_other_number_of_neurons_would_come_nearer(seed, spread, match, round_to, least, share):
    anatomy, whole = _narrowed(seed)
    scores = _scores(anatomy, seed)
    chosen = _settings(spread=spread, match=match, round_to=round_to, min_neurons=least)
    reachable = _all_savings(anatomy, scores, whole, chosen)
    save = max(1, int(share * whole.totals()[match]))
    cut = propose_neurons(anatomy, scores, whole, chosen, save)
    if cut:
        best = min(abs(saving - save) for saving in reachable)
        assert abs(cut.saves[match] - save) <= best


@hypothesis(max_examples=8, deadline=None)
@given(**{**CHOICES, "share": st.floats(0.05, 0.5)}, enough=st.floats(0.02, 0.5))
def test_no_more_go_than_save_enough_of_what_the_target_counts(
    seed, spread, match, round_to, least, share, enough
):
    """Also where candidates are matched by something else, a run ends at its target."""
    anatomy, whole = _narrowed(seed)
    scores = _scores(anatomy, seed)
    chosen = _settings(spread=spread, match=match, round_to=round_to, min_neurons=least)
    save, left = int(share * whole.totals()[match]), int(enough * whole.macs)
    free = propose_neurons(anatomy, scores, whole, chosen, save)
    cut = propose_neurons(anatomy, scores, whole, chosen, save, enough=left)
    too_much = whole.totals()[match] + 1  # more than can be saved is no need, where enough is
    assert propose_neurons(anatomy, scores, whole, chosen, save, least=too_much) is None
    if free is None:
        assert cut is None
        return
    all_that_can = propose_neurons(anatomy, scores, whole, chosen, too_much)
    ends = propose_neurons(anatomy, scores, whole, chosen, too_much, least=too_much, enough=left)
    assert (ends is not None) == (all_that_can.saves["macs"] >= left)
    if free.saves["macs"] < left:
        assert cut == free
    else:
        assert cut.saves["macs"] >= left
        step = max(
            cut_of("neurons", whole, neurons=[NeuronCut(g, tuple(range(n)))]).saves["macs"]
            for g in anatomy.neurons
            for n in [min(g.count - 1, 2 * round_to)]
            if n
        )
        assert cut.saves["macs"] < left + step


@pytest.mark.parametrize("seed", range(6))
def test_also_coarse_widths_save_about_what_a_layer_does(seed):
    """Where the next step of eight would bring much too much, other groups have smaller ones."""
    scores, chosen = _scores(ANATOMY, seed), _settings(round_to=8, min_layers=1)
    layer = propose_layer(ANATOMY, scores, COST, chosen)
    neurons = propose_neurons(ANATOMY, scores, COST, chosen, layer.saves["macs"])
    assert neurons.saves["macs"] == pytest.approx(layer.saves["macs"], rel=0.12)


@pytest.mark.parametrize("spread", ["cheapest", "least", "uniform"])
def test_the_candidates_of_a_round_save_nearly_the_same(spread):
    chosen = _settings(spread=spread)
    for seed in range(5):
        scores = _scores(ANATOMY, seed)
        layer = propose_layer(ANATOMY, scores, COST, chosen)
        neurons = propose_neurons(ANATOMY, scores, COST, chosen, layer.saves["macs"])
        left = [COST.without(neurons=[NeuronCut(g, (0,))]).macs for g in ANATOMY.neurons]
        assert abs(neurons.saves["macs"] - layer.saves["macs"]) <= COST.macs - min(left)


@pytest.mark.parametrize("spread", ["cheapest", "least", "uniform"])
def test_to_save_more_never_fewer_neurons_go_but_by_a_remainder(spread):
    scores = _scores(ANATOMY, 3)
    goals = range(1, COST.macs, COST.macs // 60)
    cuts = [propose_neurons(ANATOMY, scores, COST, _settings(spread=spread), g) for g in goals]
    saved = [cut.saves["macs"] for cut in cuts]
    assert saved == sorted(saved)
    dropped = [{c.group.name: set(c.drop) for c in cut.neurons} for cut in cuts]
    for fewer, more in pairwise(dropped):
        for name, drop in fewer.items():
            lost = drop - more.get(name, set())
            assert len(lost) <= (1 if spread == "uniform" else 0)


def test_something_goes_even_where_one_neuron_saves_more_than_is_asked():
    cut = propose_neurons(ANATOMY, _scores(ANATOMY, 0), COST, _settings(), save=1)
    assert sum(len(each.drop) for each in cut.neurons) == 1


def test_there_is_no_neuron_cut_where_none_may_go_or_too_little_would_be_saved():
    scores = _scores(ANATOMY, 0)
    assert propose_neurons(ANATOMY, scores, COST, _settings(min_neurons=64), save=10) is None
    assert propose_neurons(ANATOMY, scores, COST, _settings(round_to=128), save=10) is None
    bare = Anatomy(ANATOMY.layers, (), ANATOMY.stages, (), "linear", {})
    assert propose_neurons(bare, scores, COST, _settings(), save=10) is None
    most = propose_neurons(ANATOMY, scores, COST, _settings(min_neurons=60), save=COST.macs)
    reach = most.saves["macs"]
    for least, there in ((reach, True), (reach + 1, False)):
        cut = propose_neurons(
            ANATOMY, scores, COST, _settings(min_neurons=60), save=COST.macs, least=least
        )
        assert (cut is not None) == there


def _small(counts: list[int]) -> tuple[Anatomy, Cost]:
    """A `Net` whose blocks have groups of these sizes."""
    model = zoo.Net(zoo.Block, blocks=len(counts))
    anatomy = zoo.anatomy("plain", blocks=len(counts))
    groups = tuple(
        type(g)(g.name, g.block, count, g.members)
        for g, count in zip(anatomy.neurons, counts, strict=True)
    )
    cuts = [NeuronCut(g, tuple(range(zoo.HIDDEN - g.count))) for g in groups]
    whole = cost_of(model, zoo.images(1)).without(neurons=cuts)
    return Anatomy(anatomy.layers, groups, anatomy.stages, anatomy.units, "head", {}), whole


def _dropped(cut: Cut | None) -> dict[str, tuple[int, ...]]:
    return {each.group.block: each.drop for each in cut.neurons} if cut else {}


@pytest.mark.parametrize("spread", ["cheapest", "least", "uniform"])
def test_widths_stay_multiples_also_where_all_are_equally_important(spread):
    """0.1 + 0.1 + 0.1 is more than three times 0.1 in floating point."""
    groups = tuple(type(g)(g.name, g.block, 11, g.members) for g in ANATOMY.neurons)
    anatomy = Anatomy((), groups, (), (), "linear", {})
    scores = Scores("made up", {}, {group.name: (0.1,) * 11 for group in groups})
    chosen = _settings(spread=spread, round_to=4, match="filters")
    for save in range(3, 7 * len(groups)):
        cut = propose_neurons(anatomy, scores, COST, chosen, save)
        assert {11 - len(each.drop) for each in cut.neurons} <= {8, 4}


def test_cheapest_weighs_importance_against_what_is_saved_and_least_does_not():
    group = {g.name: g for g in ANATOMY.neurons}
    wide, narrow = "layer1.1.conv1", "layer3.1.conv1"
    prices = [
        COST.macs - COST.without(neurons=[NeuronCut(group[name], (0,))]).macs
        for name in (wide, narrow)
    ]
    assert prices[0] != prices[1]
    dear, cheap = (wide, narrow) if prices[0] > prices[1] else (narrow, wide)
    points = {name: (1.0,) * g.count for name, g in group.items()}
    points[dear] = (0.5, *points[dear][1:])
    points[cheap] = (0.5 * 0.9, *points[cheap][1:])
    scores = Scores("made up", {}, points)
    first = {
        spread: propose_neurons(ANATOMY, scores, COST, _settings(spread=spread), 1).neurons[0]
        for spread in ("cheapest", "least")
    }
    assert (first["cheapest"].group.name, first["cheapest"].drop) == (dear, (0,))
    assert (first["least"].group.name, first["least"].drop) == (cheap, (0,))


@hypothesis(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 8), min_size=1, max_size=4), st.integers(0, 10**6), st.data())
def test_uniform_takes_the_same_share_of_every_group_by_largest_remainder(counts, seed, data):
    anatomy, whole = _small(counts)
    scores = _scores(anatomy, seed)
    spare = [count - 1 for count in counts]
    if not sum(spare):
        return
    n = data.draw(st.integers(1, sum(spare)))
    cut = propose_neurons(anatomy, scores, whole, _settings(spread="uniform", match="filters"), n)
    taken = [len(_dropped(cut).get(group.block, ())) for group in anatomy.neurons]
    assert sum(taken) == n
    # Largest remainder is the whole-number share that is nearest to the exact one.
    exact = [n * each / sum(spare) for each in spare]
    nearest = min(
        sum(abs(t - e) for t, e in zip(other, exact, strict=True))
        for other in product(*(range(each + 1) for each in spare))
        if sum(other) == n
    )
    off = sum(abs(t - e) for t, e in zip(taken, exact, strict=True))
    assert off == pytest.approx(nearest)
    assert all(abs(t - e) < 1 for t, e in zip(taken, exact, strict=True))


def test_equal_remainders_go_to_what_is_less_important():
    anatomy, whole = _small([4, 4, 4])
    names = [group.name for group in anatomy.neurons]
    for order in ([0.3, 0.2, 0.1], [0.1, 0.3, 0.2]):
        points = {name: (p, 9.0, 9.0, 9.0) for name, p in zip(names, order, strict=True)}
        chosen = _settings(spread="uniform", match="filters")
        cut = propose_neurons(anatomy, Scores("", {}, points), whole, chosen, 1)
        assert list(_dropped(cut)) == [f"blocks.{order.index(min(order))}"]


@pytest.mark.parametrize("spread", ["cheapest", "least", "uniform"])
@pytest.mark.parametrize("kinds", [1, 2])
def test_ties_are_broken_the_same_way_every_time_whatever_the_generators_hold(spread, kinds):
    chosen = _settings(spread=spread, layers_per_round=3)
    found = []
    for state in (0, 1):
        random.seed(state)
        torch.manual_seed(state)
        scores = _scores(ANATOMY, 4, kinds)
        found.append(
            (
                propose_layer(ANATOMY, scores, COST, chosen),
                propose_neurons(ANATOMY, scores, COST, chosen, COST.macs // 5),
            )
        )
    assert found[0] == found[1]
    if kinds == 1:  # in the order in which the network runs
        assert [e.name for e in found[0][0].layers] == ["layer1.1", "layer1.2", "layer2.1"]
        assert all(e.drop == tuple(range(len(e.drop))) for e in found[0][1].neurons)


# The floor


@pytest.mark.parametrize(
    ("depth", "layers_only", "hard"),
    [(32, 61.44, 97.57), (44, 72.64, 98.27), (56, 78.80, 98.66), (110, 89.47, 99.34)],
)
def test_the_floors_are_those_of_the_papers_networks_with_two_blocks_a_stage(
    depth, layers_only, hard
):
    """shared/FACTS.md, section 1: blocks [2, 2, 2], and one filter in each first convolution."""
    model = CifarResNet(depth, shortcut="B")
    anatomy = zoo.resnet_anatomy(model)
    whole = cost_of(model, Batch(torch.zeros(1, 3, 32, 32)))
    for least, expected in ((64, layers_only), (1, hard)):
        left = floor(anatomy, whole, _settings(min_layers=2, min_neurons=least))
        assert round(100 * (1 - left.macs / whole.macs), 2) == expected


@SMALL
@given(
    seed=st.integers(0, 10**6),
    least=st.integers(1, 4),
    neurons=st.sampled_from([1, 5, 64]),
    round_to=st.sampled_from([1, 4]),
    of=st.sampled_from(["macs", "params"]),
)
def test_no_allowed_cut_leads_below_the_floor(seed, least, neurons, round_to, of):
    anatomy, whole = _narrowed(seed)
    chosen = _settings(of=of, min_layers=least, min_neurons=neurons, round_to=round_to)
    smallest = floor(anatomy, whole, chosen).totals()[of]
    rng = random.Random(seed)
    stay = neurons + -neurons % round_to
    for _ in range(10):
        gone: list[str] = []
        for stage in anatomy.stages:
            allowed = [e.name for e in anatomy.layers if e.name in stage[1:]]
            gone += rng.sample(allowed, max(0, min(len(allowed), len(stage) - least)))
        cuts = [NeuronCut(g, tuple(range(max(0, g.count - stay)))) for g in anatomy.neurons]
        assert whole.without(gone, cuts).totals()[of] >= smallest


@pytest.mark.parametrize(("of", "left"), [("macs", 10 * 10 * 7), ("params", 5 * 5)])
def test_the_floor_is_that_of_what_is_counted(of, left):
    """One block is wide and computes at few places, the other is narrow and computes at many."""
    operations = {
        "b.0.c": Operation(1, 1, 1, 1, 0, 0, "dense"),
        "b.1.c": Operation(10, 10, 1, 1, 7, 0, "dense"),
        "b.2.c": Operation(5, 5, 1, 1, 90, 0, "dense"),
    }
    layers = tuple(Layer(f"b.{i}", "b", (f"b.{i}.c",)) for i in range(3))
    anatomy = Anatomy(layers, (), (("b.0", "b.1", "b.2"),), (), "head", {})
    smallest = floor(anatomy, Cost(operations, {"b.0.c": -1}), _settings(of=of, min_layers=2))
    assert smallest.totals()[of] == left


@pytest.mark.parametrize("of", ["macs", "params"])
@pytest.mark.parametrize("round_to", [1, 8])
def test_the_floor_is_reached_by_going_on_until_nothing_may_go(of, round_to):
    model = zoo.resnet("B", depth=20)
    chosen = _settings(of=of, round_to=round_to, min_neurons=2)
    anatomy, whole = zoo.resnet_anatomy(model), cost_of(model, PICTURE)
    smallest = floor(anatomy, whole, chosen)
    while True:
        now, cost = zoo.resnet_anatomy(model), cost_of(model, PICTURE)
        scores = _scores(now, cost.params)
        cut = propose_layer(now, scores, cost, chosen) or propose_neurons(
            now, scores, cost, chosen, cost.macs // 3
        )
        if cut is None:
            break
        model = remove(cut, model)
    assert cost_of(model, PICTURE).totals() == smallest.totals()


@pytest.mark.parametrize(
    ("removed", "saves", "over"),
    [(0.39, 20, True), (0.39, 2, False), (0.30, 90, False), (0.0, 60, False)],
)
def test_the_last_layer_stays_where_the_target_is_nearer_without_it(removed, saves, over):
    now = COST.totals()["macs"]
    whole = {"macs": int(now / (1 - removed))}
    cut = Cut("layer", saves={"macs": whole["macs"] * saves // 100})
    chosen = Settings(cut=0.4, only="layer")
    assert overshoots(removed, cut, COST, whole, chosen) is over
    assert not overshoots(removed, None, COST, whole, chosen)


@pytest.mark.parametrize(
    ("removed", "layer", "neurons", "kinds"),
    [
        (0.30, 29, 10, ["neurons"]),  # 59 or 40 % of 40
        (0.30, 15, 10, ["layer", "neurons"]),  # 45 %: nearer than 30
        (0.00, 29, 29, ["layer", "neurons"]),
        (0.30, 29, None, ["layer"]),  # nothing else may go
        (0.30, 25, 29, ["layer"]),
        (0.30, 60, 1, ["neurons"]),  # short of it still, but nearer
    ],
)
def test_what_goes_far_beyond_the_target_is_no_match_for_what_ends_nearer(
    removed, layer, neurons, kinds
):
    now = COST.totals()["macs"]
    whole = {"macs": round(now / (1 - removed))}
    given = (("layer", layer), ("neurons", neurons))
    cuts = [
        Cut(kind, saves={"macs": whole["macs"] * saves // 100})
        for kind, saves in given
        if saves is not None
    ]
    kept = fitting(cuts, removed, COST, whole, Settings(cut=0.4))
    assert [cut.kind for cut in kept] == kinds
    matched = Settings(cut=0.4, match="filters")
    assert fitting(cuts, removed, COST, whole, matched) == cuts


def test_the_floor_is_that_of_the_kind_that_is_offered():
    both, layers, neurons = (
        floor(ANATOMY, COST, _settings(only=only)).totals()["macs"]
        for only in (None, "layer", "neurons")
    )
    assert both < min(layers, neurons)
    assert max(layers, neurons) < COST.totals()["macs"]


# Neurons at matched latency


def _timed(seed: int) -> Cost:
    """The cost with made-up times: blocks that take anything, and less in steps as neurons go."""
    rng = random.Random(seed)
    blocks = {name: rng.randrange(500, 2000) for stage in ANATOMY.stages for name in stage}
    widths = {}
    for group in ANATOMY.neurons:
        counts = sorted({1, *(rng.randrange(1, group.count) for _ in range(4)), group.count})
        full = blocks[group.block]
        times = sorted(rng.choice([full, full, rng.randrange(100, full)]) for _ in counts[:-1])
        curve = Curve(tuple(counts), (*times, full))
        widths[group.name] = Width(group.block, curve, group.count)
    return replace(COST, times=Times(rng.randrange(1000), blocks, widths))


@SMALL
@given(seed=st.integers(0, 10**6), spread=st.sampled_from(["cheapest", "least", "uniform"]))
def test_neurons_save_at_least_the_time_of_the_layer_or_there_are_none_that_do(seed, spread):
    cost, scores = _timed(seed), _scores(ANATOMY, seed)
    chosen = _settings(match="latency", spread=spread, min_layers=1)
    layer = propose_layer(ANATOMY, scores, cost, chosen)
    save, least = savings_goal(cost, cost.totals(), layer, chosen)
    assert save == least == layer.saves["latency"]
    cut = propose_neurons(ANATOMY, scores, cost, chosen, save, least=least)
    if cut is None:
        everything = [NeuronCut(g, tuple(range(g.count - 1))) for g in ANATOMY.neurons]
        left = cost.without(neurons=everything).totals()["latency"]
        fitting = spread != "uniform"  # groups whose next neurons alone are too much stay
        assert fitting or cost.totals()["latency"] - left < least
    else:
        assert cut.saves["latency"] >= save
        assert cut.saves == {
            key: value - cost.without(neurons=cut.neurons).totals()[key]
            for key, value in cost.totals().items()
        }
    again = propose_neurons(ANATOMY, scores, cost, chosen, save, least=least)
    assert again == cut


@SMALL
@given(seed=st.integers(0, 10**6), share=st.floats(0.02, 0.4))
def test_the_more_time_is_asked_for_the_more_is_saved(seed, share):
    cost, scores = _timed(seed), _scores(ANATOMY, seed)
    chosen = _settings(match="latency")
    goal = int(share * cost.totals()["latency"])
    cuts = [
        propose_neurons(ANATOMY, scores, cost, chosen, save, least=save)
        for save in (goal // 2, goal)
    ]
    if None not in cuts:
        assert cuts[0].saves["latency"] >= goal // 2
        assert cuts[1].saves["latency"] >= goal


def test_the_floor_of_latency_is_what_all_that_may_go_leaves():
    cost, chosen = _timed(1), Settings(cut=0.5, of="latency", min_layers=1)
    smallest = floor(ANATOMY, cost, chosen).totals()["latency"]
    assert 0 < smallest < cost.totals()["latency"]
