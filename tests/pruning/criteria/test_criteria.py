"""Every criterion is what its formula says, for layers and for neurons, and leaves no trace."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.errors import InputError
from leanfair.evaluation.problem import Problem
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.pruning.criteria import criteria, trials
from leanfair.pruning.criteria.criteria import CRITERIA, criterion_named
from leanfair.pruning.structures.dissect import dissect
from leanfair.pruning.surgery.activations import outputs
from leanfair.pruning.types import Anatomy, Neurons, Scores
from tests.support.marks import mostly_real
from tests.support.oracles import alignment, loops, tiny, zoo


def _silent(share: float) -> None:
    pass


EXACT = {**CRITERIA, "kl": partial(criteria.kl, exact=True)}


def _score(name: str, model: CifarResNet, batches: Sequence[Batch], seed: int = 0) -> Scores:
    return EXACT[name](model, zoo.resnet_anatomy(model), batches, seed, _silent)


def _batches(x: Tensor, sizes: Sequence[int]) -> list[Batch]:
    return [Batch(piece) for piece in x.split(list(sizes))]


def _close(one: Scores, other: Scores, tolerance: float) -> bool:
    assert one.layers.keys() == other.layers.keys()
    assert one.neurons.keys() == other.neurons.keys()
    pairs = [(one.layers[name], other.layers[name]) for name in one.layers]
    for name in one.neurons:
        pairs += zip(one.neurons[name], other.neurons[name], strict=True)
    return all(a == pytest.approx(b, rel=tolerance, abs=tolerance) for a, b in pairs)


IMAGES = zoo.images(4, channels=2, size=6).inputs.double()


@pytest.mark.parametrize("shortcut", mostly_real(["A", "B"], ["A"]))
@pytest.mark.parametrize("criterion", ["kl", "cka"])
def test_kl_and_cka_equal_whole_passes_with_each_structure_silenced(criterion, shortcut):
    model = zoo.resnet(shortcut, depth=14).double()
    layers, neurons = loops.scores(model, IMAGES, criterion)
    found = _score(criterion, model, [Batch(IMAGES)])
    assert _close(found, Scores(criterion, layers, neurons), 1e-8)
    assert max(layers.values()) > 1e-3
    assert max(max(each) for each in neurons.values()) > 1e-4


@pytest.mark.parametrize("shortcut", ["A", "B"])
def test_fisher_equals_the_squared_slopes_of_one_sample_and_structure_at_a_time(shortcut):
    model = zoo.resnet(shortcut, depth=14).double()
    found = _score("fisher", model, [Batch(IMAGES)], seed=5)
    with torch.no_grad():
        p = torch.softmax(model(IMAGES), dim=-1)
    labels = torch.multinomial(p, 1, generator=torch.Generator().manual_seed(5)).flatten()
    for name, score in found.layers.items():
        assert score == pytest.approx(loops.fisher(model, IMAGES, labels, name, None), rel=1e-4)
    for name, scores in found.neurons.items():
        for i in range(0, len(scores), 9):
            block = name.removesuffix(".conv1")
            expected = loops.fisher(model, IMAGES, labels, block, i)
            assert scores[i] == pytest.approx(expected, rel=1e-4, abs=1e-12)


def test_fisher_is_the_second_order_of_kl():
    """KL of a small change e of a gate is e² times the Fisher score, on average over labels."""
    model = zoo.resnet("B", depth=8).double()
    x = IMAGES[:1]
    with torch.no_grad():
        p = torch.softmax(model(x), dim=-1)[0]
    logits, _ = loops.observe(model, x)
    for i in (0, 3, 7):
        exact = sum(
            float(p[c]) * loops.fisher(model, x, torch.tensor([c]), "layer1.0", i) for c in range(4)
        )
        with loops.scaled_filter(model, "layer1.0", i, 1.0 - 1e-3):
            other, _ = loops.observe(model, x)
        assert loops.kl(other, logits) / 1e-6 == pytest.approx(exact, rel=2e-2, abs=1e-9)


@pytest.mark.parametrize("shortcut", ["A", "B"])
def test_l1_is_the_mean_absolute_weight_by_loops(shortcut):
    model = zoo.resnet(shortcut, depth=14)
    found = _score("l1", model, [Batch(IMAGES.float())])
    for name, block in loops.blocks(model).items():
        if name in found.layers:
            weights = [
                float(w) for c in (block.conv1, block.conv2) for w in c.weight.flatten().tolist()
            ]
            assert found.layers[name] == pytest.approx(np.mean(np.abs(weights)), rel=1e-6)
        for i, score in enumerate(found.neurons[f"{name}.conv1"]):
            kernel = block.conv1.weight[i].flatten().tolist()
            assert score == pytest.approx(np.mean(np.abs(kernel)), rel=1e-6)


def test_l1_of_a_group_is_that_of_all_that_feeds_it_and_that_it_makes():
    model = zoo.awake(zoo.Net(zoo.BLOCKS["grouped"]))
    found = CRITERIA["l1"](model, zoo.anatomy("grouped"), [zoo.images()], 0, _silent)
    block = model.blocks[0]
    for i, score in enumerate(found.neurons["blocks.0.first"]):
        rows = slice(2 * i, 2 * i + 2)
        weights = torch.cat(
            [block.first.weight[rows].flatten(), block.between.weight[rows].flatten()]
        )
        assert score == pytest.approx(weights.abs().mean().item(), rel=1e-5)


@pytest.mark.parametrize("criterion", sorted(CRITERIA))
@pytest.mark.parametrize(
    "kind", ["grouped", "gate", "prelu", "in place", "dropout", "two branches"]
)
def test_scores_do_not_depend_on_how_the_samples_are_batched(criterion, kind):
    model = zoo.awake(zoo.Net(zoo.BLOCKS[kind])).double()
    x = zoo.images(9).inputs.double()
    anatomy = zoo.anatomy(kind)
    whole, pieces = (
        EXACT[criterion](model, anatomy, _batches(x, sizes), 3, _silent)
        for sizes in ([9], [4, 1, 3, 1])
    )
    assert _close(whole, pieces, 1e-6)


@pytest.mark.parametrize("criterion", sorted(CRITERIA))
def test_the_same_seed_gives_the_same_scores_and_the_global_generator_is_left_alone(criterion):
    model = zoo.resnet("A", depth=8)
    batches = _batches(IMAGES.float(), [3, 1])
    first = _score(criterion, model, batches, seed=7)
    torch.manual_seed(99)
    before = torch.get_rng_state()
    again = _score(criterion, model, batches, seed=7)
    assert torch.equal(torch.get_rng_state(), before)
    assert first == again


@pytest.mark.parametrize("criterion", ["random", "fisher"])
def test_another_seed_gives_other_scores_where_there_is_chance(criterion):
    model = zoo.resnet("A", depth=8)
    batches = [Batch(IMAGES.float())]
    assert _score(criterion, model, batches, 1) != _score(criterion, model, batches, 2)


@pytest.mark.parametrize("criterion", sorted(CRITERIA))
def test_the_model_is_afterwards_as_it_was(criterion):
    model = zoo.resnet("B", depth=8)
    model.train()
    model.layer1.eval()  # such a mixture has to survive, too
    model.linear.weight.requires_grad_(False)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    wanted = [parameter.requires_grad for parameter in model.parameters()]
    progress: list[float] = []
    anatomy = zoo.resnet_anatomy(model)
    CRITERIA[criterion](model, anatomy, _batches(IMAGES.float(), [3, 1]), 0, progress.append)
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name]), name
    assert [module.training for module in model.modules()] == modes
    assert [parameter.requires_grad for parameter in model.parameters()] == wanted
    assert all(parameter.grad is None for parameter in model.parameters())
    for module in model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        assert "forward" not in module.__dict__
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
    assert not torch.is_inference_mode_enabled()


def test_an_error_on_the_way_leaves_no_trace_either():
    model = zoo.resnet("A", depth=8).train()

    def stop(share: float) -> None:
        raise KeyboardInterrupt

    anatomy = zoo.resnet_anatomy(model)
    kept = None
    try:
        CRITERIA["kl"](model, anatomy, [Batch(IMAGES.float())], 0, stop)
    except KeyboardInterrupt as error:
        kept = error  # as a notebook keeps the last traceback, and with it every frame
        assert not torch.is_inference_mode_enabled()
        assert all(module.training for module in model.modules())
        assert not any(module._forward_pre_hooks for module in model.modules())
    assert kept is not None


@pytest.mark.parametrize("criterion", ["kl", "cka", "fisher"])
def test_what_contributes_nothing_scores_nothing_and_what_it_all_hangs_on_scores_most(criterion):
    model = zoo.awake(zoo.Net(zoo.Block)).double()
    with torch.no_grad():
        model.blocks[1].last.weight.fill_(0.0)
        model.blocks[1].last.bias.fill_(0.0)
        model.blocks[1].last.running_mean.fill_(0.0)
        model.blocks[0].second.weight[:, 3] = 0.0
        model.blocks[0].second.weight[:, 5] *= 100.0
    batches = [Batch(zoo.images(8).inputs.double())]
    found = CRITERIA[criterion](model, zoo.anatomy("plain"), batches, 0, _silent)
    assert found.layers["blocks.1"] == pytest.approx(0.0, abs=1e-12)
    inside = found.neurons["blocks.0.first"]
    assert inside[3] == pytest.approx(0.0, abs=1e-12)
    assert max(inside) > 1e-6
    assert max(found.neurons["blocks.1.first"]) < 1e-12


@pytest.mark.parametrize("criterion", ["kl", "cka", "fisher"])
def test_a_network_with_dict_inputs_and_outputs_is_scored_as_found_by_the_adapter(criterion):
    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = zoo.Net(zoo.Block)

        def forward(self, pixel_values: Tensor, scale: Tensor) -> dict[str, Tensor]:
            return {"logits": self.net(pixel_values * scale[:, None, None, None])}

    model = zoo.awake(Wrapped())
    x = zoo.images(4).inputs
    batch = Batch({"pixel_values": x, "scale": torch.full((4,), 2.0)})
    anatomy = dissect(model, batch)
    found = CRITERIA[criterion](model, anatomy, [batch], 0, _silent)
    plain = CRITERIA[criterion](model.net, zoo.anatomy("plain"), [Batch(2.0 * x)], 0, _silent)
    assert list(found.layers.values()) == pytest.approx(list(plain.layers.values()), rel=1e-4)


def test_fisher_of_frozen_weights_is_that_of_free_ones_but_needs_gradients():
    model = zoo.resnet("A", depth=8)
    batches = [Batch(IMAGES.float())]
    anatomy = zoo.resnet_anatomy(model)
    free = CRITERIA["fisher"](model, anatomy, batches, 0, _silent)
    model.requires_grad_(False)
    assert _close(free, CRITERIA["fisher"](model, anatomy, batches, 0, _silent), 1e-5)
    with torch.inference_mode():
        assert _close(free, CRITERIA["fisher"](model, anatomy, batches, 0, _silent), 1e-5)

    model.forward = torch.no_grad()(model.forward)
    with pytest.raises(InputError, match="keeps no gradients"):
        CRITERIA["fisher"](model, anatomy, batches, 0, _silent)


def test_fisher_names_the_structure_that_no_gradient_reaches():
    class Frozen(zoo.Net):
        def forward(self, x: Tensor) -> Tensor:
            with torch.no_grad():
                x = self.blocks[0](F.relu(self.norm(self.stem(x))))
            return self.head(self.blocks[2](self.blocks[1](x)).mean(dim=(2, 3)))

    model = zoo.awake(Frozen(zoo.Block))
    anatomy = zoo.anatomy("plain")
    with pytest.raises(InputError, match=r"No gradient reaches blocks\.0"):
        CRITERIA["fisher"](model, anatomy, [zoo.images()], 0, _silent)


def test_a_function_of_the_users_is_a_criterion():
    def by_bias(
        model: nn.Module, anatomy: Anatomy, batches: Sequence[Batch], seed: int, progress
    ) -> Scores:
        return Scores("mine", {e.name: 1.0 for e in anatomy.layers}, {})

    assert criterion_named(by_bias) is by_bias
    assert all(criterion_named(name) is function for name, function in CRITERIA.items())
    with pytest.raises(InputError, match=r"no criterion 'KL': choose one of kl, l1"):
        criterion_named("KL")


def test_random_is_uniform():
    model = zoo.resnet("A", depth=56)
    found = _score("random", model, [Batch(IMAGES.float())], seed=1)
    drawn = [*found.layers.values(), *(s for each in found.neurons.values() for s in each)]
    assert min(drawn) >= 0.0
    assert max(drawn) < 1.0
    assert np.mean(drawn) == pytest.approx(0.5, abs=0.05)
    assert len(set(drawn)) == len(drawn)


def _emptied(model: nn.Module, group: Neurons, i: int) -> nn.Module:
    """A copy in which the weights that read neuron `i` are zero."""
    twin = copy.deepcopy(model)
    for member in group.members:
        if member.side == "in":
            module = twin.get_submodule(member.module)
            own = slice(member.offset + i * member.repeat, member.offset + (i + 1) * member.repeat)
            with torch.no_grad():
                if type(module).__name__ == "Conv1D":
                    module.weight[own] = 0.0
                else:
                    module.weight[:, own] = 0.0
    return twin


def _few(anatomy: Anatomy) -> Anatomy:
    """One layer, its heads, and its units."""
    groups = tuple(g for g in anatomy.neurons if g.block == anatomy.layers[1].name)
    return dataclasses.replace(anatomy, layers=anatomy.layers[1:2], neurons=groups)


@pytest.mark.parametrize("family", [*tiny.FAMILIES])
def test_kl_and_cka_of_a_transformer_equal_those_of_a_twin_with_zero_weights(family):
    model, anatomy = tiny.FAMILIES[family]()
    batches = [tiny.sample(family, 3), tiny.sample(family, 2, seed=4)]
    if family != "vit":
        batches[1] = tiny.padded(batches[1])
    few = _few(anatomy)
    by_kl, by_cka = (EXACT[name](model, few, batches, 0, _silent) for name in ("kl", "cka"))
    whole = outputs(model, batches)
    for group in few.neurons:
        for i in (0, group.count - 1):
            other = outputs(_emptied(model, group, i), batches)
            expected = loops.kl(other.logits.double().numpy(), whole.logits.double().numpy())
            assert by_kl.neurons[group.name][i] == pytest.approx(expected, rel=1e-3, abs=1e-8)
            expected = 1.0 - alignment.cka(other.features.numpy(), whole.features.numpy())
            assert by_cka.neurons[group.name][i] == pytest.approx(expected, rel=1e-2, abs=1e-5)


def test_kl_of_a_transformers_layer_is_that_of_the_model_without_it():
    for family in ("llama", "bert", "gpt2", "vit"):
        model, anatomy = tiny.FAMILIES[family]()
        batch = tiny.sample(family)
        found = CRITERIA["kl"](model, _few(anatomy), [batch], 0, _silent)
        whole = outputs(model, [batch])
        twin = copy.deepcopy(model)
        layer = anatomy.layers[1]
        setattr(twin.get_submodule(layer.container), "1", PassOn())
        other = outputs(twin, [batch])
        expected = loops.kl(other.logits.double().numpy(), whole.logits.double().numpy())
        assert found.layers[layer.name] == pytest.approx(expected, rel=1e-3)


class PassOn(nn.Module):
    def forward(self, x: Tensor, *args: object, **kwargs: object) -> Tensor:
        return x


def _of_texts(criterion: str, family: str, batches: Sequence[Batch]) -> Scores:
    model, anatomy = tiny.FAMILIES[family]()
    return CRITERIA[criterion](model.double(), _few(anatomy), batches, 3, _silent)


@pytest.mark.parametrize("family", mostly_real(["llama", "gpt2", "bert"], ["llama"]))
@pytest.mark.parametrize("criterion", sorted(CRITERIA))
def test_padding_changes_no_score_of_texts(criterion, family):
    texts = tiny.tokens(4)
    plain = _of_texts(criterion, family, [texts])
    assert _close(plain, _of_texts(criterion, family, [tiny.padded(texts)]), 1e-6)
    assert _close(plain, _of_texts(criterion, family, [tiny.padded(texts, 5)]), 1e-6)
    if family == "llama":  # turned by the difference of positions, wherever they begin
        left = tiny.padded(texts, left=True)
        assert _close(plain, _of_texts(criterion, family, [left]), 1e-6)


@pytest.mark.parametrize("family", ["llama", "bert"])
@pytest.mark.parametrize("criterion", sorted(CRITERIA))
def test_scores_of_texts_do_not_depend_on_how_they_are_batched(criterion, family):
    texts = tiny.tokens(5)
    pieces = [tiny.padded(texts[:2]), Batch(texts.inputs[2:3]), tiny.padded(texts[3:], 1)]
    whole = _of_texts(criterion, family, [texts])
    assert _close(whole, _of_texts(criterion, family, pieces), 1e-6)


@pytest.mark.parametrize("criterion", sorted(CRITERIA))
def test_a_transformer_is_afterwards_as_it_was(criterion):
    model, anatomy = tiny.llama()
    model.train()
    model.model.layers[1].eval()
    model.lm_head.requires_grad_(False)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    progress: list[float] = []
    CRITERIA[criterion](model, _few(anatomy), [tiny.tokens()], 0, progress.append)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert [module.training for module in model.modules()] == modes
    frozen = [name for name, value in model.named_parameters() if not value.requires_grad]
    assert frozen == ["lm_head.weight"]
    assert all(parameter.grad is None for parameter in model.parameters())
    for module in model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        assert "forward" not in module.__dict__
    assert progress == sorted(progress)
    assert progress[-1] == pytest.approx(1.0)


def test_cka_refuses_more_structures_than_can_be_tried_and_kl_with_exact_tries_them(monkeypatch):
    model, anatomy = tiny.llama()
    batches = [tiny.tokens()]
    exact = EXACT["kl"](model, anatomy, batches, 4, _silent)
    monkeypatch.setattr(criteria, "MOST_TRIED", 1)
    assert EXACT["kl"](model, anatomy, batches, 4, _silent) == exact
    with pytest.raises(InputError, match=r"tries each of the .* choose kl"):
        CRITERIA["cka"](model, anatomy, batches, 4, _silent)
    progress: list[float] = []
    found = CRITERIA["kl"](model, anatomy, batches, 4, progress.append)
    assert found.criterion == "kl"
    assert found.layers == pytest.approx(exact.layers)  # they are few samples: all are tried
    assert progress == sorted(progress)
    assert progress[-1] == pytest.approx(1.0)


def test_l1_knows_weights_that_stand_the_other_way_round_and_heads_in_one_matrix():
    model, anatomy = tiny.gpt2()
    model.requires_grad_(False)
    found = CRITERIA["l1"](model, anatomy, [tiny.tokens()], 0, _silent)
    block = model.transformer.h[0]
    name = "transformer.h.0"
    for i, score in enumerate(found.neurons[f"{name}.mlp.c_fc"]):
        assert score == pytest.approx(float(block.mlp.c_fc.weight[:, i].abs().mean()), rel=1e-5)
    for i, score in enumerate(found.neurons[f"{name}.attn"]):
        parts = [
            block.attn.c_attn.weight[:, start + i * tiny.HEAD : start + (i + 1) * tiny.HEAD]
            for start in (0, tiny.WIDTH, 2 * tiny.WIDTH)
        ]
        assert score == pytest.approx(float(torch.cat(parts, 1).abs().mean()), rel=1e-5)
    dense = [block.attn.c_attn, block.attn.c_proj, block.mlp.c_fc, block.mlp.c_proj]
    weights = torch.cat([part.weight.flatten() for part in dense])
    assert found.layers[name] == pytest.approx(float(weights.abs().mean()), rel=1e-5)


def test_l1_of_heads_is_the_mean_of_queries_keys_and_values():
    model, anatomy = tiny.llama()
    model.requires_grad_(False)
    found = CRITERIA["l1"](model, anatomy, [tiny.tokens()], 0, _silent)
    attention = model.model.layers[2].self_attn
    for i, score in enumerate(found.neurons["model.layers.2.self_attn"]):
        kept, turned = i * tiny.HEAD, 2 * i * tiny.HEAD
        rows = [
            attention.q_proj.weight[turned : turned + 2 * tiny.HEAD],
            attention.k_proj.weight[kept : kept + tiny.HEAD],
            attention.v_proj.weight[kept : kept + tiny.HEAD],
        ]
        assert score == pytest.approx(float(torch.cat(rows).abs().mean()), rel=1e-5)


def test_kl_holds_the_logits_of_one_batch_at_a_time(monkeypatch):
    model, anatomy = tiny.llama()
    seen: list[int] = []
    original = trials.total_divergence

    def watched(problem: Problem, without: Tensor, whole: Tensor) -> float:
        seen.append(max(len(without), len(whole)))
        return original(problem, without, whole)

    monkeypatch.setattr(trials, "total_divergence", watched)
    batches = [tiny.tokens(2, seed=seed) for seed in range(4)]
    EXACT["kl"](model, _few(anatomy), batches, 0, _silent)
    assert set(seen) == {2 * 7}
