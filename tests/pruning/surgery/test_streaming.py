"""What a cut leaves of a streamed model is what it leaves of the model in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from leanfair.data.batches import Batch
from leanfair.errors import SurgeryError
from leanfair.models.streamed import shelf_of, streamed
from leanfair.pruning.structures.repeated import trace_repeated
from leanfair.pruning.surgery.removal import apply, remove
from leanfair.pruning.surgery.streaming import shelf_after
from leanfair.pruning.types import Cut, Layer, Member, NeuronCut, Neurons
from tests.support.marks import mostly_real
from tests.support.shelves import ids, saved


@pytest.mark.parametrize("kind", mostly_real(["tied", "gpt2"], ["gpt2"]))
def test_layers_heads_and_units_go_as_in_memory_cut_after_cut(kind: str, tmp_path: Path) -> None:
    whole, model = saved(tmp_path, kind), streamed(tmp_path)
    sample = Batch({"input_ids": ids(2)})
    found, _ = trace_repeated(model, sample, free=True)
    layer = Cut("layer", layers=found.layers[1:2])
    gone = {f"{each.name}." for each in layer.layers}
    groups = [g for g in found.neurons if not f"{g.name}.".startswith(tuple(gone))]
    assert {group.unit for group in groups} == {"head", "channel"}
    narrower = Cut("neurons", neurons=tuple(
        NeuronCut(group, tuple(range(i % 2, group.count - 1, 3))) for i, group in enumerate(groups)
    ))  # fmt: skip
    for cut in (narrower, layer):
        whole, model = apply(cut, whole, sample), apply(cut, model, sample)
        with torch.no_grad():
            assert torch.equal(model(ids()).logits, whole(ids()).logits)
        shelf = shelf_of(model)
        assert shelf is not None
        for name, value in whole.named_parameters():
            assert torch.equal(shelf.load(name), value), name


def test_what_is_no_dense_layer_is_refused_by_name(tmp_path: Path) -> None:
    saved(tmp_path)
    model: Any = streamed(tmp_path)
    name = "model.layers.1.input_layernorm"
    group = Neurons(name, "model.layers.1", 16, (Member(name, "both"),))
    shelf = shelf_of(model)
    assert shelf is not None
    with pytest.raises(SurgeryError, match="input_layernorm"):
        shelf_after(Cut("neurons", neurons=(NeuronCut(group, (0,)),)), shelf, model)
    with pytest.raises(SurgeryError, match="layers has no member 9"):
        remove(Cut("layer", layers=(Layer("model.layers.9", "model.layers", ()),)), model)
