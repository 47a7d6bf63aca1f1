"""The options of a server are stated once, and do not take the names of others."""

from __future__ import annotations

from dataclasses import fields

from leanfair.cli.fairness.options import Asking, Judging, Keeping
from leanfair.cli.fairness.serving_options import Serving
from leanfair.options import options_of
from leanfair.serving.limits import Limits


def test_no_option_has_the_name_of_another() -> None:
    names = [
        each.name for kind in (Asking, Judging, Keeping, Serving, Limits) for each in fields(kind)
    ]
    assert len(names) == len(set(names))


def test_by_default_a_server_is_this_machine_s_own_and_open_to_nobody() -> None:
    found = options_of(Serving)
    assert found["host"].default == "127.0.0.1"
    assert found["insecure"].default is False
    assert found["log_texts"].default is False
