"""Closure, hard: from any variation the same full set comes back, whatever the text."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leanfair.fairness.lexicon.loading import ATTRIBUTES, load_attribute
from leanfair.fairness.variations.vary import vary
from tests.support.marks import mostly_real
from tests.support.places import SHARED as PLACE

SHARED = PLACE / "data"

_WORDS = """
a an A AN the The his her His Her him hers he she He is was are Is , . ? ! : ; ( ) " ' “ ” - / race:
Race sex: gender= | and or not also only of from in at with to for because who that man men woman
person people applicant nurse doctor's family friend student engineer house car dog money books
called told gave saw made let help old young years year-old years-old aged 34 18 80 20s Mr. Ms. Mrs.
Dr. Smith John Mary Mark Grace Washington White Black House Friday American born raised Street
University happily newly back home more own most last night Monday * _ ** 5 $
"""
FRAMES = tuple(_WORDS.split())
"""What terms are put between: everything that some rule looks at."""


def terms_of(attribute: str) -> list[str]:
    return sorted(load_attribute(attribute).surfaces)


@st.composite
def soups(draw: st.DrawFn, attribute: str) -> str:
    """Terms of the lexicon in every style among words that the rules look at, in no order."""
    term = st.sampled_from(terms_of(attribute))
    pieces = draw(st.lists(st.one_of(term, st.sampled_from(FRAMES)), min_size=1, max_size=14))
    joints = draw(
        st.lists(st.sampled_from([" "] * 12 + ["", "-", "  ", ", ", "'s ", "’s ", "' ", "/", "\n"]),
                 min_size=len(pieces), max_size=len(pieces))
    )  # fmt: skip
    return "".join(piece + joint for piece, joint in zip(pieces, joints, strict=True))


def assert_closed(text: str, attribute: str) -> int:
    found = vary(text, attribute)
    full = {v.text for v in found}
    assert len(full) == len(found)
    assert [v.text for v in found if v.original] == [text]
    for variation in found:
        again = vary(variation.text, attribute)
        assert {v.text for v in again} == full
        assert [v.value for v in again if v.original] == [variation.value]
    return len(found)


MANY = pytest.mark.parametrize("times", mostly_real([1, 10], [1]))
"""How many times as many texts as for every change are tried."""


@MANY
@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_closure_holds_for_any_soup_of_words(attribute: str, times: int) -> None:
    @settings(max_examples=60 * times, derandomize=True, database=None)
    @given(soups(attribute))
    def check(text: str) -> None:
        assert_closed(text, attribute)

    check()


TEMPLATES = (
    "{a} {t} applicant named Smith asked for {p} money.",
    "The {t} nurse said that the {t} doctor's friend was {u}.",
    "She is {t}. Race: {t}, and {p} son is {u}, too!",
    "{a} {t} and {a} {u} told {p} boss that {p} car is black.",
    "I saw {p} yesterday; the {t} woman, 34, gave {p} {p} keys, not {q}.",
    "Is {t} John {u}? {t} people from {t} say {p} house is {q}.",
    "{t}",
    "{t} {u}",
    "Mr. {t} met Mrs. Jones and {p} {t} friends.",
    "is {t}, {u} or {t}-owned; a friend of {q} called the {t}s {t}'s",
)


@st.composite
def sentences(draw: st.DrawFn, attribute: str) -> str:
    term = st.sampled_from(terms_of(attribute))
    return draw(st.sampled_from(TEMPLATES)).format(
        a=draw(st.sampled_from(["a", "an", "A", "An", "the"])),
        t=draw(term),
        u=draw(term),
        p=draw(st.sampled_from(["his", "her", "him", "their"])),
        q=draw(st.sampled_from(["his", "hers", "theirs"])),
    )


@MANY
@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_closure_holds_for_sentences_with_any_term(attribute: str, times: int) -> None:
    @settings(max_examples=40 * times, derandomize=True, database=None)
    @given(sentences(attribute))
    def check(text: str) -> None:
        assert_closed(text, attribute)

    check()


@settings(max_examples=15, derandomize=True, database=None)
@given(sentences("race"))
def test_closure_holds_for_combinations(text: str) -> None:
    full = {v.text for v in vary(text, ["race", "gender"])}
    for one in full:
        assert {v.text for v in vary(one, ["race", "gender"])} == full


def table(name: str, delimiter: str = ",") -> Iterator[dict[str, str]]:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the real texts are not here: {path}")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from csv.DictReader(file, delimiter=delimiter)


def winobias() -> list[tuple[str, str]]:
    """Pairs of sentences that differ in the pronoun's gender, by hand of WinoBias's authors."""
    pairs: dict[tuple[str, ...], dict[str, str]] = {}
    for row in table("winobias/winobias.csv.gz"):
        text = row["sentence"].replace("[", "").replace("]", "")
        pairs.setdefault((row["type"], row["split"], row["id"]), {})[row["stereotype"]] = text
    return [(pair["pro"], pair["anti"]) for pair in pairs.values() if len(pair) == 2]


def winogender() -> list[tuple[str, str]]:
    rows = {
        row["sentid"]: row["sentence"] for row in table("winogender/all_sentences.tsv.gz", "\t")
    }
    return [
        (text, rows[name.replace(".male.", ".female.")])
        for name, text in rows.items()
        if ".male." in name
    ]


def test_winogenders_own_pairs_come_out_all() -> None:
    pairs = winogender()
    right = sum(other in {v.text for v in vary(text, "gender")} for text, other in pairs)
    assert right == len(pairs) == 240


def test_winobias_own_pairs_come_out_but_for_its_slips() -> None:
    """Some of its pairs differ in more than gender, or leave "man" and "mother" as they are."""
    pairs = winobias()
    right = sum(other in {v.text for v in vary(text, "gender")} for text, other in pairs)
    assert len(pairs) == 1584
    assert right >= 1545


def real_texts() -> list[str]:
    texts = [text for pair in winobias()[::4] for text in pair]
    texts += [row["sentence"] for row in table("winogender/all_sentences.tsv.gz", "\t")][::5]
    for row in table("crows_pairs/crows_pairs_anonymized.csv.gz"):
        texts += [row["sent_more"], row["sent_less"]]
    texts += [row["user_prompt"] for row in table("decodingtrust/stereotype_user_prompts.csv.gz")][
        ::24
    ]
    with gzip.open(SHARED / "decodingtrust/adult_zero_shot_base_rate_0.0.jsonl.gz", "rt") as file:
        texts += [json.loads(line)["input"] for line in file]
    return sorted(set(texts))


@pytest.mark.parametrize(
    ("attribute", "step"),
    [
        ("race", 2),
        ("gender", 2),
        ("age", 4),
        ("religion", 4),
        ("nationality", 4),
        ("disability", 6),
        ("name", 4),
    ],
)
@pytest.mark.real
def test_closure_holds_for_real_texts(attribute: str, step: int) -> None:
    texts = real_texts()[::step]
    sizes = [assert_closed(text, attribute) for text in texts]
    loaded = load_attribute(attribute)
    full = len(loaded.cells)
    assert len(texts) > 600
    assert full in sizes
    assert set(sizes) <= {1, full, *(len(coding.terms) for coding in loaded.codings)}
