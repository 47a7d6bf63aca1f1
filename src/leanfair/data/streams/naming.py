"""Which kind of table a file is, told by its name."""

from __future__ import annotations

from pathlib import Path

from leanfair.errors import InputError

DELIMITERS = {".csv": ",", ".tsv": "\t"}
JSON_LINES = (".jsonl", ".ndjson")
WORKBOOKS = (".xlsx", ".xlsm")
KINDS = "a .csv, .tsv, .jsonl, .parquet or .xlsx file"
WRITTEN = "a .csv, .tsv, .jsonl or .parquet file"


def kind_of(path: str | Path, *, writing: bool = False) -> str:
    """The ending that tells how a table is written. Raises InputError where none does, and, when
    `writing`, for a workbook."""
    path = Path(path)
    zipped = path.suffix == ".gz"
    kind = path.with_suffix("").suffix if zipped else path.suffix
    whole = (".parquet", *(() if writing else WORKBOOKS))
    if kind in (*DELIMITERS, *JSON_LINES) or (kind in whole and not zipped):
        return kind
    raise InputError(f"{path} is not named like a table: use {WRITTEN if writing else KINDS}.")
