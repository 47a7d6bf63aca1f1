"""Texts and records that are varied, and what comes back of them."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

import leanfair

CASES = Path(__file__).parent.parent / "fairness" / "variations" / "cases"
ATTRIBUTES = ("race", "gender", "age", "religion", "nationality", "disability", "name")
PER_ATTRIBUTE = 290
FULL = 20
"""Of every so many texts the whole result is written down, of the others its digest alone."""

PEOPLE = (
    "man", "woman", "men", "women", "boy", "girl", "nurse", "teachers", "student", "applicant",
    "father", "mother", "neighbor", "couple", "families", "person", "people", "tenant", "actress",
    "waiter", "Mr. Smith", "Ms. Jones", "lawyer", "voters", "patient",
)  # fmt: skip
SIGNS = {
    "race": (
        "Black", "White", "Asian", "Hispanic", "Native American", "black", "white", "asian",
        "Latino", "African American", "Caucasian", "Latinx", "biracial", "European American",
    ),
    "gender": ("male", "female", "Male", "transgender", "nonbinary", "tall", "pregnant", "married"),
    "age": (
        "young", "old", "elderly", "middle-aged", "34-year-old", "62 year old",
        "twenty-one-year-old", "teenage", "youthful", "older", "17-year-old", "90-year-old",
    ),
    "religion": (
        "Christian", "Muslim", "Jewish", "Hindu", "Buddhist", "atheist", "Catholic", "Sikh",
        "christian", "Mormon", "religious",
    ),
    "nationality": (
        "American", "British", "Mexican", "Brazilian", "German", "Russian", "Nigerian", "Indian",
        "Chinese", "Iranian", "French", "English", "Canadian", "foreign",
    ),
    "disability": (
        "blind", "deaf", "autistic", "non-disabled", "wheelchair-using", "disabled", "dyslexic",
        "Deaf", "paraplegic", "hard of hearing",
    ),
    "name": (
        "Emily", "Jamal", "Lakisha", "Brad", "Jose Garcia", "Mei", "Wei Nguyen", "Greg Baker",
        "Latoya Washington", "Mark", "Grace", "Carlos", "Zxcvb",
    ),
}  # fmt: skip
TEMPLATES = (
    "The {sign} {person} was hired by the bank.",
    "He is a {sign} {person} from Ohio, and she is an {other} {person}.",
    "A {sign} {person} and an {other} {friend} rented the house; his lawyer is {sign}.",
    "She told him that her {sign} {person} had lost his keys, but hers were there.",
    "I am {sign}. My {person} is {other}.",
    'They are {sign} {person}, aren\'t they? "{other}!" said the {friend}.',
    "{sign} {person} – {other} {friend}; {sign}, {other} or neither",
    "THE {upper} {person} SAID NO TO THE {sign} CAR AND THE {other} HOUSE",
    "Decide on the loan of {sign} {person}, aged {age}, who lives in {place}.",
    "The {sign}-owned restaurant on {other} Street, {place}, is run by a {age} year old {person}.",
    "My {friend} {sign} and his wife {other} met a {person} born in {place}.",
    "{sign}'s {person} is {age}. The {person}'s {friend} is not {other}, she's {sign}.",
    "age: {age}; sex: Female; race: {sign}; native-country: {place}; note: {other} {person}",
    "<b>{sign}</b>\t{person}\n\n* {other} {friend}, {age}\n* café № {age} in {place}",
    "Neither the {sign} nor the {other} {person} paid; both {friend} had turned {age}.",
)
PLACES = ("Mexico", "the United States", "Nigeria", "Ohio", "China", "Germany", "Paris", "Iran")
FRAMES = (
    "{text} {text}", "Note: {text}", "“{text}” is what the report said.", "{text}\n{other}",
    "{other} {text}",
)  # fmt: skip

RECORDS: dict[str, tuple[str, Mapping[str, Sequence[Any]]]] = {
    "records-adult": (
        "race gender age nationality",
        {
            "age": (19, 34, 41, 59, 77, 90),
            "workclass": ("Private", "State-gov"),
            "marital-status": ("Married-civ-spouse", "Never-married", "Widowed"),
            "relationship": ("Husband", "Wife", "Not-in-family", "Own-child"),
            "race": ("White", "Black", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other"),
            "sex": ("Male", "Female"),
            "hours-per-week": (20, 40, 50),
            "native-country": ("United-States", "Mexico", "India", "Cuba", "England"),
        },
    ),
    "records-plain": (
        "race gender age religion disability name",
        {
            "Name": ("Emily Walsh", "Jamal Washington", "Jose Garcia", "Mei Nguyen", "Zed"),
            "Gender": ("M", "F", "male", "female", "woman", ""),
            "Ethnicity": ("Black", "white", "Asian", "Hispanic", "Unknown", None),
            "Age": (23, "34", 61, "n/a"),
            "Religion": ("Muslim", "Christian", "Jewish", "none"),
            "Disability": ("None", "Blind", "Deaf", "No disability"),
            "notes": (
                "He is a Black man who lost his job.", "Her husband is deaf.",
                "A young Muslim woman, 34 years old.", "Nothing to add.",
            ),
        },
    ),
}  # fmt: skip


# ---- what is varied -----------------------------------------------------------------------------


def chosen(name: str) -> list[Any]:
    """What is varied in the recording `name`: pairs (attributes, text or record)."""
    draw = random.Random(f"net/{name}")
    if name in RECORDS:
        attributes, columns = RECORDS[name]
        rows = [{k: draw.choice(list(v)) for k, v in columns.items()} for _ in range(16)]
        return [[attribute, row] for row in rows for attribute in attributes.split()]
    if name == "combined":
        pairs = [["race", "gender"], ["name", "age"], ["religion", "nationality"]]
        return [[pair, _filled(draw, pair[0], pair[1])] for pair in pairs for _ in range(5)]
    texts = [*_own(name), *_of_others(name, draw)]
    while len(texts) < PER_ATTRIBUTE:
        texts.append(_filled(draw, name, draw.choice((name, draw.choice(ATTRIBUTES)))))
    return [[name, text] for text in texts]


def _cases(attribute: str) -> list[str]:
    loaded = yaml.load((CASES / f"{attribute}.yaml").read_text("utf-8"), Loader=yaml.BaseLoader)
    return [case["text"] for case in loaded]


def _own(attribute: str) -> list[str]:
    """The texts of the product's own cases; of the many those that stand even."""
    found = _cases(attribute)
    return found if len(found) <= 150 else found[::2] + found[1 : 2 * (150 - len(found[::2])) : 2]


