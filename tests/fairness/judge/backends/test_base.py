"""What counts as a back end."""

from __future__ import annotations

import pytest

from leanfair.fairness.judge.backends.base import Backend
from leanfair.fairness.judge.backends.models import Function
from leanfair.fairness.judge.backends.open import open_backend
from leanfair.fairness.judge.options import Options
from tests.support.judges import OPTIONS, biased


def test_what_is_opened_for_a_model_is_a_back_end() -> None:
    assert isinstance(open_backend(Function(biased()), Options.of(OPTIONS)), Backend)


@pytest.mark.parametrize("missing", ["identity", "check", "ask", "token_count"])
def test_what_lacks_one_of_the_methods_is_no_back_end(missing: str) -> None:
    methods = {"identity", "check", "ask", "token_count"}
    whole = type("Whole", (), dict.fromkeys(methods, lambda self: None))
    partial = type("Partial", (), dict.fromkeys(methods - {missing}, lambda self: None))
    assert isinstance(whole(), Backend)
    assert not isinstance(partial(), Backend)
