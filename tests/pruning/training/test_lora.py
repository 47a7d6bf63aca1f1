"""LoRA trains few directions, and leaves a plain network that holds what they learnt."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from leanfair.errors import InputError, MissingDependencyError
from leanfair.files import read_tensors
from leanfair.pruning.training.fine_tune import Checkpointing, fine_tune
from leanfair.pruning.training.lora import adapted, linear_layers
from leanfair.pruning.training.recipe import Recipe
from tests.pruning.training.test_distributed import LAUNCH, run
from tests.support.nets import samples, tiny
from tests.support.words import bert, gpt2, llama, texts, vit

RECIPE = Recipe(optimizer="adamw", lr=0.01, batch_size=8, lora=4)
MODELS: dict[str, Callable[[], nn.Module]] = {
    "llama": llama, "gpt2": gpt2, "bert": bert, "vit": vit
}  # fmt: skip


def source_for(name: str) -> Any:
    if name == "vit":
        return samples(24)
    ids = texts(24)
    return [{"input_ids": rows, "labels": rows} for rows in ids.split(8)]


def inputs_for(name: str) -> Tensor:
    return samples(4).tensors[0] if name == "vit" else texts(4)


def shape(model: nn.Module) -> list[Any]:
    """All that a network is but its values."""
    modules = [(name, type(module)) for name, module in model.named_modules()]
    values = [(n, v.shape, v.dtype, v.requires_grad) for n, v in model.named_parameters()]
    return [modules, values, list(model.state_dict()), sorted(vars(model))]


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("name", MODELS)
def test_merged_weights_say_what_the_directions_said(name: str) -> None:
    model, inputs = MODELS[name](), inputs_for(name)
    plain = shape(model)
    with torch.no_grad():
        before = model(inputs).logits
        with adapted(model, 4, seed=0):
            torch.testing.assert_close(model(inputs).logits, before)  # they begin at nothing
            for value in model.parameters():
                if value.requires_grad:
                    value.normal_(std=0.1)
            said = model(inputs).logits
        torch.testing.assert_close(model(inputs).logits, said, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(said, before, atol=1e-3)
    assert shape(model) == plain


@pytest.mark.parametrize("name", MODELS)
def test_it_learns_in_the_linear_layers_of_the_body_alone(name: str) -> None:
    model = MODELS[name]()
    before = copy.deepcopy(model)
    first = fine_tune(model, source_for(name), images=8, recipe=RECIPE)
    last = fine_tune(model, source_for(name), images=240, recipe=RECIPE)
    assert last.loss < first.loss
    trained = {f"{layer}.weight" for layer in linear_layers(before)}
    changed = {
        name
        for (name, value), old in zip(model.named_parameters(), before.parameters(), strict=True)
        if not torch.equal(value, old)
    }
    assert changed == trained
    assert shape(model) == shape(before)


def test_tied_weights_stay_tied_and_frozen_ones_frozen() -> None:
    model: Any = llama()
    model.model.layers[0].requires_grad_(False)
    before = copy.deepcopy(model)
    fine_tune(model, texts(16), images=32, recipe=RECIPE)
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert shape(model) == shape(before)
    assert same(model.model.layers[0], before.model.layers[0])
    assert not same(model.model.layers[1], before.model.layers[1])


def test_an_exception_leaves_the_network_as_it_was() -> None:
    model = llama()
    before = copy.deepcopy(model)

    def stop(done: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fine_tune(model, texts(16), images=64, recipe=RECIPE, progress=stop)
    assert shape(model) == shape(before)
    assert same(model, before)


def test_the_directions_come_from_the_seed_and_leave_the_generators_alone() -> None:
    drawn = []
    for seed in (1, 1, 2):
        model = llama()
        state = torch.get_rng_state()
        with adapted(model, 4, seed):
            assert torch.equal(torch.get_rng_state(), state)
            drawn.append(torch.cat([v.flatten() for v in model.parameters() if v.requires_grad]))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_a_killed_training_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    unbroken, broken, teacher = bert(), bert(), bert(seed=1)  # it has dropout
    checkpoint = Checkpointing(tmp_path / "winner.training", every=32)
    settings: dict[str, Any] = {
        "images": 160, "seed": 5, "teacher": teacher,
        "recipe": Recipe(optimizer="adamw", batch_size=16, lora=2, distill=0.5, clip=0.5),
    }  # fmt: skip
    labelled = [{"input_ids": ids, "labels": ids} for ids in texts(96).split(16)]
    fine_tune(unbroken, labelled, **settings)

    def killed(done: float) -> None:
        if done > 0.7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fine_tune(bert(), labelled, **settings, progress=killed, checkpoint=checkpoint)
    written = read_tensors(checkpoint.path)
    names = {name for name in written if name.startswith("model.")}
    assert all("lora" in name for name in names), "what is frozen need not be written"
    seen: list[float] = []
    fine_tune(broken, labelled, **settings, progress=seen.append, checkpoint=checkpoint)
    assert same(unbroken, broken)
    assert seen[0] > 0.5
    assert not checkpoint.path.exists()


def test_weights_of_half_precision_stay_so_and_learn() -> None:
    model = llama().bfloat16()
    before = copy.deepcopy(model)
    first = fine_tune(model, texts(24), images=8, recipe=RECIPE)
    assert fine_tune(model, texts(24), images=160, recipe=RECIPE).loss < first.loss
    assert shape(model) == shape(before)


def test_layers_that_are_shared_or_never_called_are_left_alone() -> None:
    shared = nn.Linear(4, 4)
    attention = nn.MultiheadAttention(4, 2)
    tied = nn.Linear(4, 4)
    tied.weight = nn.Parameter(torch.ones(4, 4))
    other = nn.Linear(4, 4)
    other.weight = tied.weight
    model = nn.Sequential(shared, nn.Linear(4, 4), shared, attention, tied, other, nn.Linear(4, 2))
    assert linear_layers(model) == ["1"]


def test_a_network_without_linear_layers_is_refused() -> None:
    with pytest.raises(InputError, match=r"CifarResNet has no linear layer.*lora=0"):
        fine_tune(tiny(), samples(8), images=8, recipe=RECIPE)


def test_without_peft_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    model = llama()
    plain = shape(model)
    with pytest.raises(MissingDependencyError, match=r"pip install 'leanfair\[lora\]'"):
        fine_tune(model, texts(16), images=16, recipe=RECIPE)
    assert shape(model) == plain


@pytest.mark.real
def test_two_processes_train_text_of_uneven_lengths_to_the_weights_of_one(tmp_path: Path) -> None:
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    run("-m", "tests.support.tuned_text", str(one))
    run(*LAUNCH, "-m", "tests.support.tuned_text", str(two))
    alone, together = read_tensors(one), read_tensors(two)
    assert (int(alone.pop("processes")), int(together.pop("processes"))) == (1, 2)
    for name, value in alone.items():
        torch.testing.assert_close(together[name], value, rtol=1e-8, atol=1e-9)
