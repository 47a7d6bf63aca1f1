"""Shared or not, in whatever order and padding: the log-probabilities are those of a plain pass."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch

from leanfair.errors import InputError
from leanfair.fairness.judge.backends.scoring import Query, Scorer, Sharing, products
from leanfair.fairness.judge.backends.scoring import scorer as scoring
from leanfair.fairness.judge.backends.scoring.scorer import WAYS
from leanfair.fairness.judge.backends.tokens import Tokens
from tests.support.tiny_judge import FAMILIES, model

WAY_OF = {"Gemma2": "tree", "Bloom": "prefix", "Mamba": "none"}
"""Gemma 2 caps what attention weighs, and Bloom has its positions in masks of its own."""


def plainly(net: Any, query: Query) -> list[float]:
    """The oracle: one forward pass over each prompt with each answer, by itself."""
    found = []
    for answer in query.answers:
        ids = torch.tensor([[*query.prompt, *answer]])
        with torch.no_grad():
            logs = torch.log_softmax(net(input_ids=ids).logits[0].double(), dim=-1)
        start = len(query.prompt) - 1
        found.append(sum(float(logs[start + i, token]) for i, token in enumerate(answer)))
    return found


def queries(n_texts: int = 4, n_variations: int = 3, seed: int = 0) -> tuple[list[Query], Tokens]:
    """Prompts with a common head; texts with a common start, then varied, then going on alike."""
    pick = random.Random(seed)

    def tokens(n: int) -> Tokens:
        return tuple(pick.randrange(400) for _ in range(n))

    head, tail = tokens(9), tokens(2)
    answers = ((7,), (8,), (7, 9), (12, 13, 14), (12, 13, 15))
    made = []
    for _ in range(n_texts):
        start, end = tokens(pick.randrange(1, 9)), tokens(pick.randrange(1, 12))
        for _ in range(n_variations):
            made.append(Query((*head, *start, *tokens(pick.randrange(1, 4)), *end, *tail), answers))
    return made, head


def scored(scorer: Scorer, asked: list[Query], head: Tokens = ()) -> list[list[float]]:
    return [logs for _, logs in sorted(scorer.score(asked, head))]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_scores_as_a_plain_forward_pass_does(family: str) -> None:
    net = model(family)
    asked, head = queries()
    scorer = Scorer(net)
    assert scorer.way == WAY_OF.get(family, "packed")
    for found, query in zip(scored(scorer, asked, head), asked, strict=True):
        assert found == pytest.approx(plainly(net, query), abs=1e-4)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("budget", [1, 40, 10_000])
def test_every_way_and_pass_size_gives_the_same(way: Sharing, budget: int) -> None:
    net = model("Llama")
    asked, head = queries()
    expected = [plainly(net, query) for query in asked]
    for found, right in zip(scored(Scorer(net, way, budget), asked, head), expected, strict=True):
        assert found == pytest.approx(right, abs=1e-4)


@pytest.mark.parametrize("way", WAYS)
def test_prompts_that_are_equal_or_the_start_of_one_another_are_kept_apart(way: Sharing) -> None:
    net = model("Llama")
    answers = ((3,), (4, 5))
    asked = [Query(p, answers) for p in [(1, 2), (1,), (1, 2), (1, 2, 3, 4, 5, 6), (9, 9)]]
    for found, query in zip(scored(Scorer(net, way), asked), asked, strict=True):
        assert found == pytest.approx(plainly(net, query), abs=1e-4)


def test_the_common_start_of_the_table_is_computed_once_over_all_calls() -> None:
    asked, head = queries(n_texts=3)
    scorer = Scorer(model("Llama"), "prefix")
    scored(scorer, asked, head)
    first = scorer.tokens_computed
    scored(scorer, asked, head)
    assert scorer.tokens_computed - first == first - len(head)


@pytest.mark.parametrize("way", ["packed", "tree"])
def test_the_common_start_of_a_text_is_computed_once_for_its_variations(way: Sharing) -> None:
    head, start = tuple(range(20, 30)), tuple(range(100, 140))
    asked = [Query((*head, *start, value, 5, 6), ((7,),)) for value in range(200, 205)]
    scorer = Scorer(model("Llama"), way)
    scored(scorer, asked, head)
    assert scorer.tokens_computed == len(head) + len(start) + 5 * 3


def test_what_texts_of_a_pass_have_in_common_is_computed_once() -> None:
    head, case = tuple(range(20, 30)), (40, 41, 42)
    asked = [
        Query((*head, *case, text, *range(50, 90), value, 5), ((7,),))
        for text in range(100, 104)
        for value in range(200, 205)
    ]
    scorer = Scorer(model("Llama"), "packed")
    scored(scorer, asked, head)
    assert scorer.tokens_computed == len(head) + len(case) + 4 * (1 + 40 + 5 * 2)


@pytest.mark.parametrize("way", WAYS[:-1])
def test_a_prompt_alone_and_one_call_after_another_are_scored_right(way: Sharing) -> None:
    net = model("Llama")
    scorer = Scorer(net, way)
    for start in (10, 30, 10):
        query = Query(tuple(range(start, start + 12)), ((3,), (4, 5)))
        assert scored(scorer, [query])[0] == pytest.approx(plainly(net, query), abs=1e-4)


def test_what_a_query_gets_does_not_depend_on_the_order_of_the_table() -> None:
    asked, head = queries()
    order = random.Random(3).sample(range(len(asked)), len(asked))
    straight = scored(Scorer(model("Llama")), asked, head)
    shuffled = scored(Scorer(model("Llama")), [asked[i] for i in order], head)
    assert [straight[i] for i in order] == shuffled  # to the last bit


@pytest.mark.parametrize("family", ["Mistral", "Gemma2", "Gemma3Text", "Qwen2"])
def test_prompts_longer_than_a_sliding_window_are_scored_right(family: str) -> None:
    changes: dict[str, Any] = {"sliding_window": 6}
    if family == "Qwen2":
        changes |= {"use_sliding_window": True, "max_window_layers": 0}
    net = model(family, **changes)
    asked, head = queries()
    for found, query in zip(scored(Scorer(net), asked, head), asked, strict=True):
        assert found == pytest.approx(plainly(net, query), abs=1e-4)


def test_positions_that_stretch_with_the_length_are_scored_right() -> None:
    scaled = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}
    net = model("Llama", max_position_embeddings=16, rope_parameters=None)
    net = type(net)(type(net.config)(**{**net.config.to_dict(), "rope_parameters": scaled})).eval()
    asked = [Query(tuple(range(20 + extra)), ((1,), (2, 3))) for extra in range(6)]
    scorer = Scorer(net)
    assert not scorer._fits(asked)


def test_a_model_that_pays_no_heed_to_masks_is_asked_without_any() -> None:
    net = model("Llama", seed=5)

    class Heedless(type(net)):  # type: ignore[misc]
        def forward(self, input_ids: Any, attention_mask: Any = None, **more: Any) -> Any:
            return super().forward(input_ids, attention_mask=None, **more)

    heedless = Heedless(net.config).eval()
    assert Scorer(heedless).way == "packed"
    with pytest.raises(InputError, match="sharing 'tree'"):
        Scorer(heedless, "tree")


def test_a_model_whose_positions_are_its_own_falls_back() -> None:
    net = model("Llama", seed=5)

    class Counting(type(net)):  # type: ignore[misc]
        def forward(self, input_ids: Any, position_ids: Any = None, **more: Any) -> Any:
            return super().forward(input_ids, **more)

    counting = Counting(net.config).eval()
    assert Scorer(counting).way == "prefix"
    with pytest.raises(InputError, match="sharing 'packed'"):
        Scorer(counting, "packed")


def test_of_a_large_vocabulary_fewer_prompts_share_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, head = queries()
    expected = scored(Scorer(model("Llama")), asked, head)
    monkeypatch.setattr(scoring, "_MOST_LOGITS", 3 * 400 + 1)
    scorer = Scorer(model("Llama"), batch_size=5)
    assert scorer.room("packed").queries == 3
    assert Scorer(model("Llama"), batch_size=2).room("packed").queries == 2
    assert np.array(scored(scorer, asked, head)) == pytest.approx(np.array(expected), abs=1e-4)


def test_an_unknown_way_of_sharing_is_an_input_error() -> None:
    with pytest.raises(InputError, match="sharing is one of"):
        Scorer(model("Llama"), "all")  # type: ignore[arg-type]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("laid_out", [True, False])
def test_a_model_whose_weights_were_changed_meanwhile_is_asked_anew(
    way: Sharing, laid_out: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if laid_out and not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(products, "onednn_is_faster", lambda: laid_out)
    monkeypatch.setattr(products, "_MANY", 1)
    net = model("Llama")
    scorer = Scorer(net, sharing=way)
    asked, head = queries()
    for _ in range(4):  # weights are laid out after some passes
        before = scored(scorer, asked, head)
    for layer in net.model.layers:
        layer.mlp.down_proj.weight.data *= -1.0
    found = scored(scorer, asked, head)
    assert found[0] != pytest.approx(before[0], abs=1e-3)
    for query, logs in zip(asked, found, strict=True):
        assert logs == pytest.approx(plainly(net, query), abs=1e-4)
