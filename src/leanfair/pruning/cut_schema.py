"""A cut in JSON, key by key, as `Cut.to_json` writes it: in `cuts.json`, `steps.json` and
`summary.json`. What stands below each key is its documentation, as in `leanfair.pruning.schema`."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import NotRequired, TypedDict


class CutEntry(TypedDict):
    """What one edit removes: an item of `cuts.json`. Names are those of the network that it applies
    to: when `layer2.3` is gone, what was `layer2.4` is called `layer2.3` in the next cut."""

    kind: Literal["layer", "neurons"]
    """Whether blocks go, or neurons inside of them."""
    layers: list[LayerEntry]
    """The blocks that go."""
    neurons: list[NeuronCutEntry]
    """The neurons that go."""
    saves: Saved
    """What that saves."""


class Saved(TypedDict):
    """What a cut saves."""

    macs: int
    """Multiply-accumulates for one sample."""
    params: int
    """Parameters, shared ones once."""
    filters: int
    """Output channels of convolutions."""
    latency: NotRequired[int]
    """Nanoseconds of a forward pass by the table of times, where it decides."""


class LayerEntry(TypedDict):
    """A block that goes."""

    name: str
    """Its name."""
    container: str
    """The module that holds it."""
    exits: list[str]
    """The modules whose outputs, set to zero, make it pass its input on unchanged; empty where it
    would change it even so, and is left out instead."""
    fields: list[str]
    """Entries of the configuration that say how many such blocks there are."""
    lists: list[str]
    """Entries of the configuration that have an item for each of them."""


class NeuronCutEntry(TypedDict):
    """The neurons of one layer that go."""

    group: NeuronsEntry
    """The neurons of that layer."""
    drop: list[int]
    """The numbers of those that go, ascending."""


class NeuronsEntry(TypedDict):
    """The neurons (filters, hidden units, heads) of one layer."""

    name: str
    """The module that produces them."""
    block: str
    """The block that they are inside of."""
    count: int
    """How many there are before the cut."""
    members: list[MemberEntry]
    """The tensor dimensions that they run through."""
    unit: Literal["channel", "head"]
    """What one of them is."""
    sizes: list[list[str]]
    """Attributes of modules, `[module, attribute]`, that say how many there are."""
    fields: list[list[Any]]
    """Entries of the configuration that say so, `[entry, what one neuron adds to it]`."""
    fixed: list[list[Any]]
    """Entries of the configuration that must be stated then, `[entry, value]`."""
    counts: list[int]
    """The numbers of neurons that the configuration allows; empty where it allows all."""


class MemberEntry(TypedDict):
    """A tensor dimension that neurons run through: neuron i has the features
    `offset + i * repeat` to `offset + (i + 1) * repeat`."""

    module: str
    """The module that has it."""
    side: Literal["out", "in", "both"]
    """Whether its outputs, its inputs, or both at once."""
    offset: int
    """Where the first neuron's features begin."""
    repeat: int
    """How many features a neuron has."""
