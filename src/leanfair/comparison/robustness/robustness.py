"""How well two models answer when their images are changed, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from leanfair.comparison.headline import Said
from leanfair.comparison.pair import Pair, Side, seen_by
from leanfair.comparison.robustness.claims import NEVER_FALLS, never_falls_claim, rises_claim
from leanfair.comparison.robustness.entries import attacks_entry, corruptions_entry
from leanfair.comparison.robustness.expected import expected
from leanfair.comparison.schema.quality import Difference
from leanfair.comparison.schema.robustness import ExtraEntry, Robustness
from leanfair.data.batches import Source, iterate
from leanfair.data.raw.image_set import Images
from leanfair.errors import InputError
from leanfair.evaluation import answers
from leanfair.evaluation.robustness.adversarial import Attacks, all_attacked
from leanfair.evaluation.robustness.masking import Check, checks
from leanfair.evaluation.robustness.pictures import (
    Network,
    Pictures,
    drawn_pictures,
    why_no_pictures,
)
from leanfair.evaluation.robustness.refusals import why_not_attacked
from leanfair.evaluation.robustness.under_corruptions import Corruptions, all_under
from leanfair.html import formats as f

Tell = Callable[[float, str], None]


def robustness_of(
    pair: Pair,
    test: Source,
    *,
    attacks: Attacks | bool | None = None,
    corruptions: Corruptions | bool | None = None,
    extra: Mapping[str, Source] | None = None,
    seed: int = 0,
    batch_size: int = 128,
    tell: Tell | None = None,
) -> Robustness:
    """How well both models of `pair` answer on images of `test` under `attacks` and `corruptions`,
    and on the test sets `extra`.

    `attacks`, `corruptions`: how; True for the usual ones, False for none, None for the usual ones
    where they are possible. `tell` hears how much is done, 0 to 1, and before it begins, in words,
    how long it will take. Raises InputError where what was asked for is not possible; otherwise
    that is told in the result.
    """
    how = Attacks() if attacks in (None, True) else (attacks or None)
    which = Corruptions() if corruptions in (None, True) else (corruptions or None)
    assert not isinstance(how, bool)
    assert not isinstance(which, bool)
    found: Robustness = {
        "attacks": None,
        "attacks_missing": "not asked for" if how is None else None,
        "corruptions": None,
        "corruptions_missing": "not asked for" if which is None else None,
        "extra": [],
        "claims": [],
    }
    others = [_extra(pair, name, source, batch_size) for name, source in (extra or {}).items()]
    found["extra"] = others
    reason = why_not_measured(pair, test)
    if reason is None and (how is not None or which is not None):
        _measure(found, pair, test, how, which, seed, batch_size, tell or _silent)
    elif reason is not None:
        found["attacks_missing"] = found["attacks_missing"] or reason
        found["corruptions_missing"] = found["corruptions_missing"] or reason
    _check_possible(attacks, found["attacks_missing"], "Attacks", "--no-attacks")
    _check_possible(corruptions, found["corruptions_missing"], "Corruptions", "--no-corruptions")
    return found


def _check_possible(asked: object, reason: str | None, what: str, without: str) -> None:
    """Raise InputError where what was asked for in so many words is not possible."""
    if asked and reason is not None:
        raise InputError(f"{what} are not possible: {reason}. Leave them out ({without}).")


def _measure(
    found: Robustness,
    pair: Pair,
    test: Source,
    attacks: Attacks | None,
    corruptions: Corruptions | None,
    seed: int,
    batch_size: int,
    tell: Tell,
) -> None:
    """Fill `found` with attacks and corruptions, each where it is asked for and possible."""
    most = max(each.samples for each in (attacks, corruptions) if each is not None)
    pictures = pictures_of(pair, test, most, seed)
    networks = networks_of(pair, test, pictures)
    if attacks is not None:
        refused = [why_not_attacked(network, pictures) for network in networks]
        found["attacks_missing"] = next((why for why in refused if why is not None), None)
        attacks = attacks if found["attacks_missing"] is None else None
    tell(0.0, expected(networks, pictures, attacks, corruptions))
    share = 0.7 if attacks is not None else 0.0
    if attacks is not None:
        few = pictures_of(pair, test, attacks.samples, seed)
        _attack(found, networks, few, attacks, seed, batch_size, tell)
    if corruptions is not None:
        few = pictures_of(pair, test, corruptions.samples, seed)
        right = all_under(
            networks, few, corruptions, seed=seed, batch_size=batch_size,
            on_unit=lambda done: tell(share + (1 - share) * done, ""),
        )  # fmt: skip
        clean = clean_of(networks, few)
        found["corruptions"] = corruptions_entry(clean, right, corruptions, seed=seed)
        found["claims"].append(rises_claim(clean, right))


def _attack(
    found: Robustness,
    networks: Sequence[Network],
    pictures: Pictures,
    attacks: Attacks,
    seed: int,
    batch_size: int,
    tell: Tell,
) -> None:
    right = all_attacked(
        networks, pictures, attacks, seed=seed, batch_size=batch_size,
        on_unit=lambda done: tell(0.5 * done, ""),
    )  # fmt: skip
    tests: list[Check] = []
    for number in range(len(networks)):
        tests += checks(number, networks, pictures, right, attacks, seed=seed)
        tell(0.6 + 0.1 * number, "")
    clean = clean_of(networks, pictures)
    entry = attacks_entry(clean, right, attacks, tests)
    found["attacks"] = entry
    found["claims"].append(never_falls_claim(clean, right, attacks, entry["trusted"]))


def _silent(done: float, words: str) -> None:
    """Nobody listens."""


def why_not_measured(pair: Pair, test: Source) -> str | None:
    """Why the images of `test` cannot be changed for `pair`, in a sentence; None where they can."""
    if pair.is_language or pair.problem is None:
        return "the models answer with texts, and a token cannot be changed by a little"
    if not pair.problem.classifies:
        return f"answers of a {pair.problem.type} are not right or wrong"
    reason = why_no_pictures(test)
    if reason is None and next(iterate(test, 1)).labels is None:
        reason = "there are no labels that say what is right"
    if reason is None and normalisation(pair, test) is None:
        reason = (
            "it is not known how the images were normalised: give them as leanfair.data.images "
            "loads them, or with the attributes mean and std"
        )
    return reason


def normalisation(pair: Pair, test: Source) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """The mean and std that `test` is normalised with, one a channel; None where nothing tells."""
    mean, std = getattr(test, "mean", None), getattr(test, "std", None)
    if isinstance(mean, tuple) and isinstance(std, tuple):
        return mean, std
    pixels = pair.parent.pixels
    return None if pixels is None else (pixels.mean, pixels.std)


def pictures_of(pair: Pair, test: Source, count: int, seed: int) -> Pictures:
    """`count` images of `test` in pixels. Raises InputError where the normalisation is none."""
    told = normalisation(pair, test)
    if told is None:
        raise InputError("It is not known how the images were normalised.")
    return drawn_pictures(test, count, mean=told[0], std=told[1], seed=seed)


def networks_of(pair: Pair, test: Source, pictures: Pictures) -> list[Network]:
    """Both models as they take pixels: images in memory are normalised for each as it says, others
    for both as they came."""
    told = normalisation(pair, test)
    assert told is not None
    return [_network(pair, side, test, told, pictures.key) for side in pair.sides]


def _network(
    pair: Pair,
    side: Side,
    test: Source,
    told: tuple[tuple[float, ...], tuple[float, ...]],
    key: str | None,
) -> Network:
    assert pair.problem is not None
    if isinstance(test, Images) and side.pixels is not None:
        told = side.pixels.mean, side.pixels.std
    return Network(side.name, side.model, *told, pair.problem, key)


def clean_of(networks: Sequence[Network], pictures: Pictures) -> Tensor:
    """What each network gets right when nothing is done to the images: bool [networks, n]."""
    return torch.stack([net.right(pictures.pixels, pictures.labels) for net in networks])


def _extra(pair: Pair, name: str, source: Source, batch_size: int) -> ExtraEntry:
    if pair.problem is None or not pair.problem.classifies:
        raise InputError(
            f"{name} is an extra test set, which needs classifiers and labels: leave it out."
        )
    names = getattr(source, "classes", None)
    if pair.classes and names and tuple(map(str, names)) != pair.classes:
        raise InputError(
            f"The extra test set {name} has other classes ({', '.join(map(str, names[:4]))}, ...) "
            f"than the test data ({', '.join(pair.classes[:4])}, ...): name them alike."
        )
    before, after = (
        answers.answers(side.model, seen_by(side, source), pair.problem, batch_size)
        for side in pair.sides
    )
    change = answers.change(before, after)
    accuracy: Difference = {
        "parent": change.before, "child": change.after, "value": change.after - change.before,
        "low": change.low, "high": change.high,
    }  # fmt: skip
    return {"name": name, "samples": change.samples, "accuracy": accuracy}


def said_of(robustness: Robustness | None) -> Said:
    """What robustness adds to the headline."""
    lost, won, unknown = [], [], []
    for claim in () if robustness is None else robustness["claims"]:
        attacked = claim["claim"] == NEVER_FALLS
        what = "under attack" if attacked else "under corruptions"
        size = f.percent(abs(claim["value"] or 0.0), 1).removesuffix("%")
        if claim["verdict"] == "does not hold":
            lost.append(f"lost {'up to ' if attacked else ''}{size} points of accuracy {what}")
        elif claim["verdict"] == "cannot be said":
            unknown.append(f"a change of accuracy {what}")
        elif attacked:
            won.append(f"kept at least its parent's accuracy {what}")
        else:
            won.append(f"gained {size} points of accuracy {what}")
    return Said(tuple(lost), tuple(won), tuple(unknown))


def without_nothing(
    robustness: Robustness, missing: Mapping[str, str]
) -> tuple[Robustness | None, dict[str, str]]:
    """The section, or None where nothing of it could be measured; and what is missing, with the
    reason for that."""
    told = dict(missing)
    if robustness["attacks"] or robustness["corruptions"] or robustness["extra"]:
        return robustness, told
    reasons = (robustness["attacks_missing"], robustness["corruptions_missing"])
    reason = next((why for why in reasons if why != "not asked for"), None)
    if reason is not None:
        told["robustness"] = f"{reason[0].upper()}{reason[1:]}."
    return None, told
