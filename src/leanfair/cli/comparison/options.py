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


@dataclass(frozen=True)
class Robust:
    """How images are changed, and other test sets."""

    attacks: Annotated[
        bool | None, Help("Attack by the gradient (FGSM, PGD).", default="where it is possible")
    ] = None
    radius: Annotated[
        tuple[str, ...] | None,
        Help(
            "How far attacks may change a pixel, as shares of its range, with commas.",
            default="1/255,2/255,4/255,8/255",
        ),
    ] = None
    attack_steps: Annotated[int | None, Help("Steps of PGD.", default="10"), Range(least=1)] = None
    attack_restarts: Annotated[
        int | None, Help("Random starts of PGD.", default="1"), Range(least=1)
    ] = None
    attack_samples: Annotated[
        int | None, Help("Images to attack.", default="256"), Range(least=2)
    ] = None
    corruptions: Annotated[
        bool | None,
        Help("Corrupt images in fifteen ways, five severities each.", default="where possible"),
    ] = None
    corruption_samples: Annotated[
        int | None, Help("Images to corrupt.", default="256"), Range(least=2)
    ] = None
    extra: Annotated[
        tuple[str, ...] | None,
        Help("One more test set, as NAME=DATA; again for each.", repeat=True),
    ] = None
