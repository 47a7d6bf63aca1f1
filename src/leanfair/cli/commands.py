"""The commands by name: what each is for is known without importing it, and it is imported when it
is called. So `leanfair --help`, and the help of one command, load none of the others."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

COMMANDS: dict[str, tuple[str, str]] = {
    "prune": (
        "leanfair.cli.pruning.prune",
        "Make a trained network smaller and keep what it knows.",
    ),
    "export": (
        "leanfair.cli.pruning.export",
        "Write the pruned network of RUN as ONNX, and check it with onnxruntime.",
    ),
    "compare": (
        "leanfair.cli.comparison.compare",
        "Put a model beside the one that it was made of: what was lost, and what was won.",
    ),
    "decide": (
        "leanfair.cli.fairness.decide",
        "Decide each row of a table with a language model, but not by a protected attribute.",
    ),
    "audit": (
        "leanfair.cli.fairness.audit",
        "Audit decisions by group: those of a language model, with the rules that correct them, or "
        "those of people or machines that stand in a table (--decisions).",
    ),
    "serve": (
        "leanfair.cli.fairness.serve",
        "Serve decisions of a language model that do not depend on a protected attribute.",
    ),
}
"""Name -> the module whose `command` it is, and the first paragraph of its docstring."""


def loaded(name: str) -> Any:
    """A command, imported."""
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(name)(import_module(COMMANDS[name][0]).command)
    return typer.main.get_command(alone)


class LazyGroup(TyperGroup):
    """A group that knows the name and the help of each command, and imports the one that is
    called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        known = {name: TyperCommand(name, help=told) for name, (_, told) in COMMANDS.items()}
        self.commands = {**known, **self.commands}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As the base does, with the command itself for what stands in its place."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, loaded(name) if name in COMMANDS else command, rest
