"""`leanfair.pruning.prune_options`, written from the fields of Settings and Recipe.

`python -m tests.support.prune_options` writes it anew.
"""

from __future__ import annotations

import ast
import textwrap
from dataclasses import MISSING
from pathlib import Path

from leanfair.options import Option, options_of
from leanfair.pruning import prune_options
from leanfair.pruning.settings import Settings
from leanfair.pruning.training.recipe import Recipe

NAMED = ("cut", "of", "preset")
"""What `prune` takes by a parameter of its own."""


def written() -> str:
    """The source as it has to be."""
    head = Path(prune_options.__file__).read_text().partition("    criterion:")[0]
    return head + "".join(
        _field(kind, name, option)
        for kind in (Settings, Recipe)
        for name, option in options_of(kind).items()
        if name not in NAMED
    )


def default_of(option: Option) -> str:
    """The default in words."""
    if option.help.default:
        return option.help.default
    assert option.default is not MISSING
    if isinstance(option.default, tuple):
        return ",".join(f"{item:g}" for item in option.default)
    return f"{option.default:g}" if isinstance(option.default, float) else str(option.default)


def _field(kind: type, name: str, option: Option) -> str:
    hint = ast.parse(kind.__annotations__[name], mode="eval").body
    assert isinstance(hint, ast.Subscript)
    assert isinstance(hint.slice, ast.Tuple)
    plain = ast.unparse(hint.slice.elts[0])
    told = f'"""{option.help.text} Default: {default_of(option)}."""'
    lines = textwrap.wrap(told, 96, break_long_words=False, break_on_hyphens=False)
    return f"    {name}: {plain}\n{textwrap.indent(chr(10).join(lines), '    ')}\n"


if __name__ == "__main__":
    Path(prune_options.__file__).write_text(written())
