"""A model of transformers inside a network of one's own is saved and opened by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel, LlamaConfig, LlamaModel

import leanfair
from leanfair.pruning.structures.configuration.inner import inner_models

IDS = torch.randint(3, 64, (16, 9), generator=torch.Generator().manual_seed(0))
DATA = [{"input_ids": IDS}]
ASKED: dict[str, Any] = {"criterion": "l1", "latency_batches": ()}


class Pooled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=5,
            num_attention_heads=4, max_position_embeddings=16,
        )  # fmt: skip
        self.inside = nn.ModuleDict({"encoder": LlamaModel(config)})
        self.head = nn.Linear(32, 3)

    def forward(self, input_ids: Tensor) -> Tensor:
        hidden = self.inside["encoder"](
            input_ids=input_ids, use_cache=False
        ).last_hidden_state.mean(1)
        logits: Tensor = self.head(hidden)
        return logits


def test_its_configuration_tells_how_many_blocks_are_left(tmp_path: Path) -> None:
    network = Pooled().eval()
    assert list(inner_models(network)) == ["inside.encoder"]
    run = leanfair.prune(
        network, calibration=DATA, cut=0.4, only="layer", out=tmp_path / "run", **ASKED
    )
    assert run.summary["notes"] == []
    for pruned in (run.model, leanfair.load(tmp_path / "run", Pooled())):
        small: Any = pruned.get_submodule("inside.encoder")
        assert small.config.num_hidden_layers == len(small.layers) < 5
        small.save_pretrained(tmp_path / "small")
        again = AutoModel.from_pretrained(tmp_path / "small").eval()
        with torch.no_grad():
            gap = again(IDS).last_hidden_state - small(IDS).last_hidden_state
        assert float(gap.abs().max()) < 1e-5
    inside: Any = network.get_submodule("inside.encoder")
    assert inside.config.num_hidden_layers == 5


def test_where_it_cannot_tell_its_shape_that_is_noted() -> None:
    run = leanfair.prune(Pooled().eval(), calibration=DATA, cut=0.1, only="neurons", **ASKED)
    assert run.summary["notes"] is not None
    (note,) = run.summary["notes"]
    assert "configuration of inside.encoder (LlamaModel) cannot tell its shape" in note
