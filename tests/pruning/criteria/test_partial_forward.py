"""What is resumed halfway is exactly what the whole pass gives, or the whole pass is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.pruning.criteria.partial_forward import Site, sites, sites_by_batch
from leanfair.pruning.surgery.activations import Outputs, outputs
from leanfair.pruning.surgery.masking import masked
from leanfair.pruning.types import Anatomy, Layer, NeuronCut, Neurons, Structure
from tests.support.oracles import tiny, zoo


def _batches(dtype: torch.dtype = torch.float32) -> list[Batch]:
    x = zoo.images(7).inputs.to(dtype)
    return [Batch(x[:3]), Batch(x[3:5]), Batch(x[5:])]


def _masks(structure: Structure) -> list[dict]:
    if isinstance(structure, Layer):
        return [{"layers": (structure,)}]
    return [{"neurons": (NeuronCut(structure, (i,)),)} for i in (0, structure.count - 1)]


def _same(one: Outputs, other: Outputs) -> bool:
    return torch.equal(one.logits, other.logits) and torch.equal(one.features, other.features)


def _check(model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch]) -> list[Site]:
    """Every site, each structure masked, against the whole pass; every structure is found once."""
    whole = outputs(model, batches)
    found: list[Structure] = []
    for site in (everything := list(sites(model, anatomy, batches))):
        assert _same(site.run(), whole)
        for structure in site.structures:
            found.append(structure)
            for mask in _masks(structure):
                with masked(model, **mask):
                    resumed, expected = site.run(), outputs(model, batches)
                assert _same(resumed, expected)
        assert _same(site.run(), whole)
    assert sorted(s.name for s in found) == sorted(
        s.name for s in (*anatomy.layers, *anatomy.neurons)
    )
    return everything


def _calls(model: nn.Module, names: Sequence[str], run) -> list[int]:
    """How often each of the modules really computes while `run` runs."""
    count = dict.fromkeys(names, 0)
    leaves = []
    for name in names:
        leaf = next(m for m in model.get_submodule(name).modules() if isinstance(m, nn.Conv2d))

        def counted(x: Tensor, name: str = name, original: Any = leaf.forward) -> Tensor:
            count[name] += 1
            return original(x)

        leaf.forward = counted
        leaves.append(leaf)
    run()
    for leaf in leaves:
        del leaf.forward
    return list(count.values())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", [*zoo.BLOCKS, *zoo.REFUSED])
def test_every_kind_of_block_is_resumed_exactly(kind, dtype):
    model = zoo.awake(zoo.Net({**zoo.BLOCKS, **zoo.REFUSED}[kind])).to(dtype)
    _check(model, zoo.anatomy(kind), _batches(dtype))


@pytest.mark.parametrize("shortcut", ["A", "B"])
def test_residual_networks_are_resumed_exactly(shortcut):
    model = zoo.resnet(shortcut, depth=14)
    _check(model, zoo.resnet_anatomy(model), [zoo.images(3, 2), zoo.images(2, 2, seed=5)])


def test_nothing_before_a_site_is_computed_and_everything_from_it_on():
    model = zoo.awake(zoo.Net(zoo.Block))
    names = ("stem", "blocks.0", "blocks.1", "blocks.2")
    found = [
        _calls(model, names, site.run) for site in sites(model, zoo.anatomy("plain"), _batches())
    ]
    assert found == [[0, 3, 3, 3], [0, 0, 3, 3], [0, 0, 0, 3]]


def test_going_through_all_sites_reads_each_block_a_few_times_however_many_there_are():
    model = zoo.awake(zoo.Net(zoo.Block, blocks=12))
    names = [f"blocks.{i}" for i in range(12)]
    plain = zoo.anatomy("plain", blocks=12)
    calls = _calls(model, names, lambda: list(sites(model, plain, _batches()[:1])))
    # Once for shapes and truth, once as the next entry is caught, and once for each
    # site before it that is checked.
    assert calls == [2 + i for i in range(1, 12)] + [1 + 12]


class Functional(zoo.Net):
    """Between its modules it works in place, with functions that are no modules."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.stem(x))
        x += 1.0
        F.relu_(x)
        x = self.blocks[0](x).mul_(0.5)
        return self.head(self.blocks[2](self.blocks[1](x)).mean(dim=(2, 3)))


