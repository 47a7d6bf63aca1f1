"""Commands are known without being imported, and are themselves when they are called."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module

import pytest
from typer.testing import CliRunner

from leanfair.cli import app
from leanfair.cli.commands import COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_is_for_is_what_it_says_itself(name: str) -> None:
    module, told = COMMANDS[name]
    first = inspect.cleandoc(import_module(module).command.__doc__).split("\n\n")[0]
    assert told == " ".join(first.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_is_its_own(name: str) -> None:
    done = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    assert f"Usage: leanfair {name} [OPTIONS]" in done.output
    assert COMMANDS[name][1] in " ".join(done.output.split())
    assert "--debug" in done.output


def test_all_commands_are_listed_in_order() -> None:
    done = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "100"})
    listed = done.output.partition("Commands:")[2].split("\n  ")
    assert [line.split()[0] for line in listed[1:]] == [*COMMANDS, "demo"]


@pytest.mark.parametrize("word", ["prun", "audits", "dem"])
def test_a_mistyped_command_is_told_with_the_nearest(word: str) -> None:
    done = CliRunner().invoke(app, [word])
    assert done.exit_code == 2
    assert f"No such command '{word}'. Did you mean " in done.output


def test_help_imports_no_command_and_no_drawing_of_terminals() -> None:
    program = (
        "from leanfair.cli import app; import sys; app(['--help'], standalone_mode=False); "
        "print('LOADED', *sys.modules)"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    loaded = set(out.partition("LOADED ")[2].split())
    assert "leanfair.cli.demo" in loaded
    assert not {"rich.console", "leanfair.options", "importlib.resources"} & loaded
    assert not {module for module, _ in COMMANDS.values()} & loaded
