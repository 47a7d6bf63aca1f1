"""The nouns of the prune wing: frozen, and JSON-able where a run writes them down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from torch import nn

    from leanfair.data.batches import Batch
    from leanfair.evaluation.problem import Problem

Kind = Literal["layer", "neurons"]
Target = Literal["macs", "params", "latency", "memory"]
CriterionName = Literal["kl", "l1", "cka", "fisher", "contribution", "random"]
Side = Literal["out", "in", "both"]


@dataclass(frozen=True)
class Member:
    """One tensor dimension that neurons run through.

    Neuron i owns the features [offset + i*repeat, offset + (i+1)*repeat) of the module's output
    ("out": rows of the weight, and the bias), of its input ("in": columns of the weight), or of
    both at once ("both": a normalisation, or a convolution with groups).
    """

    module: str
    side: Side
    offset: int = 0
    repeat: int = 1


@dataclass(frozen=True)
class Layer:
    """A block that can be removed whole: with the outputs of its modules `exits` at zero it passes
    its input on unchanged. Without `exits` it changes its input even so (a normalisation comes
    last, as in BERT), and is left out by handing its input on around it.

    `container` is the Sequential or ModuleList that it is a member of. Where a configuration tells
    the shape of the network, `fields` are its entries that say how many blocks the container has,
    and `lists` those that have an item for each of them.
    """

    name: str
    container: str
    exits: tuple[str, ...]
    fields: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()


@dataclass(frozen=True)
class Neurons:
    """`count` neurons (filters, hidden units, attention heads) that are coupled only inside
    `block`; `name` is the module that produces them. Removing neuron i removes its features from
    every member.

    `unit` is what one neuron is: a channel, or an attention head (with grouped queries a key-value
    head with all its queries). `sizes` are attributes of modules, (module, attribute), that grow
    with the count. Where a configuration tells the shape of the network, `fields` are its entries
    that say how many neurons there are, each with what one neuron adds to it, `fixed` entries that
    must be stated then, as the width of a head, and `counts` the numbers of neurons that it allows,
    where not all.
    """

    name: str
    block: str
    count: int
    members: tuple[Member, ...]
    unit: Literal["channel", "head"] = "channel"
    sizes: tuple[tuple[str, str], ...] = ()
    fields: tuple[tuple[str, int], ...] = ()
    fixed: tuple[tuple[str, int], ...] = ()
    counts: tuple[int, ...] = ()


Structure: TypeAlias = "Layer | Neurons"


@dataclass(frozen=True)
class Anatomy:
    """What a network is made of, as far as pruning is concerned.

    `layers` can be removed whole and `neurons` one by one. `stages` are the runs of blocks of one
    output shape (names in order), of which a minimum has to stay. `units` are the modules that run
    one after the other (each block, and each leaf outside of blocks), in order of execution. `head`
    is the module whose input is the penultimate representation. `refused` says why what looked like
    a structure is none. `ties` are groups of neurons (by name) that only go together, as many of
    each: what a configuration has one entry for. `problem` is what the outputs mean, where that is
    known, and `found_head` the head, with how it runs: criteria then need not find them out.
    """

    layers: tuple[Layer, ...]
    neurons: tuple[Neurons, ...]
    stages: tuple[tuple[str, ...], ...]
    units: tuple[str, ...]
    head: str
    refused: Mapping[str, str]
    ties: tuple[tuple[str, ...], ...] = ()
    problem: Problem | None = None
    found_head: tuple[str, bool, bool] | None = None


@dataclass(frozen=True)
class Scores:
    """How important each structure is by one criterion: the larger, the more would be lost.

    `layers`: name of a layer -> score. `neurons`: name of a group of neurons -> one score a neuron.
    `doubt`: of the neurons that these scores remove, the share for which another may go where the
    scores are found exactly; 0 where they are.
    """

    criterion: str
    layers: Mapping[str, float]
    neurons: Mapping[str, tuple[float, ...]]
    doubt: float = 0.0


class Criterion(Protocol):
    """A function that tells how important each structure of `anatomy` is to `model`.

    batches: calibration data. seed: decides all chance. progress: called with the share that is
    done, from 0 to 1.
    """

    def __call__(
        self,
        model: nn.Module,
        anatomy: Anatomy,
        batches: Sequence[Batch],
        seed: int,
        progress: Callable[[float], None],
        /,
    ) -> Scores: ...


@dataclass(frozen=True)
class NeuronCut:
    """The neurons of one group that go: their indices, ascending."""

    group: Neurons
    drop: tuple[int, ...]


@dataclass(frozen=True)
class Cut:
    """What is removed in one edit: data that prints, saves and replays on a fresh model.

    `saves` counts what the edit saves: "macs" (for one sample), "params" and "filters" and, where
    times decide, "latency" in nanoseconds.
    """

    kind: Kind
    layers: tuple[Layer, ...] = ()
    neurons: tuple[NeuronCut, ...] = ()
    saves: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        saved = f"{self.saves.get('macs', 0):,} MACs, {self.saves.get('params', 0):,} parameters"
        if self.kind == "layer":
            return f"remove {', '.join(layer.name for layer in self.layers)} (saves {saved})"
        if any(cut.group.unit == "head" or cut.group.fields for cut in self.neurons):
            return f"remove {', '.join(_by_noun(self.neurons))} (saves {saved})"
        parts = [f"{cut.group.name} -{len(cut.drop)}/{cut.group.count}" for cut in self.neurons]
        total = sum(len(cut.drop) for cut in self.neurons)
        return f"remove {total} neurons: {', '.join(parts)} (saves {saved})"

    def to_dict(self) -> dict[str, Any]:
        """This cut in plain JSON types."""
        return asdict(self)

    to_json = to_dict

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Cut:
        """The cut that `to_json` wrote."""
        neurons = []
        for item in data["neurons"]:
            group = {key: _tuples(value) for key, value in item["group"].items()}
            group["members"] = tuple(Member(**member) for member in group["members"])
            neurons.append(NeuronCut(Neurons(**group), tuple(item["drop"])))
        layers = tuple(
            Layer(**{key: _tuples(value) for key, value in layer.items()})
            for layer in data["layers"]
        )
        return Cut(data["kind"], layers, tuple(neurons), dict(data["saves"]))


def _tuples(value: Any) -> Any:
    """`value` as it was before JSON made lists of its tuples."""
    return tuple(_tuples(item) for item in value) if isinstance(value, (list, tuple)) else value


def queries(group: Neurons) -> int:
    """How many queries each head of `group` serves: 1 unless queries are grouped."""
    widths = [member.repeat for member in group.members if member.side != "both"]
    return max(widths) // max(1, min(widths)) if group.unit == "head" and widths else 1


def _by_noun(cuts: Sequence[NeuronCut]) -> list[str]:
    """What goes of each kind of neuron, in words; blocks that lose alike are told once."""
    nouns: dict[str, list[NeuronCut]] = {}
    for cut in cuts:
        noun = "key-value heads" if queries(cut.group) > 1 else "attention heads"
        nouns.setdefault(noun if cut.group.unit == "head" else "MLP units", []).append(cut)
    return [_told(noun, alike) for noun, alike in nouns.items()]


def _told(noun: str, cuts: Sequence[NeuronCut]) -> str:
    drops = [len(cut.drop) for cut in cuts]
    counts = [cut.group.count for cut in cuts]
    if len(cuts) == 1:
        return f"{drops[0]:,} of {counts[0]:,} {noun} of {cuts[0].group.name}"
    places = "layers" if len({cut.group.block for cut in cuts}) == len(cuts) else "places"
    if len(set(drops)) == len(set(counts)) == 1:
        return f"{drops[0]:,} of {counts[0]:,} {noun} in each of {len(cuts)} {places}"
    spread = f"{min(drops):,} to {max(drops):,} in each"
    return f"{sum(drops):,} of {sum(counts):,} {noun} in {len(cuts)} {places} ({spread})"


@dataclass(frozen=True)
class Candidate:
    """A smaller copy of the parent, the cut that made it, and its CKA to the parent."""

    cut: Cut
    model: nn.Module
    cka: float


Choose = Callable[[int, Sequence[Candidate]], Candidate]
"""Which of the candidates of a round (by number, from 1) wins; where both kinds are left, the layer
comes first."""


def most_similar(number: int, candidates: Sequence[Candidate]) -> Candidate:
    """The method's choice: the candidate that is more similar to the parent by CKA; a tie goes to
    the layer, which is first."""
    return max(candidates, key=lambda each: each.cka)


@dataclass(frozen=True)
class Step:
    """One round of a run. What is counted or measured is the network's after it.

    `cka` has the similarity to the parent of each kind of candidate; a kind that was exhausted is
    None. `accuracy` is None without labelled validation data, and for what is measured otherwise: a
    language model has a `perplexity`, a regression an `error`, and a representation a `similarity`.
    """

    index: int
    chosen: Kind
    cka: Mapping[Kind, float | None]
    cut: Cut
    macs: int
    params: int
    accuracy: float | None
    seconds: float
    cost: float
    """What the target counts (`of`), after this step: MACs, parameters, seconds or bytes."""
    perplexity: float | None = None
    error: float | None = None
    similarity: float | None = None
    note: str | None = None
    """Why structures were found anew after this step; None where they were not."""
    energy: Mapping[str, object] | None = field(default=None, compare=False)
    """What this round took (a `SpentEntry`); None where that was not followed."""

    def to_dict(self) -> dict[str, Any]:
        """This step in plain JSON types."""
        return asdict(self)

    to_json = to_dict

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Step:
        """The step that `to_json` wrote."""
        return Step(**{**data, "cut": Cut.from_json(data["cut"])})


Stage = Literal["score", "fine-tune", "choose", "recover", "evaluate", "step", "stop"]


@dataclass(frozen=True)
class Event:
    """A sign of life from a run, for a display.

    `stage` is what is going on, `round` which round (from 1), `subject` what it is done to ("layer
    candidate", "winner", ...), `done` the finished share of this stage in [0, 1], `removed` and
    `target` the share of the cost removed so far and asked for. `step` comes with stage "step".
    """

    stage: Stage
    round: int
    subject: str = ""
    done: float = 0.0
    removed: float = 0.0
    target: float = 0.0
    text: str = ""
    step: Step | None = None


Listener = Callable[[Event], None]

COSTS = {"macs": "MACs", "params": "parameters", "latency": "latency", "memory": "memory"}
"""How a target is called in a sentence."""
