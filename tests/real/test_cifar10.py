"""The real data and weights, where they stand: what is known of them holds, and they prune."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import leanfair
from leanfair.data.images import Splits, load
from leanfair.evaluation.accuracy import accuracy
from leanfair.pruning.checkpoint.loading import open_model
from tests.support.places import SHARED

DATA, WEIGHTS = SHARED / "data/cifar10", SHARED / "models/resnet56-cifar10-jpeg.safetensors"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (DATA.is_dir() and WEIGHTS.is_file()),
        reason=f"CIFAR-10 and the weights of ResNet-56 are not in {SHARED}",
    ),
]


@pytest.fixture(scope="module")
def splits() -> Splits:
    return load(DATA)


def test_the_weights_have_the_accuracy_that_their_readme_tells(splits: Splits) -> None:
    assert accuracy(open_model(str(WEIGHTS)), splits.test) == pytest.approx(0.8934, abs=0.0005)


def test_no_image_is_in_two_parts(splits: Splits) -> None:
    parts = [splits.train, splits.calibration, splits.test]
    seen = [{image.numpy().tobytes() for image in part.pixels} for part in parts]
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[1] & seen[2]


def test_a_tenth_of_its_macs_costs_next_to_nothing_without_any_training(
    splits: Splits, tmp_path: Path
) -> None:
    model = open_model(str(WEIGHTS))
    test = splits.test.subset(range(0, 10_000, 5))
    run = leanfair.prune(
        model, calibration=splits.calibration, test=test, cut=0.1, criterion="fisher",
        out=tmp_path / "run", latency_batches=(),
    )  # fmt: skip
    change = run.summary["accuracy_change"]
    assert change["value"] > -0.03
    x = splits.test.take(torch.arange(8), torch.Generator())[0]
    with torch.inference_mode():
        assert torch.equal(leanfair.load(tmp_path / "run")(x), run.model(x))
