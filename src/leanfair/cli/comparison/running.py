"""What `leanfair compare` does once it runs: open both models and the data, compare, and show.

Loads torch, so commands import it when they run, not before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from rich.console import Console

from leanfair.cli.comparison.robust import robust_of
from leanfair.cli.pruning.asked import read_asked
from leanfair.cli.pruning.images import check_fits, names_of, read_images
from leanfair.cli.pruning.options import DataOptions, Machine
from leanfair.cli.pruning.running import (
    IMAGE_OPTIONS,
    TEXT_OPTIONS,
    check_unused,
    device_named,
)
from leanfair.cli.pruning.texts import read_texts, takes_text
from leanfair.comparison.comparing import compare
from leanfair.comparison.pair import Side
from leanfair.comparison.report import energy
from leanfair.comparison.result import Comparison, ComparisonEvent
from leanfair.comparison.sides.reading import side_of
from leanfair.comparison.sides.run import both_of, place_for
from leanfair.data.text import holds_text
from leanfair.errors import InputError
from leanfair.models.image_processor import own_image_processor, preprocessing_of
from leanfair.models.pretrained import open_tokenizer


def compare_and_show(
    base: str,
    pruned: str | None,
    data: str | None,
    how: DataOptions,
    machine: Machine,
    asked: Mapping[str, Any],
    robust: Mapping[str, Any],
    quiet: bool,
) -> Comparison:
    """Compare, show how it goes on, and print what was found."""
    if machine.threads is not None:
        torch.set_num_threads(machine.threads)
    words = None if how.tokenizer is None else open_tokenizer(how.tokenizer)
    seed = asked.get("seed", 0)
    place = asked.get("out")
    if pruned is None:
        one, other, run = both_of(base, words)
        place = place or place_for(base, None, None)
        if data is None and run is not None and (known := read_asked(run)) is not None:
            data, how, seed = known
    else:
        one = side_of(base, tokenizer=words)
        other = side_of(pruned, tokenizer=words, like=one.model)
    parent, child = _placed(one, machine), _placed(other, machine)
    keep = () if "people" in asked else tuple(asked.get("groups", ()))
    test = None if data is None else held_out(parent, data, how, seed, keep)
    others = robust_of(robust, lambda place: held_out(parent, place, how, seed))
    told = teller(Console(stderr=True, quiet=quiet))
    found = compare(parent, child, test=test, on_event=told, **others, **{**asked, "out": place})
    show(found)
    return found


def teller(console: Console) -> Callable[[ComparisonEvent], None]:
    """Prints each stage once, when it begins, and what is told of it."""
    begun: set[str] = set()

    def tell(event: ComparisonEvent) -> None:
        if event.stage not in begun:
            begun.add(event.stage)
            console.print(f"{event.stage} ...", markup=False)
        if event.words:
            console.print(f"{event.stage}: {event.words}", markup=False)

    return tell


def show(found: Comparison) -> None:
    """Print the headline, and where the page is."""
    console = Console(highlight=False)
    for sentence in found.summary["headline"]:
        console.print(sentence, markup=False)
    for sentence in energy.lines(found.summary):
        console.print(sentence, markup=False)
    for section, why in found.summary["missing"].items():
        console.print(f"{section.capitalize()} was not measured: {why}", markup=False)
    if found.path is not None:
        console.print(f"Report: {found.path}/report.html", markup=False)


def held_out(
    parent: Side, data: str, how: DataOptions, seed: int, keep: tuple[str, ...] = ()
) -> Any:
    """The test part of the data, as the parent takes it, with the columns `keep` of a table. Raises
    InputError where it does not."""
    if holds_text(data):
        check_unused(how, IMAGE_OPTIONS, data, "text")
        if not takes_text(parent.model):
            raise InputError(
                f"{parent.name} takes no text, but {data} holds text: give images, or a language "
                f"model."
            )
        return read_texts(
            parent.name, parent.model, parent.tokenizer, data, length=how.length, text=how.text,
            label=how.label, calibration=None, seed=seed, keep=keep,
        ).test  # fmt: skip
    check_unused(how, TEXT_OPTIONS, data, "images")
    if takes_text(parent.model):
        raise InputError(
            f"{parent.name} takes text, but {data} holds images: give a text file, or an image "
            f"classifier."
        )
    wanted = preprocessing_of(parent.model, own_image_processor(parent.model))
    splits = read_images(data, how, seed, wanted, names_of(parent.model), keep)
    check_fits(parent.name, data, parent.model, splits)
    return splits.test


def _placed(side: Side, machine: Machine) -> Side:
    """`side` with its model on the device that was asked for."""
    return replace(side, model=side.model.to(device_named(machine.device)))
