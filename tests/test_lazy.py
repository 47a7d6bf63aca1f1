"""Every package hands on its names when they are first used, and loads nothing before."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import leanfair
from tests.support.places import ROOT

SOURCE = ROOT / "src"
PACKAGES = [
    ".".join(path.parent.relative_to(SOURCE).parts)
    for path in sorted((SOURCE / "leanfair").rglob("__init__.py"))
]
LAZY = [name for name in PACKAGES if hasattr(import_module(name), "_HOMES")]
PUBLIC_BEFORE = {
    "leanfair.data": "IMAGENET_MEAN IMAGENET_STD Images Splits load",
    "leanfair.fairness.audit": "Audit AuditEvent audit",
    "leanfair.fairness.judge": "Judge",
    "leanfair.fairness.mentions": "Article Mention Reading read spans_of term_of",
    "leanfair.fairness.metrics": "DIFFERENCES Decided GAPS Grouping KINDS METRICS grouping_of",
    "leanfair.pruning.checkpoint": "FORMAT RunDirectory base_of cuts load",
    "leanfair.pruning.cost": "Cost Operation cost_of cut_of measure",
    "leanfair.pruning.criteria": ("CRITERIA Criterion cka criterion_named fisher kl l1 random"),
    "leanfair.pruning.surgery": "TOLERANCE apply difference narrow parts remove",
}
"""What modules of version 0.1 had that are packages now."""


def typed_names(package: str) -> dict[str, str]:
    """What the face of a package imports for type checkers alone: name -> module."""
    tree = ast.parse((SOURCE / package.replace(".", "/") / "__init__.py").read_text())
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    return {
        alias.asname or alias.name: str(node.module)
        for block in blocks
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_what_it_is_for(package: str) -> None:
    said = import_module(package).__doc__
    assert said
    assert said.split("\n")[0].endswith((".", ":", ","))


@pytest.mark.parametrize("package", LAZY)
def test_the_lazy_names_are_the_typed_ones(package: str) -> None:
    module = import_module(package)
    homes = {name: f"{package}.{home}" for name, home in module._HOMES.items()}
    rooms = dict.fromkeys(getattr(module, "_ROOMS", ()), package)
    assert typed_names(package) == {**homes, **rooms}


@pytest.mark.parametrize("package", LAZY)
def test_every_name_is_there(package: str) -> None:
    module = import_module(package)
    for name in module._HOMES:
        assert getattr(module, name) is not None
        assert name in dir(module)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = module.nothing


@pytest.mark.parametrize("package", LAZY)
def test_no_name_is_that_of_a_file_or_folder_beside_it(package: str) -> None:
    """A submodule that is imported would take the place of such a name."""
    folder = SOURCE / package.replace(".", "/")
    beside = {path.stem for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert not beside & import_module(package)._HOMES.keys()


@pytest.mark.parametrize("package", PUBLIC_BEFORE)
def test_what_was_public_is_there(package: str) -> None:
    module = import_module(package)
    for name in PUBLIC_BEFORE[package].split():
        assert hasattr(module, name), name


@pytest.mark.parametrize(
    ("room", "old", "new"),
    [
        ("criteria", "energy", "contribution"),
        ("cost", "bill", "cost_of"),
        ("cost", "Bill", "Cost"),
    ],
)
def test_an_older_name_warns(room: str, old: str, new: str) -> None:
    package = getattr(leanfair.pruning, room)
    with pytest.warns(DeprecationWarning, match=rf"{old} is now called .*\.{new}"):
        assert getattr(package, old) is getattr(package, new)


def test_importing_the_faces_loads_nothing_heavy_and_rooms_are_there() -> None:
    program = "\n".join(
        [
            "import sys, leanfair",
            *(f"import {name}" for name in PACKAGES),
            "assert leanfair.pruning.criteria and leanfair.fairness.judge",
            "print(*sorted({'torch', 'numpy', 'sklearn', 'transformers'} & set(sys.modules)))",
        ]
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("", 0), done.stderr


def test_pruning_works_after_import_leanfair() -> None:
    program = "import leanfair; print(leanfair.pruning.Settings(cut=0.5).of)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "macs\n", done.stderr


def test_the_path_of_the_source_is_the_one_that_is_imported() -> None:
    assert Path(leanfair.__file__).parent == SOURCE / "leanfair"
