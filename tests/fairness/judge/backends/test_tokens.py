"""Prompts and options in tokens: nothing merged across the border, nothing counted twice."""

from __future__ import annotations

from math import log

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.tokens import Dialect, disjoint
from leanfair.fairness.judge.options import Options
from leanfair.fairness.judge.prompt import Prompt
from tests.support.tiny_judge import TEMPLATE, tokenizer

YES_NO = Options.of(["yes", "no"])


def said(dialect: Dialect, rendered: str) -> list[str]:
    forms = dialect.forms(rendered)
    return sorted(dialect.tokenizer.decode(tokens) for tokens in forms.sequences)


def metaspace() -> PreTrainedTokenizerFast:
    """A tokenizer as Llama 2 has one, which puts a blank before whatever it is given."""
    bare = Tokenizer(models.BPE())
    bare.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    bare.decoder = decoders.Metaspace(prepend_scheme="first")
    trainer = trainers.BpeTrainer(vocab_size=120, show_progress=False)
    bare.train_from_iterator(["Answer: yes no Yes No", "(A) (B) yes no"] * 9, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=bare)


def test_surface_forms_count_with_and_without_a_blank_before_them() -> None:
    dialect = Dialect(tokenizer(), YES_NO)
    forms = [" No", " Yes", " no", " yes", "No", "Yes", "no", "yes"]
    assert said(dialect, "Answer:") == forms


def test_blanks_at_the_end_of_a_plain_prompt_belong_to_the_answer() -> None:
    dialect = Dialect(tokenizer(), YES_NO)
    rendered = dialect.render(Prompt("Answer: "))
    assert rendered == "Answer:"
    together = dialect.encode([rendered + " yes"])[0]
    assert together[len(dialect.encode([rendered])[0]) :] in dialect.forms(rendered).sequences


def test_line_breaks_at_the_end_of_a_plain_prompt_stay() -> None:
    assert Dialect(tokenizer(), YES_NO).render(Prompt("Answer:\n")) == "Answer:\n"


def test_a_tokenizer_that_puts_a_blank_before_a_text_puts_none_before_an_answer() -> None:
    dialect = Dialect(metaspace(), YES_NO)
    pieces = {
        tuple(dialect.tokenizer.convert_ids_to_tokens(t))
        for t in dialect.forms("Answer:").sequences
    }
    assert ("▁yes",) in pieces
    assert all("".join(p).lstrip("▁").lower() in ("yes", "no") for p in pieces)
    assert len(pieces) == 8  # "yes" and " yes" are told apart


def test_where_prompt_and_form_merge_the_prompts_tokens_stay() -> None:
    dialect = Dialect(metaspace(), Options.of({"A": ["A"], "B": ["B"]}))
    assert len(dialect._plain("(A")) < len(dialect._plain("(")) + len(dialect._plain("A"))
    pieces = [
        "".join(dialect.tokenizer.convert_ids_to_tokens(t)) for t in dialect.forms("(").sequences
    ]
    assert {piece.lstrip("▁") for piece in pieces} == {"A", "B"}


def test_the_chat_template_is_applied_where_there_is_one() -> None:
    prompt = Prompt("Is it so?", system="Be brief.")
    chat, plain = Dialect(tokenizer(chat=True), YES_NO), Dialect(tokenizer(), YES_NO)
    told = "<|system|>\nBe brief.<|end|>\n<|user|>\nIs it so?<|end|>\n<|assistant|>\n"
    assert chat.render(prompt) == told
    assert plain.render(prompt) == "Be brief.\n\nIs it so?"
    assert Dialect(tokenizer(chat=True), YES_NO, chat=False).render(prompt) == plain.render(prompt)
    with pytest.raises(InputError, match="no chat template"):
        Dialect(tokenizer(), YES_NO, chat=True)


