"""`leanfair export`: the pruned network of a run as an ONNX file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leanfair.cli import messages, places
from leanfair.cli.derived import values_of, with_options
from leanfair.cli.messages import check_texts, told_plainly
from leanfair.cli.pruning import options
from leanfair.errors import InputError, OptionError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from leanfair.data.batches import Batch

WITHOUT = ("calibration", "augment", "tokenizer", "text", "label")
"""How data are read that no export needs."""

Run = Annotated[str, typer.Argument(metavar="RUN", help="The directory of a finished run.")]
Onnx = Annotated[str, typer.Option("--onnx", help="The file to write.", show_default=False)]
Data = Annotated[
    str | None,
    typer.Option(
        "--data", help="Data like the run's; needed only where the run does not tell its shape."
    ),
]


@with_options(options.DataOptions, without=WITHOUT)
def command(
    run: Run, onnx: Onnx, data: Data = None, debug: messages.Debug = False, **given: Any
) -> None:
    """Write the pruned network of RUN as ONNX, and check it with onnxruntime.

    The file takes batches of any size, and texts of any length where the exporter can follow the
    model there; else they must all have --length tokens, padding included. A language model gives
    the logits of every token; to generate, open RUN with transformers.
    """
    with told_plainly(debug):
        check_texts(RUN=run, onnx=onnx, data=data)
        asked = values_of(given, options.DataOptions)
        if "image_size" in asked and data is None:
            raise OptionError(
                "{image_size} is for {data}: give both, or none.", "image_size", "data"
            )
        if Path(onnx).is_dir():
            raise OptionError(f"{{onnx}} must be a file to write, but {onnx} is a folder.", "onnx")
        places.check_apart([("onnx", onnx)], [("RUN", run), ("data", data)])
        places.check_onnx(onnx)

        from leanfair.pruning.checkpoint.loading import load
        from leanfair.pruning.checkpoint.onnx import export_onnx, length_of

        network = load(run)
        target = Path(onnx)
        export_onnx(network, _sample(network, run, data, asked), target)
        size = f"{target.stat().st_size / 1e6:,.2f} MB"
        tokens = length_of(target)
        only = f" It takes texts of {tokens} tokens, padding included." if tokens else ""
        typer.echo(f"{onnx}: {size}, checked with onnxruntime.{only}")


def _sample(
    network: nn.Module, run: str, data: str | None, asked: Mapping[str, Any]
) -> Tensor | Batch:
    """A batch of two samples such as the run's network takes."""
    import torch

    from leanfair.cli.pruning.texts import sample_of, takes_text
    from leanfair.files.own_folder import read_own
    from leanfair.pruning.schema import WrittenRecord

    reads = takes_text(network)
    for name, given, kind in (
        ("data", data, "images"),
        ("length", asked.get("length"), "texts"),
    ):
        if given is not None and reads is (kind == "images"):
            raise OptionError(
                f"{{{name}}} is for models of {kind}, but that of {run} is none: leave it out.",
                name,
            )
    if reads:
        return sample_of(network, asked.get("length"))
    if data is not None:
        from leanfair.cli.pruning.images import read_images
        from leanfair.models.image_processor import open_image_processor, preprocessing_of

        how = options.DataOptions(**asked, augment=False)
        wanted = preprocessing_of(network, open_image_processor(run))
        splits = read_images(data, how, 0, wanted)
        return splits.test.take(torch.arange(2), torch.Generator())[0]
    record: WrittenRecord = read_own(Path(run), "run.json", WrittenRecord)
    shape = record["data"]["input"]
    if shape is None:
        raise InputError(
            f"The run in {run} does not tell the shape of its inputs: give --data, the data that "
            f"it was pruned on."
        )
    return torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
