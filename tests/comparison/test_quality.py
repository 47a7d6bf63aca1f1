"""Quality of two models side by side, against counts by hand."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import binomtest
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from leanfair.comparison.pair import Pair, Side
from leanfair.comparison.quality import NOTHING, quality_of, said_of
from leanfair.comparison.schema.quality import Quality
from leanfair.comparison.sides.fitting import fitted
from tests.support.nets import samples
from tests.support.pairs import damaged, small_pair
from tests.support.schemas import misfits
from tests.support.tiny_text import bert, llama


def hits(pair_side: torch.nn.Module, data: torch.utils.data.TensorDataset) -> Tensor:
    images, labels = data.tensors
    with torch.no_grad():
        return pair_side(images).argmax(dim=1) == labels


def test_accuracies_and_mcnemar_are_those_of_a_count_by_hand() -> None:
    data = samples(100, seed=3)
    pair = small_pair(data)
    found = quality_of(pair, data)
    assert misfits(found, Quality) == []
    accuracy = found["accuracy"]
    assert accuracy is not None
    old, new = (hits(side.model, data) for side in pair.sides)
    lost, gained = int((old & ~new).sum()), int((new & ~old).sum())
    assert (accuracy["lost"], accuracy["gained"]) == (lost, gained)
    assert lost + gained > 0
    assert accuracy["overall"]["parent"] == pytest.approx(float(old.double().mean()))
    assert accuracy["overall"]["child"] == pytest.approx(float(new.double().mean()))
    assert accuracy["p_value"] == pytest.approx(binomtest(lost, lost + gained).pvalue)


@pytest.mark.parametrize(
    ("low", "high", "kind"), [(-0.03, -0.01, "lost"), (0.01, 0.03, "won"), (-0.02, 0.01, "unknown")]
)
def test_the_headline_claims_only_what_the_interval_bears(
    low: float, high: float, kind: str
) -> None:
    value = (low + high) / 2
    overall = {"parent": 0.9, "child": 0.9 + value, "value": value, "low": low, "high": high}
    data = samples(32)
    quality = quality_of(small_pair(data), data)
    assert quality["accuracy"] is not None
    quality["accuracy"]["overall"].update(overall)  # type: ignore[typeddict-item]
    said = said_of(quality)
    assert {name for name in ("lost", "won", "unknown") if getattr(said, name)} == {kind}


IDS = torch.randint(0, 64, (6, 12), generator=torch.Generator().manual_seed(0))


def dense(outputs: int) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, outputs)).eval()


def pair_of(model: nn.Module, data: object) -> Pair:
    return fitted(Side("A", model), Side("B", damaged(model, 0.2)), data)  # type: ignore[arg-type]


LABELLED = samples(40)
IMAGES = LABELLED.tensors[0]
KINDS = {
    "classes": (dense(4), LABELLED, {"accuracy", "calibration", "examples", "agreement"}),
    "unlabelled": (dense(4), [IMAGES], {"agreement"}),
    "several labels": (
        dense(3), TensorDataset(IMAGES, torch.randint(0, 2, (40, 3)).float()),
        {"accuracy", "agreement"},
    ),
    "one logit": (
        dense(1), TensorDataset(IMAGES, torch.arange(40) % 2),
        {"accuracy", "calibration", "examples", "agreement"},
    ),
    "numbers": (dense(2), TensorDataset(IMAGES, torch.randn(40, 2)), {"error"}),
    "language": (llama(), [{"input_ids": IDS}], {"perplexity", "agreement"}),
    "texts": (
        bert(), [{"input_ids": IDS, "labels": torch.arange(6) % 2}],
        {"accuracy", "calibration", "examples", "agreement"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_of_model_is_measured_by_what_it_is(kind: str) -> None:
    model, data, measured = KINDS[kind]
    found = quality_of(pair_of(model, data), data)  # type: ignore[arg-type]
    assert misfits(found, Quality) == []
    assert {name for name, value in found.items() if value is not None} == measured
    said = said_of(found)
    assert said.lost or said.won or said.unknown


def test_the_error_is_the_mean_squared_error() -> None:
    model, data, _ = KINDS["numbers"]
    pair = pair_of(model, data)
    error = quality_of(pair, data)["error"]  # type: ignore[arg-type]
    assert error is not None
    with torch.no_grad():
        wanted = [
            float((side.model(IMAGES) - data.tensors[1]).square().mean()) for side in pair.sides
        ]  # type: ignore[attr-defined]
    assert [error["parent"], error["child"]] == pytest.approx(wanted)


def test_without_labels_nothing_is_said_of_what_is_right() -> None:
    model, data, _ = KINDS["unlabelled"]
    said = said_of(quality_of(pair_of(model, data), data))  # type: ignore[arg-type]
    assert said.unknown == ("how often either is right, as there are no labels",)
    assert said_of(NOTHING).unknown == ("its quality, as there are no labels",)
    assert said_of(None).unknown == ("its quality",)