def test_a_template_without_system_turns_gets_the_system_text_in_the_users_turn() -> None:
    made = tokenizer(chat=True)
    template = "{% if m0 is not defined and messages[0]['role'] == 'system' %}"
    template += "{{ raise_exception('no system') }}{% endif %}[{{ messages[0]['content'] }}]"
    other = PreTrainedTokenizerFast(tokenizer_object=made._tokenizer, eos_token="<|end|>")
    other.chat_template = template
    assert Dialect(other, YES_NO).render(Prompt("So?", "Brief.")) == "[Brief.\n\nSo?]"


def test_special_tokens_stand_at_the_start_of_a_plain_prompt_and_nowhere_else() -> None:
    for chat in (False, True):
        framed = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(plain_json()))
        framed.eos_token = "<|end|>"
        framed._tokenizer.post_processor = processors.TemplateProcessing(
            single="<|user|> $A <|end|>", special_tokens=[("<|user|>", 1), ("<|end|>", 0)]
        )
        framed.chat_template = TEMPLATE if chat else None
        dialect = Dialect(framed, YES_NO)
        tokens = dialect.encode([dialect.render(Prompt("Answer:"))])[0]
        assert (tokens[0], tokens.count(1), tokens[-1] == 0) == (1, 1, False)
        assert all(0 not in t and 1 not in t for t in dialect.forms("Answer:").sequences)


def plain_json() -> str:
    return str(tokenizer()._tokenizer.to_str())


def test_no_special_token_is_added_twice_or_at_the_end() -> None:
    dialect = Dialect(tokenizer(chat=True), YES_NO)
    rendered = dialect.render(Prompt("Hi"))
    assert dialect.tokenizer.decode(dialect.encode([rendered])[0]) == rendered


def test_the_head_of_a_prompt_is_what_all_prompts_of_its_template_start_with() -> None:
    for chat in (False, True):
        dialect = Dialect(tokenizer(chat), YES_NO)
        head = dialect.head(Prompt("Judge this: A man.", head="Judge this: "))
        for text in ("A man.", "the loan"):
            tokens = dialect.encode([dialect.render(Prompt(f"Judge this: {text}"))])[0]
            assert tokens[: len(head) - 1] == head[:-1]
        assert len(head) > 2


def test_a_template_that_shows_no_user_text_still_renders() -> None:
    other = PreTrainedTokenizerFast(tokenizer_object=tokenizer()._tokenizer)
    other.chat_template = "fixed"
    assert Dialect(other, YES_NO).head(Prompt("a b", head="a ")) != ()


def test_an_option_that_starts_with_another_ones_tokens_takes_its_share_out_of_it() -> None:
    forms = disjoint([((1,), 0), ((1, 2), 1), ((1, 2, 3), 0), ((4,), 1)], ["a", "b"])
    p = {(1,): 0.5, (1, 2): 0.2, (1, 2, 3): 0.05, (4,): 0.1}
    shares, captured = forms.masses([log(p[t]) for t in forms.sequences], 2)
    # a: (0.5 - 0.2) + 0.05, b: (0.2 - 0.05) + 0.1
    assert captured == pytest.approx(0.6)
    assert shares == pytest.approx([0.35 / 0.6, 0.25 / 0.6])


def test_a_longer_form_of_the_same_option_is_not_counted_twice() -> None:
    forms = disjoint([((1,), 0), ((1, 2), 0), ((3,), 1)], ["a", "b"])
    assert forms.sequences == ((1,), (3,))


def test_options_that_are_the_same_tokens_are_an_input_error() -> None:
    with pytest.raises(InputError, match="'a' and 'b' are the same"):
        disjoint([((1,), 0), ((1,), 1)], ["a", "b"])


def test_masses_far_below_the_smallest_float_still_have_shares() -> None:
    forms = disjoint([((1,), 0), ((2,), 1)], ["a", "b"])
    shares, captured = forms.masses([-1000.0, -1000.0 + log(3)], 2)
    assert shares == pytest.approx([0.25, 0.75])
    assert captured == 0
