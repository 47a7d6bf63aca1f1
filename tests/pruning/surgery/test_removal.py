"""A removal is physical, spares the parent, gives what silence gives, and is refused if not."""

from __future__ import annotations

import copy
import json
import random
from collections import OrderedDict

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from leanfair.data.batches import Batch
from leanfair.errors import SurgeryError
from leanfair.pruning.cost.macs import bill
from leanfair.pruning.structures.dissect import dissect
from leanfair.pruning.surgery.removal import apply, parts, remove
from leanfair.pruning.surgery.verification import difference
from leanfair.pruning.types import Anatomy, Cut, Layer, Member, NeuronCut, Neurons
from tests.support.oracles import zoo
from tests.support.oracles.silence import far, logits, silenced

X = zoo.images().inputs.double()
PROOF = Batch(X)


def _flattened() -> tuple[nn.Module, Anatomy]:
    """Filters whose pixels are flattened: a neuron owns many inputs of the dense layer."""
    model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 36, 4))
    group = Neurons("0", "0", 5, (Member("0", "out"), Member("3", "in", 0, 36)))
    return model.double().eval(), Anatomy((), (group,), (), (), "3", {})


MODELS: dict[str, tuple[nn.Module, Anatomy]] = {
    name: (zoo.awake(zoo.Net(block)).double(), zoo.anatomy(name))
    for name, block in {**zoo.BLOCKS, **zoo.REFUSED}.items()
}
MODELS["flattened"] = _flattened()


def _random_cut(anatomy: Anatomy, seed: int) -> Cut:
    rng = random.Random(seed)
    drops = [
        NeuronCut(group, tuple(sorted(rng.sample(range(group.count), rng.randrange(group.count)))))
        for group in anatomy.neurons
        if rng.random() < 0.8
    ]
    rng.shuffle(drops)
    layers = tuple(layer for layer in anatomy.layers if rng.random() < 0.4)
    return Cut("neurons", layers, tuple(drops))


CASES = given(name=st.sampled_from(sorted(MODELS)), seed=st.integers(0, 10**9))


@settings(max_examples=60, deadline=None)
@CASES
def test_the_smaller_network_gives_what_the_silenced_one_gives(name, seed):
    model, anatomy = MODELS[name]
    cut = _random_cut(anatomy, seed)
    child = apply(cut, model, PROOF)
    assert far(logits(child, X), logits(silenced(cut, model), X)) < 1e-10
    dropped = [n for n in cut.neurons if not any(n.group.block == e.name for e in cut.layers)]
    fewer = sum(p.numel() for p in child.parameters()) < sum(p.numel() for p in model.parameters())
    assert fewer == bool(cut.layers or any(n.drop for n in dropped))


@settings(max_examples=20, deadline=None)
@CASES
def test_a_cut_from_json_on_a_fresh_model_gives_the_very_same_network(name, seed):
    model, anatomy = MODELS[name]
    cut = _random_cut(anatomy, seed)
    fresh = copy.deepcopy(model)
    replayed = remove(Cut.from_json(json.loads(json.dumps(cut.to_json()))), fresh)
    child = apply(cut, model, PROOF)
    one, other = child.state_dict(), replayed.state_dict()
    assert list(one) == list(other)
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert torch.equal(logits(child, X), logits(replayed, X))


@settings(max_examples=20, deadline=None)
@CASES
def test_the_parent_stays_as_it_is_and_shares_nothing_with_the_child(name, seed):
    model, anatomy = MODELS[name]
    before = {key: value.clone() for key, value in model.state_dict().items()}
    addresses = {key: value.data_ptr() for key, value in model.state_dict().items()}
    names = [name for name, _ in model.named_modules()]
    child = apply(_random_cut(anatomy, seed), model, PROOF)
    with torch.no_grad():
        for parameter in child.parameters():
            parameter.add_(1.0)
    after = model.state_dict()
    assert all(torch.equal(after[key], before[key]) for key in before)
    assert {key: value.data_ptr() for key, value in after.items()} == addresses
    assert [name for name, _ in model.named_modules()] == names
    for module in (*model.modules(), *child.modules()):
        assert not module._forward_pre_hooks
        assert not module._forward_hooks


