"""What became of each block, by the name that it had in the first network."""

from __future__ import annotations

from typing import cast

from leanfair.pruning.report.architecture import removed_in, stages
from leanfair.pruning.run.summary import original_names
from leanfair.pruning.schema import StepEntry
from leanfair.pruning.types import Cut, Layer
from tests.support.nets import tiny
from tests.support.summaries import produced


def removing(index: int, name: str) -> StepEntry:
    """A round that removes one block, called `name` in the network of that round."""
    found = produced("images")["steps"][0]
    cut = Cut("layer", (Layer(name, name.rpartition(".")[0], ()),))
    return cast(StepEntry, {**found, "index": index, "cut": cut.to_json()})


def test_the_round_in_which_a_block_went_is_told_by_its_original_name() -> None:
    names = ("layer2.3", "layer2.3", "layer2.1", "layer2.2", "layer1.3")
    steps = [removing(index, name) for index, name in enumerate(names, start=1)]
    assert removed_in(steps) == {
        "layer2.3": 1, "layer2.4": 2, "layer2.1": 3, "layer2.5": 4, "layer1.3": 5,
    }  # fmt: skip


def test_the_rounds_of_blocks_agree_with_the_names_that_the_run_gives() -> None:
    found = produced("images")
    base = tiny(20)
    cuts = [Cut.from_json(step["cut"]) for step in found["steps"]]
    gone = removed_in(found["steps"])
    assert gone
    blocks = {b["name"] for stage in found["architecture"]["before"] for b in stage["blocks"]}
    containers = {layer.container for cut in cuts for layer in cut.layers}
    left = {name for name in blocks - set(gone) if name.rpartition(".")[0] in containers}
    assert set(original_names(base, cuts).values()) == left
    after = {b["name"] for stage in found["architecture"]["after"] for b in stage["blocks"]}
    assert after == blocks - set(gone)


def test_a_block_that_is_gone_has_no_width_left() -> None:
    found = produced("images")
    gone = removed_in(found["steps"])
    for stage in stages(found["architecture"], gone):
        for block in stage.blocks:
            assert block.removed == (block.name in gone)
            assert block.round == gone.get(block.name)
            assert all((width.after == 0) == block.removed for width in block.widths)
