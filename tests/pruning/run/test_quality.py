"""A classifier is measured by its accuracy, a language model by its perplexity: by one protocol."""

from __future__ import annotations

import pytest
import torch

from leanfair.data.batches import Batch
from leanfair.evaluation.accuracy import Change, accuracy, correct
from leanfair.evaluation.perplexity import PerplexityChange, losses, perplexity
from leanfair.pruning.run.calibration import Calibration
from leanfair.pruning.run.quality import quality_for
from tests.support.nets import batches_of, samples, tiny

MODEL = tiny()
LABELLED = [Batch(*batch) for batch in batches_of(samples(24, seed=1), 8)]
TEST = samples(20, seed=2)


def test_a_classifier_has_the_accuracy_of_its_labels() -> None:
    quality = quality_for(MODEL, Calibration(LABELLED, 8), TEST)
    assert quality.name == "accuracy"
    assert quality.known
    assert quality.calibrated(MODEL) == accuracy(MODEL, LABELLED)
    found = quality.tested(MODEL)
    assert found is not None
    assert torch.equal(found.right > 0, correct(MODEL, TEST))
    change = quality.change(found, found)
    assert isinstance(change, Change)
    assert change.to_json()["value"] == 0.0


def test_without_labels_there_is_none() -> None:
    bare = [Batch(batch.inputs) for batch in LABELLED]
    quality = quality_for(MODEL, Calibration(bare, 8), TEST.tensors[0])
    assert not quality.known
    assert quality.calibrated(MODEL) is None
    assert quality.tested(MODEL) is None
    assert quality_for(MODEL, Calibration(bare, 8), None).tested(MODEL) is None


def test_what_looks_sees_every_test_batch() -> None:
    quality = quality_for(MODEL, Calibration(LABELLED, 8), batches_of(TEST, 8))
    seen: list[int] = []

    def look(found):  # type: ignore[no-untyped-def]
        for batch in found:
            seen.append(len(batch))
            yield batch

    quality.tested(MODEL, look)
    assert seen == [8, 8, 4]


def test_a_language_model_has_the_perplexity_of_the_text() -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, vocab_size=32,
        num_attention_heads=2,
    )  # fmt: skip
    model = transformers.LlamaForCausalLM(config).eval()
    held = [Batch({"input_ids": torch.randint(0, 32, (4, 6))})]
    quality = quality_for(model, Calibration(held, 4, tokenwise=True), held)
    assert quality.name == "perplexity"
    assert quality.calibrated(model) == pytest.approx(perplexity(model, held))
    found = quality.tested(model)
    assert found is not None
    assert torch.equal(found, losses(model, held))
    change = quality.change(found, found)
    assert isinstance(change, PerplexityChange)
    assert change.ratio == 1.0