@settings(max_examples=20, deadline=None)
@CASES
def test_the_modules_say_what_size_they_have(name, seed):
    model, anatomy = MODELS[name]
    child = remove(_random_cut(anatomy, seed), model)
    for module in child.modules():
        if isinstance(module, nn.Conv2d):
            shape = (module.out_channels, module.in_channels // module.groups)
            assert tuple(module.weight.shape[:2]) == shape
            assert module.bias is None or len(module.bias) == module.out_channels
        elif isinstance(module, nn.Linear):
            assert tuple(module.weight.shape) == (module.out_features, module.in_features)
        elif isinstance(module, nn.BatchNorm2d):
            assert len(module.running_mean) == len(module.running_var) == module.num_features
        elif isinstance(module, nn.PReLU):
            assert len(module.weight) == module.num_parameters


@pytest.mark.parametrize("name", sorted(MODELS))
def test_one_neuron_is_enough(name):
    model, anatomy = MODELS[name]
    drops = tuple(NeuronCut(g, tuple(range(1, g.count))) for g in anatomy.neurons)
    cut = Cut("neurons", neurons=drops)
    child = apply(cut, model, PROOF)
    assert far(logits(child, X), logits(silenced(cut, model), X)) < 1e-10


@pytest.mark.parametrize("name", ["plain", "depthwise", "two branches"])
def test_what_is_left_can_be_trained_and_cut_again(name):
    model, anatomy = MODELS[name]
    child = apply(_random_cut(anatomy, 1), model, PROOF).train()
    before = [parameter.clone() for parameter in child.parameters()]
    optimizer = torch.optim.SGD(child.parameters(), lr=0.1)
    child(X).square().mean().backward()
    optimizer.step()
    assert all(p.grad is not None for p in child.parameters())
    assert any(not torch.equal(p, old) for p, old in zip(child.parameters(), before, strict=True))
    child.eval()
    again = Cut.from_json(json.loads(json.dumps(_random_cut(anatomy, 1).to_json())))
    with pytest.raises(SurgeryError):  # it is another network now
        apply(again, child, PROOF)
    if name == "plain":
        apply(_random_cut(dissect(child, PROOF), 2), child, PROOF)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["plain", "depthwise", "prelu", "gate"])
def test_lower_precision_is_proven_too(name, dtype):
    model = zoo.awake(zoo.Net(zoo.BLOCKS[name])).to(dtype)
    anatomy = MODELS[name][1]
    for seed in range(4):
        child = apply(_random_cut(anatomy, seed), model, Batch(X.to(dtype)))
        assert {parameter.dtype for parameter in child.parameters()} == {dtype}


def test_what_is_frozen_or_in_training_stays_so():
    model = zoo.Net(zoo.Block).train()
    model.blocks[0].first.weight.requires_grad_(False)
    model.blocks[2].last.bias.requires_grad_(False)
    model.blocks[1].eval()
    cut = Cut(
        "neurons",
        (zoo.layer_by_hand("blocks.1"),),
        tuple(NeuronCut(zoo.by_hand(f"blocks.{i}"), (1, 4)) for i in (0, 2)),
    )
    child = apply(cut, model, Batch(X.float()))
    frozen = [name for name, p in child.named_parameters() if not p.requires_grad]
    assert frozen == ["blocks.0.first.weight", "blocks.1.last.bias"]
    assert child.training
    assert child.blocks[0].training
    assert model.training
    assert not model.blocks[1].training
    assert model.blocks[0].training


# Cuts that do not fit


def _cut(*drop: int, block: str = "blocks.0", **changes: object) -> Cut:
    group = zoo.by_hand(block)
    return Cut("neurons", neurons=(NeuronCut(Neurons(**{**vars(group), **changes}), drop),))


def _changed(change) -> nn.Module:
    model = zoo.awake(zoo.Net(zoo.Block)).double()
    change(model)
    return model


@pytest.mark.parametrize("proof", [None, PROOF])
@pytest.mark.parametrize(
    ("cut", "change", "names"),
    [
        (_cut(0, block="blocks.3"), lambda m: None, "blocks.3.first"),
        (_cut(0), lambda m: setattr(m.blocks[0], "first", nn.Identity()), "blocks.0.first"),
        (_cut(0), lambda m: setattr(m.blocks[0], "first", nn.Conv2d(6, 9, 3)), "blocks.0.first"),
        (_cut(0), lambda m: setattr(m.blocks[0], "first", nn.Conv2d(6, 7, 3)), "blocks.0.first"),
        (_cut(0), lambda m: setattr(m.blocks[0], "second", nn.Conv2d(7, 6, 3)), "blocks.0.second"),
        (
            _cut(0),
            lambda m: setattr(m.blocks[0], "first", nn.ConvTranspose2d(6, 8, 3)),
            "blocks.0.first",
        ),
        (_cut(*range(8)), lambda m: None, "blocks.0.first"),
        (_cut(8), lambda m: None, "blocks.0.first"),
        (_cut(-1), lambda m: None, "blocks.0.first"),
        (Cut("layer", (zoo.layer_by_hand("blocks.3"),)), lambda m: None, "blocks"),
        (Cut("layer", (Layer("stage.1", "stage", ()),)), lambda m: None, "stage"),
    ],
)
def test_a_cut_that_does_not_fit_is_refused_naming_the_module(cut, change, names, proof):
    with pytest.raises(SurgeryError, match=f"does not fit: .*{names}"):
        apply(cut, _changed(change), proof)


