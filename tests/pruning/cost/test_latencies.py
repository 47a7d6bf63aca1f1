"""The times of the first and the last network of a run."""

from __future__ import annotations

import torch
from torch import nn

from leanfair.data.batches import Batch
from leanfair.evaluation.layout import layout_of
from leanfair.pruning.cost import latencies
from leanfair.pruning.cost.latencies import latencies_of, layouts_of
from tests.support.nets import tiny

PICTURES = Batch(torch.zeros(3, 1, 8, 8))


def test_a_layout_that_decided_is_that_of_both():
    decided = layouts_of(tiny(8), tiny(8), PICTURES, (1,), "channels_last")
    assert decided == {"before": "channels_last", "after": "channels_last"}


def test_each_network_has_its_own_faster_layout_and_is_timed_in_it(monkeypatch):
    first, last = tiny(8), tiny(8, seed=1)
    monkeypatch.setattr(
        latencies,
        "faster_layout",
        lambda model, sample, sizes: "contiguous" if model is first else "channels_last",
    )
    found = layouts_of(first, last, PICTURES, (1, 2), None)
    assert found == {"before": "contiguous", "after": "channels_last"}
    seen: list[tuple[str, str]] = []

    def watched(models, sample, size):
        seen.append((layout_of(models["before"]), layout_of(models["after"])))
        return {name: latencies.speed.Latency(1.0, 0.5, 2.0, size) for name in models}

    monkeypatch.setattr(latencies.speed, "compare_latency", watched)
    timed = latencies_of(first, last, PICTURES, (1, 2), found)
    assert seen == [("contiguous", "channels_last")] * 2
    assert timed["after"]["2"] == {"median": 1.0, "low": 0.5, "high": 2.0, "runs": 2}
    assert layout_of(last) == "contiguous"


def test_a_network_without_convolutions_stays_as_it_is():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    assert set(layouts_of(model, model, PICTURES, (1,), None).values()) == {"contiguous"}
