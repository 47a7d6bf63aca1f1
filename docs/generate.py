"""Writes the tables of keys into docs/run-directory.md, from the schemas of both wings.

    python docs/generate.py

What stands between the markers of a module is replaced by a table for each of its TypedDicts: the
keys, their types, and the string below each key in the source. All else is written by hand.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from typing_extensions import is_typeddict

from leanfair.options import options_of

PAGE = Path(__file__).with_name("run-directory.md")
MARKER = re.compile(r"(<!-- keys of ([\w.]+) -->\n).*?(<!-- end of keys -->)", re.DOTALL)

DOCUMENTED_IN = {
    "SettingsEntry": ("leanfair.pruning.settings", "Settings"),
    "RecipeEntry": ("leanfair.pruning.training.recipe", "Recipe"),
}
"""TypedDicts whose keys are the options that a dataclass states."""

WORDS = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    types.NoneType: "null",
    Any: "any",
}
"""Python's types, as JSON knows them."""


def generated(page: str) -> str:
    """`page` with the tables of every module that it names, anew."""
    return MARKER.sub(lambda found: f"{found[1]}{tables(found[2])}{found[3]}", page)


def tables(module: str) -> str:
    """A section for each public TypedDict of a module, in its order."""
    schema = importlib.import_module(module)
    sections = [
        _section(kind, module)
        for name, kind in vars(schema).items()
        if is_typeddict(kind) and kind.__module__ == module and not name.startswith("_")
    ]
    return "\n" + "\n".join(sections) + "\n"


def documentation(module: str, name: str) -> dict[str, str]:
    """What stands below each key of a class, and of those that it inherits from. Empty for a key
    without."""
    source = inspect.getsource(importlib.import_module(module))
    classes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}

    def of(name: str) -> Iterator[tuple[str, str]]:
        for base in classes[name].bases:
            if isinstance(base, ast.Name) and base.id in classes:
                yield from of(base.id)
            elif isinstance(base, ast.Name) and base.id != "TypedDict":  # from another module
                other = getattr(importlib.import_module(module), base.id)
                yield from documentation(other.__module__, base.id).items()
        body = classes[name].body
        for statement, below in zip(body, [*body[1:], None], strict=True):
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                yield statement.target.id, _text(below)

    return dict(of(name))


def options(module: str, name: str) -> dict[str, str]:
    """What each option of a dataclass is for."""
    stated = options_of(getattr(importlib.import_module(module), name))
    return {key: option.help.text for key, option in stated.items()}


def _text(statement: ast.stmt | None) -> str:
    """The text of a statement that is a string and nothing else."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return " ".join(str(statement.value.value).split())
    return ""


def _section(kind: Any, module: str) -> str:
    texts = (
        options(*DOCUMENTED_IN[kind.__name__])
        if kind.__name__ in DOCUMENTED_IN
        else documentation(module, kind.__name__)
    )
    hints = typing.get_type_hints(kind)
    return "\n".join(
        [
            f'### <a id="{_anchor(kind)}"></a>{kind.__name__}',
            "",
            inspect.cleandoc(kind.__doc__ or "").replace("\n", " "),
            "",
            "| key | type | what it is |",
            "|---|---|---|",
            *(
                f"| `{key}` | {words(hint)} | {_optional(kind, key)}{texts[key]} |"
                for key, hint in hints.items()
            ),
            "",
        ]
    )


def _optional(kind: Any, key: str) -> str:
    return "" if key in kind.__required_keys__ else "Not always there. "


def words(kind: Any) -> str:
    """A type in the words of JSON; a TypedDict is a link to its section."""
    if is_typeddict(kind):
        return f"[{kind.__name__}](#{_anchor(kind)})"
    if isinstance(kind, typing.Hashable) and kind in WORDS:
        return WORDS[kind]
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    in_words: Mapping[Any, Callable[[], str]] = {
        typing.Union: lambda: _either(inner),
        types.UnionType: lambda: _either(inner),
        typing.Literal: lambda: " or ".join(f"`{_json(value)}`" for value in inner),
        list: lambda: f"list of {_inside(inner[0])}",
        dict: lambda: f"mapping to {_inside(inner[1])}",
        typing.NotRequired: lambda: words(inner[0]),
    }
    return in_words[origin]()


def _either(kinds: tuple[Any, ...]) -> str:
    return " or ".join(words(kind) for kind in kinds)


def _inside(kind: Any) -> str:
    """The type of what a list or a mapping holds."""
    told = words(kind)
    return f"({told})" if " or " in told else told


def _json(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def _anchor(kind: Any) -> str:
    """Both wings have a Summary."""
    return f"{kind.__module__.split('.')[1]}-{kind.__name__.lower()}"


if __name__ == "__main__":
    PAGE.write_text(generated(PAGE.read_text("utf-8")), "utf-8")
