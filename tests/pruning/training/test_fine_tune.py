"""Fine-tuning: it learns, exactly as a plain loop would, and survives what can happen to it."""

from __future__ import annotations

import copy
import math
import random
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from leanfair.errors import InputError, TrainingError
from leanfair.evaluation.accuracy import accuracy
from leanfair.evaluation.layout import layout_of
from leanfair.pruning.training import fine_tune as tuning
from leanfair.pruning.training.distributed import Group
from leanfair.pruning.training.fine_tune import Checkpointing, Recipe, fine_tune
from leanfair.pruning.training.sampling import shards
from tests.support.nets import batches_of, samples, tiny
from tests.support.words import bert, llama, texts, vit

DATA = samples(96)


def weights(model: nn.Module) -> list[Tensor]:
    return list(model.state_dict().values())


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(map(torch.equal, weights(one), weights(other)))


def test_it_learns_and_leaves_the_network_in_evaluation_mode() -> None:
    model = tiny()
    tuned = fine_tune(model, samples(400), images=1600, recipe=Recipe(lr=0.05, batch_size=32))
    assert accuracy(model, samples(200, seed=1)) > 0.9
    assert tuned.images == 1600
    assert not model.training


def test_it_takes_the_steps_of_a_plain_loop() -> None:
    recipe = Recipe(lr=0.05, batch_size=32, weight_decay=1e-3)
    model = tiny().double()
    data = TensorDataset(DATA.tensors[0].double(), DATA.tensors[1])
    twin = copy.deepcopy(model).train()
    optimizer = torch.optim.SGD(
        twin.parameters(), 0.05, momentum=0.9, weight_decay=1e-3, nesterov=True
    )
    for step, shard in enumerate(islice(shards(data, 32, seed=3), 5)):
        for group in optimizer.param_groups:
            group["lr"] = 0.05 * 0.5 * (1 + math.cos(math.pi * step / 5))
        optimizer.zero_grad()
        assert isinstance(shard.batch.inputs, Tensor)
        assert shard.batch.labels is not None
        F.cross_entropy(twin(shard.batch.inputs), shard.batch.labels).backward()
        optimizer.step()
    fine_tune(model, data, images=160, recipe=recipe, seed=3)
    for mine, theirs in zip(weights(model), weights(twin), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-7)


def test_a_long_gradient_is_shortened() -> None:
    recipe = Recipe(lr=0.05, batch_size=32, momentum=0.0, weight_decay=0.0, clip=0.01)
    plain, clipped = tiny(), tiny()
    start = torch.cat([value.detach().flatten() for value in plain.parameters()])
    moved = []
    for model, clip in ((plain, 0.0), (clipped, 0.01)):
        fine_tune(model, DATA, images=32, recipe=replace(recipe, clip=clip))
        moved.append(torch.cat([value.detach().flatten() for value in model.parameters()]) - start)
    assert float(moved[1].norm()) == pytest.approx(0.05 * 0.01, rel=1e-2)
    assert float(moved[0].norm()) > 2 * float(moved[1].norm())
    assert float(torch.cosine_similarity(*moved, dim=0)) > 0.999


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(optimizer: Any) -> None:
    recipe = Recipe(optimizer=optimizer, batch_size=32)
    one, two, other = tiny(), tiny(), tiny()
    fine_tune(one, DATA, images=96, recipe=recipe, seed=1)
    torch.manual_seed(99)
    fine_tune(two, DATA, images=96, recipe=recipe, seed=1)
    fine_tune(other, DATA, images=96, recipe=recipe, seed=2)
    assert same(one, two)
    assert not same(one, other)


def test_random_generators_are_left_as_they_were() -> None:
    model = tiny()
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[union-attr]
    fine_tune(model, DATA, images=32, recipe=Recipe(batch_size=32))
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert np.random.get_state()[1].tolist() == states[2]  # type: ignore[union-attr]


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_killed_training_goes_on_to_the_same_weights(optimizer: Any, tmp_path: Path) -> None:
    recipe = Recipe(optimizer=optimizer, batch_size=16)
    unbroken, broken = tiny(), tiny()
    fine_tune(unbroken, DATA, images=240, recipe=recipe, seed=5)
    checkpoint = Checkpointing(tmp_path / "winner.training", every=48)

    def kill_at(share: float) -> Any:
        def progress(done: float) -> None:
            if done >= share:
                raise KilledError

        return progress

    for share in (0.35, 0.45, 0.9):
        with pytest.raises(KilledError):
            fine_tune(
                tiny(), DATA, images=240, recipe=recipe, seed=5,
                progress=kill_at(share), checkpoint=checkpoint,
            )  # fmt: skip
        assert checkpoint.path.exists()
    seen: list[float] = []
    fine_tune(
        broken, DATA, images=240, recipe=recipe, seed=5,
        progress=seen.append, checkpoint=checkpoint,
    )  # fmt: skip
    assert same(unbroken, broken)
    assert seen[0] > 0.5, "what was done must not be done again"
    assert list(tmp_path.iterdir()) == [], "nothing is left once the work is done"


