"""What is made small: the loss that transformers has, its brute-force twin, and clear refusals."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from leanfair.data.batches import Batch, as_batch, collated, forward
from leanfair.data.language import IGNORED
from leanfair.errors import InputError
from leanfair.evaluation.problem import Problem
from leanfair.pruning.training import losses as module
from leanfair.pruning.training.losses import batch_loss
from leanfair.pruning.training.recipe import Recipe
from leanfair.pruning.training.sampling import Shard
from tests.support.nets import tiny
from tests.support.words import VOCABULARY, bert, llama, padded, texts


def loss_of(
    model: nn.Module, batch: Batch, logits: Tensor, goal: Tensor | None = None, **recipe: Any
) -> Tensor:
    return batch_loss(model, Shard(batch, len(batch)), logits, goal, Recipe(**recipe))


def uneven() -> Batch:
    return as_batch(collated(padded(6)))


def test_the_loss_of_a_causal_model_is_that_of_transformers() -> None:
    model, batch = llama(), uneven()
    assert isinstance(batch.inputs, dict)
    hidden = batch.inputs["attention_mask"] == 0
    labels = batch.inputs["input_ids"].masked_fill(hidden, IGNORED)
    theirs = model(**batch.inputs, labels=labels).loss
    logits = forward(model, batch.inputs)
    torch.testing.assert_close(loss_of(model, Batch(batch.inputs, labels), logits), theirs)
    torch.testing.assert_close(loss_of(model, batch, logits), theirs)  # it learns from the text


def test_the_loss_of_an_encoder_is_that_of_transformers() -> None:
    model, ids = bert(), texts(6)
    labels = torch.where(torch.rand(ids.shape) < 0.3, ids, IGNORED)
    theirs = model(input_ids=ids, labels=labels).loss
    batch = Batch({"input_ids": ids}, labels)
    torch.testing.assert_close(loss_of(model, batch, forward(model, batch.inputs)), theirs)


def test_distillation_is_the_mean_divergence_over_all_tokens_but_padding() -> None:
    model, batch = llama(), uneven()
    assert isinstance(batch.inputs, dict)
    logits, goal = torch.randn(2, 6, 8, VOCABULARY)
    found = [
        4.0 * F.kl_div((q / 2).log_softmax(0), (p / 2).softmax(0), reduction="sum")
        for q, p, told in zip(
            logits.flatten(0, 1),
            goal.flatten(0, 1),
            batch.inputs["attention_mask"].flatten(),
            strict=True,
        )
        if told
    ]
    soft = torch.stack(found).mean()
    hard = loss_of(model, batch, logits)
    mixed = loss_of(model, batch, logits, goal, distill=0.3, temperature=2.0)
    torch.testing.assert_close(mixed, 0.7 * hard + 0.3 * soft)


def test_the_distillation_loss_is_the_mixture_of_hinton_et_al() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, goal = torch.randn(2, 5, 4, generator=generator)
    batch = Batch(torch.zeros(5, 1), torch.tensor([0, 1, 2, 3, 0]))
    soft = F.kl_div((logits / 2).log_softmax(1), (goal / 2).softmax(1), reduction="batchmean")
    hard = F.cross_entropy(logits, batch.labels)  # type: ignore[arg-type]
    found = loss_of(tiny(), batch, logits, goal, distill=0.3, temperature=2.0)
    torch.testing.assert_close(found, 0.7 * hard + 0.3 * 4 * soft)


def test_a_part_at_a_time_gives_the_same_loss_and_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = llama(), uneven()
    found = []
    for at_once in (2**24, 5 * VOCABULARY):  # 48 rows are no multiple of 5
        monkeypatch.setattr(module, "AT_ONCE", at_once)
        torch.manual_seed(0)
        logits = torch.randn(6, 8, VOCABULARY, dtype=torch.float64, requires_grad=True)
        loss = loss_of(model, batch, logits, torch.randn(6, 8, VOCABULARY).double(), distill=0.5)
        loss.backward()  # type: ignore[no-untyped-call]
        found.append((loss, logits.grad))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


def test_logits_of_half_precision_count_in_full() -> None:
    model, batch = llama(), uneven()
    logits = torch.randn(6, 8, VOCABULARY).bfloat16()
    full = loss_of(model, batch, logits.float(), logits.float() + 1, distill=0.5)
    assert torch.equal(loss_of(model, batch, logits, logits.float() + 1, distill=0.5), full)


def test_a_batch_that_asks_nothing_teaches_nothing() -> None:
    batch = Batch({"input_ids": texts(2)}, torch.full((2, 8), IGNORED))
    logits = torch.randn(2, 8, VOCABULARY, requires_grad=True)
    loss = loss_of(bert(), batch, logits)
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0.0
    assert logits.grad is not None
    assert not logits.grad.any()


@pytest.mark.parametrize(
    ("model", "labels", "message"),
    [
        (bert, None, "BertForMaskedLM does not learn from the text itself.*distill=1"),
        (bert, torch.full((2, 8), VOCABULARY), f"label is {VOCABULARY}.*0 to {VOCABULARY - 1}"),
        (bert, torch.full((2, 8), -1), "label is -1"),
        (llama, torch.full((2, 8), -7), "label is -7"),
        (bert, torch.zeros(2, dtype=torch.int64), "one label for each token"),
        (bert, torch.zeros(2, 7, dtype=torch.int64), "one label for each token"),
    ],
)
def test_labels_that_are_missing_or_wrong_are_refused(
    model: Any, labels: Tensor | None, message: str
) -> None:
    batch = Batch({"input_ids": texts(2)}, labels)
    with pytest.raises(InputError, match=message):
        loss_of(model(), batch, torch.zeros(2, 8, VOCABULARY))


def test_a_classifier_has_no_label_for_what_is_not_asked() -> None:
    batch = Batch(torch.zeros(2, 1), torch.tensor([0, IGNORED]))
    with pytest.raises(InputError, match=f"label is {IGNORED}"):
        loss_of(tiny(), batch, torch.zeros(2, 4))


def test_distillation_alone_looks_at_no_label() -> None:
    batch = Batch({"input_ids": texts(2)}, torch.full((2, 8), 999))
    logits = torch.randn(2, 8, VOCABULARY)
    assert float(loss_of(bert(), batch, logits, logits, distill=1.0)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_each_type_of_problem_has_its_own_loss(share: float) -> None:
    generator = torch.Generator().manual_seed(0)
    out, goal = torch.randn(2, 6, 3, generator=generator)
    yes = (torch.rand(6, 3, generator=generator) > 0.5).float()
    numbers = torch.randn(6, 3, generator=generator)

    def loss(problem: Problem, labels: Tensor) -> Tensor:
        shard = Shard(Batch(torch.zeros(6, 1), labels), 6)
        recipe = Recipe(distill=share, temperature=2.0)
        return batch_loss(torch.nn.Linear(1, 3), shard, out, goal, recipe, problem)

    squared = (1 - share) * F.mse_loss(out, numbers) + share * F.mse_loss(out, goal)
    assert torch.allclose(loss(Problem("regression"), numbers), squared)
    binary = Problem("multi_label_classification")
    p, q = (goal / 2).sigmoid(), (out / 2).sigmoid()
    divergence = p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()
    expected = (1 - share) * F.binary_cross_entropy_with_logits(out, yes)
    assert torch.allclose(loss(binary, yes), expected + share * 4 * divergence.mean(), atol=1e-6)
    shared_out = numbers.softmax(dim=1)
    softened = F.kl_div((out / 2).log_softmax(1), (goal / 2).softmax(1), reduction="batchmean")
    both = (1 - share) * F.cross_entropy(out, shared_out) + share * 4 * softened
    assert torch.allclose(loss(Problem(), shared_out), both)


def test_maps_of_classes_are_trained_pixel_by_pixel_without_those_that_are_ignored() -> None:
    out = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(32).reshape(2, 4, 4) % 3
    labels[0, 0] = IGNORED
    shard = Shard(Batch(torch.zeros(2, 1), labels), 2)
    loss = batch_loss(torch.nn.Linear(1, 3), shard, out, None, Recipe(), Problem())
    assert torch.allclose(loss, F.cross_entropy(out, labels, ignore_index=IGNORED))
