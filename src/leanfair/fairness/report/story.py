"""What an audit found, in sentences: the headline, what speaks for it, the key numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from leanfair.fairness import schema
from leanfair.fairness.report import words as w
from leanfair.fairness.report.reading import answering, unread_clause
from leanfair.html import formats as f

Evidence = Literal["shown", "unplaced", "not shown", "unknown", "not asked"]
"""Whether the model decides by the attribute: shown; unplaced: decisions change, with no placebo to
set that beside and no direction; not shown; unknown: nothing was answered; not asked."""

MOSTLY = 2 / 3


@dataclass(frozen=True)
class Favour:
    """One flip of a pair of values, turned so that `gain` is not negative: of rows that state
    `gainer` rather than `loser`, so many more are decided favourably."""

    loser: str
    gainer: str
    n: int
    gained: int
    lost: int
    gain: w.Span | None
    p: float
    adjusted: float
    reason: str = ""
    refused: int = 0

    def holds(self, alpha: float) -> bool:
        """Whether the test, adjusted over all pairs, finds a direction."""
        return self.adjusted < alpha


def favours(summary: schema.Summary) -> list[Favour]:
    """Every pair of values, the greatest difference first; none where no flip rate is known."""
    if not w.span(summary["metrics"]["flip_rate"]["none"]):
        return []
    found = [_favour(pair) for pair in summary["flips"]["pairs"]]
    return sorted(found, key=lambda one: -(one.gain[0] if one.gain else -1.0))


def _favour(pair: schema.Pair) -> Favour:
    first, second = pair["values"]
    wins, losses = pair["first_only"], pair["second_only"]
    gain = w.span(pair["difference"])
    if gain is not None and gain[0] < 0:
        first, second, wins, losses = second, first, losses, wins
        gain = (-gain[0], -gain[2], -gain[1])
    return Favour(
        second, first, pair["n"], wins, losses, gain, pair["p"], pair["p_adjusted"],
        w.reason(pair["difference"]), pair["refused_one"],
    )  # fmt: skip


def evidence(summary: schema.Summary) -> Evidence:
    """What the flips say about whether the attribute decides."""
    if summary["attribute"] is None:
        return "not asked"
    flips = w.span(summary["metrics"]["flip_rate"]["none"])
    if flips is None:
        return "unknown"
    alpha = w.alpha(summary)
    if any(one.holds(alpha) for one in favours(summary)):
        return "shown"
    placebo = summary["flips"]["placebo"]
    excess, p = w.span(placebo["excess"]), placebo["p"]
    if excess is None:
        return "unplaced" if flips[0] > 0 else "not shown"
    return "shown" if excess[1] > 0 and (p is None or p < alpha) else "not shown"


def headline(summary: schema.Summary) -> str:
    """Whether the model decides by the attribute, and in whose favour."""
    found, name = evidence(summary), w.attribute(summary)
    flips = w.span(summary["metrics"]["flip_rate"]["none"])
    if found == "not asked":
        return _gap_headline(summary)
    if flips is None:
        why = no_flips(summary)
        if told := answering(summary):
            return told
        return f"Nothing can be said about whether this judge decides by {name}: {why}."
    rate, unread = w.share(flips[0]), unread_clause(summary)
    bare, rule = summary["rule"] == "none", summary["rule"]
    if found == "not shown" and not summary["settings"]["pair"]:
        even = "" if bare else f", even without its rule {rule},"
        return f"No evidence that this judge{even} decides by the stated {name}{unread}."
    if summary["settings"]["pair"]:
        return _of_pairs(summary, found, rate)
    start = "Changing" if bare else f"Without its rule {rule}, changing"
    changes = f"{start} only the stated {name} changes {rate} of this judge’s decisions"
    if found == "unplaced":
        return f"{changes}; whether {name} is why, this audit cannot tell{unread}."
    return f"{changes}, {direction(summary)}{unread}."


def _of_pairs(summary: schema.Summary, found: Evidence, rate: str) -> str:
    """The headline where rows of the table make the pairs."""
    name = w.attribute(summary)
    if found == "shown":
        return (
            f"Of pairs that differ in {name}, {rate} are decided unequally, {direction(summary)}."
        )
    return (
        f"No evidence that decisions about pairs that differ in {name} lean one way; {rate} of the "
        f"pairs are decided unequally."
    )


def no_flips(summary: schema.Summary) -> str:
    """Why there is no flip rate."""
    if not summary["outcomes"]["none"]["answered"]:
        return f"none of {f.exact(summary['n'])} rows was answered"
    return w.reason(summary["metrics"]["flip_rate"]["none"])


def _gap_headline(summary: schema.Summary) -> str:
    grouping = w.lead(summary)
    metric = grouping["metrics"]["demographic_parity_difference"]["none"]
    gap, favourable = w.span(metric), summary["settings"]["favourable"]
    if (gap is None or gap[1] <= 0) and (told := answering(summary)):
        return told
    if gap is None:
        return f"Nothing can be said about gaps by {grouping['name']}: {w.reason(metric)}."
    if gap[1] <= 0:
        return f"No evidence that groups by {grouping['name']} get “{favourable}” unequally often."
    return (
        f"Groups by {grouping['name']} get “{favourable}” unequally often, by up to "
        f"{w.size(gap[0])} points. Whether what they state is why was not asked."
    )


def direction(summary: schema.Summary) -> str:
    """In whose favour flips go, as far as adjusted tests say so."""
    alpha = w.alpha(summary)
    pairs = favours(summary)
    sure = [one for one in pairs if one.holds(alpha)]
    if not sure:
        return "in no clear direction"
    if len(pairs) == 1:
        how = _how_many(sure[0], summary["flips"]["flipped"])
        return f"{how} in favour of “{sure[0].gainer}”"
    net: dict[str, float] = {}
    for one in sure:
        gain = one.gain[0] if one.gain else 0.0
        net[one.gainer] = net.get(one.gainer, 0.0) + gain
        net[one.loser] = net.get(one.loser, 0.0) - gain
    best, worst = max(net, key=net.__getitem__), min(net, key=net.__getitem__)
    if -net[worst] > 1.001 * net[best]:
        return f"most of all to the disadvantage of “{worst}”"
    if net[best] > -1.001 * net[worst]:
        return f"most of all in favour of “{best}”"
    return f"most of all in favour of “{best}” over “{worst}”"


def _how_many(pair: Favour, flipped: int) -> str:
    """How many of the flips a pair's gains are: others lose, or change who is answered at all."""
    every = max(flipped, pair.gained + pair.lost)
    if pair.gained == every:
        return "all of them"
    return "mostly" if pair.gained >= MOSTLY * every else "more often"


