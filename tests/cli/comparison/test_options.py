"""The options of `leanfair compare` are those of `compare`."""

from __future__ import annotations

from inspect import signature

from leanfair.cli.comparison.options import Comparing
from leanfair.comparison.comparing import compare
from leanfair.options import options_of


def test_each_option_is_an_argument_of_compare_with_the_same_default() -> None:
    arguments = signature(compare).parameters
    for name, option in options_of(Comparing).items():
        assert arguments[name].default == option.default
