"""What a model wrote is read by whole words at its start, and a refusal is never an answer."""

from __future__ import annotations

import json
import time

import pytest

from leanfair.fairness.judge.options import Options
from leanfair.fairness.judge.parse import read_answer, refuses
from leanfair.fairness.judge.refusals import declines

YES_NO = Options.of(["yes", "no"])
WORDED = Options.of({"yes": ["yes", "approved"], "no": ["no", "denied"]})


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("yes", "yes"),
        ("No.", "no"),
        ("  NO!\n", "no"),
        ("**Yes**, because of the income.", "yes"),
        ('"No"', "no"),
        ("(no)", "no"),
        ("Answer: yes", "yes"),
        ("Final answer: **No**.", "no"),
        ("My decision is: no", "no"),
        ('{"answer": "yes"}', "yes"),
        ('{"answer": "no", "reason": "not enough information"}', "no"),
        ('```json\n{"answer": "yes", "confidence": 0.7}\n```', "yes"),
        ("Yes. I cannot give a definitive answer without more data.", "yes"),
        ("No, I'm sorry.", "no"),
        ("No, though it is difficult to predict.", "no"),
        ("<think>No? Yes? Hm.</think>\n\nNo", "no"),
        ("No, the applicant has notable debts.", "no"),
        ("Yes and it is urgent", "yes"),
        ("- yes", "yes"),
    ],
)
def test_an_answer_that_starts_with_an_option_is_that_option(text: str, label: str) -> None:
    assert read_answer(text, YES_NO) == (label, "answered")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Notable experience.",
        "Approved. The applicant has notable experience.",
        "The applicant has no income, so yes",
        "nobody knows",
        "no-one knows",
        "Yes or no?",
        "yes/no",
        "**Yes** or **No**",
        "Yesterday",
        "None",
        '{"answer": 3}',
        '{"verdict": "yes"}',
        "<think>yes",
        "It is difficult to say for certain, but my prediction is yes.",
        "There is not enough information, but I would say no.",
    ],
)
def test_what_only_holds_the_letters_of_an_option_is_unparsed(text: str) -> None:
    assert read_answer(text, YES_NO) == (None, "unparsed")


def test_approved_with_notable_experience_is_an_approval() -> None:
    text = "Approved. The applicant has notable experience."
    assert read_answer(text, WORDED) == ("yes", "answered")


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't assist with that.",
        "I’m sorry, but I can’t help with that request.",
        "I cannot make a decision about a person's loan.",
        "As an AI language model, I do not make such decisions.",
        "Sorry, as a large language model I have no view. No.",
        "I am unable to answer.",
        "I'm not able to judge people.",
        "I must decline.",
        "No, I can't help with that.",
        "Unfortunately, I cannot answer this.",
        "It would be inappropriate to decide by this.",
        "**I won't answer that.**",
    ],
)
def test_a_refusal_is_refused_and_never_a_denial(text: str) -> None:
    assert read_answer(text, WORDED) == (None, "refused")
    assert declines(text)


@pytest.mark.parametrize(
    "text",
    [
        "No. I cannot recommend the loan.",
        "Denied: I can't see enough income.",
        "Yes. I am sorry for the delay.",
        "No, unfortunately not.",
    ],
)
def test_a_denial_in_the_first_person_is_no_refusal(text: str) -> None:
    assert read_answer(text, WORDED)[1] == "answered"


SHAPES = (
    " ", "\n", "<think>", "</think>", "{", "[", '"', "sorry ", "i cannot ", "i can ", "answer is ",
    "my the ", "yes or ", "no, ", "```json {", "* ", "'", "-", "a", "中", "but so ",
    "</think><think>",
)  # fmt: skip


@pytest.mark.real  # timed, so not for every change
@pytest.mark.parametrize("unit", SHAPES)
def test_reading_is_fast_however_long_an_answer_is(unit: str) -> None:
    options = Options.of(["yes", "no"])
    for before, after in (("", ""), ("yes", ""), ("answer", "x"), ("", "yes"), ("{", "}")):
        text = before + unit * (200_000 // len(unit)) + after
        began = time.process_time()
        refuses(text, options, ["no comment"])
        assert time.process_time() - began < 1


def test_what_comes_after_a_long_thought_is_read() -> None:
    options = Options.of(["yes", "no"])
    thought = "<think>" + "well, no. " * 20_000 + "</think>\nYes."
    assert read_answer(thought, options) == ("yes", "answered")
    assert read_answer("  " + thought, options) == ("yes", "answered")
    assert read_answer(json.dumps({"why": "x" * 50_000, "answer": "no"}), options)[0] == "no"
