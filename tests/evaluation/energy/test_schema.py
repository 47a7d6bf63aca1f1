"""The JSON of energy says how it is known."""

from __future__ import annotations

from typing import get_args, get_type_hints

from leanfair.evaluation.energy.reading import Energy, Kind
from leanfair.evaluation.energy.schema import EnergyEntry, GridEntry


def test_an_amount_says_how_it_is_known_in_the_words_of_the_code() -> None:
    hints = get_type_hints(EnergyEntry)
    assert set(get_args(hints["kind"])) == set(get_args(Kind))
    assert set(hints) == set(Energy(1.0).to_json())


def test_a_grid_names_where_its_number_is_from() -> None:
    assert "source" in GridEntry.__required_keys__
