"""What a run writes down comes back as it was, and says in words what it is."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leanfair.errors import InputError
from leanfair.pruning.run.result import Pruned
from leanfair.pruning.types import Cut, Layer, Member, NeuronCut, Neurons, Step

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=8)
COUNTS = st.integers(0, 2**40)
MEMBERS = st.builds(Member, NAMES, st.sampled_from(["in", "out", "both"]), COUNTS, COUNTS)
GROUPS = st.builds(Neurons, NAMES, NAMES, COUNTS, st.lists(MEMBERS, max_size=3).map(tuple))
NEURONS = st.builds(NeuronCut, GROUPS, st.lists(COUNTS, max_size=4).map(tuple))
LAYERS = st.builds(Layer, NAMES, NAMES, st.lists(NAMES, max_size=2).map(tuple))
CUTS = st.builds(
    Cut,
    st.sampled_from(["layer", "neurons"]),
    st.lists(LAYERS, max_size=2).map(tuple),
    st.lists(NEURONS, max_size=3).map(tuple),
    st.dictionaries(st.sampled_from(["macs", "params", "filters"]), COUNTS),
)
STEPS = st.builds(
    Step,
    index=COUNTS,
    chosen=st.sampled_from(["layer", "neurons"]),
    cka=st.fixed_dictionaries({"layer": st.none() | st.floats(0, 1), "neurons": st.floats(0, 1)}),
    cut=CUTS,
    macs=COUNTS,
    params=COUNTS,
    accuracy=st.none() | st.floats(0, 1),
    seconds=st.floats(0, 1e6),
    cost=st.floats(0, 1e12),
    perplexity=st.none() | st.floats(1, 1e300),
)


@settings(max_examples=50, deadline=None)
@given(CUTS)
def test_a_cut_comes_back_from_json_as_it_was(cut):
    assert Cut.from_json(json.loads(json.dumps(cut.to_json(), allow_nan=False))) == cut
    assert isinstance(str(cut), str)


@settings(max_examples=30, deadline=None)
@given(STEPS)
def test_a_step_comes_back_from_json_as_it_was(step):
    assert Step.from_json(json.loads(json.dumps(step.to_json(), allow_nan=False))) == step


def test_a_step_that_was_written_before_there_was_perplexity_is_read():
    step = Step(1, "layer", {"layer": 0.9, "neurons": None}, Cut("layer"), 5, 6, 0.9, 1.0, 5.0)
    written = step.to_json()
    del written["perplexity"]
    assert Step.from_json(written) == step


def test_a_cut_says_what_it_removes_and_saves():
    saves = {"macs": 1234567, "params": 89, "filters": 3}
    layers = Cut("layer", (Layer("a.1", "a", ("a.1.n",)), Layer("a.2", "a", ())), (), saves)
    assert str(layers) == "remove a.1, a.2 (saves 1,234,567 MACs, 89 parameters)"
    group = Neurons("a.0.c", "a.0", 8, (Member("a.0.c", "out"),))
    neurons = Cut("neurons", (), (NeuronCut(group, (1, 5)), NeuronCut(group, (0,))), saves)
    assert "remove 3 neurons: a.0.c -2/8, a.0.c -1/8" in str(neurons)


def head_cut(layer: int, drop: int, queries: int = 1) -> NeuronCut:
    name = f"model.layers.{layer}"
    members = (
        Member(f"{name}.attn.q", "out", repeat=64 * queries),
        Member(f"{name}.attn.k", "out", repeat=64),
        Member(f"{name}.attn.o", "in", repeat=64 * queries),
    )
    group = Neurons(f"{name}.attn.q", name, 9, members, "head")
    return NeuronCut(group, tuple(range(drop)))


def unit_cut(layer: int, drop: int, count: int = 1536) -> NeuronCut:
    name = f"model.layers.{layer}"
    member = Member(f"{name}.mlp.up", "out")
    group = Neurons(f"{name}.mlp.up", name, count, (member,), fields=(("intermediate_size", 1),))
    return NeuronCut(group, tuple(range(drop)))


def test_what_every_layer_of_a_transformer_loses_alike_is_told_once():
    cuts = [each for i in range(30) for each in (head_cut(i, 1, queries=3), unit_cut(i, 68))]
    assert str(Cut("neurons", (), tuple(cuts), {"macs": 12, "params": 5})) == (
        "remove 1 of 9 key-value heads in each of 30 layers, 68 of 1,536 MLP units in each of 30 "
        "layers (saves 12 MACs, 5 parameters)"
    )


def test_what_the_layers_of_a_transformer_lose_apart_is_told_as_a_sum():
    cuts = (head_cut(0, 1), head_cut(4, 2), unit_cut(3, 7))
    assert str(Cut("neurons", (), cuts)).startswith(
        "remove 3 of 18 attention heads in 2 layers (1 to 2 in each), 7 of 1,536 MLP units of "
        "model.layers.3.mlp.up (saves"
    )


def test_nothing_can_be_changed_afterwards():
    cut = Cut("layer")
    with pytest.raises(FrozenInstanceError):
        cut.kind = "neurons"  # type: ignore[misc]


def test_a_run_without_a_directory_asks_where_its_report_goes():
    with pytest.raises(InputError, match=r"report\('runs/small'\)"):
        Pruned(None, (), {}).report()  # type: ignore[arg-type]
