"""Module names of version 0.1 still work, and warn with the new ones."""

from __future__ import annotations

import subprocess
import sys
import warnings
from importlib import import_module

import pytest

from leanfair import moved

OLD = sorted(moved._MOVED)


@pytest.mark.parametrize("name", OLD)
def test_an_old_name_imports_and_warns_with_the_new_one(name: str) -> None:
    for loaded in [each for each in sys.modules if each == f"leanfair.{name}"]:
        del sys.modules[loaded]
    with pytest.warns(DeprecationWarning, match=f"leanfair.{name} has moved") as told:
        module = import_module(f"leanfair.{name}")
    for home in moved._MOVED[name].split():
        assert any(f"leanfair.{home}" in str(each.message) for each in told)
        public = [n for n in vars(import_module(f"leanfair.{home}")) if not n.startswith("_")]
        assert public
        assert hasattr(module, public[-1])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pruning.energy.energy", "pruning.criteria.contributions.contribution"),
        ("pruning.repair.repair", "pruning.reconstruction.neurons.reconstruct"),
        ("pruning.recipe.Recipe", "pruning.training.recipe.Recipe"),
        ("tables.read_table", "data.tables.read_table"),
    ],
)
def test_an_old_name_is_the_new_thing(old: str, new: str) -> None:
    def find(path: str) -> object:
        module, _, name = path.rpartition(".")
        return getattr(import_module(f"leanfair.{module}"), name)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert find(old) is find(new)


def test_a_name_that_never_was_is_none_of_them() -> None:
    with pytest.raises(ModuleNotFoundError):
        import_module("leanfair.pruning.nothing")
    assert "nothing" not in OLD


def test_keeping_old_names_twice_changes_nothing() -> None:
    before = list(sys.meta_path)
    moved.keep_old_names()
    assert sys.meta_path == before


def test_an_old_name_is_no_trouble_for_what_is_imported_first() -> None:
    program = (
        "import leanfair.pruning.recipe as r; import leanfair; assert r.Recipe is leanfair.Recipe"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
