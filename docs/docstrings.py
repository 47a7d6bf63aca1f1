"""What griffe asks for while it reads docstrings for the site: parameters as a list.

A docstring here tells parameters in its sentences, "`cut`, of: the share to remove …", which reads
well in an editor. On a page each becomes a line of a list.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import griffe

NAMED = re.compile(
    r"(?:(?<=[.;)])[ \n]|^)((?:`?\*{0,2}\w+`?, )*`?\*{0,2}\w+`?):(?=\s)", re.MULTILINE
)
"""Names and a colon, where a sentence begins."""


class Listed(griffe.Extension):  # type: ignore[misc]
    """Rewrites the docstrings of functions and classes as they are loaded."""

    def on_function(self, *, func: Any, **kwargs: Any) -> None:
        _rewrite(func, {parameter.name.lstrip("*") for parameter in func.parameters})

    def on_class_members(self, *, cls: Any, **kwargs: Any) -> None:
        made = cls.members.get("__init__")
        taken = {parameter.name for parameter in made.parameters} if made is not None else set()
        _rewrite(cls, {name for name in cls.members if not name.startswith("_")} | taken)


def _rewrite(owner: Any, names: Collection[str]) -> None:
    if owner.docstring is not None:
        owner.docstring.value = listed(owner.docstring.value, names)


def listed(text: str, names: Collection[str]) -> str:
    """A docstring in which every sentence that begins with some of `names` and a colon, and what
    follows it in its paragraph, is an item of a list."""
    return "\n\n".join(_paragraph(part, names) for part in re.split(r"\n\s*\n", text))


def _paragraph(text: str, names: Collection[str]) -> str:
    pieces, end, items = [], 0, 0
    for found in NAMED.finditer(text):
        told = [name.strip("`*") for name in found[1].split(", ")]
        if all(name in names for name in told):
            pieces += [text[end : found.start()].rstrip(), _heading(told)]
            end, items = found.end(), items + 1
    if not items:
        return text
    before, *rest = [*pieces, text[end:].rstrip()]
    lines = [f"{head}{_one_line(body)}" for head, body in zip(rest[::2], rest[1::2], strict=True)]
    return "\n".join([*([before, ""] if before else []), *lines])


def _heading(names: list[str]) -> str:
    return f"- {', '.join(f'`{name}`' for name in names)}: "


def _one_line(text: str) -> str:
    return " ".join(text.split())
