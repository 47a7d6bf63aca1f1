"""Two classifiers on samples of several groups: which of them pruning cost more than the rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from leanfair.comparison.pair import Pair, seen_by
from leanfair.comparison.schema import whom as schema
from leanfair.comparison.whom.entries import Family, beside_entry, grouping_entry, rests_of
from leanfair.comparison.whom.grouped import Given, groupings_of
from leanfair.comparison.whom.paired.beside import Groups
from leanfair.comparison.whom.paired.contrasts import Outcome
from leanfair.comparison.whom.words import accuracy_topic, multiplicity, told_of
from leanfair.data.batches import Source
from leanfair.errors import InputError
from leanfair.evaluation.answers import answers_of
from leanfair.evaluation.outputs.collected import Outputs, outputs_of
from leanfair.evaluation.problem import Problem, classes_in, fitted
from leanfair.statistics import Bools, Ints, Resampling

SMALL = 20
"""Groups of fewer samples are named in a note."""


def classes_section(
    pair: Pair,
    test: Source,
    groups: Given,
    *,
    favourable: str | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    bootstrap: int = 2000,
) -> schema.Whom:
    """How both classifiers of `pair` do on each of the `groups` of `test`. `favourable`: of two
    classes, the one that people want; by default the second. Raises InputError where the groups do
    not fit, and where there is nothing that is right."""
    problem = check_groups(pair, test)
    size = batch_size or 256
    both = [outputs_of(side.model, seen_by(side, test), size) for side in pair.sides]
    found, notes = groupings_of(groups, test, len(both[0]), size)
    outcomes, wanted, told = outcomes_of(both, problem, pair.classes, favourable)
    resampling = Resampling(np.arange(len(both[0])), seed, bootstrap)
    each = [Groups(one, outcomes, resampling, i) for i, one in enumerate(found)]
    rests = rests_of(each)
    top = Family.of({name: one for name, one in rests.items() if name[-1] == "accuracy"})
    others = Family.of({name: one for name, one in rests.items() if name not in top.found})
    by = " and ".join(dict.fromkeys(column for one in found for column in one.columns))
    right = outcomes["accuracy"]
    same = not (right.lost | right.won).any()
    said = told_of(accuracy_topic(by), top, len(both[0]), same=same)
    return {
        "kind": "classes",
        "verdict": said.verdict,
        "sentence": said.sentence,
        "part": said.part,
        "multiplicity": multiplicity(top, others, "accuracy of each group against the rest"),
        "rows": len(both[0]),
        "favourable": wanted,
        "attribute": None,
        "seed": seed,
        "bootstrap": bootstrap,
        "rates": {name: beside_entry(each[0].overall(name)) for name in outcomes},
        "flips": None,
        "captured": None,
        "values": [],
        "groupings": [grouping_entry(one, (top, others)) for one in each],
        "pages": [],
        "notes": [*told, *notes, *_about_groups(each)],
    }


def check_groups(pair: Pair, test: Source | None) -> Problem:
    """The problem that both models solve. Raises InputError where groups of the data have no
    accuracy, before anything is measured."""
    if pair.is_language:
        raise InputError(
            f"{pair.parent.name} is a language model, so groups of its test data have no accuracy: "
            f"give people and a prompt."
        )
    if test is None:
        raise InputError("groups are those of the test data, and there are none: give test data.")
    if pair.problem is None or not pair.problem.classifies:
        raise InputError(
            f"{pair.parent.name} is no classifier, so groups of its test data have no accuracy."
        )
    return pair.problem


def outcomes_of(
    both: Sequence[Outputs], problem: Problem, names: Sequence[str], favourable: str | None
) -> tuple[dict[str, Outcome], str | None, list[str]]:
    """What both got right and, of two classes, whom they gave the favourable one; its name; and
    what has to be known of these."""
    labels, logits = both[0].labels, both[0].logits
    if labels is None:
        raise InputError("The test data have no labels: groups have no accuracy without.")
    counted = [answers_of(one.logits, labels, problem) for one in both]
    asked = (counted[0].asked > 0).numpy()
    before, after = (((one.right == one.asked).numpy() & asked) for one in counted)
    found = {"accuracy": Outcome(before, after, asked)}
    notes = []
    if not bool((counted[0].asked == 1).all()) or problem.type == "multi_label_classification":
        single = classes_in(logits) == 1 and logits.ndim <= 2
        if not single:
            notes.append("A sample counts as right where all of its answers are right.")
    if (place := _favourable(problem, logits, names, favourable)) is None:
        return found, None, notes
    wanted = [_says(one.logits, place) for one in both]
    truth = _is(fitted(problem, labels, logits), place)
    everyone = np.ones_like(asked)
    found |= {
        "selection_rate": Outcome(wanted[0], wanted[1], everyone),
        "true_positive_rate": Outcome(wanted[0], wanted[1], truth),
        "false_positive_rate": Outcome(wanted[0], wanted[1], ~truth),
    }
    return found, str(names[place]) if len(names) == 2 else str(place), notes


def _favourable(
    problem: Problem, logits: Tensor, names: Sequence[str], favourable: str | None
) -> int | None:
    """The number of the favourable class; None where there are not two, one a sample. Raises
    InputError where it is asked for and is none of them."""
    classes = classes_in(logits)
    two = logits.ndim <= 2 and (
        classes == 2 if problem.type == "single_label_classification" else classes == 1
    )
    if not two:
        if favourable is not None:
            raise InputError(
                f"favourable names one of two classes, but these models tell {classes} apart: "
                f"leave it out."
            )
        return None
    known = [str(name) for name in names] if len(names) == 2 else ["0", "1"]
    if favourable is None:
        return 1
    if favourable not in known:
        raise InputError(
            f"The favourable class {favourable!r} is none of the two: name {' or '.join(known)}."
        )
    return known.index(favourable)


def _says(logits: Tensor, place: int) -> Bools:
    """Whether each sample is given the class `place`, [n]."""
    single = classes_in(logits) == 1
    chosen = (logits.reshape(-1) > 0).long() if single else logits.argmax(dim=-1)
    found: Bools = (chosen == place).numpy()
    return found


def _is(labels: Tensor, place: int) -> Bools:
    """Whether each sample is of the class `place`, [n]."""
    if labels.is_floating_point() and labels.ndim == 2 and labels.shape[1] == 2:
        labels = labels.argmax(dim=-1)
    numbers: Ints = labels.reshape(-1).round().long().numpy()
    found: Bools = numbers == place
    return found


def _about_groups(each: Sequence[Groups]) -> list[str]:
    """Which samples are in no group, and which groups are small."""
    told = []
    for one in each:
        grouping = one.grouping
        if grouping.unknown:
            told.append(
                f"{grouping.unknown} of {len(grouping.codes)} samples are in no group by "
                f"{grouping.name}, since it is unknown."
            )
        if grouping.alone:
            told.append(
                f"Groups of one sample by {grouping.name} have no rate: "
                f"{', '.join(grouping.alone[:12])}."
            )
        sizes = zip(grouping.names, grouping.sizes.tolist(), strict=True)
        small = [f"{name} ({size})" for name, size in sizes if size < SMALL]
        if small:
            told.append(
                f"Groups by {grouping.name} of fewer than {SMALL} samples: {', '.join(small[:12])}"
                f". Little can be said of them."
            )
    return told