def test_the_file_of_another_training_is_not_gone_on_with(tmp_path: Path) -> None:
    checkpoint = Checkpointing(tmp_path / "winner.training", every=32)

    def killed(done: float) -> None:
        if done > 0.7:
            raise KilledError

    with pytest.raises(KilledError):
        fine_tune(tiny(), DATA, images=96, seed=1, recipe=Recipe(batch_size=16),
                  progress=killed, checkpoint=checkpoint)  # fmt: skip
    fresh, again = tiny(), tiny()
    fine_tune(fresh, DATA, images=96, seed=2, recipe=Recipe(batch_size=16))
    fine_tune(again, DATA, images=96, seed=2, recipe=Recipe(batch_size=16), checkpoint=checkpoint)
    assert same(fresh, again)


def test_distillation_alone_needs_no_labels_and_draws_towards_the_teacher() -> None:
    teacher = tiny()
    fine_tune(teacher, samples(400), images=1600, recipe=Recipe(lr=0.05, batch_size=32))
    unlabelled = samples(400, seed=2).tensors[0]
    student = tiny(seed=7)
    recipe = Recipe(lr=0.05, batch_size=32, distill=1.0)
    fine_tune(student, unlabelled, images=1600, recipe=recipe, teacher=teacher)
    held = samples(200, seed=3).tensors[0]
    agree = (student(held).argmax(1) == teacher(held).argmax(1)).float().mean()
    assert float(agree) > 0.9


def test_frozen_parameters_stay_as_they_are() -> None:
    model = tiny()
    model.conv1.requires_grad_(False)
    before = model.conv1.weight.clone()
    fine_tune(model, DATA, images=64, recipe=Recipe(batch_size=32))
    assert torch.equal(model.conv1.weight, before)


def test_a_loss_that_is_not_finite_stops_the_training_by_name() -> None:
    images, labels = DATA.tensors
    broken = TensorDataset(torch.where(images > 2.5, torch.nan, images), labels)
    with pytest.raises(TrainingError, match="not finite"):
        fine_tune(tiny(), broken, images=96, recipe=Recipe(batch_size=32))


def test_a_learning_rate_that_explodes_is_noticed() -> None:
    with pytest.raises(TrainingError, match="learning rate 1e"):
        fine_tune(tiny(), DATA, images=9600, recipe=Recipe(lr=1e30, batch_size=8))


def test_missing_and_wrong_labels_are_refused() -> None:
    with pytest.raises(InputError, match="no labels"):
        fine_tune(tiny(), DATA.tensors[0], images=32)
    wrong = TensorDataset(DATA.tensors[0], DATA.tensors[1] + 1)
    with pytest.raises(InputError, match=r"label is 4.*0 to 3"):
        fine_tune(tiny(), wrong, images=96)


def test_a_frozen_network_is_refused() -> None:
    with pytest.raises(InputError, match="frozen"):
        fine_tune(tiny().requires_grad_(False), DATA, images=32)


def test_no_budget_changes_nothing() -> None:
    model = tiny()
    assert fine_tune(model, DATA, images=0).images == 0
    assert same(model, tiny())


def test_batches_of_ones_own_keep_their_size() -> None:
    seen: list[float] = []
    fine_tune(tiny(), batches_of(DATA, 24), images=96, progress=seen.append)
    assert seen == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize("precision", ["bf16", "full"])
def test_mixed_precision_keeps_the_weights_in_full(precision: Any) -> None:
    model = tiny()
    fine_tune(model, DATA, images=64, recipe=Recipe(batch_size=32, precision=precision))
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert all(bool(torch.isfinite(p).all()) for p in model.parameters())


# ---- transformers -----------------------------------------------------------------------------

TEXT = Recipe(optimizer="adamw", lr=0.01, batch_size=8, clip=1.0, warmup=0.1)


