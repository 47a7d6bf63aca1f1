"""Quality of two models side by side, against counts by hand."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import binomtest
from torch import Tensor

from leanfair.comparison.quality import quality_of, said_of
from leanfair.comparison.schema.quality import Quality
from tests.support.nets import samples
from tests.support.pairs import small_pair
from tests.support.schemas import misfits


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
