"""The options of the commands that decide with a language model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

import typer

from leanfair.fairness.judge.calibration import Calibration
from leanfair.fairness.rules import Rule
from leanfair.options import Help, Range

Device = Literal["auto", "cpu", "cuda"]

# What audits and comparisons ask alike.
Values: TypeAlias = Annotated[
    tuple[str, ...] | None,
    Help("Only these values of the attribute, with commas.", default="all"),
]
Fields: TypeAlias = Annotated[
    tuple[str, ...] | None,
    Help("The columns that tell the attribute, with commas.", default="those of its name"),
]
Protect: TypeAlias = Annotated[
    tuple[str, ...] | None,
    Help("A phrase that is not touched; may be repeated.", default="none", repeat=True),
]
System: TypeAlias = Annotated[str | None, Help("The system turn.", default="none")]
MinCaptured: TypeAlias = Annotated[
    float | None,
    Help("Less probability than this on the options is no answer.", default="0.1"),
    Range(least=0, most=1),
]
Cluster: TypeAlias = Annotated[
    str | None, Help("The column that tells people apart.", default="each row is one")
]
Reference: TypeAlias = Annotated[
    str | None, Help("The group that others are compared with.", default="the largest")
]


@dataclass(frozen=True)
class Asking:
    """What decides."""

    model: Annotated[
        str, Help("A hub id, a folder, a .gguf file, or the URL of an OpenAI-like server.")
    ]
    prompt: Annotated[
        str, Help("A file with the prompt; {FIELD} is filled from the table's column.")
    ]
    choices: Annotated[
        tuple[str, ...], Help("What is decided among, with commas: yes,no.", flags="--options")
    ]


@dataclass(frozen=True)
class AskingOrRecorded:
    """What decides, or where decisions stand that exist."""

    model: Annotated[
        str | None,
        Help(
            "A hub id, a folder, a .gguf file, or the URL of an OpenAI-like server.",
            default="none, with --decisions",
        ),
    ] = None
    prompt: Annotated[
        str | None,
        Help(
            "A file with the prompt; {FIELD} is filled from the table's column.",
            default="none, with --decisions",
        ),
    ] = None
    choices: Annotated[
        tuple[str, ...] | None,
        Help(
            "What is decided among, with commas: yes,no.",
            flags="--options",
            default="what --decisions holds",
        ),
    ] = None
    decisions: Annotated[
        str | None,
        Help(
            "The column of decisions that exist, of people or machines: audited without a model.",
            default="none",
        ),
    ] = None
    status: Annotated[
        str | None,
        Help("With --decisions, the column that says how it went: answered, refused, ..."),
    ] = None
    probability: Annotated[
        str | None, Help("With --decisions, the column of scores; more is better.")
    ] = None


@dataclass(frozen=True)
class Deciding:
    """About what is decided, and what must not count."""

    table: Annotated[str, Help("The table: .csv, .tsv, .jsonl, .parquet or .xlsx.", flags="--in")]
    encoding: Annotated[
        str | None, Help("Of a table of text that is not UTF-8, such as cp1252.", default="UTF-8")
    ] = None
    attribute: Annotated[
        tuple[str, ...] | None,
        Help("What must not count: race, gender, age, ..., or a YAML file.", default="nothing"),
    ] = None
    values: Values = None
    field: Fields = None
    names: Annotated[
        Literal["turn", "keep"] | None,
        Help(
            "People's names that tell race or gender: turn (change) or keep.",
            default="those of gender turn, those of race are told",
        ),
    ] = None
    protect: Protect = None


@dataclass(frozen=True)
class Judging:
    """How a Judge asks its model."""

    calibration: Annotated[
        Calibration | None,
        Help("contextual or batch: divide out what the model leans to anyway.", default="none"),
    ] = None
    system: System = None
    model_name: Annotated[
        str | None, Help("The model's name on the server.", default="its first model")
    ] = None
    revision: Annotated[str | None, Help("The model's revision.", default="its newest")] = None
    batch_size: Annotated[
        int | None,
        Help("Prompts in one forward pass.", default="as fits the model"),
        Range(least=1),
    ] = None
    min_captured: MinCaptured = None
    refusals: Annotated[
        tuple[str, ...] | None,
        Help(
            "A phrase by which this model declines, beside those that are known; may be repeated.",
            default="none",
            flags="--refusal",
            repeat=True,
        ),
    ] = None
    chat: Annotated[
        bool | None,
        Help("Whether the model's chat template is used.", default="where it has one"),
    ] = None
    device: Annotated[Device, Help("Where the model runs: auto, cpu or cuda.")] = "auto"
    concurrency: Annotated[
        int | None, Help("A server: requests at a time.", default="8"), Range(least=1, most=1000)
    ] = None
    timeout: Annotated[
        float | None,
        Help("A server: seconds for each request.", default="30"),
        Range(above=0, below=86_401),
    ] = None
    retries: Annotated[
        int | None,
        Help("A server: how often a request is tried again.", default="5"),
        Range(least=0, most=100),
    ] = None
    requests_per_minute: Annotated[
        float | None,
        Help("A server: the most requests in a minute.", default="as many as it takes"),
        Range(above=0, below=10**7),
    ] = None


@dataclass(frozen=True)
class Keeping:
    """Where answers are kept."""

    store: Annotated[
        str | None,
        Help(
            "The file that keeps every answer, so that none is paid twice.",
            default="one beside the result",
        ),
    ] = None


@dataclass(frozen=True)
class Ruling:
    """How `decide` makes one decision of all answers, and where it writes them."""

    out: Annotated[str, Help("The table to write, with the decisions.")]
    rule: Annotated[
        Rule | None, Help("How one decision is made of all answers.", default="mean")
    ] = None
    early_stop: Annotated[
        bool,
        Help(
            "With --rule vote or abstain: ask about no variation that can change nothing any more. "
            "Spares prompts on a server; a model on this machine reads all of a text's together."
        ),
    ] = False
    max_failed: Annotated[
        float,
        Help("End with exit code 3 where requests about more than this share of the rows failed."),
        Range(least=0, most=1),
    ] = 0.0
    engine: Annotated[
        Literal["plain", "ray"],
        Help(
            "plain: one table, on this machine. ray: --in is a pattern of tables and --out a "
            "folder, both wherever fsspec reaches; on many machines."
        ),
    ] = "plain"
    workers: Annotated[
        int | None,
        Help("With --engine ray: judges at work at a time.", default="one a processor"),
        Range(least=1, most=100_000),
    ] = None


@dataclass(frozen=True)
class Auditing:
    """What an audit compares, and its limits."""

    group: Annotated[tuple[str, ...], Help("The column of groups; several with commas.")]
    favourable: Annotated[str, Help("The option that people want.")]
    out: Annotated[str, Help("The directory of the audit.")]
    label: Annotated[
        str | None,
        Help("The column that says what is right, where somebody knows.", default="none"),
    ] = None
    positive: Annotated[
        str | None,
        Help(
            "The value of the label column that means the favourable option, where it is not "
            "written as an option.",
            default="the option itself",
        ),
    ] = None
    rules: Annotated[
        tuple[Rule, ...] | None, Help("Rules to compare, with commas.", default="all")
    ] = None
    cluster: Cluster = None
    weight: Annotated[
        str | None, Help("The column of survey weights.", default="each row counts 1")
    ] = None
    count: Annotated[
        str | None,
        Help("The column that says how many people a row stands for.", default="each row is one"),
    ] = None
    pair: Annotated[
        str | None,
        Help("The column of pairs of rows that differ in their group alone.", default="none"),
    ] = None
    cuts: Annotated[
        tuple[str, ...] | None,
        Help(
            "Cut points of a column of groups that holds numbers, as in age=30,45,60; may be "
            "repeated.",
            default="none",
            repeat=True,
        ),
    ] = None
    reference: Reference = None
    format: Annotated[
        Literal["ll144"] | None,
        Help(
            "Also write the tables that New York City's Local Law 144 asks for: ll144.csv and "
            "ll144.html.",
            default="none",
        ),
    ] = None
    max_flip_rate: Annotated[
        float | None,
        Help("End with exit code 3 above this flip rate.", default="none"),
        Range(least=0, most=1),
    ] = None
    max_difference: Annotated[
        float | None,
        Help("End with exit code 3 above this demographic parity difference.", default="none"),
        Range(least=0, most=1),
    ] = None
    max_unread: Annotated[
        float | None,
        Help(
            "End with exit code 3 where a greater share of the rows is half understood.",
            default="0.05",
        ),
        Range(least=0, most=1),
    ] = None
    max_failed: Annotated[
        float,
        Help("End with exit code 3 where requests about more than this share of the rows failed."),
        Range(least=0, most=1),
    ] = 0.0
    seed: Annotated[int, Help("Decides all chance.")] = 0


def modern(given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, with the rule gate of version 0.1 as mean; that is told on stderr."""
    found = dict(given)
    rules = (given.get("rules") or "").split(",")
    if "gate" in (given.get("rule"), *rules):
        typer.echo("Note: the rule gate decides as mean does, and is now called mean.", err=True)
    if given.get("rule") == "gate":
        found["rule"] = "mean"
    if "gate" in rules:
        kept = [rule for rule in rules if rule != "gate"]
        found["rules"] = ",".join(kept if "mean" in kept else ["mean", *kept])
    return found