def test_a_causal_model_learns_from_the_text_itself() -> None:
    model = llama()
    first = fine_tune(model, texts(64), images=8, recipe=TEXT)
    last = fine_tune(model, texts(64), images=640, recipe=TEXT)
    assert first.loss > 3.0
    assert last.loss < 0.3
    held = texts(16, seed=9)
    assert float((model(held[:, :-1]).logits.argmax(-1) == held[:, 1:]).float().mean()) > 0.9


def test_an_encoder_needs_labels_or_a_teacher() -> None:
    ids = texts(32)
    with pytest.raises(InputError, match="BertForMaskedLM does not learn from the text itself"):
        fine_tune(bert(), ids, images=8, recipe=TEXT)
    recipe = replace(TEXT, distill=1.0, temperature=1.0)
    student, teacher = bert(seed=1), bert()
    first = fine_tune(student, ids, images=8, recipe=recipe, teacher=teacher)
    assert fine_tune(student, ids, images=320, recipe=recipe, teacher=teacher).loss < first.loss


def test_a_teacher_answers_as_in_use_and_stays_as_it_was() -> None:
    students = bert(seed=1), bert(seed=1)
    for student, teacher in zip(students, (bert(), bert().train()), strict=True):
        training = teacher.training
        recipe = replace(TEXT, distill=1.0)
        fine_tune(student, texts(32), images=32, recipe=recipe, teacher=teacher)
        assert same(teacher, bert())
        assert all(module.training is training for module in teacher.modules())
    assert same(*students)


def test_a_killed_training_of_tied_weights_goes_on_to_the_same(tmp_path: Path) -> None:
    unbroken, broken = llama(), llama()
    checkpoint = Checkpointing(tmp_path / "winner.training", every=16)
    fine_tune(unbroken, texts(64), images=64, recipe=TEXT)

    def killed(done: float) -> None:
        if done > 0.7:
            raise KilledError

    with pytest.raises(KilledError):
        fine_tune(llama(), texts(64), images=64, recipe=TEXT, progress=killed,
                  checkpoint=checkpoint)  # fmt: skip
    fine_tune(broken, texts(64), images=64, recipe=TEXT, checkpoint=checkpoint)
    assert same(unbroken, broken)
    assert broken.lm_head.weight is broken.model.embed_tokens.weight  # type: ignore[union-attr]


def test_text_models_of_half_precision_are_trained_in_full() -> None:
    half = llama().bfloat16()
    full = copy.deepcopy(half).float()
    for model in (half, full):
        fine_tune(model, texts(64), images=64, recipe=TEXT)
    assert {value.dtype for value in half.parameters()} == {torch.bfloat16}
    assert same(half, full.bfloat16())


def test_one_text_is_a_batch() -> None:
    seen: list[float] = []
    fine_tune(llama(), texts(3), images=3, recipe=replace(TEXT, batch_size=1), progress=seen.append)
    assert len(seen) == 3


@pytest.mark.parametrize("precision", ["bf16", "full"])
def test_a_vision_transformer_learns(precision: Any) -> None:
    model = vit()
    recipe = replace(TEXT, batch_size=32, lr=0.003, precision=precision)
    fine_tune(model, samples(400), images=3200, recipe=recipe)
    assert accuracy(model, samples(200, seed=1)) > 0.9
    assert all(value.is_contiguous() for value in model.parameters())


@pytest.mark.parametrize("elsewhere", [True, False])
def test_several_processes_add_gradients_in_the_one_layout_in_which_they_train(
    elsewhere: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`elsewhere`: whether the network runs in channels last on the other process, too."""
    found: list[str] = []

    class Wrapped(nn.Module):
        """In place of DistributedDataParallel, which keeps the layout it finds for some steps."""

        def __init__(self, model: nn.Module, **_: Any) -> None:
            super().__init__()
            self.model = model
            found.append(layout_of(model))

        def forward(self, x: Tensor) -> Tensor:
            found.append(layout_of(self.model))
            answer: Tensor = self.model(x)
            return answer

    failures = iter([not elsewhere, False])  # of the other process: in the layout, in the loss
    monkeypatch.setattr(tuning, "group", lambda: Group(0, 2))
    monkeypatch.setattr(tuning, "worst", lambda failed: failed or next(failures))
    monkeypatch.setattr(tuning, "DistributedDataParallel", Wrapped)
    model = tiny()
    fine_tune(model, DATA, images=64, recipe=Recipe(batch_size=32))
    assert found == ["channels_last" if elsewhere else "contiguous"] * 3
    assert layout_of(model) == "contiguous"
