"""What is said of a network after a cut is what would be found out about it anew."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from leanfair.data.batches import Batch
from leanfair.pruning.structures.dissect import anatomy_of
from leanfair.pruning.structures.update import doubt, misfit, update
from leanfair.pruning.surgery.removal import apply
from leanfair.pruning.types import Anatomy, Cut, Layer, Member, NeuronCut, Neurons
from tests.support.marks import mostly_real
from tests.support.oracles import zoo

SIZES = {
    "hidden_size": 48, "intermediate_size": 20, "num_hidden_layers": 4, "num_attention_heads": 6,
    "vocab_size": 32, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip


def _made(name: str, config: str, **given: Any) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        import transformers

        torch.manual_seed(0)
        settings = getattr(transformers, config)(**{**SIZES, **given})
        return zoo.awake(getattr(transformers, name)(settings))

    return make


MODELS = {
    "grouped queries": _made("LlamaForCausalLM", "LlamaConfig", num_key_value_heads=3),
    "queries and keys in one": _made("Phi3ForCausalLM", "Phi3Config", num_key_value_heads=3),
    "queries, keys and values in one, head by head": _made("GPTNeoXForCausalLM", "GPTNeoXConfig"),
    "queries, keys and values in one, side by side": _made(
        "GPT2LMHeadModel", "GPT2Config", n_embd=48, n_layer=4, n_head=6, n_inner=20
    ),
    "layers of two kinds": _made(
        "Gemma3ForCausalLM", "Gemma3TextConfig", num_key_value_heads=3, head_dim=8,
        sliding_window=4, layer_types=[*["sliding_attention", "full_attention"] * 2],
    ),
    "an encoder": _made("BertForMaskedLM", "BertConfig"),
}  # fmt: skip
SAMPLE = Batch({"input_ids": torch.randint(3, 32, (3, 9), generator=torch.Generator())})


def _some(anatomy: Anatomy, rng: random.Random) -> Cut:
    """A cut of chance: one layer, or as many of each of some groups that go together."""
    if anatomy.layers and rng.random() < 0.4:
        return Cut("layer", layers=(rng.choice(anatomy.layers),))
    ties = anatomy.ties or tuple((group.name,) for group in anatomy.neurons)
    groups = {group.name: group for group in anatomy.neurons}
    cuts = []
    for tie in rng.sample(ties, min(len(ties), 2)):
        count, told = groups[tie[0]].count, groups[tie[0]].counts
        # One group of queries alone would be taken apart further.
        stay = rng.choice([n for n in (told or range(1, count)) if n > 1] or [count])
        drops = (tuple(sorted(rng.sample(range(count), count - stay))) for _ in tie)
        cuts += [NeuronCut(groups[name], drop) for name, drop in zip(tie, drops, strict=True)]
    return Cut("neurons", neurons=tuple(cut for cut in cuts if cut.drop))


def _told(group: Neurons) -> tuple[Any, ...]:
    """All that matters of a group: what has to be stated once is stated after that."""
    members, sizes = frozenset(group.members), frozenset(group.sizes)
    return group.block, group.count, members, sizes, group.unit, group.fields, group.counts


def _layer(layer: Layer) -> tuple[Any, ...]:
    return layer.name, layer.container, frozenset(layer.exits), layer.fields, layer.lists


@pytest.mark.parametrize("free", mostly_real([False, True], [False]))
@pytest.mark.parametrize("name", mostly_real(MODELS, [*MODELS][::2]))
def test_it_is_what_is_found_anew(name: str, free: bool) -> None:
    model, rng = MODELS[name](), random.Random(1)
    anatomy = anatomy_of(model, SAMPLE, free)
    for _ in range(3):
        cut = _some(anatomy, rng)
        if not (cut.layers or cut.neurons):
            continue
        anatomy = update(cut, anatomy, model)
        model = apply(cut, model, SAMPLE)
    anew = anatomy_of(model, SAMPLE, free)
    assert {g.name: _told(g) for g in anatomy.neurons} == {g.name: _told(g) for g in anew.neurons}
    assert [_layer(layer) for layer in anatomy.layers] == [_layer(layer) for layer in anew.layers]
    assert sorted(map(sorted, anatomy.ties)) == sorted(map(sorted, anew.ties))
    assert (anatomy.stages, anatomy.head) == (anew.stages, anew.head)
    assert set(anatomy.units) <= set(anew.units)  # what ran once for each kind may run once at all


def test_names_of_layers_move_up_and_those_of_other_containers_stay() -> None:
    group = Neurons("a.10.up", "a.10", 3, ())
    layers = tuple(Layer(f"{root}.{i}", root, (f"{root}.{i}.o",)) for root in "ab" for i in (2, 10))
    before = Anatomy(layers, (group,), (("a.2", "a.10"), ("b.2", "b.10")), (), "head", {})
    blocks = {root: nn.ModuleList(nn.Identity() for _ in range(11)) for root in "ab"}
    left = update(Cut("layer", layers=layers[:1]), before, nn.ModuleDict(blocks))
    assert [layer.name for layer in left.layers] == ["a.9", "b.2", "b.10"]
    assert left.layers[0].exits == ("a.9.o",)
    assert (left.neurons[0].name, left.neurons[0].block) == ("a.9.up", "a.9")
    assert left.stages == (("a.9",), ("b.2", "b.10"))


def test_names_of_blocks_that_are_not_all_numbers_stay() -> None:
    layers = tuple(Layer(f"a.{key}", "a", (f"a.{key}.o",)) for key in ("2", "10"))
    before = Anatomy(layers, (), (("a.2", "a.10"),), ("a.stem",), "head", {})
    members = {key: nn.Identity() for key in ("stem", "2", "10")}
    left = update(
        Cut("layer", layers=layers[:1]), before, nn.ModuleDict({"a": nn.ModuleDict(members)})
    )
    assert [layer.name for layer in left.layers] == ["a.10"]


def test_a_container_in_one_that_loses_a_block_moves_up_with_its_layers() -> None:
    inner = Layer("2.1", "2", ("2.1.o",))
    outer = Layer("1", "", ("1.o",))
    model = nn.Sequential(nn.Identity(), nn.Identity(), nn.Sequential(nn.Identity(), nn.Identity()))
    before = Anatomy((outer, inner), (), (("0", "1"), ("2.0", "2.1")), (), "2.1", {})
    left = update(Cut("layer", layers=(outer,)), before, model)
    assert left.layers == (Layer("1.1", "1", ("1.1.o",)),)
    assert (left.head, left.stages) == ("1.1", (("0",), ("1.0", "1.1")))


def test_what_arithmetic_cannot_know_is_doubted() -> None:
    gone = Cut("layer", layers=(Layer("1", "", ()),))
    through = Neurons("0", "", 2, (Member("0", "out"), Member("1.up", "in")))
    bare = Anatomy((), (), (), (), "2", {})
    assert doubt(gone, bare) == ""
    assert "holds the head" in doubt(gone, replace(bare, head="1.out"))
    assert "run through 1.up" in doubt(gone, replace(bare, neurons=(through,)))
    assert doubt(gone, replace(bare, neurons=(replace(through, name="1.up"),))) == ""


def test_structures_that_the_modules_do_not_have_are_a_misfit() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    group = Neurons("0", "", 4, (Member("0", "out"), Member("1", "in")))
    fits = Anatomy((), (group,), (), ("0", "1"), "1", {})
    assert misfit(fits, model) == ""
    assert "no module 2" in misfit(replace(fits, head="2"), model)
    wide = replace(group, count=5)
    assert "4 wide" in misfit(replace(fits, neurons=(wide,)), model)
