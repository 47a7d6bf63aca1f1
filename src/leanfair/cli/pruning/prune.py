"""`leanfair prune`: a trained network and its data in, a smaller network and the evidence out."""

from __future__ import annotations

import typer

from leanfair.cli import messages
from leanfair.cli.messages import told_plainly
from leanfair.cli.pruning import options
from leanfair.errors import InputError

SETTINGS = (
    "cut", "of", "criterion", "seed", "min_accuracy", "match", "spread", "debiased",
    "candidate_epochs", "round_epochs", "final_epochs", "lr", "batch_size", "optimizer",
    "distill", "precision", "min_layers", "min_neurons", "round_to", "layers_per_round", "pace",
    "score_samples", "free", "lora", "only", "reconstruct",
)  # fmt: skip
"""The options that are settings of `leanfair.prune`. One that is not given is not passed on, so
that its default, or the preset's value, holds."""


def command(
    context: typer.Context,
    model: options.Model,
    data: options.Data,
    cut: options.Cut,
    of: options.Of = None,
    out: options.Out = None,
    criterion: options.Criterion = None,
    preset: options.Preset = None,
    resume: options.Resume = False,
    plan: options.Plan = False,
    json: options.Json = False,
    min_accuracy: options.MinAccuracy = None,
    match: options.Match = None,
    spread: options.Spread = None,
    debiased: options.Debiased = None,
    min_layers: options.MinLayers = None,
    min_neurons: options.MinNeurons = None,
    round_to: options.RoundTo = None,
    layers_per_round: options.LayersPerRound = None,
    pace: options.Pace = None,
    free: options.Free = None,
    only: options.Only = None,
    reconstruct: options.Reconstruct = None,
    repair: options.Repair = None,
    score_samples: options.ScoreSamples = None,
    candidate_epochs: options.CandidateEpochs = None,
    round_epochs: options.RoundEpochs = None,
    final_epochs: options.FinalEpochs = None,
    lr: options.LearningRate = None,
    batch_size: options.BatchSize = None,
    optimizer: options.Optimizer = None,
    distill: options.Distill = None,
    precision: options.Precision = None,
    lora: options.Lora = None,
    augment: options.Augment = None,
    calibration: options.Calibration = None,
    image_size: options.ImageSize = None,
    length: options.Length = None,
    tokenizer: options.Tokenizer = None,
    text_column: options.TextColumn = None,
    label_column: options.LabelColumn = None,
    seed: options.Seed = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    quiet: messages.Quiet = False,
    debug: messages.Debug = False,
) -> None:
    """Make a trained network smaller and keep what it knows.

    In each round the least important layer competes with the least important neurons that cost as
    much; the network whose representation stays more similar (CKA) is the next. OUT then holds
    summary.json, report.html, and the pruned network for leanfair.load and leanfair export; that of
    a language model also opens with transformers' from_pretrained.
    """
    given = context.params
    settings = {name: given[name] for name in SETTINGS if given.get(name) is not None}
    resumable = f"The run in {out} goes on if you add --resume." if out and not plan else ""
    with told_plainly(debug, when_stopped=resumable):
        if out is None and not plan:
            raise InputError("Give --out, a directory for the run; only --plan goes without.")
        if json and not plan:
            raise InputError("--json is for --plan: a run writes its summary.json.")

        from leanfair.cli.pruning import running

        settings = running.renamed_options(settings, repair)
        running.check(preset, settings, device, threads)
        how = running.DataOptions(
            calibration, image_size, augment, length, tokenizer, text_column, label_column
        )
        both = running.open_both(model, data, how, seed or 0, device)
        network, splits = both.network, both.splits
        if plan:
            running.show_plan(network, splits, out, preset, settings, json)
        else:
            running.prune_and_show(
                network, splits, str(out), preset, resume, settings, quiet, both.tokenizer
            )
