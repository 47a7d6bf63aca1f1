"""Quality on the page."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import nn

from leanfair.comparison.comparing import compare
from leanfair.comparison.report.page import render
from leanfair.comparison.report.quality import classes_said, tiles, view
from leanfair.comparison.schema.quality import ClassEntry
from tests.support.nets import samples
from tests.support.pages import EVIL, Page
from tests.support.pairs import damaged, small_comparison
from tests.support.tiny_text import llama, prose, tokenizer

IMAGES = samples(24).tensors[0]


def shown(model: nn.Module, test: Any, **more: Any) -> Page:
    found = compare(model, damaged(model, 0.2), test=test, seconds=0, **more)
    return Page(render(found.summary))


def dense(outputs: int) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, outputs)).eval()


def test_the_tile_tells_the_accuracy() -> None:
    (tile,) = tiles(small_comparison().summary)
    assert tile.label == "Accuracy, points"
    assert tile.before.endswith("%")


def test_what_was_not_measured_is_unknown() -> None:
    summary = deepcopy(small_comparison().summary)
    summary["quality"] = None
    assert view(summary) is None
    assert tiles(summary)[0].change == "unknown"


def test_classes_diagram_and_pictures_are_shown() -> None:
    summary = small_comparison().summary
    page = Page(render(summary))
    assert {"Class by class", "As sure as they are right"} <= set(page.all("h3"))
    assert len([svg for svg in page.drawings if svg.get("class") in ("wide", "narrow")]) >= 2
    quality = summary["quality"]
    assert quality is not None
    assert quality["examples"] is not None
    held = [*quality["examples"]["only_parent"], *quality["examples"]["only_child"]]
    sources = [attributes["src"] for tag, attributes, _ in page.found if tag == "img"]
    assert sources == [each["picture"] for each in held]
    assert "img-src data:" in page.source


def test_a_language_model_has_its_perplexities() -> None:
    texts = [prose(n, seed=n) for n in (4, 12, 40, 60)]
    page = shown(llama(), texts, tokenizer=tokenizer())
    heads = page.all("th", scope="row")
    assert {"All tokens", "Texts of 0 to 31 tokens", "After 16 to 63 tokens"} <= set(heads)


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ([IMAGES], "are the same in both"),
        ([(IMAGES, torch.randn(24, 3))], "Mean squared error"),
        ([(IMAGES, torch.randint(0, 2, (24, 3)).float())], "Class by class"),
    ],
)
def test_other_kinds_of_models_have_a_page(test: Any, words: str) -> None:
    assert words in shown(dense(3), test).text


def test_names_and_texts_are_escaped() -> None:
    summary = deepcopy(small_comparison().summary)
    quality: Any = summary["quality"]
    quality["accuracy"]["classes"][0]["name"] = EVIL
    quality["accuracy"]["worst_class"]["parent_class"] = EVIL
    quality["examples"]["only_parent"] = [
        {
            "index": 0, "label": EVIL, "parent": EVIL, "child": EVIL, "picture": None, "text": EVIL
        }
    ]  # fmt: skip
    page = Page(render(summary))
    assert page.all("script") == []
    assert EVIL in page.text


def entry(name: str, value: float, adjusted: float | None) -> ClassEntry:
    return {
        "name": name, "samples": 9, "parent": 0.5, "child": 0.5 + value, "value": value,
        "low": None, "high": None, "p_value": adjusted, "adjusted": adjusted,
    }  # fmt: skip


def test_only_classes_beyond_chance_are_named() -> None:
    both = [entry("a", -0.2, 0.01), entry("b", 0.2, 0.02), entry("c", -0.4, 0.3)]
    assert classes_said(both).endswith("reckoned with: a lost; b gained.")
    assert classes_said(both[2:]).startswith("No class of the 1 changed by more than chance")
    assert classes_said([entry("a", -0.2, None)]) == ""
