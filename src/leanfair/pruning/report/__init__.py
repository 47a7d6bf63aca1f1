"""The page of a pruning run.

It reads the content of `summary.json` and nothing else: no network, no data, no torch.
`page.write_report` makes the page; beside it, `story` has its sentences, `tables` its rows,
`quality` how accuracy and perplexity are told, and `architecture`, `blocks` and `charts` its
pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanfair.lazy import face

if TYPE_CHECKING:
    from leanfair.pruning.report.page import render as render
    from leanfair.pruning.report.page import write_report as write_report

_HOMES = {
    "render": "page",
    "write_report": "page",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = face(__name__, _HOMES)
