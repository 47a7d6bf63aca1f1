"""Trials on some samples are those of all, and samples are drawn from batches of any shape."""

from __future__ import annotations

import pytest
import torch

from leanfair.data.batches import Batch
from leanfair.evaluation.problem import Problem
from leanfair.pruning.criteria import trials as trials_module
from leanfair.pruning.criteria.trials import (
    Trials,
    all_tried,
    count_of_all,
    every,
    rows_by_sample,
    taken,
)
from tests.support.oracles import tiny, zoo

SINGLE = Problem("single_label_classification")


def test_the_trials_of_some_samples_add_up_to_the_scores_of_all() -> None:
    model = zoo.resnet("A", depth=8).double()
    anatomy = zoo.resnet_anatomy(model)
    images = zoo.images(6, channels=2, size=6).inputs.double()
    batches = [Batch(images[:4]), Batch(images[4:])]
    trials = Trials(model, anatomy, batches, SINGLE)
    trials.prepare()
    exact = all_tried(model, anatomy, batches, SINGLE, lambda share: None)
    wanted = {structure: list(each)[:2] for structure, each in every(anatomy).items()}
    sums = {(each.name, i): 0.0 for each, places in wanted.items() for i in places}
    for samples in (torch.tensor([5, 0]), torch.tensor([1, 4, 2, 3])):
        for trial in trials.each(wanted, samples):
            assert len(trial.samples) == len(trial.divergence)
            sums[trial.structure.name, trial.i] += float(trial.divergence.sum())
    for (name, i), total in sums.items():
        score = exact.layers[name] if name in exact.layers else exact.neurons[name][i]
        assert total / 6 == pytest.approx(score, rel=1e-9, abs=1e-15)
    assert count_of_all(anatomy) == len(exact.layers) + sum(map(len, exact.neurons.values()))


def test_the_tokens_of_a_text_are_summed_and_padding_counts_nothing() -> None:
    model, anatomy = tiny.llama()
    ids = tiny.tokens().inputs
    mask = torch.ones_like(ids)
    mask[0, -3:] = 0
    batch = Batch({"input_ids": ids, "attention_mask": mask})
    trials = Trials(model, anatomy, [batch], SINGLE)
    assert trials.rows.tolist() == mask.sum(dim=1).tolist()
    exact = all_tried(model, anatomy, [batch], SINGLE, lambda share: None)
    wanted = {anatomy.layers[0]: [0]}
    total = sum(
        float(trial.divergence.sum())
        for trial in trials.each(wanted, torch.arange(len(ids)))
    )  # fmt: skip
    score = exact.layers[anatomy.layers[0].name]
    assert total / int(mask.sum()) == pytest.approx(score, rel=1e-5)


def test_rows_are_counted_with_one_pass_for_each_shape() -> None:
    model, _ = tiny.llama()
    ids = tiny.tokens().inputs
    mask = torch.ones_like(ids)
    mask[0, -3:] = 0
    short = Batch({"input_ids": ids[:, :4]})
    batches = [short, short, Batch({"input_ids": ids, "attention_mask": mask}), short]
    passes = []
    handle = model.register_forward_hook(lambda *_: passes.append(1))
    rows = rows_by_sample(model, batches)
    handle.remove()
    few = [4] * len(ids)
    assert rows.tolist() == [*few, *few, *mask.sum(dim=1).tolist(), *few]
    assert len(passes) == 2


def test_where_passes_start_is_found_on_the_start_of_a_text(monkeypatch) -> None:
    model, anatomy = tiny.llama()
    ids = tiny.tokens().inputs
    monkeypatch.setattr(trials_module, "STARTS", 3)
    trials = Trials(model, anatomy, [Batch({"input_ids": ids})], SINGLE)
    seen: list[torch.Size] = []
    handle = model.get_input_embeddings().register_forward_pre_hook(
        lambda _, args: seen.append(args[0].shape)
    )
    trials.prepare()
    assert set(seen) <= {torch.Size([1, 3])}
    exact = all_tried(model, anatomy, trials.batches, SINGLE, lambda share: None)
    last = anatomy.layers[-1]
    assert trials.plans
    for trial in trials.each({last: [0]}, torch.arange(len(ids))):
        mean = float(trial.divergence.sum()) / ids.numel()
        assert mean == pytest.approx(exact.layers[last.name], rel=1e-6)
    handle.remove()


def test_samples_of_one_shape_come_together_but_not_more_than_a_batch_holds() -> None:
    batches = [Batch(torch.arange(4.0).reshape(4, 1)), Batch(torch.arange(4.0, 8).reshape(4, 1))]
    batches.append(Batch(torch.arange(16.0, 20).reshape(2, 2)))
    parts = taken(batches, torch.tensor([9, 5, 0, 3, 7, 6]))
    assert sorted(i for places, _ in parts for i in places.tolist()) == [0, 3, 5, 6, 7, 9]
    for places, batch in parts:
        assert len(batch) == len(places) <= 4
        for place, row in zip(places.tolist(), batch.inputs, strict=True):
            assert float(row[0]) == (18.0 if place == 9 else place)
    assert taken(batches, torch.zeros(0, dtype=torch.long)) == []