def _of_others(attribute: str, draw: random.Random) -> list[str]:
    """Cases of other attributes, and cases put together."""
    others = [text for name in ATTRIBUTES if name != attribute for text in _cases(name)]
    alone = draw.sample(others, 40)
    own = _cases(attribute)
    framed = [
        draw.choice(FRAMES).format(text=draw.choice(own), other=draw.choice(others))
        for _ in range(40)
    ]
    return alone + framed


def _filled(draw: random.Random, attribute: str, second: str) -> str:
    sign, other = draw.choice(SIGNS[attribute]), draw.choice(SIGNS[second])
    return draw.choice(TEMPLATES).format(
        sign=sign,
        upper=sign.upper(),
        other=other,
        person=draw.choice(PEOPLE),
        friend=draw.choice(PEOPLE),
        place=draw.choice(PLACES),
        age=draw.randint(16, 80),
    )


# ---- what comes back ----------------------------------------------------------------------------


def _one(texts: list[str]) -> list[list[float]]:
    return [[0.5, 0.5]] * len(texts)


@cache
def _judge(prompt: str, attributes: str, rule: Any) -> Any:
    judge = leanfair.Judge(leanfair.Function(_one, name="net"), prompt, ["yes", "no"])
    found = attributes.split()
    return leanfair.mitigate(judge, found[0] if len(found) == 1 else found, rule)


def varied(attributes: str | list[str], item: Any) -> dict[str, Any]:
    """All variations of a text or a record, what is left without the attribute, and the reason why
    it was not varied; or what is wrong with it."""
    try:
        decision = _decided(attributes, "mean", item)
        found = decision.variations
        if isinstance(attributes, str):
            found = leanfair.vary(item, attributes)
        (bare,) = _decided(attributes, "blind", item).variations
    except leanfair.LeanfairError as error:
        return {"error": str(error)}
    return {
        "variations": [[v.value, v.text, list(map(list, v.spans)), v.original] for v in found],
        "blind": bare.text,
        "why": decision.note,
    }


def _decided(attributes: str | list[str], rule: str, item: Any) -> Any:
    prompt = "{text}" if isinstance(item, str) else " ".join(f"{{{field}}}" for field in item)
    joined = attributes if isinstance(attributes, str) else " ".join(attributes)
    return _judge(prompt, joined, rule).decide([item])[0]


def digest(result: Any) -> str:
    """A result in twelve digits."""
    plain = json.dumps(result, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()[:12]


def recorded(name: str) -> list[dict[str, Any]]:
    """Each text of the recording `name`, with the digest of its result or all of it."""
    found = []
    for i, (attributes, item) in enumerate(chosen(name)):
        result = varied(attributes, item)
        one = {"of": attributes, "item": item, "digest": digest(result)}
        found.append({**one, "result": result} if i % FULL == 0 else one)
    return found


NAMES = (*ATTRIBUTES, "combined", *RECORDS)
