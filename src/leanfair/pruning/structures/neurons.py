"""The neurons of a network that can be removed individually.

The output channels of each dense module are traced. Channels that stay inside one block, and so
leave the width of the residual stream unchanged, form a group; groups that share positions are
merged. Each group is verified before it is returned: removing some of its neurons must give the
outputs of the network in which they are zeroed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from math import inf

from torch.nn.modules.conv import _ConvNd

from leanfair.pruning.structures.channels import OutputError, adds, group_of
from leanfair.pruning.structures.groups import Group, RefusedError, joined, meet
from leanfair.pruning.structures.tracing.dependency import Marked, Trace, Tracer
from leanfair.pruning.structures.tracing.kinds import Kinds, trace_renamed
from leanfair.pruning.structures.tracing.known import Known, width
from leanfair.pruning.structures.tracing.tied_weights import shared
from leanfair.pruning.structures.trials import Trials
from leanfair.pruning.surgery.modules import is_dense
from leanfair.pruning.types import Cut, NeuronCut, Neurons

LAST = "one neuron is all it has"
MISFIT = "the network does not run, or does not train, without some of its channels"
UNEQUAL = "removing neurons changes more than zeroing them does"


def find_neurons(
    kinds: Kinds,
    trials: Trials,
    blocks: tuple[str, ...],
    residual: Set[str],
    taken: Set[str] = frozenset(),
) -> tuple[tuple[Neurons, ...], dict[str, str]]:
    """The groups of neurons of a network and, by name, the reason for each refusal.

    The channels of a neuron in a block must not leave it. `blocks`: names of the blocks whose
    outputs form the residual stream; `residual`: those of them that add to their input. `taken`:
    modules that are not considered, since their outputs belong to attention heads.
    """
    tracer = kinds.tracer
    entering = {block: _entering(kinds, block) for block in blocks if tracer.runs_once(block)}
    named = {name: _home(name, entering) for name in tracer.recording.order if name not in taken}
    dense = {name: home for name, home in named.items() if has_neurons(tracer, name)}
    known = Known(kinds, dense, residual)
    for knowing in (known, None):
        search = _Search(tracer, knowing)
        for name, block in named.items():
            search.ask(name, block, residual)
        found = verified(search.offered(entering, trials), trials, search.refused)
        if not {MISFIT, UNEQUAL} & set(search.refused.values()):
            break  # else each is traced by itself, to be sure
    return tuple(found), search.refused


def _home(name: str, blocks: Iterable[str]) -> str:
    """The one of `blocks` around module `name`, "" where there is none."""
    return next((block for block in blocks if name.startswith(f"{block}.")), "")


def _entering(kinds: Kinds, block: str) -> Marked:
    """The positions in `block` that depend on its input."""

    def told(marked: Marked, was: str, now: str) -> Marked:
        return trace_renamed(Trace(marked), was, now).marked

    return kinds.once("entering", block, kinds.tracer.trace_input, told)


def has_neurons(tracer: Tracer, name: str) -> bool:
    """Whether the outputs of module `name` may be neurons: it is dense, and has several."""
    return tracer.roles[name].kind == "dense" and width(tracer.modules[name]) > 1


class _Search:
    """The groups found so far, the refusals, and the positions that depend on refused channels."""

    def __init__(self, tracer: Tracer, known: Known | None) -> None:
        self.tracer = tracer
        self.known = known
        self.groups: list[Group] = []
        self.refused: dict[str, str] = {}
        self.lost: dict[str, Marked] = {}

    def ask(self, name: str, block: str, residual: Set[str]) -> None:
        """Add the neurons that begin in module `name`, if there are any."""
        module, role = self.tracer.modules[name], self.tracer.roles[name]
        if role.kind == "closed" and (is_dense(module) or isinstance(module, _ConvNd)):
            self.refused[name] = role.why
        elif role.kind == "dense" and width(module) == 1:
            self.refused[name] = LAST  # it may be broadcast over the channels of others
        elif role.kind == "dense":
            try:
                self.add(group_of(self.tracer, name, block, residual, self.known))
            except RefusedError as reason:
                self.lost[name] = reason.marked
                if not isinstance(reason, OutputError):
                    self.refused[name] = str(reason)

    def add(self, group: Group) -> None:
        """Add `group`, merged with the groups that share positions with it. Raises RefusedError if
        they cannot be merged; those groups are then refused, too."""
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

    def offered(self, entering: Mapping[str, Marked], trials: Trials) -> list[Neurons]:
        """The groups against which nothing is known; the others are refused. `entering`: the
        positions in each block that depend on its input."""
        offered = []
        for group in self.groups:
            if group.touches(entering.get(group.block, {})):
                self.refused[group.name] = "its channels meet those that come into the block"
            elif why := self.tie(group) or _why_refused(group, self.tracer, trials):
                self.refused[group.name] = why
            else:
                offered.append(group.neurons())
        return offered

    def tie(self, group: Group) -> str:
        """Why refused channels prevent the removal of `group`; "" if none do."""
        held = (name for name, marked in self.lost.items() if group.touches(marked))
        name = next(held, "")
        return name and f"its channels meet those of {name}, which stay"


def _why_refused(group: Group, tracer: Tracer, trials: Trials) -> str:
    """Why a group cannot be removed although its positions are known; "" if it can."""
    producers = [module for module, side in group.spans if side == "out"]
    if group.block == group.name and len(producers) > 1:  # gates may be among them
        added = [name for name in producers if adds(tracer, name)]
        if len(added) > 1:
            return f"its channels are added to those of {next(n for n in added if n != group.name)}"
    if why := tied_elsewhere(group.neurons(), tracer):
        return why
    if not trials.affects_logits(producers):
        return "the logits do not depend on it"
    return LAST if group.count < 2 else ""


def tied_elsewhere(group: Neurons, tracer: Tracer) -> str:
    """Which module of a group shares weights with a module outside of the group; "" if none
    does."""
    for name in dict.fromkeys(member.module for member in group.members):
        if shared(tracer.modules[name], tracer.holders):
            return f"{name} shares its weights with another module"
    return ""


def verified(groups: list[Neurons], trials: Trials, refused: dict[str, str]) -> list[Neurons]:
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
        *verified(groups[:middle], trials, refused),
        *verified(groups[middle:], trials, refused),
    ]
