"""What `prune` gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from leanfair.errors import InputError
from leanfair.pruning.schema import Summary
from leanfair.pruning.types import Step

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Pruned:
    """A finished run: the smaller `model`, the `steps` that led to it, and their `summary`
    (the content of summary.json). `path` is the run directory, None where none was asked for."""

    model: nn.Module
    steps: tuple[Step, ...]
    summary: Summary
    path: Path | None = None
    tokenizer: Any = field(default=None, repr=False)
    """That of a language model, where one was given."""
    parent: nn.Module | None = field(default=None, repr=False)
    """The network that was given to `prune`, itself and no copy."""

    def report(self, path: str | Path | None = None) -> Path:
        """Write the self-contained HTML page: into the directory `path`, or into the run's, as
        report.html. A `path` that ends in .html is a file. Raises InputError where there is no
        directory."""
        from leanfair.pruning.report.page import write_report

        target = self._place(path, "report")
        return write_report(
            self.summary, target if target.suffix == ".html" else target / "report.html"
        )

    def write(self, path: str | Path | None = None) -> Path:
        """Write the run into the directory `path`, or into its own: the network, so that
        `leanfair.load` opens it, its cuts and steps, summary.json and the page. Raises InputError
        where there is no directory, RunDirectoryError for one that holds another run."""
        from leanfair.pruning.checkpoint.run_directory import RunDirectory

        target = self._place(path, "write")
        asked: dict[str, Any] = {
            key: self.summary[key]
            for key in ("format", "model", "data", "settings", "fine_tune", "choose")
            if key in self.summary
        }
        with RunDirectory(target) as directory:
            directory.begin(asked, resume=self.path is not None and target == self.path)
            directory.write_steps(self.steps)
            self._keep_parent(target)
            directory.write_result(
                self.model, self.steps, self.summary, self.tokenizer, self.card()
            )
        self.report(target)
        return target

    def card(self) -> str:
        """The model card, as README.md beside the network holds it: metadata of the hub, quality
        before and after, and the licence of the network that was pruned, where its card tells."""
        from leanfair.models.parent_card import parent_card
        from leanfair.pruning.checkpoint.model_card import model_card

        first = self.model if self.parent is None else self.parent
        return model_card(self.summary, parent_card(first, self.summary["model"]["title"]))

    def to_dict(self) -> dict[str, Any]:
        """The summary, as summary.json holds it."""
        return dict(self.summary)

    def _keep_parent(self, target: Path) -> None:
        """Write down what the run began with, unless that was changed since."""
        from leanfair.models.origin import Origin, fingerprint
        from leanfair.pruning.checkpoint.parent import keep_parent

        entry = self.summary["model"]
        if self.parent is not None and fingerprint(self.parent) == entry["fingerprint"]:
            origin = entry["origin"]
            keep_parent(target, self.parent, None if origin is None else Origin.from_json(origin))

    def _place(self, path: str | Path | None, method: str) -> Path:
        if path is None and self.path is None:
            raise InputError(f"This run has no directory: call {method}('runs/small').")
        return Path(path) if path is not None else cast(Path, self.path)
