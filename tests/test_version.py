"""The version is told in one place."""

from __future__ import annotations

from importlib.metadata import version

import leanfair
from leanfair.version import __version__, versions_of


def test_the_package_and_its_metadata_tell_the_same_version() -> None:
    assert leanfair.__version__ == __version__ == version("leanfair")


def test_what_is_not_installed_has_no_version() -> None:
    found = versions_of("numpy", "no-such-package")
    assert set(found) == {"python", "numpy"}
