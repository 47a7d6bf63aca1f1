"""The options of `leanfair prune`, as types. None means that an option was not given."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import typer


def _option(name: str, what: str) -> Any:
    return typer.Option(name, help=what, show_default=False)


Model: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="The trained model: a weights file, a .gguf file, a folder or a name."
    ),
]
Data: TypeAlias = Annotated[
    str,
    _option(
        "--data",
        "Images: digits, a parquet file, or a folder of parquet files or images. Text: a .txt, "
        ".jsonl, .csv or .parquet file (or .gz), or a folder with train, valid and test files.",
    ),
]
Cut: TypeAlias = Annotated[float, _option("--cut", "The share to remove, between 0 and 1.")]
Of: TypeAlias = Annotated[
    str | None, _option("--of", "Of which cost: macs (default), params, latency or memory.")
]
Out: TypeAlias = Annotated[
    str | None, _option("--out", "The directory of the run; only --plan goes without.")
]
Criterion: TypeAlias = Annotated[
    str | None,
    _option(
        "--criterion",
        "Importance: kl (default), contribution (default for language models), fisher, l1, cka or "
        "random.",
    ),
]
Preset: TypeAlias = Annotated[
    str | None, _option("--preset", "paper: the official recipe of arXiv 2506.04513.")
]
Resume: TypeAlias = Annotated[
    bool, _option("--resume", "Go on with the run in --out; give the same options as before.")
]
Plan: TypeAlias = Annotated[
    bool, _option("--plan", "Show the next step without doing it; nothing is written.")
]
Json: TypeAlias = Annotated[bool, _option("--json", "With --plan: print JSON.")]
Seed: TypeAlias = Annotated[
    int | None, _option("--seed", "Decides the split of the data and all chance (default 0).")
]
MinAccuracy: TypeAlias = Annotated[
    float | None,
    _option("--min-accuracy", "Stop before the accuracy on calibration data falls below this."),
]
Match: TypeAlias = Annotated[
    str | None,
    _option("--match", "What both candidates save equally much of: macs, params or filters."),
]
Spread: TypeAlias = Annotated[
    str | None,
    _option(
        "--spread",
        "Which neurons go: cheapest (default; least important for what they save), least "
        "(least important) or uniform (the same share of every layer).",
    ),
]
Debiased: TypeAlias = Annotated[
    bool | None, _option("--debiased", "Choose by the debiased CKA, for few samples.")
]
MinLayers: TypeAlias = Annotated[
    int | None, _option("--min-layers", "Blocks of a stage that have to stay.")
]
MinNeurons: TypeAlias = Annotated[
    int | None, _option("--min-neurons", "Neurons of a layer that have to stay.")
]
RoundTo: TypeAlias = Annotated[
    int | None, _option("--round-to", "Keep the number of neurons a multiple of this.")
]
LayersPerRound: TypeAlias = Annotated[
    int | None, _option("--layers-per-round", "Blocks that the layer candidate loses at once.")
]
Pace: TypeAlias = Annotated[
    float | None,
    _option("--pace", "Share of the current cost that a round saves without a layer to match."),
]
Free: TypeAlias = Annotated[
    bool | None,
    _option(
        "--free/--uniform",
        "Transformers: let layers differ in width; then only leanfair.load opens the result.",
    ),
]
Only: TypeAlias = Annotated[
    str | None, _option("--only", "Offer one kind of candidate alone: layer or neurons.")
]
Repair: TypeAlias = Annotated[
    bool | None, typer.Option("--repair/--no-repair", hidden=True, show_default=False)
]
Reconstruct: TypeAlias = Annotated[
    bool | None,
    _option(
        "--reconstruct/--no-reconstruct",
        "Let the neurons that stay make up for those that go, by least squares (default off).",
    ),
]
ScoreSamples: TypeAlias = Annotated[
    int | None, _option("--score-samples", "Calibration samples that the criterion sees.")
]
CandidateEpochs: TypeAlias = Annotated[
    float | None, _option("--candidate-epochs", "Fine-tuning of each candidate; fractions count.")
]
RoundEpochs: TypeAlias = Annotated[
    float | None, _option("--round-epochs", "Fine-tuning of the winner of each round.")
]
FinalEpochs: TypeAlias = Annotated[
    float | None, _option("--final-epochs", "Fine-tuning of the last network.")
]
LearningRate: TypeAlias = Annotated[float | None, _option("--lr", "The learning rate.")]
BatchSize: TypeAlias = Annotated[
    int | None, _option("--batch-size", "Samples in one step of fine-tuning.")
]
Optimizer: TypeAlias = Annotated[str | None, _option("--optimizer", "sgd or adamw.")]
Distill: TypeAlias = Annotated[
    float | None, _option("--distill", "Weight of the original's outputs as a teacher, 0 to 1.")
]
Precision: TypeAlias = Annotated[
    str | None, _option("--precision", "Of fine-tuning: auto (default), full, fp16 or bf16.")
]
Lora: TypeAlias = Annotated[
    int | None, _option("--lora", "Fine-tune adapters of this rank, not all weights (default 0).")
]
Augment: TypeAlias = Annotated[
    bool | None,
    _option(
        "--augment/--no-augment",
        "Train on random crops and mirror images (default: for images in colour).",
    ),
]
Calibration: TypeAlias = Annotated[
    int | None, _option("--calibration", "Samples held out of training to score and choose.")
]
ImageSize: TypeAlias = Annotated[
    int | None, _option("--image-size", "Resize images to this side, in pixels.")
]
Length: TypeAlias = Annotated[
    int | None, _option("--length", "Text: tokens of a sample (default 128).")
]
Tokenizer: TypeAlias = Annotated[
    str | None, _option("--tokenizer", "Text: the folder of the tokenizer, if not the model's.")
]
TextColumn: TypeAlias = Annotated[
    str | None, _option("--text", "Text in a table: the column that holds it (default text).")
]
LabelColumn: TypeAlias = Annotated[
    str | None, _option("--label", "Text in a table: the column of its classes (default label).")
]
Device: TypeAlias = Annotated[str, _option("--device", "auto (default), cpu or cuda.")]
Threads: TypeAlias = Annotated[
    int | None, _option("--threads", "How many threads of the processor to use.")
]
