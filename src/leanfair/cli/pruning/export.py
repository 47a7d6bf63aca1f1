"""`leanfair export`: the pruned network of a run as an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leanfair.cli import messages
from leanfair.cli.messages import told_plainly
from leanfair.cli.pruning import options
from leanfair.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from leanfair.data.batches import Batch

Run = Annotated[str, typer.Argument(metavar="RUN", help="The directory of a finished run.")]
Onnx = Annotated[str, typer.Option("--onnx", help="The file to write.", show_default=False)]
Data = Annotated[
    str | None,
    typer.Option(
        "--data", help="Data like the run's; needed only where the run does not tell its shape."
    ),
]


def command(
    run: Run,
    onnx: Onnx,
    data: Data = None,
    image_size: options.ImageSize = None,
    length: options.Length = None,
    debug: messages.Debug = False,
) -> None:
    """Write the pruned network of RUN as ONNX, and check it with onnxruntime.

    The file takes batches of any size, and texts of any length where the exporter can follow the
    model there; else they must all have --length tokens, padding included. A language model gives
    the logits of every token; to generate, open RUN with transformers.
    """
    with told_plainly(debug):
        from leanfair.pruning.checkpoint.loading import load
        from leanfair.pruning.checkpoint.onnx import export_onnx, length_of

        network = load(run)
        target = Path(onnx)
        export_onnx(network, _sample(network, run, data, image_size, length), target)
        size = f"{target.stat().st_size / 1e6:,.2f} MB"
        tokens = length_of(target)
        only = f" It takes texts of {tokens} tokens, padding included." if tokens else ""
        typer.echo(f"{onnx}: {size}, checked with onnxruntime.{only}")


def _sample(
    network: nn.Module, run: str, data: str | None, image_size: int | None, length: int | None
) -> Tensor | Batch:
    """A batch of two samples such as the run's network takes."""
    import torch

    from leanfair.cli.pruning.texts import sample_of, takes_text
    from leanfair.files import read_json

    if takes_text(network):
        return sample_of(network, length)
    if data is not None:
        from leanfair.cli.pruning.running import read_data

        splits = read_data(data, None, 0, image_size, augment=False)
        return splits.test.take(torch.arange(2), torch.Generator())[0]
    shape = read_json(Path(run) / "run.json")["data"].get("input")
    if shape is None:
        raise InputError(
            f"The run in {run} does not tell the shape of its inputs: give --data, the data that "
            f"it was pruned on."
        )
    return torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
