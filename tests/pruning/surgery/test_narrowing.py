"""What a cut does to tensors, sizes and containers, and the cuts that do not fit."""

from __future__ import annotations

import copy
from collections import OrderedDict

import pytest
import torch
import torch.nn.functional as F
from hypothesis import settings
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from leanfair.data.batches import Batch
from leanfair.errors import SurgeryError
from leanfair.pruning.cost.macs import cost_of
from leanfair.pruning.surgery.removal import apply, remove
from leanfair.pruning.types import Cut, Layer, Member, NeuronCut, Neurons
from tests.support.cuts import CASES, MODELS, PROOF, X, neuron_cut, random_cut
from tests.support.oracles import zoo
from tests.support.oracles.silence import far, logits, silenced


@settings(max_examples=20, deadline=None)
@CASES
def test_the_modules_say_what_size_they_have(name, seed):
    model, anatomy = MODELS[name]
    child = remove(random_cut(anatomy, seed), model)
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


def _changed(change) -> nn.Module:
    model = zoo.awake(zoo.Net(zoo.Block)).double()
    change(model)
    return model


@pytest.mark.parametrize("proof", [None, PROOF])
@pytest.mark.parametrize(
    ("cut", "change", "names"),
    [
        (neuron_cut(0, block="blocks.3"), lambda m: None, "blocks.3.first"),
        (neuron_cut(0), lambda m: setattr(m.blocks[0], "first", nn.Identity()), "blocks.0.first"),
        (
            neuron_cut(0),
            lambda m: setattr(m.blocks[0], "first", nn.Conv2d(6, 9, 3)),
            "blocks.0.first",
        ),
        (
            neuron_cut(0),
            lambda m: setattr(m.blocks[0], "first", nn.Conv2d(6, 7, 3)),
            "blocks.0.first",
        ),
        (
            neuron_cut(0),
            lambda m: setattr(m.blocks[0], "second", nn.Conv2d(7, 6, 3)),
            "blocks.0.second",
        ),
        (
            neuron_cut(0),
            lambda m: setattr(m.blocks[0], "first", nn.ConvTranspose2d(6, 8, 3)),
            "blocks.0.first",
        ),
        (neuron_cut(*range(8)), lambda m: None, "blocks.0.first"),
        (neuron_cut(8), lambda m: None, "blocks.0.first"),
        (neuron_cut(-1), lambda m: None, "blocks.0.first"),
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
    child = apply(neuron_cut(0, 5), model, PROOF)
    with pytest.raises(SurgeryError, match=r"blocks\.0\.first is 6 wide"):
        apply(neuron_cut(0, 5), child, PROOF)


@pytest.mark.parametrize("norm", [parametrizations.weight_norm, parametrizations.spectral_norm])
def test_weights_that_are_computed_are_refused_not_broken(norm):
    model = zoo.awake(zoo.Net(lambda: zoo.Block(change=norm))).double()
    out = logits(model, X)
    with pytest.raises(SurgeryError, match="remove_parametrizations"):
        remove(neuron_cut(2), model)
    assert torch.equal(logits(model, X), out)
    for module in list(model.modules()):
        if isinstance(module, nn.Conv2d) and hasattr(module, "parametrizations"):
            nn.utils.parametrize.remove_parametrizations(module, "weight")
    assert far(logits(model, X), out) < 1e-10
    apply(neuron_cut(2), model, PROOF)


def test_masks_of_torchs_own_pruning_are_refused_not_broken():
    model = zoo.awake(zoo.Net(zoo.Block)).double()
    prune.random_unstructured(model.blocks[0].first, "weight", 0.3)
    model.blocks[0].first.weight = model.blocks[0].first.weight.detach()  # so that it can be copied
    with pytest.raises(SurgeryError, match="computed from others"):
        remove(neuron_cut(2), model)


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
    predicted = cost_of(model, Batch(x)).without(neurons=cut.neurons)
    assert predicted.totals() == cost_of(child, Batch(x)).totals()


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
