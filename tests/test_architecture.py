"""The house: arrows between the packages point one way, and files stay of a size to read."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src/leanfair"
FILES = sorted(SOURCE.rglob("*.py"))

GROUND = {"errors", "files", "similarity", "statistics", "version", "html", "lazy", "moved"}
ALLOWED = {
    "ground": {"ground"},
    "data": {"ground", "data"},
    "models": {"ground", "data", "models"},
    "evaluation": {"ground", "data", "evaluation"},
    "pruning": {"ground", "data", "models", "evaluation", "pruning"},
    "fairness": {"ground", "data", "models", "evaluation", "fairness"},
    "comparison": {"ground", "data", "models", "evaluation", "pruning", "fairness", "comparison"},
    "cli": {"ground", "data", "models", "evaluation", "pruning", "fairness", "comparison", "cli"},
}
"""Which rooms a room may import from. The wings never meet."""


def room(module: str) -> str:
    """The part of the house that `module`, below leanfair, is in."""
    first = module.partition(".")[0]
    return "ground" if first in GROUND else first


def imports(path: Path) -> set[str]:
    """The modules of leanfair that a file imports, at any depth."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} has a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names] + [str(node.module)]
        found |= {name.removeprefix("leanfair.") for name in names if name.startswith("leanfair.")}
    return found


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_arrows_point_one_way(path: Path) -> None:
    mine = name_of(path)
    if mine in ("__init__", "__main__"):
        return
    allowed = ALLOWED[room(mine)]
    for module in imports(path):
        if module == "__version__":
            continue
        assert room(module) in allowed, f"{mine} must not import leanfair.{module}"


def test_the_wings_never_meet() -> None:
    for path in FILES:
        other = {"pruning": "fairness", "fairness": "pruning"}.get(room(name_of(path)))
        assert other is None or all(room(module) != other for module in imports(path))


def test_no_file_is_too_long_to_read() -> None:
    for path in FILES:
        assert len(path.read_text().splitlines()) <= 400, path


def test_nothing_is_loaded_with_a_pickle_and_no_remote_code_is_trusted() -> None:
    for path in FILES:
        text = path.read_text()
        assert not re.search(r"\bimport pickle\b|trust_remote_code=True|weights_only=False", text)
        for call in re.findall(r"torch\.load\([^)]*\)", text):
            assert "weights_only=True" in call, path
