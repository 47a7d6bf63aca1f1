"""Networks of every kind of block, at double precision, and cuts of them."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from leanfair.data.batches import Batch
from leanfair.pruning.types import Anatomy, Cut, Member, NeuronCut, Neurons
from tests.support.oracles import zoo

X = zoo.images().inputs.double()
PROOF = Batch(X)


def _flattened() -> tuple[nn.Module, Anatomy]:
    """Filters whose pixels are flattened: a neuron owns many inputs of the dense layer."""
    model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 36, 4))
    group = Neurons("0", "0", 5, (Member("0", "out"), Member("3", "in", 0, 36)))
    return model.double().eval(), Anatomy((), (group,), (), (), "3", {})


MODELS: dict[str, tuple[nn.Module, Anatomy]] = {
    name: (zoo.awake(zoo.Net(block)).double(), zoo.anatomy(name))
    for name, block in {**zoo.BLOCKS, **zoo.REFUSED}.items()
}
MODELS["flattened"] = _flattened()

CASES = given(name=st.sampled_from(sorted(MODELS)), seed=st.integers(0, 10**9))
"""Any of the networks, and a seed for `random_cut`."""


def random_cut(anatomy: Anatomy, seed: int) -> Cut:
    rng = random.Random(seed)
    drops = [
        NeuronCut(group, tuple(sorted(rng.sample(range(group.count), rng.randrange(group.count)))))
        for group in anatomy.neurons
        if rng.random() < 0.8
    ]
    rng.shuffle(drops)
    layers = tuple(layer for layer in anatomy.layers if rng.random() < 0.4)
    return Cut("neurons", layers, tuple(drops))


def neuron_cut(*drop: int, block: str = "blocks.0", **changes: object) -> Cut:
    """Neurons `drop` of a block of `zoo.Net`; changes: of their group, to what does not fit."""
    group = zoo.by_hand(block)
    return Cut("neurons", neurons=(NeuronCut(Neurons(**{**vars(group), **changes}), drop),))
