"""The report of a pruning run: what it must say, and what it must not do."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from leanfair.errors import RunDirectoryError
from leanfair.pruning.measured_schema import Latencies
from leanfair.pruning.report.page import render, write_report
from leanfair.pruning.schema import Summary
from tests.support.pages import EVIL, Page
from tests.support.schemas import misfits
from tests.support.summaries import (
    RUNS,
    deeper,
    larger,
    longer,
    missed,
    produced,
    with_widths,
    without_labels,
)


def page(found: Summary) -> Page:
    return Page(render(found))


def long_name(found: Summary) -> Summary:
    found["model"]["title"] = "ConditionalImageClassifier" * 8
    return found


def exhausted() -> Summary:
    """A run of which first no layer could go any more, then no neurons."""
    found = longer(produced("images"), 4)
    layer = next(step for step in found["steps"] if step["chosen"] == "layer")
    found["steps"][2].update(chosen="neurons", cka={"layer": None, "neurons": 0.9})
    found["steps"][3].update(
        chosen="layer", cka={"layer": 0.8, "neurons": None}, cut=layer["cut"], text=layer["text"]
    )
    return found


def lacking() -> Summary:
    """A run whose architecture does not tell of blocks that were kept."""
    found = produced("images")
    found["architecture"]["after"][1]["blocks"] = []
    return found


def shattered() -> Summary:
    """A language model that lost all it knew, on a single test sample."""
    found = longer(produced("language"), 3)
    for step, perplexity in zip(found["steps"], (24.0, 9e4, 8.2e307), strict=True):
        step["perplexity"] = perplexity
    found["perplexity"] = {"before": 16.2, "after": 8.2e307}
    found["perplexity_change"] = {"value": 5.1e306, "low": None, "high": None, "tokens": 126}
    found["calibration_perplexity"] = {"before": 15.9, "after": 8.2e307}
    return found


CASES: dict[str, Callable[[], Summary]] = {
    **{kind: partial(produced, kind) for kind in RUNS},
    "nothing removed, nothing measured": lambda: without_labels(produced("untouched")),
    "sixty rounds": lambda: longer(produced("images"), 60),
    "54 blocks, two widths": lambda: with_widths(
        deeper(produced("images"), 18), ("conv1", "conv2")
    ),
    "five widths": lambda: with_widths(produced("images"), ("a", "b", "c", "d", "e")),
    "without widths": lambda: with_widths(produced("images"), ()),
    "huge": lambda: larger(produced("images"), 40_000_000),
    "unlabelled": lambda: without_labels(produced("images")),
    "target missed": lambda: missed(produced("images")),
    "long name": lambda: long_name(produced("images")),
    "exhausted": exhausted,
    "lacking": lacking,
    "eighty layers": lambda: deeper(produced("language"), 80),
    "language, unlabelled": lambda: without_labels(produced("language")),
    "language, shattered": shattered,
}


@pytest.fixture(params=CASES, scope="module")
def case(request: pytest.FixtureRequest) -> tuple[Summary, Page]:
    """Every kind of run, with its page."""
    found = CASES[request.param]()
    return found, page(found)


def test_every_case_is_one_that_a_run_may_write(case: tuple[Summary, Page]) -> None:
    assert misfits(case[0], Summary, "summary") == []


def test_the_page_is_well_formed_and_its_drawings_are_xml(case: tuple[Summary, Page]) -> None:
    _, shown = case
    assert shown.source.startswith("<!doctype html>")
    assert shown.drawings


def test_the_page_needs_nothing_from_outside(case: tuple[Summary, Page]) -> None:
    _, shown = case
    for tag, attrs, _ in shown.found:
        assert tag not in {"script", "link", "img", "iframe", "object", "use", "image"}
        for name, value in attrs.items():
            assert name not in {"src", "href", "xlink:href", "srcset", "action"}
            assert not name.startswith("on")
            assert name == "xmlns" or "//" not in (value or "")
    style = "".join(re.findall(r"<style>(.*?)</style>", shown.source, re.S))
    assert "url(" not in style
    assert "@import" not in style


def test_no_undefined_number_is_shown(case: tuple[Summary, Page]) -> None:
    _, shown = case
    assert not re.search(r"\b(nan|inf|None|undefined)\b", shown.text)
    for svg in shown.drawings:
        for element in svg.iter():
            assert "nan" not in " ".join(element.attrib.values())


def test_nothing_is_drawn_outside_of_its_drawing(case: tuple[Summary, Page]) -> None:
    for svg in case[1].drawings:
        _, _, width, height = (float(part) for part in svg.attrib["viewBox"].split())
        if svg.get("role") != "img":
            continue
        for element in svg.iter():
            for name, limit in (("x", width), ("cx", width), ("y", height), ("cy", height)):
                value = float(element.get(name, 0))
                assert -1 <= value <= limit + 1, (element.tag, element.attrib)


def test_identifiers_are_unique_and_every_picture_has_a_name(case: tuple[Summary, Page]) -> None:
    _, shown = case
    known = [attrs["id"] for _, attrs, _ in shown.found if "id" in attrs]
    assert len(known) == len(set(known))
    for tag, attrs, _ in shown.found:
        if tag == "svg":
            assert attrs.get("aria-hidden") == "true" or attrs.get("role") == "img"
        for name in (attrs.get("aria-labelledby") or "").split():
            assert name in known


def test_table_headers_say_what_they_head(case: tuple[Summary, Page]) -> None:
    for tag, attrs, _ in case[1].found:
        if tag == "th":
            assert attrs.get("scope") in {"col", "row"}


def test_every_round_is_in_the_table_and_in_the_chart(case: tuple[Summary, Page]) -> None:
    found, shown = case
    assert len([1 for tag, a, _ in shown.found if tag == "tr" and "data-round" in a]) == len(
        found["steps"]
    )
    for step in found["steps"]:
        (row,) = shown.all("tr", data_round=str(step["index"]))
        if not found["tokens"]:  # a language model's costs take too many digits
            assert f"{step['macs']:,}" in row
            assert f"{step['params']:,}" in row
        assert step["chosen"] in row
        assert " ".join(step["text"].split()) in row
        columns = shown.all("rect", data_round=str(step["index"]))
        assert len(columns) == 2  # one chart for a desk, one for a telephone
        assert all(words.startswith(f"Round {step['index']}: ") for words in columns)


def test_both_similarities_of_every_round_can_be_read() -> None:
    found = exhausted()
    shown = page(found)
    for step in found["steps"]:
        (row,) = shown.all("tr", data_round=str(step["index"]))
        tooltip = shown.all("rect", data_round=str(step["index"]))[0]
        for value in step["cka"].values():
            assert ("—" if value is None else f"{value:.4f}") in row
            assert ("none" if value is None else f"{value:.4f}") in tooltip


def test_similarities_that_nearly_tie_are_told_apart() -> None:
    found = longer(produced("images"), 1)
    found["steps"][0]["cka"] = {"layer": 0.999991, "neurons": 0.999993}
    (row,) = page(found).all("tr", data_round="1")
    assert "0.999991" in row
    assert "0.999993" in row


def test_the_winner_is_emphasised() -> None:
    found = produced("images")
    shown = page(found)
    won = shown.all("td", class_="won")
    assert won == [f"{step['cka'][step['chosen']]:.4f}" for step in found["steps"]]


def test_kinds_differ_in_shape_as_well_as_in_colour() -> None:
    shown = page(produced("images"))
    marks = {
        (element.tag.rpartition("}")[2], element.get("class", "").split()[0])
        for svg in shown.drawings
        for element in svg.iter()
        if element.get("class", "").split()[:1] in (["layer"], ["neurons"], ["test"])
    }
    assert marks == {("rect", "layer"), ("circle", "neurons"), ("polygon", "test")}


def test_removed_blocks_are_marked_in_place() -> None:
    found = produced("images")
    shown = page(found)
    names = {
        when: [block["name"] for stage in found["architecture"][when] for block in stage["blocks"]]
        for when in ("before", "after")
    }
    gone = [name for name in names["before"] if name not in names["after"]]
    assert gone
    wide = next(svg for svg in shown.drawings if "blocks-wide" in svg.get("aria-labelledby", ""))
    groups = [element for element in wide.iter() if element.get("data-block") is not None]
    assert [element.get("data-block") for element in groups] == names["before"]
    for element in groups:
        classes = {inner.get("class") for inner in element.iter()}
        removed = element.get("data-block") in gone
        assert ("removed" in element.attrib["class"]) == removed
        assert ("ghost" in classes) == removed
        assert ("kept" in classes) != removed


def test_a_block_that_no_cut_removed_is_not_called_removed() -> None:
    found = lacking()
    cuts = sum(len(step["cut"]["layers"]) for step in found["steps"])
    shown = page(found)
    (table,) = shown.all("details", class_="more")
    assert table.count("removed in round") == cuts
    assert f"{9 - cuts} of 9 blocks left" in shown.text
    assert "kept, width not known" in shown.text


def test_every_width_is_told_before_and_after() -> None:
    found = produced("images")
    shown = page(found)
    after = {
        width["name"]: width["count"]
        for stage in found["architecture"]["after"]
        for block in stage["blocks"]
        for width in block["widths"]
    }
    (table,) = shown.all("details", class_="more")
    for stage in found["architecture"]["before"]:
        for block in stage["blocks"]:
            for width in block["widths"]:
                name = width["name"].removeprefix(f"{block['name']}.")
                assert f"{name} {width['count']} → {after.get(width['name'], '–')}" in table


def test_the_headline_says_what_was_removed_and_what_it_cost() -> None:
    found = produced("images")
    found["accuracy"] = {"before": 0.9393, "after": 0.9344}
    (words,) = page(found).all("h1")
    assert words == (
        f"ResNet-20 lost {found['removed']:.1%} of its MACs and 0.49 points of accuracy."
    )


@pytest.mark.parametrize(
    ("after", "said", "tile"),
    [
        (0.9412, "and gained 0.19 points of accuracy.", "+0.19"),
        (0.9393, "and kept its accuracy.", "0.00"),
        (0.9000, "and 3.93 points of accuracy.", "−3.93"),
    ],
)
def test_the_change_of_accuracy_is_signed(after: float, said: str, tile: str) -> None:
    found = produced("images")
    found["accuracy"] = {"before": 0.9393, "after": after}
    shown = page(found)
    assert shown.all("h1")[0].endswith(said)
    assert tile in shown.all("dd", class_="change")


@pytest.mark.parametrize(
    ("of", "said"), [("params", "of its parameters"), ("latency", "of its latency")]
)
def test_the_headline_counts_what_the_target_counts(of: Any, said: str) -> None:
    found = produced("plain")
    found["settings"]["of"], found["removed"] = of, 0.41
    assert f"lost 41.0% {said}" in page(found).all("h1")[0]


@pytest.mark.parametrize(
    ("kind", "on", "said"),
    [("images", True, True), ("images", False, False), ("untouched", True, False)],
)
def test_that_weights_were_changed_to_make_up_for_what_went_is_said_where_they_were(
    kind: Any, on: bool, said: bool
) -> None:
    found = produced(kind)
    found["settings"]["reconstruct"] = on
    assert ("weights of what stays were changed" in render(found)) == said


def test_a_target_that_was_met_is_said_to_be() -> None:
    found = {**produced("images"), "removed": 0.686}
    (words,) = page(found).all("p", class_="verdict")
    rounds = len(found["steps"])
    assert words.startswith(
        f"Target met. Asked for 60.0%, removed 68.6% of the MACs in {rounds} rounds."
    )


def test_a_target_that_was_not_met_is_said_to_be_and_why() -> None:
    found = missed({**produced("images"), "removed": 0.686}, cut=0.9)
    (words,) = page(found).all("p", class_="verdict")
    assert words.startswith("Target not met. Asked for 90.0%, removed 68.6% of the MACs.")
    assert "because neither a layer nor a neuron may go any more." in words


def test_a_target_missed_by_little_does_not_look_met() -> None:
    found = {**produced("images"), "removed": 0.59998}
    (words,) = page(found).all("p", class_="verdict")
    assert words.startswith("Target not met. Asked for 60.000%, removed 59.998%")


def test_accuracy_that_was_not_measured_is_said_to_be_unknown() -> None:
    shown = page(without_labels(produced("images")))
    assert shown.all("h1")[0].endswith("What that cost in accuracy was not measured.")
    assert "unknown: there were no test data" in shown.text
    assert "The calibration data have no labels" in shown.text


def test_without_test_data_calibration_accuracy_is_told_with_its_caveat() -> None:
    found = {**produced("images"), "accuracy": None}
    found["data"] = {**found["data"], "test": None}
    shown = page(found)
    watched = found["calibration_accuracy"]
    assert watched is not None
    assert f"On the calibration data it went from {watched['before']:.2%}" in shown.text
    assert "took part in the choices" in shown.text


def test_where_accuracy_is_unknown_the_similarity_of_the_rounds_is_charted() -> None:
    found = without_labels(produced("images"))
    (chart,) = (
        svg for svg in page(found).drawings if "rounds-wide" in svg.get("aria-labelledby", "")
    )
    rounds = len(found["steps"])
    assert chart[0].text == f"CKA against MACs removed, {rounds} rounds"
    classes = [element.get("class") for element in chart.iter()]
    assert "route" not in classes
    won = [name for name in classes if name in ("layer", "neurons")]
    assert len(won) == rounds


def test_the_rounds_are_charted_by_the_cost_that_was_asked_for() -> None:
    found = produced("images")
    for of, named in (("macs", "MACs"), ("params", "parameters"), ("latency", "MACs")):
        found["settings"] = {**found["settings"], "of": of}
        drawn = [" ".join(svg.itertext()) for svg in page(found).drawings]
        assert any(f"{named} removed →" in text for text in drawn)


def test_the_configuration_of_a_model_is_left_to_run_json() -> None:
    found = produced("images")
    spec = {"class": "LlamaForCausalLM", "config": {"rope_parameters": {"rope_type": "default"}}}
    origin = {"kind": "transformers", "spec": spec, "cuts": [{}, {}]}
    found["model"] = {**found["model"], "origin": origin}
    shown = page(found).text
    assert "rope_type" not in shown
    assert "LlamaForCausalLM" in shown
    assert "2 cuts" in " ".join(shown.split())


def timed(found: Summary) -> Summary:
    """The same run, with times of its own."""
    before, after = ({"median": m, "low": 0.96 * m, "high": 1.09 * m, "runs": 50} for m in TIMES)
    found["latency"] = cast(Latencies, {"before": {"2": before}, "after": {"2": after}})
    return found


TIMES = (0.402, 0.188)


def test_costs_equal_those_of_the_summary() -> None:
    found = timed(produced("images"))
    shown = page(found)
    rows = shown.all("tr")
    for label, key in (("MACs, one sample", "macs"), ("Parameters", "params")):
        before, after = found[key]["before"], found[key]["after"]
        (row,) = (row for row in rows if row.startswith(label))
        assert f"{before:,}" in row
        assert f"{after:,}" in row
        assert f"−{1 - after / before:.1%}" in row
        assert f"{before / after:.2f}×" in row
    (row,) = (row for row in rows if row.startswith("Latency, batch 2"))
    for number in ("402.0 ms", "385.9–438.2 ms, 50 runs", "188.0 ms", "−53.2%", "2.14×"):
        assert number in row


@pytest.mark.parametrize(("low", "overlap"), [(0.38, True), (0.15, False)])
def test_latencies_whose_spreads_overlap_are_marked(low: float, overlap: bool) -> None:
    found = timed(produced("images"))
    assert found["latency"] is not None
    found["latency"]["after"]["2"] = {"median": low, "low": low, "high": 1.03 * low, "runs": 50}
    (row,) = (row for row in page(found).all("tr") if row.startswith("Latency, batch 2"))
    assert ("the spreads overlap" in row) == overlap


def test_latency_that_was_not_measured_is_said_to_be() -> None:
    shown = page(without_labels(produced("images")))
    assert "Latency was not measured." in shown.text


def test_what_the_target_counts_has_a_column() -> None:
    assert "Latency" in page(produced("latency")).all("th", scope="col")
    assert "Memory" in page(produced("memory")).all("th", scope="col")


def test_everything_that_was_run_is_told() -> None:
    found = produced("images")
    found["data"].update(train=45_000, calibration=5000, test=10_000)
    found.update(images=1_125_000, seconds=4321.7, created="2026-02-03T14:22:09+00:00")
    found["settings"]["seed"] = 20250603
    (facts,) = page(found).all("section", id="facts")
    for name in found["settings"]:
        assert name in facts
    for name, value in found["settings"]["recipe"].items():
        assert f"recipe.{name}" in facts
        if isinstance(value, str):
            assert value in facts
    for value in (
        found["model"]["fingerprint"], found["data"]["fingerprint"], "20250603", "45,000", "5,000",
        "10,000", "1,125,000", "25.00 passes", "1 h 12 min", found["machine"]["processor"],
        found["machine"]["torch"], "2026-02-03 14:22:09 UTC", "cifar-resnet",
    ):  # fmt: skip
        assert value in facts


def test_the_limits_are_said_plainly() -> None:
    (words,) = page(produced("images")).all("section", id="reading")
    for limit in (
        "calibration data alone",
        "Latency is this machine’s",
        "95% interval",
        "One seed",
    ):
        assert limit in words


def shape_of(svg: ET.Element) -> tuple[float, float]:
    _, _, width, height = (float(part) for part in svg.attrib["viewBox"].split())
    return width, height


def chart(shown: Page, identity: str) -> ET.Element:
    (found,) = (svg for svg in shown.drawings if identity in svg.get("aria-labelledby", ""))
    return found


def test_a_language_model_is_told_by_its_perplexity_alone() -> None:
    found = produced("language")
    found["perplexity"] = {"before": 63.2, "after": 66.4}
    shown = page(found)
    old, new = "63.20", "66.40"
    (headline,) = shown.all("h1")
    assert headline.endswith(f"of its MACs, and its perplexity rose from {old} to {new}.")
    assert "ccurac" not in shown.text.replace("min_accuracy", "").replace("min_class_accuracy", "")
    (note,) = shown.all("p", class_="note")
    change = found["perplexity_change"]
    assert change is not None
    assert f"{found['data']['test']} test samples ({change['tokens']} tokens)" in note
    assert f"interval {change['low']:.2f} to {change['high']:.2f}," in note
    for step in found["steps"]:
        (row,) = shown.all("tr", data_round=str(step["index"]))
        assert f"{step['perplexity']:.2f}" in row
        words = shown.all("rect", data_round=str(step["index"]))[0]
        assert f"Calibration perplexity {step['perplexity']:.2f}." in words


def test_an_image_model_is_told_nothing_of_language() -> None:
    text = page(produced("images")).text
    for word in ("erplexit", "token", " heads", "MLP", "mbedding"):
        assert word not in text


@pytest.mark.parametrize(
    ("factor", "said"), [(1.0, "kept its"), (0.9996, "kept its"), (0.9, "fell from")]
)
def test_a_perplexity_that_did_not_rise_is_not_said_to(factor: float, said: str) -> None:
    found = produced("language")
    found["perplexity"] = {"before": 16.0, "after": 16.0 * factor}
    assert said in page(found).all("h1")[0]


def test_a_perplexity_that_was_not_measured_is_said_to_be_unknown() -> None:
    found = produced("language")
    found["perplexity"] = found["perplexity_change"] = None
    shown = page(found)
    assert shown.all("h1")[0].endswith("What that cost in perplexity was not measured.")
    assert "the test data have no labels" in shown.text


def test_perplexities_that_span_much_are_equally_far_apart_where_their_ratios_are_equal() -> None:
    found = longer(produced("language"), 3)
    found["calibration_perplexity"] = {"before": 12.0, "after": 4000.0}
    for step, perplexity in zip(found["steps"], (40.0, 400.0, 4000.0), strict=True):
        step["perplexity"] = perplexity
    route = next(e for e in chart(page(found), "rounds-wide").iter() if e.get("class") == "route")
    heights = [float(point.split(",")[1]) for point in route.attrib["points"].split()]
    assert heights[1] - heights[2] == pytest.approx(heights[2] - heights[3], abs=0.02)
    assert heights == sorted(heights, reverse=True)  # the higher, the worse


def test_heads_and_units_are_called_what_they_are_and_their_numbers_stand_above() -> None:
    found = produced("language")
    kept = found["architecture"]["after"][0]["blocks"]
    heads, units = (width["count"] for width in kept[0]["widths"])
    labels = [
        "".join(e.itertext())
        for e in chart(page(found), "blocks-wide").iter()
        if e.get("class") == "row-label"
    ]
    assert labels == [
        f"Key-value heads: 2 {'→ ' + str(heads) + ' ' if heads < 2 else ''}in each block",
        f"MLP units: 48 {'→ ' + str(units) + ' ' if units < 48 else ''}in each block",
    ]
    assert "A key-value head goes with all the queries that it serves." in page(found).text
    plain = page(produced("language, single heads")).text
    assert "attention heads" in plain
    assert "key-value" not in plain


def test_what_is_left_whole_is_said_to_be() -> None:
    found = produced("language")
    heads, units = (w["count"] for w in found["architecture"]["after"][0]["blocks"][0]["widths"])
    assert (heads, units).count(2) + (heads, units).count(48) == 1
    whole = "all of their key-value heads and" if heads == 2 else "and all of their MLP units."
    assert whole in page(found).text


def test_the_test_mark_does_not_cover_the_mark_of_the_last_round() -> None:
    found = produced("images")
    last = found["steps"][-1]["accuracy"]
    assert last is not None
    found["accuracy"] = {"before": 0.9, "after": last}
    found["calibration_accuracy"] = {"before": 0.9, "after": last + 0.3}
    marks = list(chart(page(found), "rounds-wide").iter())
    tested = [e.attrib["points"].split()[0] for e in marks if e.get("class") == "test"]
    route = next(e for e in marks if e.get("class") == "route").attrib["points"].split()
    apart = float(tested[-1].split(",")[0]) - float(route[-1].split(",")[0])
    assert apart > 10


def test_a_vision_transformer_has_heads_and_an_accuracy() -> None:
    found = produced("vision")
    text = page(found).text
    assert "of their attention heads and" in text
    same = found["accuracy"]["before"] == found["accuracy"]["after"]
    assert ("kept its accuracy." if same else "points of accuracy.") in text
    assert "erplexit" not in text


def test_free_widths_are_told_as_a_range() -> None:
    found = produced("language, free widths")
    counts = [b["widths"][1]["count"] for b in found["architecture"]["after"][0]["blocks"]]
    assert f"MLP units: {min(counts):,} to {max(counts):,} of 48 left" in page(found).text


@pytest.mark.parametrize("layers", [12, 30, 80])
def test_many_layers_do_not_make_the_picture_enormous(layers: int) -> None:
    shown = page(deeper(produced("language"), layers))
    assert shape_of(chart(shown, "blocks-wide"))[1] <= 500
    assert shape_of(chart(shown, "blocks-narrow"))[1] <= 1300


def test_parts_of_a_cost_have_their_own_rows() -> None:
    found = produced("language")
    rows = page(found).all("tr")
    for label, key in (("of which attention", "attention_macs"), ("of which emb", "embeddings")):
        (row,) = (row for row in rows if row.startswith(label))
        assert f"{found[key]['before']:,}" in row
        assert f"{found[key]['after']:,}" in row
    assert any(row.startswith("MACs, one sample of 9 tokens") for row in rows)


CHOICES = {
    "quality",
    "chosen",
    "known_by",
    "problem_type",
    "type",
    "of",
    "match",
    "only",
    "kind",
    "unit",
    "side",
    "layout",
}
"""Keys whose values are out of a list."""


def poisoned(value: Any) -> Any:
    """`value` with markup in every text that is not out of a list of choices."""
    if isinstance(value, dict):
        return {key: item if key in CHOICES else poisoned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item) for item in value]
    return value + EVIL if isinstance(value, str) else value


@pytest.mark.parametrize("kind", ["images", "language", "vision"])
def test_every_text_is_escaped(kind: str) -> None:
    found = cast(Summary, poisoned(produced(kind)))
    found["data"]["fingerprint"] = EVIL
    assert misfits(found, Summary, "summary") == []
    shown = page(found)
    tags = {tag for tag, _, _ in shown.found}
    assert "script" not in tags
    assert "alert('x')" in shown.text  # it is there, as text
    assert "<script>" not in shown.source
    assert len(shown.all("b")) == 1  # our own, in the verdict


def test_it_is_written_in_one_piece_over_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "report.html"
    assert write_report(produced("images"), target) == target
    before = target.stat().st_ino
    assert write_report(produced("untouched"), target) == target
    assert target.stat().st_ino != before  # moved into place, not written over
    assert target.read_text("utf-8") == render(produced("untouched"))
    assert [path.name for path in target.parent.iterdir()] == ["report.html"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunDirectoryError, match=r"report\.html"):
        write_report(produced("images"), tmp_path / "file" / "report.html")


def test_the_same_summary_gives_the_same_page() -> None:
    assert render(produced("images")) == render(produced("images"))


def test_a_report_loads_no_torch() -> None:
    code = "import sys, leanfair.pruning.report.page; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
