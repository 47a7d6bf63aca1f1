"""Holding a value against the TypedDict that it should be."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType, NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from typing_extensions import NotRequired, is_typeddict


def misfits(value: Any, kind: Any, where: str = "") -> list[str]:
    """Where `value`, of plain JSON types, is not of type `kind`, in sentences; empty where it is.

    Every key of a TypedDict must be there, unless it need not be, and no other. A bool is no
    number, a whole number is a float, and no float is undefined or infinite.
    """
    if kind is Any:
        return []
    if is_typeddict(kind):
        return _of_typed_dict(value, kind, where)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        tried = [misfits(value, one, where) for one in inner if one is not NoneType]
        fits = (value is None and NoneType in inner) or [] in tried
        return [] if fits else min(tried, key=len)
    if origin is Literal:
        return [] if value in inner else [f"{where} is {value!r}, not one of {inner}"]
    if origin is list:
        if not isinstance(value, list):
            return [f"{where} is no list"]
        each = (misfits(item, inner[0], f"{where}[{i}]") for i, item in enumerate(value))
        return [misfit for found in each for misfit in found]
    if origin is dict:
        if not isinstance(value, dict):
            return [f"{where} is no mapping"]
        held = (misfits(item, inner[1], f"{where}.{key}") for key, item in value.items())
        return [misfit for found in held for misfit in found]
    return [] if _is(value, kind) else [f"{where} is {value!r}, no {kind.__name__}"]


def _is(value: Any, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, (int, float)) and abs(value) < float("inf")
    return isinstance(value, kind)


def _of_typed_dict(value: Any, kind: Any, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where} is no {kind.__name__}"]
    hints = get_type_hints(kind)
    # The keys that a TypedDict says are required do not heed annotations that are texts.
    full = get_type_hints(kind, include_extras=True)
    required = {n for n in kind.__required_keys__ if get_origin(full[n]) is not NotRequired}
    missing = [f"{where} lacks {name}" for name in required - value.keys()]
    extra = [f"{where} has {name}, not of its keys" for name in value.keys() - hints.keys()]
    found = [
        misfit
        for name, hint in hints.items()
        if name in value
        for misfit in misfits(value[name], hint, f"{where}.{name}")
    ]
    return [*missing, *extra, *found]


def undocumented(module: ModuleType) -> list[str]:
    """The classes without a docstring, and the keys without a string below them, of a module."""
    missing = []
    for node in ast.parse(inspect.getsource(module)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        if not ast.get_docstring(node):
            missing.append(node.name)
        for key, below in zip(node.body, [*node.body[1:], None], strict=True):
            documented = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            if isinstance(key, ast.AnnAssign) and not documented:
                missing.append(f"{node.name}.{ast.unparse(key.target)}")
    return missing