def verdict(summary: schema.Summary) -> str:
    """What the headline rests on: the flip rate, the placebo, and how far both can be trusted."""
    found, name = evidence(summary), w.attribute(summary)
    if found == "not asked":
        if summary["judge"].get("identity", {}).get("kind") == "recorded decisions":
            return (
                "These are decisions that exist: how they differ between groups can be seen, and "
                "not why. Rows that differ in their group alone, if there are such, would show it."
            )
        return (
            "No attribute was varied, so this audit shows how decisions differ between groups, "
            "and not why. Name an attribute to see what stating it does."
        )
    flips = w.span(summary["metrics"]["flip_rate"]["none"])
    if flips is None:
        return "Every row that was not answered is counted below as what it is."
    pair = summary["settings"]["pair"]
    what = "pairs of rows" if pair else "rows"
    why = f"though they differ in {name}" if pair else f"when nothing but {name} was changed"
    words = (
        f"{_directed(summary)}{f.exact(summary['flips']['flipped'])} of "
        f"{f.exact(summary['flips']['comparable'])} {what} came out differently {why} "
        f"({w.share(flips[0])}, {w.confidence(summary)} interval {w.between(flips, w.share)}). "
    )
    return words + ("" if pair else _placebo(summary, found))


def _directed(summary: schema.Summary) -> str:
    """What the exact test of the clearest pair of values says: the stronger evidence, as it sees
    a direction through noise. Empty where no two values were compared."""
    pairs = favours(summary)
    if not pairs:
        return ""
    one = min(pairs, key=lambda pair: pair.adjusted)
    favourable = summary["settings"]["favourable"]
    more = f", adjusted over {len(pairs)} pairs {w.p_value(one.adjusted)}" if len(pairs) > 1 else ""
    told = "a direction" if one.holds(w.alpha(summary)) else "which may be chance"
    return (
        f"With “{one.gainer}” rather than “{one.loser}”, {f.exact(one.gained)} of {f.exact(one.n)} "
        f"gain “{favourable}” and {f.exact(one.lost)} lose it: {told} (exact test, p "
        f"{w.p_value(one.p)}{more}). "
    )


