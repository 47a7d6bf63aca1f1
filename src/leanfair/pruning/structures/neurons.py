"""Which neurons of a network can go one by one.

Each dense module is asked where its channels go. Those that end inside one block, and so leave the
residual stream its width, make a group; groups whose channels meet become one. Nothing is taken on
trust: every group is tried out against its zero-masked twin before it is offered.
"""

from __future__ import annotations

from collections.abc import Set
from math import inf

from torch.nn.modules.conv import _ConvNd

from leanfair.pruning.structures.channels import OutputError, adds, group_of, width
from leanfair.pruning.structures.groups import Group, RefusedError, joined, meet
from leanfair.pruning.structures.tracing.dependency import Dye, Stains
from leanfair.pruning.structures.tracing.tied_weights import shared
from leanfair.pruning.structures.trials import Trials
from leanfair.pruning.surgery.modules import is_dense
from leanfair.pruning.types import Cut, NeuronCut, Neurons

LAST = "one neuron is all it has"
MISFIT = "the network does not run, or does not train, without some of its channels"
UNEQUAL = "removing neurons changes more than zeroing them does"


def find_neurons(
    dye: Dye,
    trials: Trials,
    blocks: tuple[str, ...],
    streams: Set[str],
    taken: Set[str] = frozenset(),
) -> tuple[tuple[Neurons, ...], dict[str, str]]:
    """The neurons of a network and, by name, what was refused and why.

    Neurons inside a block stay inside it: `blocks` are those whose outputs are the residual
    stream, `streams` those that also pass their input on. The modules `taken` are not asked.
    """
    search = _Search(dye)
    entering = {block: dye.entering(block) for block in blocks if dye.once(block)}
    for name in dye.seen.order:
        if name not in taken:
            search.ask(name, next((b for b in entering if name.startswith(f"{b}.")), ""), streams)
    offered = []
    for group in search.groups:
        if group.touches(entering.get(group.block, {})):
            search.refused[group.name] = "its channels meet those that come into the block"
        elif why := search.tie(group) or _unfit(group, dye, trials):
            search.refused[group.name] = why
        else:
            offered.append(group.neurons())
    return tuple(proven(offered, trials, search.refused)), search.refused


class _Search:
    """The groups found so far, and what was refused, with where its channels go."""

    def __init__(self, dye: Dye) -> None:
        self.dye = dye
        self.groups: list[Group] = []
        self.refused: dict[str, str] = {}
        self.lost: dict[str, Stains] = {}

    def ask(self, name: str, block: str, streams: Set[str]) -> None:
        """Add the neurons that begin in module `name`, if any do."""
        module, role = self.dye.modules[name], self.dye.roles[name]
        if role.kind == "closed" and (is_dense(module) or isinstance(module, _ConvNd)):
            self.refused[name] = role.why
        elif role.kind == "dense" and width(module) == 1:
            self.refused[name] = LAST  # it may be spread over the channels of others
        elif role.kind == "dense":
            try:
                self.add(group_of(self.dye, name, block, streams))
            except RefusedError as reason:
                self.lost[name] = reason.stains
                if not isinstance(reason, OutputError):
                    self.refused[name] = str(reason)

    def add(self, group: Group) -> None:
        """Put `group` among the others, as one with those whose channels meet its own. Raises
        RefusedError where that cannot be; then those are refused, too."""
        met = [other for other in self.groups if meet(other, group)]
        for other in met:
            self.groups.remove(other)
        try:
            for other in met:
                group = joined(other, group)
        except RefusedError as reason:
            self.refused |= {other.name: str(reason) for other in met}
            raise
        self.groups.append(group)

    def tie(self, group: Group) -> str:
        """Which refused channels hold those of `group` back; "" if none do."""
        held = (name for name, stains in self.lost.items() if group.touches(stains))
        name = next(held, "")
        return name and f"its channels meet those of {name}, which stay"


def _unfit(group: Group, dye: Dye, trials: Trials) -> str:
    """Why a group is not offered even though its channels are accounted for; "" where it is."""
    producers = [module for module, side in group.spans if side == "out"]
    if group.block == group.name and len(producers) > 1:  # gates may be among them
        added = [name for name in producers if adds(dye, name)]
        if len(added) > 1:
            return f"its channels are added to those of {next(n for n in added if n != group.name)}"
    if why := torn(group.neurons(), dye):
        return why
    if not trials.acts(producers):
        return "the logits do not depend on it"
    return LAST if group.count < 2 else ""


def torn(group: Neurons, dye: Dye) -> str:
    """Which module of a group shares its weights with one that would stay; "" if none does."""
    for name in dict.fromkeys(member.module for member in group.members):
        if shared(dye.modules[name], dye.places):
            return f"{name} shares its weights with another module"
    return ""


def proven(groups: list[Neurons], trials: Trials, refused: dict[str, str]) -> list[Neurons]:
    """Those of `groups` whose removal reproduces the zero-masked twin: all are tried at once, and
    where that fails, each half of them."""
    if not groups:
        return []
    cuts = tuple(NeuronCut(group, tuple(range(0, group.count - 1, 2))) for group in groups)
    gap = trials.gap(Cut("neurons", neurons=cuts))
    if gap <= 1.0:
        return groups
    if len(groups) == 1:
        refused[groups[0].name] = MISFIT if gap == inf else UNEQUAL
        return []
    middle = len(groups) // 2
    return [
        *proven(groups[:middle], trials, refused),
        *proven(groups[middle:], trials, refused),
    ]