def test_a_layer_without_its_exit_is_refused():
    cut = Cut("layer", (Layer("blocks.1", "blocks", ("blocks.1.gone",)),))
    with pytest.raises(SurgeryError, match=r"no module blocks\.1\.gone"):
        apply(cut, MODELS["plain"][0], PROOF)


def test_a_cut_that_was_made_is_not_made_twice():
    model = MODELS["plain"][0]
    child = apply(_cut(0, 5), model, PROOF)
    with pytest.raises(SurgeryError, match=r"blocks\.0\.first is 6 wide"):
        apply(_cut(0, 5), child, PROOF)


@pytest.mark.parametrize("norm", [parametrizations.weight_norm, parametrizations.spectral_norm])
def test_weights_that_are_computed_are_refused_not_broken(norm):
    model = zoo.awake(zoo.Net(lambda: zoo.Block(change=norm))).double()
    out = logits(model, X)
    with pytest.raises(SurgeryError, match="remove_parametrizations"):
        remove(_cut(2), model)
    assert torch.equal(logits(model, X), out)
    for module in list(model.modules()):
        if isinstance(module, nn.Conv2d) and hasattr(module, "parametrizations"):
            nn.utils.parametrize.remove_parametrizations(module, "weight")
    assert far(logits(model, X), out) < 1e-10
    apply(_cut(2), model, PROOF)


def test_masks_of_torchs_own_pruning_are_refused_not_broken():
    model = zoo.awake(zoo.Net(zoo.Block)).double()
    prune.random_unstructured(model.blocks[0].first, "weight", 0.3)
    model.blocks[0].first.weight = model.blocks[0].first.weight.detach()  # so that it can be copied
    with pytest.raises(SurgeryError, match="computed from others"):
        remove(_cut(2), model)


# Uses that no module shows


@pytest.mark.parametrize("block", [zoo.HiddenUse, zoo.FunctionalUse])
def test_a_hidden_use_of_the_channels_is_found_out_and_named(block):
    model = zoo.awake(zoo.Net(zoo.Block)).double()
    model.blocks[1] = zoo.awake(block()).double()
    drops = [NeuronCut(zoo.by_hand(f"blocks.{i}"), (0, 2)) for i in range(3)]
    cut = Cut("neurons", neurons=tuple(drops))
    before = logits(model, X)
    with pytest.raises(SurgeryError, match=r"Removing blocks\.1\.first does not give"):
        apply(cut, model, PROOF)
    assert torch.equal(logits(model, X), before)
    apply(Cut("neurons", neurons=(drops[0], drops[2])), model, PROOF)


class Checked(zoo.Block):
    """Insists on its width in its own words."""

    def inside(self, x: Tensor) -> Tensor:
        y = super().inside(x)
        assert y.shape[1] == zoo.HIDDEN, "eight channels, please"
        return y


class Counted(zoo.Block):
    """Says how many channels there are: no shape goes wrong, only the numbers."""

    def inside(self, x: Tensor) -> Tensor:
        y = super().inside(x)
        return y / y.shape[1]


@pytest.mark.parametrize("block", [Checked, Counted])
def test_any_way_to_notice_the_removal_is_an_error_of_ours(block):
    model = zoo.awake(zoo.Net(block)).double()
    with pytest.raises(SurgeryError, match=r"blocks\.0\.first"):
        apply(_cut(3), model, PROOF)


def test_a_layer_that_is_also_used_elsewhere_is_found_out():
    class Peeking(zoo.Net):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + self.blocks[1].last.bias.sum() * len(self.blocks)

    model = zoo.awake(Peeking(zoo.Block)).double()
    with pytest.raises(SurgeryError, match=r"blocks\.0"):
        apply(Cut("layer", (zoo.layer_by_hand("blocks.0"),)), model, PROOF)


def test_a_block_that_a_list_of_the_models_own_still_holds_is_found_out():
    class Listed(zoo.Net):
        def __init__(self) -> None:
            super().__init__(zoo.Block)
            self.order = list(self.blocks)

        def forward(self, x: Tensor) -> Tensor:
            x = F.relu(self.norm(self.stem(x)))
            for block in self.order:
                x = block(x)
            return self.head(x.mean(dim=(2, 3)))

    model = zoo.awake(Listed()).double()
    with pytest.raises(SurgeryError, match=r"blocks\.1"):
        apply(Cut("layer", (zoo.layer_by_hand("blocks.1"),)), model, PROOF)


