"""The options of `leanfair prune` and `leanfair export` besides the settings of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

import typer

from leanfair.options import Help, Range

Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True)
class DataOptions:
    """How the data are read. None: as fits the data."""

    calibration: Annotated[
        int | None,
        Help("Samples held out of training to score and choose.", default="as fits the data"),
        Range(least=1),
    ] = None
    image_size: Annotated[
        int | None,
        Help("Images: resize them to this side, in pixels.", default="as they are"),
        Range(least=1, most=16_384),
    ] = None
    mean: Annotated[
        tuple[float, ...] | None,
        Help(
            "Images: subtract this, one number a channel, where a pixel lies in 0..1.",
            default="the model's own, else ImageNet's, or the training images' where they are grey",
        ),
    ] = None
    std: Annotated[
        tuple[float, ...] | None,
        Help("Images: then divide by this, one number a channel.", default="as for mean"),
        Range(above=0),
    ] = None
    channels: Annotated[
        int | None,
        Help("Images: 1 (grey) or 3 (colour).", default="as the model takes them"),
        Range(least=1, most=3),
    ] = None
    augment: Annotated[
        bool | None,
        Help("Images: train on random crops and mirror images.", default="for images in colour"),
    ] = None
    length: Annotated[
        int | None,
        Help("Text: tokens of a sample.", default="128, or as many as the model takes"),
        Range(least=2),
    ] = None
    tokenizer: Annotated[
        str | None, Help("Text: the folder of the tokenizer.", default="the model's own")
    ] = None
    text: Annotated[
        str | None, Help("Text in a table: the column that holds it.", default="text")
    ] = None
    label: Annotated[
        str | None, Help("Text in a table: the column of its classes.", default="label")
    ] = None


@dataclass(frozen=True)
class Machine:
    """What the run uses of the machine."""

    device: Annotated[Device, Help("Where the network runs: auto, cpu or cuda.")] = "auto"
    threads: Annotated[
        int | None,
        Help("How many threads of the processor to use.", default="as PyTorch has it"),
        Range(least=1),
    ] = None


@dataclass(frozen=True)
class Memory:
    """How much of the model is in memory at a time."""

    low_memory: Annotated[
        bool | None,
        Help(
            "Language models: read the weights block by block, with one block in memory at a time, "
            "and train nothing.",
            default="where they do not fit",
            flags="--low-memory/--no-low-memory",
        ),
    ] = None


@dataclass(frozen=True)
class Place:
    """The run directory."""

    out: Annotated[
        str | None, Help("The directory of the run; only --plan goes without.", default="none")
    ] = None


def _option(name: str, what: str) -> Any:
    return typer.Option(name, help=what, show_default=False)


Model: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="The trained model: a weights file, a .gguf file, a folder or a name."
    ),
]
Data: TypeAlias = Annotated[
    str,
    _option(
        "--data",
        "Images: digits, a parquet file, or a folder of parquet files or images. Text: a .txt, "
        ".jsonl, .csv or .parquet file (or .gz), or a folder with train, valid and test files.",
    ),
]
Resume: TypeAlias = Annotated[
    bool, _option("--resume", "Go on with the run in --out; give the same options as before.")
]
Plan: TypeAlias = Annotated[
    bool, _option("--plan", "Show the next step without doing it; nothing is written.")
]
Json: TypeAlias = Annotated[bool, _option("--json", "With --plan: print JSON.")]
Repair: TypeAlias = Annotated[
    bool | None, typer.Option("--repair/--no-repair", hidden=True, show_default=False)
]
"""The older name of --reconstruct."""
