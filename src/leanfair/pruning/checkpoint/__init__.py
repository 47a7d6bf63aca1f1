"""A run written down: its directory, the weights in it, and the networks that come back from there.

What is read holds no code: weights are safetensors, and an architecture is built anew and cut
again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.pruning.checkpoint.loading import base_of as base_of
    from leanfair.pruning.checkpoint.loading import cuts as cuts
    from leanfair.pruning.checkpoint.loading import load as load
    from leanfair.pruning.checkpoint.loading import open_model as open_model
    from leanfair.pruning.checkpoint.onnx import export_onnx as export_onnx
    from leanfair.pruning.checkpoint.run_directory import RunDirectory as RunDirectory
    from leanfair.pruning.checkpoint.same_run import FORMAT as FORMAT

_HOMES = {
    "FORMAT": "same_run",
    "RunDirectory": "run_directory",
    "base_of": "loading",
    "cuts": "loading",
    "export_onnx": "onnx",
    "load": "loading",
    "open_model": "loading",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)
