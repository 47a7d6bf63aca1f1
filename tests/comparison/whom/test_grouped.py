"""Groups of samples: a column, values, several of them, or a function of a batch."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import torch

from leanfair.comparison.whom.grouped import columns_of, groupings_of
from leanfair.errors import InputError
from tests.support.nets import samples

SEXES = [["f", "m"][i % 2] for i in range(24)]
AGES = [["young", "old", "old"][i % 3] for i in range(24)]


class Table(list[Any]):
    """Samples with columns beside them."""

    columns: ClassVar = {"sex": SEXES, "age": AGES}


@pytest.mark.parametrize(
    "given",
    [
        SEXES,
        tuple(SEXES),
        np.array(SEXES),
        pd.Series(SEXES),
        {"sex": SEXES},
        lambda batch: ["f" if i % 2 == 0 else "m" for i in range(len(batch))],
    ],
)
def test_all_that_tells_the_same_groups_is_the_same(given: Any) -> None:
    (found,), notes = groupings_of(given, samples(24), 24)
    assert found.names == ("f", "m")
    assert found.codes.tolist() == [i % 2 for i in range(24)]
    assert notes == []


def test_columns_of_the_data_are_named() -> None:
    (found,), _ = groupings_of("sex", Table(), 24)
    assert (found.name, found.names) == ("sex", ("f", "m"))
    several, _ = groupings_of(["sex", "age"], Table(), 24)
    assert [one.name for one in several] == ["sex", "age", "sex & age"]
    assert columns_of(Table()) == ["sex", "age"]


def test_numbers_are_groups_and_spellings_are_folded() -> None:
    (found,), _ = groupings_of(torch.tensor([0, 1] * 12), samples(24), 24)
    assert found.names == ("0", "1")
    (found,), notes = groupings_of(["F", "m", "f "] * 8, samples(24), 24)
    assert len(found.names) == 2
    assert "also written" in notes[0]


def test_what_is_unknown_is_in_no_group() -> None:
    (found,), _ = groupings_of(["f", "m", None, "unknown"] * 6, samples(24), 24)
    assert found.unknown == 12


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("sex", "no column 'sex' of groups: they have no columns"),
        (["f", "m"], "2 values, but the test data have 24"),
        (["f"] * 24, "one group only"),
        (list(range(24)), "24 different numbers"),
        (3, "of type int"),
        (lambda batch: ["f"], "gives 1 values for the 24 samples of batch 1"),
    ],
)
def test_what_does_not_fit_is_one_sentence(given: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        groupings_of(given, samples(24), 24)
