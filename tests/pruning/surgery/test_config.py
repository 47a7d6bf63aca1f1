"""A configuration of transformers is read and changed by the paths of its entries."""

from __future__ import annotations

import pytest
from transformers.utils import logging

from leanfair.pruning.structures.dissect import dissect
from leanfair.pruning.surgery.config import (
    changed,
    depth_entries,
    entries,
    entries_changed,
    entry,
    silence,
    width_entries,
)
from leanfair.pruning.types import Cut, NeuronCut, Neurons
from tests.support.families import FAMILIES, sample_of


@pytest.mark.parametrize("family", ["llama", "swin"])
def test_every_entry_is_found_by_its_path(family: str) -> None:
    data = FAMILIES[family].make().config.to_dict()
    found = entries(FAMILIES[family].make().config)
    assert found
    for path, value in found.items():
        if path.startswith("id2label."):  # whose keys are numbers
            continue
        there = entry(data, path)
        assert (list(there) if isinstance(there, tuple) else there) == value


def test_a_changed_copy_leaves_the_configuration_as_it_was() -> None:
    config = FAMILIES["llama"].make().config
    before = config.to_dict()
    made = changed(config, {"num_hidden_layers": 1})
    assert made.num_hidden_layers == 1
    assert type(made) is type(config)
    assert config.to_dict() == before
    for key, value in made.to_dict().items():
        assert value == before[key] or key == "num_hidden_layers"


def test_the_depth_that_a_cut_leaves_is_said() -> None:
    model = FAMILIES["llama"].make()
    layers = dissect(model, sample_of("llama")).layers[1:3]
    said = depth_entries(Cut("layer", layers=layers), model)
    assert said["num_hidden_layers"] == model.config.num_hidden_layers - 2
    assert depth_entries(Cut("neurons"), model) == {}


def test_widths_are_said_where_all_layers_are_left_alike_only() -> None:
    groups = [
        Neurons(name, name, 8, (), fields=(("intermediate_size", 2),), fixed=(("head_dim", 4),))
        for name in ("a", "b")
    ]

    def cut(*drops: tuple[int, ...]) -> Cut:
        return Cut("neurons", neurons=tuple(map(NeuronCut, groups, drops)))

    assert width_entries(cut((0, 1), (5, 7))) == {"intermediate_size": 12, "head_dim": 4}
    assert width_entries(cut((0, 1), (5,))) == {}


def test_what_is_changed_for_a_while_comes_back_after_an_error_too() -> None:
    model = FAMILIES["llama"].make()
    before = model.config.intermediate_size
    seen = []

    def fails() -> None:
        with entries_changed(model, {"intermediate_size": 3}):
            seen.append(model.config.intermediate_size)
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert seen == [3]
    assert model.config.intermediate_size == before


def test_entries_of_tuples_are_read_and_changed_as_those_of_lists_are() -> None:
    model = FAMILIES["swin"].make()
    model.config.depths = (2, 3)
    assert entries(model.config)["depths.1"] == 3
    assert entry(model.config.to_dict(), "depths.1") == 3
    assert [*changed(model.config, {"depths.1": 2}).depths] == [2, 2]
    with entries_changed(model, {"depths.1": 1}):
        assert model.config.depths == (2, 1)
    assert model.config.depths == (2, 3)


def test_how_much_transformers_says_comes_back_after_an_error_too() -> None:
    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    seen = []

    def fails() -> None:
        with silence():
            seen.append((logging.get_verbosity(), logging.is_progress_bar_enabled()))
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert seen == [(logging.CRITICAL, False)]
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before
