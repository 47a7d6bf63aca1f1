"""The options of the commands that decide with a language model. None means: not given."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import typer


def _option(name: str, what: str) -> Any:
    return typer.Option(name, help=what, show_default=False)


Model: TypeAlias = Annotated[
    str,
    _option("--model", "A hub id, a folder, a .gguf file, or the URL of an OpenAI-like server."),
]
Prompt: TypeAlias = Annotated[
    str, _option("--prompt", "A file with the prompt; {FIELD} is filled from the table's column.")
]
Options: TypeAlias = Annotated[
    str, _option("--options", "What is decided among, with commas: yes,no.")
]
Attribute: TypeAlias = Annotated[
    str | None,
    _option("--attribute", "What must not count: race, gender, age, ..., or a YAML file."),
]
Values: TypeAlias = Annotated[
    str | None, _option("--values", "Only these values of the attribute, with commas.")
]
Field: TypeAlias = Annotated[
    str | None, _option("--field", "The columns that tell the attribute, with commas.")
]
Protect: TypeAlias = Annotated[
    list[str] | None, _option("--protect", "A phrase that is not touched; may be repeated.")
]
Table: TypeAlias = Annotated[str, _option("--in", "The table: .csv, .tsv, .jsonl or .parquet.")]
Calibration: TypeAlias = Annotated[
    str | None,
    _option("--calibration", "contextual or batch: divide out what the model leans to anyway."),
]
System: TypeAlias = Annotated[str | None, _option("--system", "The system turn.")]
ModelName: TypeAlias = Annotated[
    str | None, _option("--model-name", "The model's name on the server.")
]
Revision: TypeAlias = Annotated[str | None, _option("--revision", "The model's revision.")]
Store: TypeAlias = Annotated[
    str | None, _option("--store", "The file that keeps every answer, so that none is paid twice.")
]
BatchSize: TypeAlias = Annotated[
    int | None, _option("--batch-size", "Prompts in one forward pass.")
]
MinCaptured: TypeAlias = Annotated[
    float | None,
    _option("--min-captured", "Less probability than this on the options is no answer (0.1)."),
]
Chat: TypeAlias = Annotated[
    bool | None, _option("--chat/--no-chat", "Whether the model's chat template is used.")
]
Device: TypeAlias = Annotated[str, _option("--device", "auto (default), cpu or cuda.")]
