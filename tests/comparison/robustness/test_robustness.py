"""Robustness of two models side by side: what is measured, what is refused, and what is said."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from leanfair.comparison.comparing import compare
from leanfair.comparison.robustness.robustness import (
    robustness_of,
    said_of,
    why_not_measured,
    without_nothing,
)
from leanfair.comparison.schema.robustness import Robustness
from leanfair.errors import InputError
from leanfair.evaluation.robustness.gradients import fgsm
from tests.support.pictures import trained
from tests.support.robust import ATTACKS, CORRUPTIONS, digit_pair, digits, robust_comparison
from tests.support.schemas import misfits


class Rounding(nn.Module):
    """A network whose inputs are rounded, as a quantised one's are."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.inner((x * 16).round() / 16)
        return answer


def found() -> Robustness:
    section = robust_comparison().summary["robustness"]
    assert section is not None
    return section


def test_the_section_is_as_its_schema_says_and_repeats_itself() -> None:
    assert misfits(found(), Robustness) == []
    again = robustness_of(digit_pair(), digits(), attacks=ATTACKS, corruptions=CORRUPTIONS, seed=0)
    assert again["attacks"]["rows"] == found()["attacks"]["rows"]  # type: ignore[index]
    assert again["corruptions"] == found()["corruptions"]


def test_accuracies_under_attack_are_those_of_each_network_against_itself() -> None:
    parent, child, _ = trained()
    data = digits()
    attacks = found()["attacks"]
    assert attacks is not None
    assert attacks["samples"] == 40
    row = next(r for r in attacks["rows"] if (r["attack"], r["level"]) == ("fgsm", "16/255"))
    whole = replace(ATTACKS, samples=60)
    every = robustness_of(digit_pair(), data, attacks=whole, corruptions=False)["attacks"]
    assert every is not None
    row = next(r for r in every["rows"] if (r["attack"], r["level"]) == ("fgsm", "16/255"))
    for name, net in (("parent", parent), ("child", child)):
        pixels = data.pixels.float() / 255
        changed = fgsm(net, pixels, data.labels, 16 / 255)
        wanted = float(net.right(changed, data.labels).float().mean())
        assert row["accuracy"][name] == pytest.approx(wanted)  # type: ignore[literal-required]


def test_images_are_normalised_for_each_model_as_it_says() -> None:
    pair = digit_pair()
    assert pair.child.pixels is not None
    other = replace(pair.child.pixels, mean=(0.9,))
    moved = replace(pair, child=replace(pair.child, pixels=other))
    asked: dict[str, Any] = {"attacks": False, "corruptions": CORRUPTIONS}
    one, two = (robustness_of(each, digits(), **asked)["corruptions"] for each in (pair, moved))
    assert one is not None
    assert two is not None
    assert one["clean"]["parent"] == two["clean"]["parent"]
    assert one["clean"]["child"] != two["clean"]["child"]


def test_a_model_that_does_not_differentiate_is_told_and_refused_where_attacks_were_asked() -> None:
    pair = digit_pair(child=Rounding(trained()[1].model))
    section = robustness_of(pair, digits(), corruptions=CORRUPTIONS)
    assert section["attacks"] is None
    assert section["attacks_missing"] is not None
    assert "Child is 0 at every pixel" in section["attacks_missing"]
    assert section["corruptions"] is not None
    for asked in (True, ATTACKS):
        with pytest.raises(InputError, match="Attacks are not possible"):
            robustness_of(pair, digits(), attacks=asked, corruptions=False)


def test_what_is_no_image_or_has_no_normalisation_is_told() -> None:
    data = digits()
    inputs, labels = data.take(torch.arange(60), torch.Generator())
    pair = digit_pair()
    bare = replace(pair, parent=replace(pair.parent, pixels=None))
    told = why_not_measured(bare, TensorDataset(inputs, labels))
    assert told is not None
    assert "how the images were normalised" in told
    assert why_not_measured(pair, TensorDataset(inputs, labels)) is None
    assert "no labels" in str(why_not_measured(pair, [inputs]))
    assert "texts" in str(why_not_measured(replace(pair, problem=None, is_language=True), data))
    table = [(torch.rand(8, 5), torch.arange(8) % 2)]
    flat = compare(nn.Linear(5, 2), nn.Linear(5, 2), test=table, seconds=0)
    with pytest.raises(InputError, match="need test data"):
        compare(nn.Linear(5, 2), nn.Linear(5, 2), attacks=True, seconds=0)
    assert flat.summary["robustness"] is None
    assert "no images" in flat.summary["missing"]["robustness"]


def test_nothing_is_measured_that_was_not_asked_for() -> None:
    parent, child, _ = trained()
    plain = compare(
        parent.model, child.model, test=digits(), attacks=False, corruptions=False, seconds=0
    )
    assert plain.summary["robustness"] is None
    assert "robustness" not in plain.summary["missing"]
    only = robustness_of(digit_pair(), digits(), attacks=False, corruptions=CORRUPTIONS)
    assert only["attacks_missing"] == "not asked for"
    assert [claim["claim"].split()[2] for claim in only["claims"]] == ["corruptions"]
    assert without_nothing(only, {})[0] is only


def test_an_extra_test_set_is_measured_and_one_of_other_classes_refused() -> None:
    (extra,) = found()["extra"]
    assert (extra["name"], extra["samples"]) == ("<again>", 60)
    parent = trained()[0]
    data = digits()
    inputs, labels = data.take(torch.arange(60), torch.Generator())
    right = float((parent.model(inputs).argmax(dim=1) == labels).float().mean())
    assert extra["accuracy"]["parent"] == pytest.approx(right)
    strange = replace(data, classes=("a", *data.classes[1:]))
    with pytest.raises(InputError, match="other classes"):
        robustness_of(
            digit_pair(), data, attacks=False, corruptions=False, extra={"strange": strange}
        )


def test_progress_is_told_and_before_it_the_cost() -> None:
    told: list[tuple[float, str]] = []
    robustness_of(
        digit_pair(), digits(), attacks=ATTACKS, corruptions=CORRUPTIONS,
        tell=lambda done, words: told.append((done, words)),
    )  # fmt: skip
    assert "passes of an image" in told[0][1]
    shares = [done for done, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("verdict", "kind"),
    [("holds", "won"), ("does not hold", "lost"), ("cannot be said", "unknown")],
)
def test_the_headline_says_of_both_claims_what_became_of_them(verdict: str, kind: str) -> None:
    section = deepcopy(found())
    for claim in section["claims"]:
        claim["verdict"] = verdict  # type: ignore[typeddict-item]
    said = said_of(section)
    assert len(getattr(said, kind)) == 2
    assert sum(len(getattr(said, name)) for name in ("lost", "won", "unknown")) == 2
    assert said_of(None) == said_of(None).__class__()
