"""The version is told in one place."""

from __future__ import annotations

from importlib.metadata import version

import leanfair
from leanfair.version import __version__


def test_the_package_and_its_metadata_tell_the_same_version() -> None:
    assert leanfair.__version__ == __version__ == version("leanfair")
