"""Plain text as blocks of tokens, split three ways: train, calibration and test share no block.

The calibration part decides between candidates, so it is held out of training; the test part only
measures. A part that comes in a file of its own is kept apart as it is.
"""

from __future__ import annotations

import gzip
import re
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from leanfair.data.batches import check_held_out
from leanfair.data.splits import PARTS, TextSplits, divided
from leanfair.data.tables import DELIMITERS, JSON_LINES, check_columns, read_table
from leanfair.errors import InputError

TABLES = (*DELIMITERS, *JSON_LINES, ".parquet")
KINDS = "a .txt, .jsonl, .csv or .parquet file"

_AT_ONCE = 64
"""Documents that are turned into tokens at a time."""


@dataclass(frozen=True, eq=False)
class Tokens(Dataset[dict[str, Tensor]]):
    """A map-style torch Dataset of blocks of tokens, fully in memory: `ids` int64 [n, length].

    A sample is {"input_ids": int64 [length]}, as models of transformers take it. Raises InputError
    where `ids` are something else.
    """

    ids: Tensor = field(repr=False)

    def __post_init__(self) -> None:
        if self.ids.dtype != torch.int64 or self.ids.ndim != 2:
            raise InputError(
                "Tokens must be an int64 tensor [n, length], "
                f"not {self.ids.dtype} {list(self.ids.shape)}."
            )

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"input_ids": self.ids[range(len(self))[index]]}

    def take(self, rows: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The blocks of `rows` [m] as {"input_ids": int64 [m, length]}. Nothing is drawn."""
        return {"input_ids": self.ids[rows.to(self.ids.device)]}


def load_text(
    path: str | Path,
    tokenizer: Any,
    length: int = 128,
    *,
    calibration: int | None = None,
    seed: int = 0,
    column: str = "text",
) -> TextSplits[Tokens]:
    """Read text and split it into blocks of `length` tokens.

    `path` is a file (see `read_text`) or a folder of such, called train, valid (or validation, val,
    dev, calibration) and test. Of those, what is there is kept as it is. What is missing is cut out
    of the train file or, without one, of the valid file, as one stretch: a tenth for the test part,
    from the end, and for calibration a tenth, but at most 128 blocks, at a place that `seed`
    decides. The same goes for a single file. `calibration`: how many blocks to hold out instead;
    from a file of its own, so many are drawn by chance.

    Raises InputError on text that cannot be read, or is too short to be split so.
    """
    check_held_out(calibration)
    files = text_files(path)
    ids = {
        part: tokens([t for f in found for t in read_text(f, column)], tokenizer, length).ids
        for part, found in files.items()
    }
    parts = divided(ids, calibration, torch.Generator().manual_seed(seed), str(path))
    return TextSplits(Path(path).resolve().name, *(Tokens(part) for part in parts))


def as_tokens(source: Any, tokenizer: Any) -> Any:
    """A text or a list of texts as `tokens`; any other data as they are. Raises InputError for
    texts without a tokenizer."""
    listed = isinstance(source, (list, tuple)) and bool(source)
    if isinstance(source, str) or (listed and all(isinstance(text, str) for text in source)):
        return tokens(source, tokenizer)
    return source


def tokens(
    texts: str | Sequence[str], tokenizer: Any, length: int = 128, *, most: int | None = None
) -> Tokens:
    """`texts` as blocks of `length` tokens, at most `most`; the ragged end is dropped.

    Documents follow each other with the tokenizer's end-of-text token between them, if it has one.
    Where it lets every text begin with a token of its own (see `opening_of`), so does every block;
    no other special tokens are added. Raises InputError where that gives not a single block.
    """
    check_reading(tokenizer, length)
    opening = opening_of(tokenizer)
    if most is not None and (not isinstance(most, int) or most < 1):
        raise InputError(f"most must be a whole number of blocks above 0, not {most}.")
    documents = [texts] if isinstance(texts, str) else list(texts)
    body = length - len(opening)
    wanted = None if most is None else most * body
    flat = array("q")  # a list of numbers takes four times the memory
    for ids in _token_lists(documents, tokenizer):
        if flat and tokenizer.eos_token_id is not None:
            flat.append(tokenizer.eos_token_id)
        flat.extend(ids)
        if wanted is not None and len(flat) >= wanted:
            break
    blocks = min(len(flat) // body, most or len(flat))
    if blocks == 0:
        raise InputError(
            f"The text is too short: it has {len(flat)} tokens, which are no block of {body}; "
            f"give more text or a smaller length."
        )
    whole = torch.frombuffer(flat, dtype=torch.int64, count=blocks * body).view(blocks, body)
    first = torch.tensor(opening, dtype=torch.int64).expand(blocks, len(opening))
    return Tokens(torch.cat([first, whole], dim=1))


def opening_of(tokenizer: Any) -> list[int]:
    """The token that a language model's tokenizer puts before every text, as those of Gemma, Llama
    and Mistral do, in a list; empty where it puts none, or one at the end, too. Such a model was
    trained on no text without it, and foresees little of one."""
    bos = getattr(tokenizer, "bos_token_id", None)
    if bos is None:
        return []
    plain, whole = (
        list(tokenizer("a", add_special_tokens=special, verbose=False)["input_ids"])
        for special in (False, True)
    )
    return [bos] if whole == [bos, *plain] else []


def check_reading(tokenizer: Any, length: int) -> None:
    """Raise InputError without a tokenizer, and for samples too short to say anything about."""
    if tokenizer is None:
        raise InputError("There is no tokenizer: give the one that belongs to the model.")
    if not isinstance(length, int) or length < 2:
        raise InputError(f"length must be 2 tokens or more, not {length}.")


def read_text(path: str | Path, column: str = "text") -> list[str]:
    """The documents of a file that are not empty: the whole of a .txt, or each row's `column` of a
    table (.csv, .tsv, .jsonl or .parquet); all but parquet may be compressed, as in .txt.gz. Raises
    InputError where there are none."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no text {path}: give {KINDS}.")
    if _kind(path) == ".txt":
        found = [_whole(path)]
    elif _kind(path) in TABLES:
        found = _column(path, column)
    else:
        raise InputError(f"{path} is not named like a text: use {KINDS}.")
    documents = [text for text in found if text.strip()]
    if not documents:
        raise InputError(f"{path} holds no text: give a file that does.")
    return documents


