"""The plain values of nested records, and records with others in their place."""

from __future__ import annotations

from leanfair.fairness.variations.leaves import leaves, replaced

NESTED = {
    "id": 1,
    "applicant": {"race": "White", "homeTown": None, "tags": []},
    "turns": [{"role": "user", "content": "Hi"}, ("a", 2)],
}


def test_every_plain_value_has_its_path_and_the_name_of_its_field() -> None:
    assert [(leaf.label, leaf.name, leaf.value) for leaf in leaves(NESTED)] == [
        ("id", "id", 1),
        ("applicant.race", "race", "White"),
        ("applicant.homeTown", "home town", None),
        ("applicant.tags", "tags", []),
        ("turns.0.role", "role", "user"),
        ("turns.0.content", "content", "Hi"),
        ("turns.1.0", "turns", "a"),
        ("turns.1.1", "turns", 2),
    ]


def test_what_is_not_replaced_is_the_very_same() -> None:
    made = replaced(NESTED, {("turns", 1, 0): "b", ("applicant", "race"): "Black"})
    assert made["turns"][1] == ("b", 2)
    assert made["applicant"] == {**NESTED["applicant"], "race": "Black"}  # type: ignore[dict-item]
    assert made["turns"][0] is NESTED["turns"][0]  # type: ignore[index]
    assert NESTED["applicant"]["race"] == "White"  # type: ignore[index]
