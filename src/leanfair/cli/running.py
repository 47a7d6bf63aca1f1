"""What the commands do once they run: open model and data, prune, and show how it goes.

Loads torch, so commands import it when they run, not before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import torch
import typer
from rich.console import Console
from torch import nn

from leanfair.batches import Batch, as_batch, forward
from leanfair.cli.messages import is_main_process
from leanfair.cli.progress import shown
from leanfair.cli.result import print_result
from leanfair.data import Splits, load
from leanfair.errors import InputError
from leanfair.pruning.cost import bill
from leanfair.pruning.distributed import processes
from leanfair.pruning.loop import prune
from leanfair.pruning.plan import Plan, look_ahead
from leanfair.pruning.settings import settings_from
from leanfair.pruning.sources import open_model
from leanfair.pruning.types import Listener, Pruned
from leanfair.report.story import COSTS

DEVICES = ("auto", "cpu", "cuda")


def check(
    preset: str | None, settings: Mapping[str, Any], device: str, threads: int | None
) -> None:
    """Raise InputError for an option that is wrong whatever the model and the data, before those
    are read; set the number of threads."""
    settings_from(preset, settings)
    if device not in DEVICES:
        raise InputError(f"There is no device {device!r}: choose one of {', '.join(DEVICES)}.")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("There is no CUDA device here: choose --device cpu, or auto.")
    if threads is not None:
        if threads < 1:
            raise InputError(f"--threads must be 1 or more, but is {threads}.")
        torch.set_num_threads(threads)


def read_data(
    data: str, calibration: int | None, seed: int, size: int | None, augment: bool | None
) -> Splits:
    """The data in its three parts. Training images are augmented as asked, or else in colour."""
    splits = load(data, calibration=calibration, seed=seed, size=size)
    colour = splits.train.pixels.shape[1] == 3
    augmented = colour if augment is None else augment
    return replace(splits, train=replace(splits.train, augment=augmented))


def open_network(model: str, data: str, splits: Splits, seed: int, device: str) -> nn.Module:
    """The network that `model` names, on its device. Raises InputError where it cannot take the
    images of `data`, or has fewer classes."""
    channels = int(splits.train.pixels.shape[1])
    network = open_model(model, classes=len(splits.classes), channels=channels, seed=seed)
    network = network.eval()
    image = sample(splits)
    try:
        with torch.inference_mode():
            classes = int(forward(network, image.inputs).shape[-1])
    except RuntimeError as error:
        shape = list(splits.train.pixels.shape[1:])
        raise InputError(
            f"{model} does not take the images of {data}, which are {shape}: {error}"
        ) from error
    if classes < len(splits.classes):
        raise InputError(
            f"{model} tells {classes} classes apart, but {data} has {len(splits.classes)}."
        )
    return network.to(_device(device))


def sample(splits: Splits) -> Batch:
    """One calibration image as a batch, [1, channels, height, width]."""
    return as_batch(splits.calibration.take(torch.tensor([0]), torch.Generator()))


def prune_and_show(
    network: nn.Module,
    splits: Splits,
    out: str,
    preset: str | None,
    resume: bool,
    settings: Mapping[str, Any],
    quiet: bool,
) -> Pruned:
    """Prune `network` into the run directory `out`, show how it goes on, and print the result."""
    with _display(network, splits, settings, quiet) as listener:
        result = prune(
            network,
            train=splits.train,
            calibration=splits.calibration,
            test=splits.test,
            out=out,
            preset=preset,
            resume=resume,
            on_event=listener,
            **settings,
        )
    if is_main_process():
        print_result(Console(), result.summary, out)
    return result


def show_plan(
    network: nn.Module,
    splits: Splits,
    out: str | None,
    preset: str | None,
    settings: Mapping[str, Any],
    as_json: bool,
) -> None:
    """Print the cuts that compete in the next round, and what each saves."""
    plan = look_ahead(network, calibration=splits.calibration, out=out, preset=preset, **settings)
    if is_main_process():
        typer.echo(json.dumps(plan.to_json(), indent=1) if as_json else _told(plan, settings))


def _told(plan: Plan, settings: Mapping[str, Any]) -> str:
    of = settings.get("of", "macs")
    lines = [
        f"Next is round {plan.round}; {plan.removed:.1%} of the {COSTS.get(of, of)} "
        f"{'is' if of in ('latency', 'memory') else 'are'} removed, {plan.target:.1%} asked for."
    ]
    for cut in plan.cuts:
        share = cut.saves["macs"] / plan.macs
        lines.append(f"{cut.kind} candidate, {share:.1%} of the current MACs: {cut}")
    if not plan.cuts:
        lines = [f"There is no next step: {plan.stopped_because}."]
    return "\n".join(lines)


def _display(
    network: nn.Module, splits: Splits, settings: Mapping[str, Any], quiet: bool
) -> AbstractContextManager[Listener | None]:
    if quiet or not is_main_process():
        return nullcontext()
    image = sample(splits).to(next(network.parameters()).device)
    return shown(Console(stderr=True), settings.get("of", "macs"), bill(network, image).macs)


def _device(name: str) -> torch.device:
    """The device by name; with several processes, this one's own."""
    return torch.device(processes(cpu=True if name == "cpu" else None).device)
