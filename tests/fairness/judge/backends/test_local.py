"""Local language models: what is scored is what a plain forward pass over the text says."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.local import LocalBackend
from leanfair.fairness.judge.backends.models import Local
from leanfair.fairness.judge.backends.open import open_backend
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.judge.options import Options
from leanfair.fairness.mitigate import mitigate
from tests.support.tiny_judge import model, tokenizer

TEXTS = ["He is a Black man from Ohio.", "She is a White woman.", "the loan", "39 years old"]


def judge(chat: bool = False, family: str = "Llama", **more: Any) -> Judge:
    of_the_model = {k: more.pop(k) for k in ("max_new_tokens", "batch_size") if k in more}
    given: dict[str, Any] = {"options": ["yes", "no"], "min_captured": 0.0, **more}
    pair = Local((model(family), tokenizer(chat)), **of_the_model)
    return Judge(pair, "Should it be? {text} Answer:", **given)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model as transformers saves it."""
    path = tmp_path_factory.mktemp("models") / "tiny"
    model("Qwen2").save_pretrained(path)
    tokenizer(chat=True).save_pretrained(path)
    return path


def plainly(text: str, forms: list[str], chat: bool = False) -> float:
    """The probability of some forms behind a text, by one plain pass over each."""
    net, words = model("Llama"), tokenizer(chat)
    start, total = words(text)["input_ids"], 0.0
    for form in forms:
        ids = words(text + form)["input_ids"]
        with torch.no_grad():
            logs = torch.log_softmax(net(input_ids=torch.tensor([ids])).logits[0].double(), -1)
        behind = range(len(start), len(ids))
        total += float(torch.exp(sum(logs[i - 1, ids[i]] for i in behind)))
    return total


def test_forms_of_an_option_count_together_and_what_they_capture_is_told() -> None:
    for text, answer in zip(TEXTS, judge().answers(TEXTS), strict=True):
        prompt = f"Should it be? {text} Answer:"
        yes = plainly(prompt, ["yes", "Yes", " yes", " Yes"])
        no = plainly(prompt, ["no", "No", " no", " No"])
        assert answer.captured == pytest.approx(yes + no, rel=1e-4)
        assert answer.probabilities["yes"] == pytest.approx(yes / (yes + no), rel=1e-4)


def test_options_of_several_tokens_that_share_the_first_are_told_apart() -> None:
    options = {"a": ["approved today"], "b": ["approved experience"]}
    for text, answer in zip(TEXTS, judge(options=options).answers(TEXTS), strict=True):
        prompt = f"Should it be? {text} Answer:"
        a = plainly(prompt, ["approved today", " approved today"])
        b = plainly(prompt, ["approved experience", " approved experience"])
        assert answer.probabilities["a"] == pytest.approx(a / (a + b), rel=1e-3)


def test_the_chat_template_is_used_where_there_is_one() -> None:
    text = TEXTS[0]
    turns = f"<|user|>\nShould it be? {text} Answer:<|end|>\n<|assistant|>\n"
    yes = plainly(turns, ["yes", "Yes", " yes", " Yes"], chat=True)
    no = plainly(turns, ["no", "No", " no", " No"], chat=True)
    assert judge(chat=True).answers([text])[0].captured == pytest.approx(yes + no, rel=1e-4)


def test_a_model_without_a_chat_template_works_and_so_does_one_that_is_told_not_to_use_it() -> None:
    plain = judge().answers(TEXTS)
    told = Judge(
        Local((model("Llama"), tokenizer(True)), chat=False),
        "Should it be? {text} Answer:",
        ["yes", "no"],
        min_captured=0.0,
    )
    assert told.answers(TEXTS) == plain


