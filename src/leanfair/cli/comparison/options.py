"""The options of `leanfair compare` besides those of the data and the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import typer

from leanfair.options import Help, Range

Base: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="BASE",
        help="The parent: a weights file, a .gguf file, a folder or a name; or, alone, the "
        "directory of a pruning run, whose two networks are compared.",
    ),
]
Pruned: TypeAlias = Annotated[
    str | None,
    typer.Argument(metavar="[PRUNED]", help="The child: likewise, or a run.", show_default=False),
]


@dataclass(frozen=True)
class Comparing:
    """How two models are compared."""

    out: Annotated[
        str | None, Help("The directory of the comparison.", default="comparison/ in the run")
    ] = None
    seed: Annotated[int, Help("Determines all that is drawn."), Range(least=0)] = 0
    batch_size: Annotated[
        int | None, Help("Samples of one forward pass.", default="as fits"), Range(least=1)
    ] = None
    region: Annotated[
        str,
        Help("Whose grid carbon is reckoned by: WORLD, or the ISO code of a country such as FRA."),
    ] = "WORLD"
    grid_intensity: Annotated[
        float | None,
        Help("Grams of CO2 for a kilowatt-hour.", default="that of the region"),
        Range(least=0),
    ] = None
    seconds: Annotated[
        float | None,
        Help(
            "About how long each timing, and each measurement of energy, takes. 0 leaves cost and "
            "energy out.",
            default="10",
        ),
        Range(least=0),
    ] = None
