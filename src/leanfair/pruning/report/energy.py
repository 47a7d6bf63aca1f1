"""The energy that a run took, in words: how much, how that is known, and what for."""

from __future__ import annotations

from leanfair.html import formats as f
from leanfair.pruning.measured_schema import RunEnergyEntry
from leanfair.pruning.schema import Summary

UNTOLD = "What energy the run took is not known: it is of a version that did not say."


def energy(summary: Summary) -> str:
    """What the run took and what that rests on, in sentences."""
    found = summary["energy"]
    if found is None:
        return UNTOLD
    whole = found["total"]
    if whole["kwh"] is None:
        return f"What energy the run took is not known. {whole['basis']}"
    return f"The run itself took {amount(found)}{_shares(found)}; {carbon(found)}. {whole['basis']}"


def amount(found: RunEnergyEntry) -> str:
    """The energy of a run, with what is to be said at once: at least 12.3 Wh (estimated)."""
    whole = found["total"]
    if whole["kwh"] is None:
        return "not known"
    least = "at least " if whole["at_least"] else ""
    return f"{least}{f.watt_hours(whole['kwh'])} ({whole['kind']})"


def carbon(found: RunEnergyEntry) -> str:
    """What that stands for on a grid."""
    grid = found["grid"]
    return (
        f"that is {f.grams(found['grams'])} of CO2 at {grid['grams_per_kwh']:g} g for a kWh "
        f"({grid['region']}: {grid['source']})"
    )


def facts(summary: Summary) -> list[tuple[str, str]]:
    """The rows about energy."""
    found = summary["energy"]
    if found is None:
        return [("energy", "not known")]
    rows = [("energy", amount(found))]
    if found["grams"] is not None:
        rows.append(("carbon", f"{f.grams(found['grams'])} CO2 ({found['grid']['region']})"))
    return rows


def _shares(found: RunEnergyEntry) -> str:
    """What it went to."""
    named = {
        "scoring": found["scoring"],
        "candidates": found["candidates"],
        "recovery": found["recovery"],
        "the rest": found["rest"],
    }
    whole = sum(value for value in named.values() if value is not None)
    if not whole:
        return ""
    parts = [f"{name} {f.percent(value / whole, 0)}" for name, value in named.items() if value]
    return f" ({', '.join(parts)})"
