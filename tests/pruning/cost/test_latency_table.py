"""The table of times: what is timed, what shares a time, and what becomes of a noisy clock."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from torch import nn

from leanfair.data.batches import Batch
from leanfair.pruning.cost.latency_table import LIKED, frontier, measure_table, monotone, times_of
from leanfair.pruning.cost.macs import cost_of
from leanfair.pruning.structures.dissect import trace
from leanfair.pruning.surgery.removal import remove
from leanfair.pruning.types import Cut, NeuronCut
from tests.support.nets import tiny
from tests.support.tiny_text import llama

PICTURES = Batch(torch.zeros(3, 1, 8, 8))


def by_work(calls: Mapping[str, Callable[[], object]], device: Any) -> dict[str, float]:
    """A clock that never errs: a second for each element that modules put out, so that what is
    narrower takes less."""
    found = {}
    for name, call in calls.items():
        spent = 0

        def count(module: nn.Module, args: Any, out: Any) -> None:
            nonlocal spent
            spent += out.numel() if isinstance(out, torch.Tensor) else 0

        handle = nn.modules.module.register_module_forward_hook(count)
        try:
            call()
        finally:
            handle.remove()
        found[name] = float(spent)
    return found


def table(model: nn.Module, sample: Batch = PICTURES, timer: Any = by_work, batch: int = 2):
    anatomy = trace(model, sample)[0]
    cost = cost_of(model, sample)
    return anatomy, cost, measure_table(model, anatomy, cost, sample, batch, "f", timer)


def test_blocks_that_run_alike_are_timed_once():
    anatomy, _, found = table(tiny(20))
    kinds = [entry["blocks"] for entry in found["blocks"]]
    assert kinds == [
        [""],
        ["layer1.0", "layer1.1", "layer1.2"],
        ["layer2.0"],
        ["layer2.1", "layer2.2"],
        ["layer3.0"],
        ["layer3.1", "layer3.2"],
    ]
    assert found["batch"] == 2
    assert found["fingerprint"] == "f"
    groups = [name for e in found["blocks"] for w in e["widths"] for name in w["groups"]]
    assert sorted(groups) == sorted(group.name for group in anatomy.neurons)
    for entry in found["blocks"][1:]:
        (width,) = entry["widths"]
        assert width["counts"][0] == 1
        assert width["seconds"][-1] == entry["seconds"]


def test_what_is_predicted_is_what_such_a_clock_finds_of_the_network_cut_so():
    model = tiny(14)
    anatomy, cost, found = table(model)
    timed = replace(cost, times=times_of(found, anatomy))
    assert timed.totals()["latency"] == round(found["blocks"][0]["seconds"] * 1e9)
    halves = tuple(NeuronCut(g, tuple(range(g.count // 2))) for g in anatomy.neurons)
    most = NeuronCut(anatomy.neurons[2], tuple(range(anatomy.neurons[2].count - 1)))
    layer = Cut("layer", layers=(anatomy.layers[0],))
    for cut in (layer, Cut("neurons", neurons=halves), Cut("neurons", neurons=(most,))):
        child = remove(cut, model)
        true = by_work({"": partial(child, torch.zeros(2, 1, 8, 8))}, None)[""]
        predicted = timed.without([each.name for each in cut.layers], cut.neurons)
        assert predicted.totals()["latency"] == pytest.approx(true * 1e9, rel=1e-6)


def test_heads_and_units_of_a_language_model_are_timed_where_they_are():
    model = llama()
    sample = Batch({"input_ids": torch.randint(5, 40, (2, 12))})
    anatomy, _, found = table(model, sample)
    kinds = found["blocks"]
    assert len(kinds) == 2  # every layer runs alike
    assert {w["groups"][0] for w in kinds[1]["widths"]} == {
        g.name for g in anatomy.neurons if g.block == anatomy.stages[0][0]
    }
    times = times_of(found, anatomy)
    half = [NeuronCut(g, tuple(range(g.count // 2))) for g in anatomy.neurons]
    assert times.without(neurons=half).total < times.total


def test_a_network_without_blocks_is_timed_as_a_whole():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 4, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(64, 3),
    ).eval()  # fmt: skip
    anatomy, _, found = table(model)
    assert [entry["blocks"] for entry in found["blocks"]] == [[""]]
    times = times_of(found, anatomy)
    group = anatomy.neurons[0]
    assert times.without(neurons=[NeuronCut(group, (0, 1))]).total < times.total


def test_measuring_leaves_the_network_as_it_was():
    model = tiny(14)
    anatomy, cost, _ = table(model)
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    measure_table(model, anatomy, cost, PICTURES, 2, "f", by_work)
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_however_the_clock_errs_what_is_narrower_never_takes_longer():
    rng = random.Random(0)

    def noisy(calls: Mapping[str, Callable[[], object]], device: Any) -> dict[str, float]:
        return {name: rng.uniform(0.001, 0.002) for name in calls}

    anatomy, cost, _ = table(tiny(14))
    for _ in range(3):
        found = measure_table(tiny(14), anatomy, cost, PICTURES, 2, "f", noisy)
        times = times_of(found, anatomy)
        for group in anatomy.neurons:
            left = [
                times.without(neurons=[NeuronCut(group, tuple(range(n)))]).total
                for n in range(group.count)
            ]
            assert left == sorted(left, reverse=True)


@hypothesis(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 10), min_size=1, max_size=12))
def test_smoothing_is_isotonic_regression(values):
    expected = IsotonicRegression().fit_transform(range(len(values)), values)
    assert monotone(values) == pytest.approx(list(np.asarray(expected, float)), abs=1e-9)


@given(st.lists(st.floats(0.01, 10.0), min_size=1, max_size=12))
def test_a_width_is_liked_if_and_only_if_every_wider_one_that_is_liked_takes_longer(seconds):
    kept = frontier(seconds)
    assert kept[-1] == len(seconds) - 1
    assert kept == sorted(kept)
    for i, each in enumerate(seconds[:-1]):
        wider = min(seconds[j] for j in kept if j > i)
        assert (i in kept) == (each <= LIKED * wider)


def test_a_finer_table_has_more_widths_and_says_the_same_of_those_in_both():
    _, _, coarse = table(tiny(14))
    model = tiny(14)
    anatomy, cost = trace(model, PICTURES)[0], cost_of(model, PICTURES)
    fine = measure_table(model, anatomy, cost, PICTURES, 2, "f", by_work, fine=True)
    for few, many in zip(coarse["blocks"][1:], fine["blocks"][1:], strict=True):
        (some,), (all_,) = few["widths"], many["widths"]
        told = dict(zip(all_["counts"], all_["seconds"], strict=True))
        assert len(told) >= len(some["counts"])
        assert {n: told[n] for n in some["counts"]} == dict(
            zip(some["counts"], some["seconds"], strict=True)
        )
    liked = times_of(fine, anatomy, liked=True)
    assert all(each.curve.widths[-1] == each.count for each in liked.widths.values())
