"""The version of the library, and of what is installed beside it."""

from __future__ import annotations

__version__ = "0.1.0"


def versions_of(*packages: str) -> dict[str, str]:
    """Package -> version, of Python and of those packages that are installed; none is imported."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