def test_a_folder_is_a_model_and_is_told_by_its_content(folder: Path, tmp_path: Path) -> None:
    made = Judge(folder, "{text}", ["yes", "no"], min_captured=0.0)
    identity = made.describe()["identity"]
    assert identity["model"] == "tiny"
    words = AutoTokenizer.from_pretrained(folder)
    assert made.token_count("the quick brown fox") == len(words.tokenize("the quick brown fox"))
    given = Judge((model("Qwen2"), words), "{text}", ["yes", "no"], min_captured=0.0)
    assert made.predict_proba(TEXTS) == pytest.approx(given.predict_proba(TEXTS), abs=1e-5)
    copied = shutil.copytree(folder, tmp_path / "tiny")
    same = Judge(copied, "{text}", ["yes", "no"]).describe()["identity"]
    assert same["fingerprint"] == identity["fingerprint"]
    (copied / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    other = Judge(copied, "{text}", ["yes", "no"]).describe()["identity"]
    assert other["fingerprint"] != identity["fingerprint"]


def test_what_a_store_knows_needs_neither_weights_nor_tokenizer(
    folder: Path, tmp_path: Path
) -> None:
    store = tmp_path / "answers.jsonl"
    local = Local(folder, max_new_tokens=0)
    first = Judge(local, "{text}", ["yes", "no"], store=store)
    before = first.answers(TEXTS)
    again = Judge(local, "{text}", ["yes", "no"], store=store)
    assert again.answers(TEXTS) == before
    assert isinstance(again.backend, LocalBackend)
    assert not {"scorer", "dialect", "_config"} & vars(again.backend).keys()


def test_a_folder_without_a_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no language model"):
        Judge(tmp_path, "{text}", ["yes", "no"]).answers(["a"])
    (tmp_path / "config.json").write_text('{"model_type": "nonsense"}')
    with pytest.raises(InputError, match="gives no language model") as caught:
        Judge(tmp_path, "{text}", ["yes", "no"]).answers(["a"])
    assert "\n" not in str(caught.value)


def test_a_text_longer_than_the_context_is_told_with_its_row_and_the_limit() -> None:
    made = judge()
    with pytest.raises(InputError, match=r"^Row 2 makes a prompt of [0-9]+ tokens, .* holds 256"):
        made.answers([TEXTS[0], "loan " * 300])
    with pytest.raises(InputError, match=r"^Row 1 makes .* The same goes for 1 more\.$"):
        made.answers(["loan " * 300, "man " * 300])
    with pytest.raises(InputError, match=r"^Row 2 "):
        mitigate(made, "race").decide([TEXTS[0], "A Black man. " + "loan " * 300])
    assert made.forward_passes == 0


def test_what_is_said_instead_of_an_option_is_seen() -> None:
    answers = judge(min_captured=1.0, max_new_tokens=5).answers(TEXTS)
    assert {a.status for a in answers} <= {"unparsed", "refused"}
    assert all(a.text for a in answers)
    net, words = model("Llama"), tokenizer()
    ids = torch.tensor([words(f"Should it be? {TEXTS[1]} Answer:")["input_ids"]])
    out = net.generate(ids, max_new_tokens=5, do_sample=False, pad_token_id=0)
    assert answers[1].text == words.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
    assert {a.text for a in judge(min_captured=1.0, max_new_tokens=0).answers(TEXTS)} == {""}


def test_a_model_alone_is_one_sentence() -> None:
    with pytest.raises(InputError, match=r"pair \(model, tokenizer\)"):
        Judge(model("Llama"), "{text}", ["yes", "no"]).answers(["a"])


@pytest.mark.parametrize("family", ["Bloom", "Mamba"])
def test_models_that_share_less_or_nothing_answer_too(family: str) -> None:
    made = judge(family=family)
    one_by_one = [judge(family=family).answers([text])[0].probabilities["yes"] for text in TEXTS]
    assert made.predict_proba(TEXTS)[:, 0] == pytest.approx(np.array(one_by_one), abs=1e-5)


def test_a_mitigated_decision_is_the_same_to_the_last_bit_whichever_variation_comes_in() -> None:
    tables = []
    for value in range(5):
        fair = mitigate(judge(), "race")
        table = [fair.varier.variations(text)[value].item for text in TEXTS[:2]]
        tables.append([(d.label, d.probabilities) for d in fair.decide(table)])
    assert all(table == tables[0] for table in tables)


def test_the_batch_size_bounds_the_prompts_of_a_pass_and_changes_nothing() -> None:
    one = judge(batch_size=1).predict_proba(TEXTS)
    assert one == pytest.approx(judge().predict_proba(TEXTS), abs=1e-6)


def test_a_back_end_of_ones_own_is_taken_as_it_is() -> None:
    options = Options.of(["yes", "no"])
    backend = LocalBackend(Local((model("Llama"), tokenizer())), options, 0.0, sharing="none")
    assert open_backend(backend, options) is backend
    made = Judge(backend, "Should it be? {text} Answer:", ["yes", "no"], min_captured=0.0)
    assert made.predict_proba(TEXTS) == pytest.approx(judge().predict_proba(TEXTS), abs=1e-5)