def text_files(path: str | Path) -> dict[str, list[Path]]:
    """The files of each part: a single file is "train". Raises InputError where there is none to
    calibrate on."""
    path = Path(path)
    if path.is_file():
        return {"train": [path]}
    if not path.is_dir():
        raise InputError(f"There is no text {path}: give {KINDS}, or a folder of such.")
    files = _part_files(path)
    if not files.keys() & {"train", "calibration"}:
        raise InputError(
            f"The folder {path} holds no file train or valid: give {KINDS}, or a folder of such "
            f"called train, valid and test."
        )
    return files


def holds_text(path: str | Path) -> bool:
    """Whether `path` is, by its name and a parquet's columns, text rather than images."""
    path = Path(path)
    if path.is_dir():
        files = [file for files in _part_files(path).values() for file in files]
        return bool(files) and all(holds_text(file) for file in files)
    if _kind(path) != ".parquet":
        return _kind(path) in (".txt", *TABLES)
    return path.is_file() and not _has_images(path)


# ---- reading ----------------------------------------------------------------------------------


def _kind(path: Path) -> str:
    """The ending that tells what a file holds, without that of its compression."""
    return (path.with_suffix("") if path.suffix == ".gz" else path).suffix


def _part_files(folder: Path) -> dict[str, list[Path]]:
    """The text files of `folder` by part. The name begins with the part's, as in train.txt and in
    train-00000-of-00002.parquet."""
    found: dict[str, list[Path]] = {}
    for file in sorted(folder.iterdir()):
        first = re.split(r"[-_.]", file.name, maxsplit=1)[0]
        part = next((part for part, names in PARTS.items() if first in names), None)
        if part is not None and file.is_file() and _kind(file) in (".txt", *TABLES):
            found.setdefault(part, []).append(file)
    return found


def _has_images(path: Path) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return bool({"image", "img"} & set(pq.read_schema(path).names))
    except (OSError, pa.ArrowException):
        return False


def _whole(path: Path) -> str:
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        return content.decode("utf-8-sig")
    except (OSError, UnicodeError, EOFError, zlib.error) as error:
        raise InputError(f"The text {path} cannot be read: {error}.") from error


def _column(path: Path, column: str) -> list[str]:
    rows = read_table(path)
    check_columns(rows, [column], str(path))
    texts = [row.get(column) for row in rows]
    for number, text in enumerate(texts, start=1):
        if text is not None and not isinstance(text, str):
            raise InputError(f"Row {number} of {path} has no text in {column!r}, but {text!r:.50}.")
    return [text for text in texts if text is not None]


def _token_lists(documents: Sequence[str], tokenizer: Any) -> Iterator[list[int]]:
    """The tokens of each document, without special ones."""
    for start in range(0, len(documents), _AT_ONCE):
        some = list(documents[start : start + _AT_ONCE])
        # not verbose: that a document is longer than the model's window is no trouble here
        yield from tokenizer(
            some, add_special_tokens=False, return_attention_mask=False, verbose=False
        )["input_ids"]


# ---- splitting --------------------------------------------------------------------------------
