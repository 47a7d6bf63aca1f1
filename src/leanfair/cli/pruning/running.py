"""What the commands do once they run: open model and data, prune, and show how it goes.

Loads torch, so commands import it when they run, not before.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import typer
from rich.console import Console
from torch import nn

from leanfair.cli.messages import is_main_process
from leanfair.cli.pruning.images import open_images
from leanfair.cli.pruning.memory import in_blocks
from leanfair.cli.pruning.options import DataOptions, Machine
from leanfair.cli.pruning.progress import shown
from leanfair.cli.pruning.result import print_result
from leanfair.cli.pruning.texts import open_texts
from leanfair.data.batches import Batch, as_batch
from leanfair.data.images import Splits
from leanfair.data.splits import TextSplits
from leanfair.data.text import holds_text
from leanfair.errors import InputError
from leanfair.models.streamed import shelf_of, streamed
from leanfair.pruning.cost.macs import cost_of
from leanfair.pruning.loop import prune
from leanfair.pruning.plan import Plan, look_ahead
from leanfair.pruning.presets import settings_from
from leanfair.pruning.run.result import Pruned
from leanfair.pruning.training.distributed import leave, processes
from leanfair.pruning.types import COSTS, Listener

# There is a display of our own. This has to be said before transformers is loaded.
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


def check(settings: Mapping[str, Any], machine: Machine) -> None:
    """Raise InputError for an option that is wrong whatever the model and the data, before those
    are read; set the number of threads."""
    asked = dict(settings)
    settings_from(asked.pop("preset", None), asked)
    if machine.device == "cuda" and not torch.cuda.is_available():
        raise InputError("There is no CUDA device here: choose --device cpu, or auto.")
    if machine.threads is not None:
        torch.set_num_threads(machine.threads)


@dataclass(frozen=True)
class Opened:
    """A network on its device, the data for it and, for one of texts, the tokenizer, for one of
    images its image processor, where it has one."""

    network: nn.Module
    splits: Splits | TextSplits[Any]
    tokenizer: Any = None
    image_processor: Any = None


IMAGE_OPTIONS = ("image_size", "augment", "mean", "std", "channels")
TEXT_OPTIONS = ("length", "tokenizer", "text", "label")


def open_both(
    model: str,
    data: str,
    given: DataOptions,
    seed: int,
    device: str,
    low_memory: bool | None = False,
) -> Opened:
    """The network and its data, images or text. `low_memory`: whether it is read block by block;
    with None, where it does not fit memory otherwise. Raises InputError where they do not fit."""
    if holds_text(data):
        check_unused(given, IMAGE_OPTIONS, data, "text")
        folder = in_blocks(model, low_memory)
        network, texts, tokenizer = open_texts(
            model,
            data,
            opened=None if folder is None else streamed(folder, device_named(device)),
            calibration=given.calibration,
            seed=seed,
            **{name: getattr(given, name) for name in TEXT_OPTIONS},
        )
        if folder is None:
            network = network.eval().to(device_named(device))
        return Opened(network, texts, tokenizer)
    if low_memory:
        raise InputError(f"--low-memory is for language models, but {data} holds images.")
    network, splits, processor = open_images(model, data, given, seed)
    check_unused(given, TEXT_OPTIONS, data, "images")
    return Opened(network.eval().to(device_named(device)), splits, image_processor=processor)


def check_unused(given: DataOptions, names: tuple[str, ...], data: str, kind: str) -> None:
    """Raise InputError for an option that means nothing for this kind of data."""
    for name in names:
        if getattr(given, name) is not None:
            raise InputError(
                f"--{name.replace('_', '-')} means nothing for {data}, which holds {kind}: leave "
                f"it out."
            )


def sample(splits: Splits | TextSplits[Any]) -> Batch:
    """One calibration sample as a batch: an image [1, channels, height, width] or tokens."""
    return as_batch(splits.calibration.take(torch.tensor([0]), torch.Generator()))


def prune_and_show(
    network: nn.Module,
    splits: Splits | TextSplits[Any],
    out: str,
    resume: bool,
    settings: Mapping[str, Any],
    quiet: bool,
    tokenizer: Any = None,
    image_processor: Any = None,
) -> Pruned:
    """Prune `network` into the run directory `out`, show how it goes on, and print the result."""
    beside = {"tokenizer": tokenizer, "image_processor": image_processor}
    more = {name: value for name, value in beside.items() if value is not None}
    with _display(network, splits, settings, quiet) as listener:
        result = prune(
            network,
            train=None if shelf_of(network) is not None else splits.train,
            calibration=splits.calibration,
            test=splits.test,
            out=out,
            resume=resume,
            on_event=listener,
            **more,
            **settings,
        )
    if is_main_process():
        print_result(Console(), result.summary, out)
    leave()
    return result


def show_plan(
    network: nn.Module,
    splits: Splits | TextSplits[Any],
    out: str | None,
    settings: Mapping[str, Any],
    as_json: bool,
) -> None:
    """Print the cuts that compete in the next round, and what each saves."""
    plan = look_ahead(network, calibration=splits.calibration, out=out, **settings)
    if is_main_process():
        typer.echo(json.dumps(plan.to_json(), indent=1) if as_json else _told(plan, settings))


def _told(plan: Plan, settings: Mapping[str, Any]) -> str:
    of = settings.get("of", "macs")
    lines = [
        f"Next is round {plan.round}; {plan.removed:.1%} of the {COSTS.get(of, of)} "
        f"{'is' if of in ('latency', 'memory') else 'are'} removed, {plan.target:.1%} asked for."
    ]
    counted, whole = ("params", plan.params) if of == "params" else ("macs", plan.macs)
    for cut in plan.cuts:
        share = cut.saves[counted] / whole
        timed = cut.saves.get("latency")
        also = "" if timed is None else f" and {timed / 1e6:.3g} ms of its latency"
        told = f"{share:.1%} of the current {COSTS[counted]}{also}"
        lines.append(f"{cut.kind} candidate, {told}: {cut}")
    if not plan.cuts:
        lines = [f"There is no next step: {plan.stopped_because}."]
    return "\n".join(lines)


def _display(
    network: nn.Module,
    splits: Splits | TextSplits[Any],
    settings: Mapping[str, Any],
    quiet: bool,
) -> AbstractContextManager[Listener | None]:
    if quiet or not is_main_process():
        return nullcontext()
    image = sample(splits).to(next(network.parameters()).device)
    return shown(Console(stderr=True), settings.get("of", "macs"), cost_of(network, image).macs)


def device_named(name: str) -> torch.device:
    """The device by name; with several processes, this one's own."""
    return torch.device(processes(cpu=True if name == "cpu" else None).device)
