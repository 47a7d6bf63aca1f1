"""How much carbon a kilowatt-hour stands for, where it is used."""

from __future__ import annotations

import math
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from leanfair.errors import InputError
from leanfair.evaluation.energy.schema import GridEntry

WORLD = "WORLD"
"""The region of a grid that is nobody's: the mean of the world."""
WORLD_GRAMS = 475.0
"""Grams of CO2 for a kilowatt-hour of electricity, the world's mean in 2018 (International Energy
Agency, Global Energy & CO2 Status Report 2019). codecarbon takes the same."""


@dataclass(frozen=True)
class Grid:
    """The grid of a `region`: grams of carbon dioxide (equivalents) for a kilowatt-hour, and where
    that number is from."""

    region: str
    grams_per_kwh: float
    source: str

    def grams(self, kwh: float | None) -> float | None:
        """The carbon of so much energy, in grams."""
        return None if kwh is None else kwh * self.grams_per_kwh

    def to_json(self) -> GridEntry:
        """This grid in plain JSON types."""
        return {
            "region": self.region, "grams_per_kwh": self.grams_per_kwh, "source": self.source
        }  # fmt: skip


def grid_of(region: str = WORLD, intensity: float | None = None) -> Grid:
    """The grid of `region`: WORLD, or a country by its ISO 3166 code in two or three letters.
    `intensity` (grams for a kilowatt-hour) is taken instead of what tables say.

    Raises InputError for a region that no table has, and an intensity that is no number from 0.
    """
    asked = str(region).strip().upper()
    if intensity is not None:
        grams = _checked(intensity)
        return Grid("as given" if asked == WORLD else asked, grams, "as given")
    if asked == WORLD:
        source = "world's mean of 2018, International Energy Agency, Status Report 2019"
        return Grid(WORLD, WORLD_GRAMS, source)
    return _country(region, asked)


def _checked(intensity: float) -> float:
    """`intensity`, where it can be one."""
    try:
        grams = float(intensity)
    except (TypeError, ValueError):
        grams = math.nan
    if not (math.isfinite(grams) and grams >= 0):
        raise InputError(
            f"grid_intensity is in grams of CO2 for a kilowatt-hour, 0 or more, but is "
            f"{intensity!r}."
        )
    return grams


def _country(region: str, asked: str) -> Grid:
    try:
        from codecarbon import __version__
        from codecarbon.input import DataSource
        from pycountry import countries
    except ImportError:
        raise InputError(
            f"The grid of the region {region!r} is in the table of codecarbon, which is not "
            f"installed: pip install 'leanfair[energy]', or give grid_intensity in grams of CO2 "
            f"for a kilowatt-hour."
        ) from None
    table: dict[str, Any] = DataSource().get_global_energy_mix_data()
    found = countries.get(alpha_2=asked) if len(asked) == 2 else None
    code = asked if found is None else str(found.alpha_3)
    intensity = table.get(code, {}).get("carbon_intensity")
    if intensity is None:
        near = get_close_matches(code, table, n=1)
        hint = f" Did you mean {near[0]} ({table[near[0]]['country_name']})?" if near else ""
        raise InputError(
            f"There is no grid of the region {region!r}: give WORLD, the ISO code of a country, "
            f"such as FRA, or grid_intensity in grams of CO2 for a kilowatt-hour.{hint}"
        )
    year, name = table[code]["year"], table[code]["country_name"]
    return Grid(code, float(intensity), f"{name} in {year}, table of codecarbon {__version__}")
