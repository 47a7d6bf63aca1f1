"""The carbon of a kilowatt-hour: by region, as given, and what is refused."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanfair.errors import InputError
from leanfair.evaluation.energy.grid import WORLD_GRAMS, Grid, grid_of
from leanfair.evaluation.energy.schema import GridEntry
from leanfair.files.checked_json import checked


def test_the_world_s_mean_is_the_same_as_codecarbon_s() -> None:
    from codecarbon.input import DataSource

    table = DataSource().get_carbon_intensity_per_source_data()
    assert grid_of().grams_per_kwh == WORLD_GRAMS == table["world_average"]


@pytest.mark.parametrize("region", ["FRA", "fra", "FR", " fr "])
def test_a_country_is_known_by_both_of_its_codes(region: str) -> None:
    from codecarbon.input import DataSource

    found = grid_of(region)
    row = DataSource().get_global_energy_mix_data()["FRA"]
    assert (found.region, found.grams_per_kwh) == ("FRA", row["carbon_intensity"])
    assert str(row["year"]) in found.source
    assert "codecarbon" in found.source


@given(st.floats(0, 1e4), st.floats(0, 1e6), st.floats(0, 10))
def test_carbon_is_linear_in_intensity_and_in_energy(
    intensity: float, kwh: float, factor: float
) -> None:
    grams = grid_of(intensity=intensity).grams(kwh)
    assert grams == pytest.approx(intensity * kwh)
    assert grid_of(intensity=factor * intensity).grams(kwh) == pytest.approx(
        factor * intensity * kwh
    )
    assert grid_of(intensity=intensity).grams(factor * kwh) == pytest.approx(
        factor * intensity * kwh
    )


def test_carbon_of_unknown_energy_is_unknown() -> None:
    assert grid_of().grams(None) is None


def test_an_intensity_goes_before_every_table() -> None:
    assert grid_of("FRA", 7.5) == Grid("FRA", 7.5, "as given")
    assert grid_of(intensity=0).region == "as given"


@pytest.mark.parametrize("intensity", [-1.0, float("nan"), float("inf"), "much", [1.0]])
def test_an_intensity_that_cannot_be_is_refused(intensity: Any) -> None:
    with pytest.raises(InputError, match="grid_intensity"):
        grid_of(intensity=intensity)


@pytest.mark.parametrize(
    ("region", "hint"),
    [("FRANCE", "FRA"), ("XX", ""), ("", ""), (None, ""), ("GEM", "GER|DEU|[A-Z]{3}")],
)
def test_a_region_that_no_table_has_is_refused(region: str, hint: str) -> None:
    with pytest.raises(InputError, match=f"no grid of the region.*{hint}"):
        grid_of(region)


def test_without_codecarbon_the_world_is_known_and_a_country_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    assert grid_of().grams_per_kwh == WORLD_GRAMS
    assert grid_of("FRA", 56.0).grams_per_kwh == 56.0
    with pytest.raises(InputError, match=r"leanfair\[energy\].*grid_intensity"):
        grid_of("FRA")


def test_a_grid_in_json_is_what_the_schema_says() -> None:
    assert checked(grid_of().to_json(), GridEntry)["region"] == "WORLD"
