"""What is found of a module is told for those of its kind, and for no others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from leanfair.pruning.structures.tracing.dependency import Trace, Tracer
from leanfair.pruning.structures.tracing.kinds import (
    Kinds,
    group_renamed,
    renamed,
    trace_renamed,
)
from leanfair.pruning.types import Member, Neurons
from tests.support import parts as p
from tests.support.zoo import PROOF, Net, randomised


def kinds_of(*blocks: nn.Module) -> Kinds:
    return Kinds(Tracer(randomised(Net(*blocks)), PROOF))


def test_blocks_of_one_class_and_shape_are_of_a_kind() -> None:
    kinds = kinds_of(p.Basic(), p.Basic(), p.Basic())
    assert [kinds.first(f"blocks.{i}") for i in range(3)] == ["blocks.0"] * 3


def _set(attribute: str, value: object) -> Callable[[nn.Module], None]:
    return lambda block: setattr(block, attribute, value)


OTHER: dict[str, Callable[[nn.Module], None]] = {
    "a setting": _set("gated", True),
    "a function": _set("activation", torch.tanh),
    "a setting inside": lambda block: setattr(block.first[0], "padding_mode", "circular"),  # type: ignore[index, union-attr]
    "a module": lambda block: setattr(block, "more", nn.Identity()),
    "a width": lambda block: setattr(
        block, "first", nn.Sequential(nn.Conv2d(8, 6, 3, padding=1), nn.Conv2d(6, 8, 1))
    ),
    "a hook": lambda block: block.register_forward_hook(lambda *seen: None) and None,
}


@pytest.mark.parametrize("what", sorted(OTHER))
def test_blocks_that_differ_are_of_different_kinds(what: str) -> None:
    block = p.Basic()
    OTHER[what](block)
    kinds = kinds_of(p.Basic(), block)
    assert kinds.first("blocks.1") != kinds.first("blocks.0")


def test_the_number_of_a_layer_and_what_training_heeds_make_no_kind() -> None:
    blocks = [p.Basic() for _ in range(2)]
    for i, block in enumerate(blocks):
        vars(block).update(layer_idx=i, drop_path=0.1 * i)
    kinds = kinds_of(*blocks)
    assert kinds.first("blocks.0") == kinds.first("blocks.1")


def test_inputs_of_another_shape_make_another_kind() -> None:
    kinds = kinds_of(p.Basic(), nn.MaxPool2d(2), p.Basic())
    assert kinds.first("blocks.0") != kinds.first("blocks.2")


def test_what_is_found_once_is_told_for_others_by_their_names() -> None:
    kinds = kinds_of(p.Basic(), p.Basic(), p.Basic(8, 8, 2))
    asked: list[str] = []

    def find(name: str) -> str:
        asked.append(name)
        return f"{name}.first"

    found = [kinds.once("x", f"blocks.{i}", find, renamed) for i in range(3)]
    assert found == ["blocks.0.first", "blocks.1.first", "blocks.2.first"]
    assert asked == ["blocks.0", "blocks.2"]


def test_names_are_changed_inside_a_module_only() -> None:
    assert renamed("a.1", "a.1", "a.2") == "a.2"
    assert renamed("a.1.b", "a.1", "a.2") == "a.2.b"
    assert renamed("a.10.b", "a.1", "a.2") == "a.10.b"
    where: Tensor = torch.ones(3, dtype=torch.bool)
    trace = trace_renamed(Trace({("a.1.b", "in"): where}), "a.1", "a.2")
    assert list(trace.marked) == [("a.2.b", "in")]
    group = Neurons("a.1.b", "a.1", 3, (Member("a.1.b", "out"), Member("a.1.c", "in", 2)))
    told = group_renamed(group, "a.1", "a.2")
    assert told == Neurons("a.2.b", "a.2", 3, (Member("a.2.b", "out"), Member("a.2.c", "in", 2)))