@pytest.mark.parametrize("bias", [0.0, 3.0])
def test_a_head_that_is_still_zero_hides_no_wrong_removal(bias):
    for block, right in ((zoo.Block, True), (zoo.HiddenUse, False)):
        model = zoo.awake(zoo.Net(block)).double()
        nn.init.zeros_(model.head.weight)
        nn.init.constant_(model.head.bias, bias)
        if right:
            apply(_cut(0, 2), model, PROOF)
        else:
            with pytest.raises(SurgeryError):
                apply(_cut(0, 2), model, PROOF)


def test_outputs_that_are_all_zero_are_neither_a_false_alarm_nor_a_false_pass():
    class Nothing(nn.Module):
        def __init__(self, wide: int) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(4, wide), nn.Linear(wide, 2, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            y = self.second(torch.relu(self.first(x)) * 0.0)
            return y + (self.first.out_features - 8) * 1e-9

    group = Neurons("first", "first", 8, (Member("first", "out"), Member("second", "in")))
    cut = Cut("neurons", neurons=(NeuronCut(group, (1,)),))
    proof = Batch(torch.randn(3, 4))
    with pytest.raises(SurgeryError):
        apply(cut, Nothing(8), proof)

    class Silent(Nothing):
        def forward(self, x: Tensor) -> Tensor:
            return self.second(torch.relu(self.first(x)) * 0.0)

    apply(cut, Silent(8), proof)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_silenced_network_that_gives_no_numbers_proves_nothing(value):
    class Broken(zoo.Net):
        def forward(self, x: Tensor) -> Tensor:
            out = super().forward(x)
            silenced_only = self.blocks[0].second.in_channels == zoo.HIDDEN
            return torch.where(torch.tensor(silenced_only), value, out)

    with pytest.raises(SurgeryError):
        apply(_cut(1), zoo.awake(Broken(zoo.Block)).double(), PROOF)


def test_classes_that_are_ruled_out_by_minus_infinity_are_no_false_alarm():
    class Ruled(zoo.Net):
        def forward(self, x: Tensor) -> Tensor:
            out = super().forward(x)
            return out.masked_fill(torch.tensor([False, False, True, False, False]), -torch.inf)

    apply(_cut(1), zoo.awake(Ruled(zoo.Block)).double(), PROOF)


def test_a_removal_that_is_right_is_far_within_and_a_wrong_one_far_beyond_rounding():
    model = zoo.awake(zoo.Net(zoo.Block))
    proof = Batch(X.float())
    right, wrong = _cut(3), _cut(4)
    assert difference(right, model, remove(right, model), proof) < 0.1
    assert difference(right, model, remove(wrong, model), proof) > 10.0


# Containers


class Nested(nn.Module):
    """Stages in a list, of blocks in sequences with keys of all sorts."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, zoo.WIDTH, 3, 1, 1)
        named = nn.Sequential(OrderedDict((key, zoo.Block()) for key in ("a", "b", "7", "c")))
        spaced = nn.Sequential(OrderedDict((key, zoo.Block()) for key in ("2", "5", "9")))
        self.stages = nn.ModuleList(
            [nn.Sequential(*[zoo.Block() for _ in range(4)]), named, spaced]
        )
        self.extra = nn.ModuleList([zoo.Block() for _ in range(12)])
        self.head = nn.Linear(zoo.WIDTH, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        for stage in self.stages:
            x = stage(x)
        for block in self.extra:
            x = block(x)
        return self.head(x.mean(dim=(2, 3)))


def _layers(*names: str) -> Cut:
    return Cut("layer", tuple(zoo.layer_by_hand(name) for name in names))


@pytest.mark.parametrize(
    ("gone", "left"),
    [
        (["stages.0.0"], {"stages.0": ["0", "1", "2"]}),
        (["stages.0.3", "stages.0.1"], {"stages.0": ["0", "1"]}),
        (["stages.1.b", "stages.1.7"], {"stages.1": ["a", "c"]}),
        (["stages.2.5"], {"stages.2": ["0", "1"]}),
        (
            ["extra.10", "extra.2", "stages.1.a", "stages.0.2", "extra.11"],
            {
                "extra": [str(i) for i in range(9)],
                "stages.1": ["b", "7", "c"],
                "stages.0": ["0", "1", "2"],
            },
        ),
    ],
)
def test_layers_go_from_containers_of_every_kind_several_at_once(gone, left):
    model = zoo.awake(Nested()).double()
    cut = _layers(*gone)
    child = apply(cut, model, PROOF)
    for container, keys in left.items():
        assert list(child.get_submodule(container)._modules) == keys
    assert far(logits(child, X), logits(silenced(cut, model), X)) < 1e-10


def test_containers_in_containers_that_are_renumbered_are_still_found():
    class Deep(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, zoo.WIDTH, 3, 1, 1)
            runs = [nn.Sequential(zoo.Block(), zoo.Block(), zoo.Block()) for _ in range(2)]
            self.body = nn.Sequential(zoo.Block(), zoo.Block(), *runs)
            self.head = nn.Linear(zoo.WIDTH, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.body(F.relu(self.stem(x))).mean(dim=(2, 3)))

    model = zoo.awake(Deep()).double()
    cut = _layers("body.0", "body.2.1", "body.3.0", "body.3.2")
    child = apply(cut, model, PROOF)
    assert [len(run) for run in child.body if isinstance(run, nn.Sequential)] == [2, 1]
    assert far(logits(child, X), logits(silenced(cut, model), X)) < 1e-10


def test_a_module_may_hold_the_neurons_in_several_pieces():
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.wide, self.narrow = nn.Linear(6, 16), nn.Linear(8, 3)

        def forward(self, x: Tensor) -> Tensor:
            value, gate = self.wide(x).chunk(2, dim=-1)
            return self.narrow(value * torch.sigmoid(gate))

    model, x = zoo.awake(Gated()).double(), torch.randn(5, 6, dtype=torch.float64)
    members = (Member("wide", "out", 0), Member("wide", "out", 8), Member("narrow", "in"))
    cut = Cut("neurons", neurons=(NeuronCut(Neurons("wide", "wide", 8, members), (0, 5)),))
    child = apply(cut, model, Batch(x))
    assert child.wide.out_features == 12
    assert far(logits(child, x), logits(silenced(cut, model), x)) < 1e-10
    predicted = bill(model, Batch(x)).without(neurons=cut.neurons)
    assert predicted.totals() == bill(child, Batch(x)).totals()


# Modules that are shared


def test_a_module_that_is_called_twice_is_narrowed_once():
    model = zoo.awake(zoo.Net(zoo.Loop)).double()
    members = (
        Member("blocks.0.first", "out"),
        Member("blocks.0.norm", "both"),
        Member("blocks.0.again", "in"),
        Member("blocks.0.again", "out"),
        Member("blocks.0.second", "in"),
    )
    group = Neurons("blocks.0.first", "blocks.0", zoo.HIDDEN, members)
    child = apply(Cut("neurons", neurons=(NeuronCut(group, (2, 5)),)), model, PROOF)
    assert tuple(child.blocks[0].again.weight.shape[:2]) == (6, 6)


def test_a_block_that_is_registered_under_two_names_goes_from_one_of_them():
    model = zoo.awake(zoo.Net(zoo.Block)).double()
    model.blocks[2] = model.blocks[1]
    for container in (model.blocks, copy.deepcopy(model).blocks):
        assert container[1] is container[2]
    cut = _layers("blocks.1")
    # The silenced network lacks both passes through it, so that the removal of one is refused.
    with pytest.raises(SurgeryError, match=r"blocks\.1"):
        apply(cut, model, PROOF)
    both = apply(_layers("blocks.1", "blocks.2"), model, PROOF)
    assert far(logits(both, X), logits(silenced(cut, model), X)) < 1e-10


def test_the_parts_of_a_cut_are_cuts_of_one_structure_each():
    cut = Cut("neurons", (zoo.layer_by_hand("blocks.1"),), _cut(0, 1).neurons)
    assert [name for name, _ in parts(cut)] == ["blocks.1", "blocks.0.first"]
    assert [(len(p.layers), len(p.neurons)) for _, p in parts(cut)] == [(1, 0), (0, 1)]


def test_inputs_may_be_a_dict_and_outputs_an_object_with_logits():
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = zoo.Net(zoo.Block)

        def forward(self, pixel_values: Tensor) -> dict[str, Tensor]:
            return {"loss": torch.zeros(()), "logits": self.net(pixel_values)}

    model = zoo.awake(Named()).double()
    child = apply(_cut_in("net.blocks.0", 1, 2), model, Batch({"pixel_values": X}))
    assert child.net.blocks[0].first.out_channels == 6


def _cut_in(block: str, *drop: int) -> Cut:
    return Cut("neurons", neurons=(NeuronCut(zoo.by_hand(block), drop),))