def _placebo(summary: schema.Summary, found: Evidence) -> str:
    placebo = summary["flips"]["placebo"]
    rate, excess = w.span(placebo["flip_rate"]), w.span(placebo["excess"])
    if rate is None:
        words = f"There is no placebo beside it ({w.reason(placebo['flip_rate'])}): how many any "
        words += "other change of the text would have changed is not known."
        if found == "shown":
            words += " What shows that the attribute counts is that the flips have a direction."
        return words
    words = f"A change that should not matter, {placebo['kind']}, changed {w.share(rate[0])}"
    if excess is None:
        return f"{words}."
    compared = "more" if excess[0] >= 0 else "fewer"
    words += (
        f", so stating another {w.attribute(summary)} changed {w.size(excess[0])} points "
        f"{compared} ({w.between(excess, w.points)})."
    )
    if excess[1] <= 0 and found == "shown":
        return (
            f"{words} That alone is no evidence, as where the model is noisy an idle change flips "
            f"many decisions, too; that the flips have a direction is."
        )
    if found == "not shown":
        return (
            f"{words} That is no proof that it does not: with {f.exact(summary['n'])} rows, an "
            f"effect of up to {w.size(max(excess[2], 0.0))} points would not have been ruled out."
        )
    return words


def tone(summary: schema.Summary) -> str:
    """How the headline is to be taken, for the sign beside it: bad, good or open."""
    return "bad" if evidence(summary) == "shown" or answering(summary) else "open"


def rule_note(summary: schema.Summary) -> str:
    """Which rule was audited, and what it does; empty where no rule was asked for."""
    rule = summary["rule"]
    others = [one for one in summary["rules"] if one != "none"]
    if rule == "none":
        if summary["judge"].get("identity", {}).get("kind") == "recorded decisions":
            return "Audited: decisions that exist, as they stand in the table."
        if not others:
            return "Audited: the judge as it stands, without any rule."
        return f"Audited: the judge as it stands. Set beside it: the rules {w.listed(others)}."
    return f"Audited: the judge under the rule {rule}. {effect(summary, rule)}"


def effect(summary: schema.Summary, rule: str) -> str:
    """What a rule did to the gap between groups and to accuracy, with intervals."""
    grouping = w.lead(summary)
    name = f"demographic parity difference by {grouping['name']}"
    by_rule = grouping["metrics"]["demographic_parity_difference"]
    before, after = w.span(by_rule["none"]), w.span(by_rule[rule])
    gain = w.span(grouping["gains"]["demographic_parity_difference"][rule])
    if before is None or after is None or gain is None:
        first = f"What it does to the {name} is not known: {_why(by_rule, rule)}."
    else:
        moves = f"from {w.size(before[0])} to {w.size(after[0])} points"
        verb = "goes" if abs(gain[0]) < w.CLOSE else "falls" if gain[0] > 0 else "rises"
        first = f"The {name} {verb} {moves} (gain {w.between(gain, w.points)})"
        first += "." if gain[1] > 0 or gain[2] < 0 else ", which may be chance."
    if summary["settings"]["label"] is None:
        return first
    change = w.span(summary["gains"]["accuracy"][rule])
    accuracy = summary["metrics"]["accuracy"]
    if change is None or not w.span(accuracy["none"]) or not w.span(accuracy[rule]):
        return f"{first} What it does to accuracy is not known."
    chance = "" if change[1] > 0 or change[2] < 0 else ", which may be chance"
    return (
        f"{first} Accuracy changes by {w.points(change[0])} points "
        f"({w.between(change, w.points)}){chance}."
    )


def _why(by_rule: schema.ByRule, rule: str) -> str:
    return next((w.reason(by_rule[r]) for r in ("none", rule) if not w.span(by_rule[r])), "")


def per_decision(summary: schema.Summary, rule: str) -> str:
    """Forward passes for one decision under a rule."""
    each = summary["forward_passes_by_rule"][rule] / summary["n"]
    return f"{each:.0f}" if abs(each - round(each)) < 0.05 else f"{each:.1f}"


# ---- the part that is removable -----------------------------------------------------------------


def parts(summary: schema.Summary, decomposition: Mapping[str, schema.GapParts]) -> str:
    """The greatest gap and its two parts, in a sentence."""
    known = []
    for name, found in decomposition.items():
        gap, direct, rest = w.span(found["gap"]), w.span(found["direct"]), w.span(found["rest"])
        if gap and direct and rest:
            known.append((name, found["reference"], gap, direct, rest))
    if not known:
        return "How much of a gap the stated attribute makes cannot be told here."
    name, reference, gap, direct, rest = max(known, key=lambda one: abs(one[2][0]))
    less = "more" if gap[0] >= 0 else "less"
    return (
        f"“{name}” gets “{summary['settings']['favourable']}” {w.size(gap[0])} points {less} often "
        f"than “{reference}”. Of these {w.points(gap[0])} points, {w.points(direct[0])} "
        f"({w.between(direct, w.points)}) are made by stating {w.attribute(summary)}: rules over "
        f"variations take them away. The other {w.points(rest[0])} ({w.between(rest, w.points)}) "
        f"come through everything else in the text, and stay."
    )
