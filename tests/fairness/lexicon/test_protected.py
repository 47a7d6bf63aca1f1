"""An attribute holds its values, fields and protected phrases once, wherever it is used."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

import leanfair
from leanfair.errors import InputError
from leanfair.fairness.lexicon.loading import load_attribute
from leanfair.fairness.lexicon.protected import attribute, attributes_of

OWN = {"name": "service", "values": ["veteran", "civilian"],
       "rows": [{"noun": ["veteran", "civilian"]}]}  # fmt: skip
TEXT = "He is a Black man from Ohio, and a Black friend came."


def texts(found: Any) -> list[str]:
    return [one.text for one in found]


def test_a_name_a_file_and_a_dict_make_an_attribute(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        "name: service\nvalues: [veteran, civilian]\nrows:\n- noun: [veteran, civilian]"
    )
    for given in (path, str(path), OWN, attribute(OWN)):
        found = leanfair.vary("A veteran spoke.", attribute(given))
        assert texts(found) == ["A veteran spoke.", "A civilian spoke."]
        assert found == leanfair.vary("A veteran spoke.", given)
    assert attribute("race").name == "race"


def test_vary_mitigate_and_audit_take_the_same_value() -> None:
    race = attribute("race", values=["Black", "White"], field="race", protect="Black friend")
    assert texts(leanfair.vary(TEXT, race)) == [TEXT, TEXT.replace("Black man", "White man")]
    judge = leanfair.Judge(lambda t: [[0.6, 0.4]] * len(t), "{text}", ["yes", "no"])
    (decision,) = leanfair.mitigate(judge, race).decide([TEXT])
    assert [v.text for v in decision.variations] == texts(leanfair.vary(TEXT, race))
    rows = [{"text": TEXT, "group": g, "hired": "yes"} for g in "aabb"]
    given = {"label": "hired", "group": "group", "favourable": "yes", "bootstrap": 100}
    summary = leanfair.audit(judge, rows, attribute=race, **given).summary
    assert summary["judge"]["values"] == ["Black", "White"]
    assert summary["judge"]["field"] == ["race"]
    assert summary["judge"]["protect"] == ["Black friend"]


def test_of_several_attributes_each_keeps_its_own_values_and_fields() -> None:
    race = attribute("race", values=["Black", "White"], field="group")
    gender = attribute("gender", field="g")
    found = leanfair.vary({"group": "Black", "g": "male", "race": "Asian"}, [race, gender])
    assert len(found) == 4
    assert {v.record["group"] for v in found if v.record} == {"Black", "White"}
    assert {v.record["race"] for v in found if v.record} == {"Asian"}


def test_old_parameters_work_and_name_the_new_spelling() -> None:
    judge = leanfair.Judge(lambda t: [[0.6, 0.4]] * len(t), "{race}", ["yes", "no"])
    rows = [{"race": r, "hired": "yes"} for r in ("Black", "White") * 2]
    given = {"label": "hired", "group": "race", "favourable": "yes", "bootstrap": 100}
    two = {"values": ["Black", "White"]}
    new = attribute("race", **two)
    uses = [
        (lambda **more: leanfair.vary(TEXT, "race", **more), leanfair.vary(TEXT, new)),
        (
            lambda **more: leanfair.mitigate(judge, "race", **more).decide(rows),
            leanfair.mitigate(judge, new).decide(rows),
        ),
        (
            lambda **more: leanfair.audit(judge, rows, attribute="race", **more, **given).decisions,
            leanfair.audit(judge, rows, attribute=new, **given).decisions,
        ),
    ]
    for old, expected in uses:
        with pytest.warns(DeprecationWarning, match=r"leanfair\.attribute") as caught:
            assert old(**two) == expected
        assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"attribute": "rase"}, "no attribute 'rase'"),
        ({"values": "black"}, "values is a list of texts"),
        ({"values": ["black"]}, "values is a list of two or more texts"),
        ({"values": [None, "black"]}, "values is a list of two or more texts"),
        ({"field": []}, "field is a list of one or more texts"),
        ({"protect": [""]}, "protect is a list of texts"),
        ({"attribute": {"name": "x", "values": ["a"]}}, "two values or more"),
    ],
)
def test_what_is_no_attribute_is_one_sentence(given: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        attribute(**{"attribute": "race", **given})
    assert "\n" not in str(caught.value)


def test_settings_that_would_be_dropped_are_refused() -> None:
    race = attribute("race", values=["black", "white"])
    judge = leanfair.Judge(lambda t: [[0.6, 0.4]] * len(t), "{race}", ["yes", "no"])
    fair = leanfair.mitigate(judge, race)
    rows = [{"race": r, "hired": "yes"} for r in ("Black", "White") * 2]
    given: dict[str, Any] = {"label": "hired", "group": "race", "favourable": "yes"}
    with pytest.raises(InputError, match="has its values, field, protect and names already"):
        attribute(race, protect=["x"])
    for more in ({"values": ["a", "b"]}, {"field": "race"}, {"protect": ["x"]}):
        with pytest.raises(InputError, match="need an attribute"):
            leanfair.audit(judge, rows, **more, **given)
        with pytest.raises(InputError, match="leave attribute, values, field and protect out"):
            leanfair.audit(fair, rows, **more, **given)
    with pytest.raises(InputError, match="leave attribute"):
        leanfair.audit(fair, rows, attribute="race", **given)
    with pytest.raises(InputError, match="The placebo 'x' needs an attribute"):
        leanfair.audit(judge, rows, placebo="x", **given)
    with pytest.raises(InputError, match="cannot be put in the order of a tokenizer"):
        leanfair.vary("A veteran.", OWN, tokenizer=len)
    with pytest.raises(InputError, match=r"what leanfair\.attribute makes"):
        attributes_of(3)  # type: ignore[arg-type]


def test_a_copy_shares_the_lexicon_and_is_equal() -> None:
    race = attribute("race", values=["black", "white"])
    assert copy.deepcopy(race) == race == attribute("race", values=["black", "white"])
    assert copy.deepcopy(race).lexicon is race.lexicon
    assert pickle.loads(pickle.dumps(race)).lexicon.values == load_attribute("race").values
    assert len(repr(race)) < 200