class Bypass(zoo.Net):
    """What the stem gives is needed again at the end."""

    def forward(self, x: Tensor) -> Tensor:
        stem = F.relu(self.norm(self.stem(x)))
        return self.head((self.blocks(stem) + stem).mean(dim=(2, 3)))


class LateStart(zoo.Net):
    """A second stem joins before the second block: the third can be resumed, the first two not."""

    def __init__(self) -> None:
        super().__init__(zoo.Block)
        self.second_stem = nn.Conv2d(3, zoo.WIDTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.second_stem(x)
        first = self.blocks[0](F.relu(self.norm(self.stem(x))))
        return self.head(self.blocks[2](self.blocks[1](first + y)).mean(dim=(2, 3)))


class Insisting(zoo.Net):
    """Does not run on what it is given when the stem is skipped."""

    def forward(self, x: Tensor) -> Tensor:
        stem = self.norm(self.stem(x))
        if not bool(stem.any()):
            raise ValueError("a stem that gives zeros is broken")
        return self.head(self.blocks(F.relu(stem)).mean(dim=(2, 3)))


@pytest.mark.parametrize("net", [Functional, Bypass, Insisting])
def test_networks_that_do_more_than_call_their_modules_in_turn_are_exact(net):
    _check(zoo.awake(net(zoo.Block)), zoo.anatomy("plain"), _batches())


def test_a_site_that_cannot_be_resumed_does_not_spoil_those_after_it():
    model = zoo.awake(LateStart())
    plain = zoo.anatomy("plain")
    units = ("second_stem", *plain.units)
    anatomy = Anatomy(plain.layers, plain.neurons, plain.stages, units, "head", {})
    found = _check(model, anatomy, _batches())
    names = ("second_stem", "stem", "blocks.0", "blocks.1", "blocks.2")
    computed = [_calls(model, names, site.run) for site in found]
    assert computed == [[3, 3, 3, 3, 3], [0, 0, 0, 3, 3], [0, 0, 0, 0, 3]]


class Spending(zoo.Block):
    """Changes its own input in place, as a pre-activation block does."""

    def forward(self, x: Tensor) -> Tensor:
        return F.relu_(x).mul_(0.9) + self.last(self.second(self.inside(x)))


def test_a_block_that_changes_its_input_in_place_finds_it_fresh_every_time():
    model = zoo.awake(zoo.Net(Spending))
    found = _check(model, zoo.anatomy("plain"), _batches())
    assert _calls(model, ("stem",), found[0].run) == [0]
    once = found[1].run()
    assert _same(found[1].run(), once)


class WithMore(nn.Module):
    """Blocks get more than one thing, by position and by name, and give more than one back."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, zoo.WIDTH, 3, 1, 1)
        self.norm = nn.BatchNorm2d(zoo.WIDTH)
        self.blocks = nn.ModuleList([OfPairs() for _ in range(3)])
        self.head = nn.Linear(zoo.WIDTH, 5)

    def forward(self, x: Tensor, gain: Tensor, plus: Tensor | None = None) -> dict[str, Tensor]:
        x = F.relu(self.norm(self.stem(x)))
        state: list[Tensor] = []
        for i, block in enumerate(self.blocks):
            x, (extra, number) = block(x, gain, plus=plus, number=i)
            assert number == i
            state.append(extra)
        return {"logits": self.head(x.mean(dim=(2, 3))), "state": torch.stack(state)}


class OfPairs(zoo.Block):
    def forward(  # type: ignore[override]
        self, x: Tensor, gain: Tensor, *, plus: Tensor | None, number: int
    ) -> tuple[Tensor, list]:
        y = super().forward(x * gain[:, None, None, None])
        return (y if plus is None else y + plus[:, None, None, None]), [y.mean(), number]


@pytest.mark.parametrize("plus", [False, True])
def test_dict_inputs_and_blocks_with_more_arguments_and_results_are_exact(plus):
    model = zoo.awake(WithMore())
    batches = []
    for batch in _batches():
        inputs = {"x": batch.inputs, "gain": 1.0 + torch.arange(len(batch)) / 7}
        if plus:
            inputs["plus"] = torch.ones(len(batch))
        batches.append(Batch(inputs))
    found = _check(model, zoo.anatomy("plain"), batches)
    assert _calls(model, ("stem", "blocks.1"), found[2].run) == [0, 0]


class FromTheFirst(nn.Module):
    """What the first block finds is handed to all others by name, as a shared position bias is."""

    def __init__(self) -> None:
        super().__init__()
        self.net = zoo.Net(zoo.Block)

    def forward(self, x: Tensor) -> Tensor:
        net = self.net
        x = net.blocks[0](F.relu(net.norm(net.stem(x))))
        bias = x.mean(dim=1, keepdim=True)
        x = net.blocks[2](net.blocks[1](x) + bias) + bias
        return net.head(x.mean(dim=(2, 3)))


def test_what_an_early_block_hands_to_all_later_ones_is_not_lost():
    model = zoo.awake(FromTheFirst())
    _check(model.net, zoo.anatomy("plain"), _batches())
    plain = zoo.anatomy("plain")
    layers = tuple(
        Layer(f"net.{e.name}", "net.blocks", (f"net.{e.exits[0]}",)) for e in plain.layers
    )
    units = tuple(f"net.{unit}" for unit in plain.units)
    _check(model, Anatomy(layers, (), (), units, "net.head", {}), _batches())


class Sometimes(zoo.Net):
    """Leaves its first block out where the images are dark."""

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm(self.stem(x)))
        if float(x.mean()) > 0.0:
            y = self.blocks[0](y)
        return self.head(self.blocks[2](self.blocks[1](y)).mean(dim=(2, 3)))


@pytest.mark.parametrize("signs", [(1, 1, 1), (1, -1, 1), (-1, 1, -1), (-1, -1, -1)])
def test_a_block_that_is_left_out_for_some_batches_does_no_harm(signs):
    x = zoo.images(2).inputs.abs()
    batches = [Batch(sign * x + sign * 0.1) for sign in signs]
    _check(zoo.awake(Sometimes(zoo.Block)), zoo.anatomy("plain"), batches)


def test_structures_outside_of_every_unit_are_run_from_the_start():
    model = zoo.awake(zoo.Net(zoo.Block))
    plain = zoo.anatomy("plain")
    anatomy = Anatomy(
        plain.layers, plain.neurons, plain.stages, ("stem", "norm", "head"), "head", {}
    )
    (site,) = _check(model, anatomy, _batches())
    assert len(site.structures) == 6


def test_a_network_without_blocks_is_resumed_at_its_leaves():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.ReLU(inplace=True),
        nn.Conv2d(4, 5, 3),
        nn.Flatten(),
        nn.Linear(80, 3),
    ).eval()
    groups = (
        Neurons("0", "0", 4, (zoo.Member("0", "out"), zoo.Member("2", "in"))),
        Neurons("2", "2", 5, (zoo.Member("2", "out"), zoo.Member("4", "in", 0, 16))),
    )
    anatomy = Anatomy((), groups, (), ("0", "1", "2", "3", "4"), "4", {})
    _check(model, anatomy, _batches())


def test_dropout_that_never_rests_falls_back_to_the_whole_pass():
    class Noisy(zoo.Net):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + torch.rand(())

    model = zoo.awake(Noisy(zoo.Block))
    found = list(sites(model, zoo.anatomy("plain"), _batches()))
    assert _calls(model, ("stem",), found[2].run) == [3]


def test_every_mode_is_as_it_was_while_the_sites_are_gone_through_and_afterwards():
    model = zoo.awake(zoo.Net(zoo.Block)).train()
    model.blocks[1].eval()
    modes = [module.training for module in model.modules()]
    statistics = {name: value.clone() for name, value in model.named_buffers()}
    walk = sites(model, zoo.anatomy("plain"), _batches())
    for _ in range(2):
        site = next(walk)
        assert not torch.is_inference_mode_enabled()
        assert [module.training for module in model.modules()] == modes
        site.run()
        assert [module.training for module in model.modules()] == modes
    for module in model.modules():  # though the walk was not finished
        assert "forward" not in module.__dict__
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    assert all(torch.equal(value, statistics[name]) for name, value in model.named_buffers())


def test_a_forward_that_was_put_in_place_of_a_units_own_is_put_back():
    model = zoo.awake(zoo.Net(zoo.Block))
    block = model.blocks[0]
    original = block.forward
    block.forward = mine = lambda x: original(x) * 2.0
    _check(model, zoo.anatomy("plain"), _batches())
    assert block.__dict__["forward"] is mine


def _texts(family: str) -> list[Batch]:
    batches = [tiny.sample(family, 3), tiny.sample(family, 2, seed=4)]
    return batches if family == "vit" else [*batches, tiny.padded(tiny.sample(family, 2, seed=5))]


def _runs(model: nn.Module, names: Sequence[str], run) -> list[int]:
    """How often each of the modules is called while `run` runs; one inside a block that is skipped
    is not."""
    count = dict.fromkeys(names, 0)

    def counted(name: str) -> Any:
        def hook(module: nn.Module, args: Any) -> None:
            count[name] += 1

        return hook

    handles = [model.get_submodule(n).register_forward_pre_hook(counted(n)) for n in names]
    run()
    for handle in handles:
        handle.remove()
    return list(count.values())


@pytest.mark.parametrize("family", [*tiny.FAMILIES])
def test_transformers_are_resumed_exactly_and_nothing_before_is_computed(family):
    model, anatomy = tiny.FAMILIES[family]()
    batches = _texts(family)
    found = _check(model, anatomy, batches)
    inside = [group.members[-1].module for group in anatomy.neurons if group.unit == "channel"]
    n = len(batches)
    assert [_runs(model, inside, site.run) for site in found] == [[n, n, n], [0, n, n], [0, 0, n]]


@pytest.mark.parametrize("family", [*tiny.FAMILIES])
def test_batch_by_batch_the_outputs_are_those_of_the_batch(family):
    model, anatomy = tiny.FAMILIES[family]()
    batches = _texts(family)
    for batch, (whole, places) in zip(
        batches, sites_by_batch(model, anatomy, batches), strict=True
    ):
        assert _same(whole, outputs(model, [batch]))
        for site in places:
            for structure in site.structures:
                with masked(model, **_masks(structure)[-1]):
                    assert _same(site.run(), outputs(model, [batch]))


def test_where_to_resume_is_tried_on_the_first_batch_alone():
    model, anatomy = tiny.llama()
    inside = [group.members[-1].module for group in anatomy.neurons[1::2]]
    walk = sites_by_batch(model, anatomy, [tiny.tokens(seed=s) for s in range(3)])

    def through() -> None:
        _, places = next(walk)
        list(places)

    # Once for the shapes, once as the next entry is caught; in the first batch once for each site
    # before it (twice where positions, which come before, turn out to be needed).
    first, second, third = (_runs(model, inside, through) for _ in range(3))
    assert second == third == [2, 2, 1]
    assert min(a - b for a, b in zip(first, second, strict=True)) >= 1


@pytest.mark.parametrize("signs", [(1, 1, 1), (1, -1, 1), (-1, 1, -1), (-1, -1, -1)])
def test_batch_by_batch_a_block_that_is_left_out_for_some_does_no_harm(signs):
    x = zoo.images(2).inputs.abs()
    batches = [Batch(sign * x + sign * 0.1) for sign in signs]
    model, anatomy = zoo.awake(Sometimes(zoo.Block)), zoo.anatomy("plain")
    for batch, (_, places) in zip(batches, sites_by_batch(model, anatomy, batches), strict=True):
        for site in places:
            for structure in site.structures:
                with masked(model, **_masks(structure)[0]):
                    assert _same(site.run(), outputs(model, [batch]))


def test_what_could_be_skipped_before_one_block_is_tried_first_before_the_next():
    model, anatomy = tiny.llama()
    passes: list[int] = []
    handle = model.lm_head.register_forward_hook(lambda *_: passes.append(1))
    for _, found in sites_by_batch(model, anatomy, [tiny.tokens(2)]):
        for _ in found:
            pass
    handle.remove()
    # The whole, two for each of the first two blocks (the rotary embedding is needed), then one.
    assert len(passes) == 1 + 2 + 2 + (len(anatomy.layers) - 2)
