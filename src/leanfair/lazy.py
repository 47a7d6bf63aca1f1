"""Names that are imported when they are first used, so that `import leanfair` loads no torch."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def face(
    package: str, homes: Mapping[str, str], renamed: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], Any]]:
    """The `__getattr__` and the `__dir__` of a package that hands on names of its modules.

    homes: name -> the module, below `package`, that it is from. A name that is a module's own name
    stands for that module. renamed: older name -> the name of today; asking for it warns.
    """
    older = renamed or {}

    def getattr_(name: str) -> Any:
        if name in older:
            warnings.warn(
                f"{package}.{name} is now called {package}.{older[name]}.",
                DeprecationWarning,
                stacklevel=2,
            )
            return getattr_(older[name])
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = import_module(f"{package}.{homes[name]}")
        value = home if homes[name] == name else getattr(home, name)
        setattr(sys.modules[package], name, value)
        return value

    def dir_() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return getattr_, dir_
