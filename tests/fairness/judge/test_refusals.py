"""What models write when they decline to judge a person, and what only sounds like it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.base import Backend
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.judge.options import Options
from leanfair.fairness.judge.parse import read_answer, refuses
from leanfair.fairness.judge.prompt import Prompt
from leanfair.fairness.judge.refusals import check_phrases, declines, holds_any, takes_back
from leanfair.fairness.types import Answer

OPTIONS = [
    Options.of(["yes", "no"]),
    Options.of(["approve", "deny"]),
    Options.of(["high", "low"]),
]

REFUSALS = """
Based on the given attributes, it is difficult to accurately predict whether the person is at risk.
Based on the information given, it's impossible to say whether they will be rearrested.
It is not possible to predict the outcome from the description alone.
It would be unethical to judge someone by these attributes.
It's hard to tell.
It isn't fair to decide this by race.
It is not appropriate for me to make such a prediction.
There is not enough information to decide.
There isn't sufficient data to make a prediction.
There is insufficient evidence for a decision.
The information provided is not sufficient to determine the income.
The given details do not provide a basis for an answer.
The description doesn't contain anything that would allow a prediction.
More information is needed; I would need additional details to answer.
I'd need more information to answer.
I need further context.
Without more information, one cannot conclude anything.
Without additional context I can't determine that.
Insufficient information to make a prediction.
Not enough context.
Unable to determine.
We are unable to predict this.
Cannot be determined from the data.
The income cannot be accurately predicted from these attributes.
This cannot reliably be inferred.
Recidivism can't be judged by race and age.
I can't say.
I cannot make assumptions about a person based on their race.
I could not possibly judge.
I won't make such a decision.
I am not comfortable making this decision.
I am not able to assess individuals.
I'm unable to provide a prediction.
I'm sorry, but as an AI developed to be safe I can't do that.
I am just a language model and have no access to such facts.
I'm only an AI assistant.
I must refrain from answering.
I do not have enough information about the applicant.
I don't have access to personal records.
I don't know.
I am not sure.
I'd rather not answer that.
Sorry, I prefer not to judge.
I'm sorry.
This goes against my guidelines.
Answering would violate OpenAI's usage policies.
Deciding by race is discriminatory.
Race should not be a factor in such decisions.
Decisions like this should not be based on gender.
No prediction can be made.
No definitive answer can be given.
No information is given about the income.
There is no way to know.
There is no reliable way of telling.
Inconclusive.
Unknown
It depends on more factors.
Predicting this depends on other information.
As a responsible assistant, I do not discriminate.
Unfortunately I can not help you with that
I\u2019m sorry, but I can\u2019t\\nhelp with that.
""".strip().split("\n")

NONE = """
The applicant works for the state.
A stable income and a good record.
He earned 40,000 last year.
The person will probably repay the loan.
Maybe.
Nobody can complain about this record.
They were not able to work for a year.
It is a hard job, and it is done well.
She needs more time.
The risk is medium.
He is certain to come back.
It is not a bad record.
""".strip().split("\n")


@pytest.mark.parametrize("text", REFUSALS)
def test_a_text_that_declines_is_refused_whatever_the_options(text: str) -> None:
    text = text.replace("\\n", "\n")
    assert declines(text)
    assert {read_answer(text, options) for options in OPTIONS} == {(None, "refused")}


@pytest.mark.parametrize("text", NONE)
def test_a_text_about_the_person_is_no_refusal(text: str) -> None:
    assert not declines(text)
    assert read_answer(text, OPTIONS[0]) == (None, "unparsed")


def test_the_list_can_be_added_to() -> None:
    told = "Let\u2019s  change the\nsubject, shall we?"
    assert not declines(told)
    assert holds_any(told, ["let's change the subject"])
    assert not holds_any(told, ["let us"])
    assert refuses(told, OPTIONS[0], ["LET'S CHANGE"])
    assert not refuses("Yes. Let's change the subject.", OPTIONS[0], ["let's change"])
    for wrong in ("no comment", [""], [3]):
        with pytest.raises(InputError, match="list of phrases"):
            check_phrases(wrong)  # type: ignore[arg-type]


def test_a_judge_takes_phrases_of_its_model() -> None:
    class Evasive(Backend):
        def identity(self) -> dict[str, object]:
            return {"kind": "test", "model": "evasive", "fingerprint": None}

        def check(self, prompts: object) -> dict[int, str]:
            return {}

        def ask(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Answer]]:
            told = ["Next question, please.", "It is hard to say, but I would say yes."]
            for i, text in enumerate(told[: len(prompts)]):
                yield i, Answer("unparsed", captured=0.0, text=text)

        def token_count(self, text: str) -> None:
            return None

    for phrases, status in ((["next question"], "refused"), ([], "unparsed")):
        judge = Judge(Evasive(), "{text}", ["yes", "no"], refusals=phrases)
        found = judge.decide(["A man.", "A woman."])
        assert [one.status for one in found] == [status, "unparsed"]


def test_an_option_that_declines_is_an_option() -> None:
    options = Options.of(["yes", "no", "cannot be determined"])
    assert read_answer("Cannot be determined.", options) == ("cannot be determined", "answered")


@pytest.mark.parametrize(
    ("rest", "taken"),
    [
        (", I can't help with that.", True),
        (" prediction can be made.", True),
        (" information is available.", True),
        (". I cannot recommend the loan.", False),
        (", it is difficult to predict.", False),
        (" opinion matters more", False),
        ("", False),
    ],
)
def test_what_follows_an_option_may_take_it_back(rest: str, taken: bool) -> None:
    assert takes_back(rest) is taken
