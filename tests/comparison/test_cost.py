"""What two models cost: counted against references, weighed, and timed in turn."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import leanfair
from leanfair.comparison.cost import cost_of, said_of
from leanfair.comparison.pair import Pair, Side
from leanfair.comparison.schema.cost import Cost
from leanfair.comparison.sides.fitting import fitted
from leanfair.pruning.cost import macs
from tests.support import tiny_text
from tests.support.nets import samples, tiny
from tests.support.pairs import small_comparison
from tests.support.schemas import misfits

BRIEF = 0.01


def dense(width: int) -> nn.Module:
    """Two layers whose cost is counted by hand."""
    return nn.Sequential(nn.Flatten(), nn.Linear(6, width), nn.ReLU(), nn.Linear(width, 3)).eval()


def dense_pair(parent: int = 40, child: int = 10) -> tuple[Pair, list[tuple[torch.Tensor, ...]]]:
    data = [(torch.randn(8, 6), torch.arange(8) % 3)]
    return fitted(Side("Parent", dense(parent)), Side("Child", dense(child)), data), data


def test_counts_are_those_by_hand() -> None:
    pair, data = dense_pair()
    found = cost_of(pair, data, batch_size=4, seconds=BRIEF)
    assert found["macs"] == {"parent": 40 * 9, "child": 10 * 9}
    assert found["params"] == {"parent": 40 * 10 + 3, "child": 10 * 10 + 3}
    assert found["bytes"] == {"parent": 4 * 403, "child": 4 * 103}
    # The input and the widest pair of neighbouring layers stand beside the weights.
    assert found["memory"]["parent"] > found["bytes"]["parent"] + 4 * (6 + 40)
    assert found["tokens"] is None
    assert found["writing"] is None


def test_batches_of_one_and_of_many_are_timed_and_throughput_is_of_the_larger() -> None:
    pair, data = dense_pair()
    found = cost_of(pair, data, batch_size=32, seconds=BRIEF)
    assert [each["batch_size"] for each in found["latency"]] == [1, 32]
    large = found["latency"][1]
    assert found["throughput"]["parent"] == pytest.approx(32 / large["parent"]["median"])
    for each in found["latency"]:
        parent, child = each["parent"], each["child"]
        assert each["speedup"] == pytest.approx(parent["median"] / child["median"])
        assert each["overlap"] == (
            parent["low"] <= child["high"] and child["low"] <= parent["high"]
        )
    assert len(cost_of(pair, data, batch_size=1, seconds=BRIEF)["latency"]) == 1


def test_macs_of_a_pruned_network_are_what_its_run_says() -> None:
    data = samples(24)
    run = leanfair.prune(
        tiny(), calibration=data, cut=0.3, criterion="l1", min_layers=1, latency_batches=()
    )
    pair = fitted(Side("Parent", tiny()), Side("Child", run.model), data)
    found = cost_of(pair, data, batch_size=2, seconds=BRIEF)
    assert found["macs"]["parent"] == run.summary["macs"]["before"]
    assert found["macs"]["child"] == run.summary["macs"]["after"]
    assert found["params"]["child"] == run.summary["params"]["after"]


def test_a_language_model_is_timed_in_writing_and_texts_are_cut_short() -> None:
    parent, child = tiny_text.llama(), tiny_text.llama(intermediate_size=16)
    ids = torch.randint(3, 60, (4, 40), generator=torch.Generator().manual_seed(0))
    data = [{"input_ids": ids}]
    pair = fitted(Side("Parent", parent), Side("Child", child), data)
    found = cost_of(pair, data, batch_size=2, seconds=BRIEF)
    assert misfits(found, Cost, "cost") == []
    assert found["tokens"] == 40
    writing = found["writing"]
    assert writing is not None
    assert writing["prompt_tokens"] == 40
    assert writing["prefill"]["parent"] > 0
    assert writing["token"]["speedup"] > 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("leanfair.comparison.cost.TOKENS", 16)
        short = cost_of(pair, data, batch_size=2, seconds=BRIEF)
    assert short["tokens"] == 16
    assert short["macs"]["child"] < found["macs"]["child"]
    assert found["macs"]["child"] == macs.cost_of(child, leanfair_batch(ids[:1])).macs


def leanfair_batch(ids: torch.Tensor) -> macs.Batch:
    return macs.Batch({"input_ids": ids})


def test_files_are_weighed_where_models_were_read_from_them(tmp_path: Path) -> None:
    pair, data = dense_pair()
    save_file(pair.child.model.state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text("{}" * 500)
    size = (tmp_path / "model.safetensors").stat().st_size
    for path in (tmp_path, tmp_path / "model.safetensors"):
        child = Side("Child", pair.child.model, path=path)
        held = fitted(pair.parent, child, data)
        found = cost_of(held, data, batch_size=1, seconds=BRIEF)["files"]
        assert found == {"parent": None, "child": size}


def told(parent: int, child: int, speedup: float, overlap: bool) -> Cost:
    found = deepcopy(small_comparison().summary["cost"])
    assert found is not None
    found["macs"] = {"parent": parent, "child": child}
    for each in found["latency"]:
        each["speedup"], each["overlap"] = speedup, overlap
    return found


def test_the_first_batch_size_at_which_times_do_not_overlap_is_told() -> None:
    found = told(100, 40, 1.8, True)
    found["latency"][1]["overlap"] = False
    assert "runs 1.80 times as fast at batch 16" in said_of(found).won


@pytest.mark.parametrize(
    ("parent", "child", "speedup", "overlap", "kind", "words"),
    [
        (100, 40, 1.8, False, "won", "needs 60.0% fewer MACs; runs 1.80 times as fast"),
        (100, 120, 0.8, False, "lost", "needs 20.0% more MACs; runs only 0.80 times as fast"),
        (100, 100, 1.1, True, "unknown", "whether it is faster"),
    ],
)
def test_the_headline_says_what_was_won_lost_and_is_not_known(
    parent: int, child: int, speedup: float, overlap: bool, kind: str, words: str
) -> None:
    said = said_of(told(parent, child, speedup, overlap))
    assert "; ".join(getattr(said, kind)).startswith(words)


def test_nothing_is_said_where_nothing_was_measured() -> None:
    said = said_of(None)
    assert (said.lost, said.won, said.unknown) == ((), (), ())
