"""What `prune` gives back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn
from leanfair.pruning.schema import Summary
from leanfair.pruning.types import Step


@dataclass(frozen=True)
class Pruned:
    """A finished run: the smaller `model`, the `steps` that led to it, and their `summary`
    (the content of summary.json). `path` is the run directory, None where none was asked for."""

    model: nn.Module
    steps: tuple[Step, ...]
    summary: Summary
    path: Path | None = None

    def report(self, path: str | Path | None = None) -> Path:
        """Write the self-contained HTML page, to `path` or into the run directory."""
        from leanfair.errors import InputError
        from leanfair.pruning.report.page import write_report

        target = Path(path) if path else self.path / "report.html" if self.path else None
        if target is None:
            raise InputError("This run has no directory: call report('page.html').")
        return write_report(self.summary, target)
