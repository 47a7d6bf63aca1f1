"""What lies at a source of labelled images: a listing, which is cheap.

Decoding is what takes time, and happens once for all parts together (`leanfair.data.raw.pixels`),
so that they come out with the same height, width and channels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from leanfair.data.raw.pixels import Encoded
from leanfair.errors import InputError

IMAGE_COLUMNS = ("image", "img")
LABEL_COLUMNS = ("label", "labels", "fine_label")
VALID_NAMES = ("val", "valid", "validation")
TEST_NAMES = ("test", *VALID_NAMES)
SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm"))


@dataclass(frozen=True)
class Listing:
    """Images not yet decoded, n of them: each one's source and the name of its place, for messages;
    its label, int64 [n]; the names of the classes; the rows of the test and of the calibration
    part, int64, or None where the source has no such part; and other columns, one value an
    image."""

    items: tuple[Encoded, ...]
    places: tuple[str, ...]
    labels: Tensor
    classes: tuple[str, ...]
    test: Tensor | None = None
    calibration: Tensor | None = None
    columns: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


def check_labels(labels: Tensor, classes: int, what: str) -> None:
    """Raise InputError, naming the first row and value, unless every one of `labels`, integers [n],
    lies in 0..classes-1. `what` names the data."""
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise InputError(f"The labels of {what} must be integers, not {labels.dtype}.")
    wrong = ((labels < 0) | (labels >= classes)).nonzero()
    if len(wrong):
        row = int(wrong[0, 0])
        raise InputError(
            f"Row {row} of {what} has label {int(labels[row])}, but with {classes} classes "
            f"a label must lie in 0..{classes - 1}."
        )


def list_source(source: str | Path, keep: Sequence[str] = ()) -> Listing:
    """What `source` holds, in any of the forms that `leanfair.data.images.load` documents, with the
    columns `keep` of a parquet file."""
    found = _listed(source, keep)
    if missing := [name for name in keep if name not in found.columns]:
        raise InputError(
            f"{source} has no column {missing[0]!r}: only parquet files have columns beside the "
            f"images."
        )
    return found


def _listed(source: str | Path, keep: Sequence[str]) -> Listing:
    if isinstance(source, str) and source == "digits":
        return _digits()
    path = Path(source)
    if path.is_file():
        if path.suffix.lower() != ".parquet":
            raise InputError(f"{path} is not a .parquet file: give one, or a folder of images.")
        return _parquet(path, keep=keep)
    if not path.is_dir():
        raise InputError(
            f"There is no data at {path}: give digits, a .parquet file or a folder that exists."
        )
    if any((path / name).is_file() for name in ("train.parquet", "test.parquet")):
        return _parquet_folder(path, keep)
    return _folder(path)


def _joined(train: Listing, test: Listing, valid: Listing | None = None) -> Listing:
    """The parts as one; the valid part, where there is one beside the test part, calibrates."""
    parts = [train, test] if valid is None else [train, test, valid]
    ends = torch.tensor([len(part.labels) for part in parts]).cumsum(0).tolist()
    return Listing(
        tuple(item for part in parts for item in part.items),
        tuple(place for part in parts for place in part.places),
        torch.cat([part.labels for part in parts]),
        train.classes,
        torch.arange(ends[0], ends[1]),
        None if valid is None else torch.arange(ends[1], ends[2]),
        {name: sum((part.columns[name] for part in parts), ()) for name in train.columns},
    )


def named_as(listing: Listing, label2id: Mapping[str, int]) -> Listing:
    """`listing` with its classes in the order of a model, by their names in its `label2id`. Raises
    InputError where the model knows some of the classes but not all."""
    places = {str(name): int(number) for name, number in label2id.items()}
    unknown = [name for name in listing.classes if name not in places]
    if len(unknown) == len(listing.classes) or not listing.classes:
        return listing
    if unknown:
        raise InputError(
            f"The model knows no class {unknown[0]!r} that the data have, but does know "
            f"{next(name for name in listing.classes if name in places)!r}: name the classes as "
            f"the model does ({', '.join(list(places)[:10])})."
        )
    order = torch.tensor([places[name] for name in listing.classes])
    names = {number: name for name, number in places.items()}
    count = max(names) + 1
    classes = tuple(names.get(number, str(number)) for number in range(count))
    return replace(listing, labels=order[listing.labels], classes=classes)


def _digits() -> Listing:
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)  # scikit-learn's scale is 0..16
    labels = torch.from_numpy(digits.target.astype(np.int64))
    places = tuple(f"digit {row}" for row in range(len(pixels)))
    names = tuple(str(name) for name in digits.target_names)
    return Listing(tuple(Image.fromarray(image) for image in pixels), places, labels, names)


# ---- folders ----------------------------------------------------------------------------------


def _folder(path: Path) -> Listing:
    names = {child.name for child in _visible_folders(path)}
    test = next((name for name in TEST_NAMES if name in names), None)
    valid = next((name for name in VALID_NAMES if name in names and name != test), None)
    if "train" in names and test:
        train = _class_folders(path / "train")
        held = _class_folders(path / valid, train.classes) if valid and test == "test" else None
        return _joined(train, _class_folders(path / test, train.classes), held)
    if "train" in names:
        raise InputError(f"{path} has train/ but no test/ or val/ beside it: add one.")
    return _class_folders(path)


def _class_folders(path: Path, classes: tuple[str, ...] | None = None) -> Listing:
    folders = _visible_folders(path)
    if not folders:
        raise InputError(
            f"{path} holds no data: it needs train.parquet and test.parquet, "
            "or one sub-folder of images for each class."
        )
    names = classes or tuple(folder.name for folder in folders)
    items: list[Path] = []
    labels: list[int] = []
    for folder in folders:
        if folder.name not in names:
            raise InputError(f"{folder} is a class that the training part lacks: remove or add it.")
        files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
        if not files:
            raise InputError(f"{folder} holds no image: add some, or remove the folder.")
        items += files
        labels += [names.index(folder.name)] * len(files)
    places = tuple(str(file) for file in items)
    return Listing(tuple(items), places, torch.tensor(labels), names)


def _visible_folders(path: Path) -> list[Path]:
    return sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith((".", "__")))


# ---- parquet ----------------------------------------------------------------------------------


def _parquet_folder(path: Path, keep: Sequence[str] = ()) -> Listing:
    for name in ("train.parquet", "test.parquet"):
        if not (path / name).is_file():
            raise InputError(f"{path} has no {name}: add it, train and test go together.")
    train = _parquet(path / "train.parquet", keep=keep)
    test = _parquet(path / "test.parquet", train.classes, keep)
    held = [path / f"{name}.parquet" for name in VALID_NAMES]
    valid = next((_parquet(file, train.classes, keep) for file in held if file.is_file()), None)
    return _joined(train, test, valid)


def _parquet(
    path: Path, classes: tuple[str, ...] | None = None, keep: Sequence[str] = ()
) -> Listing:
    """One file, in the order of its column `index` if it has one. `classes` are those of the
    training part when this is the test part; otherwise a column `split` tells the test part."""
    table = _read_parquet(path, keep)
    image, label = table.column_names[:2]
    items = _image_column(table[image], f"column {image!r} of {path}")
    labels = _label_column(table[label], f"column {label!r} of {path}")
    names = _class_names(table.schema.metadata or {}, label)
    if classes and names and names != classes:
        raise InputError(f"{path} names other classes than the training part: use the same names.")
    names = names or classes or _numbered(labels, path)
    check_labels(labels, len(names), str(path))
    order = np.arange(len(items))
    index = table["index"].to_numpy() if "index" in table.column_names else order
    if np.issubdtype(index.dtype, np.integer):
        order = np.argsort(index, kind="stable")
    test = held = None
    if classes is None and "split" in table.column_names:
        test, held = _split_column(np.array(table["split"].to_pylist())[order], path)
    return Listing(
        tuple(items[row] for row in order),
        tuple(f"row {row} of {path}" for row in order),
        labels[torch.from_numpy(order)],
        names,
        test,
        held,
        {name: tuple(np.array(table[name].to_pylist(), object)[order]) for name in keep},
    )


def _read_parquet(path: Path, keep: Sequence[str] = ()) -> Any:
    """The table of the columns that matter, the images first, the labels next."""
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
        columns = [_one_of(IMAGE_COLUMNS, schema, path), _one_of(LABEL_COLUMNS, schema, path)]
        extra = [name for name in ("index", "split", *keep) if name in schema.names]
        table = pq.read_table(path, columns=columns + extra)
    except InputError:
        raise
    except (OSError, ValueError) as error:  # pyarrow's own errors are kinds of these
        raise InputError(f"{path} cannot be read as parquet: {error}") from error
    if not table.num_rows:
        raise InputError(f"{path} has no rows.")
    if missing := [name for name in keep if name not in table.column_names]:
        raise InputError(f"{path} has no column {missing[0]!r}: it has {', '.join(schema.names)}.")
    return table


def _one_of(names: tuple[str, ...], schema: Any, path: Path) -> str:
    for name in names:
        if name in schema.names:
            return name
    wanted = " or ".join(repr(name) for name in names)
    raise InputError(f"{path} needs a column {wanted}; it has {', '.join(schema.names) or 'none'}.")


def _label_column(column: Any, what: str) -> Tensor:
    import pyarrow as pa

    if not pa.types.is_integer(column.type):
        raise InputError(f"The {what} holds {column.type}: labels must be integers from 0 on.")
    if column.null_count:
        row = column.is_null().to_pylist().index(True)
        raise InputError(f"Row {row} of the {what} is empty: give each image a label.")
    return torch.from_numpy(column.to_numpy().astype(np.int64))


def _image_column(column: Any, what: str) -> list[bytes | None]:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        column = pc.struct_field(column, "bytes")
    if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        raise InputError(f"The {what} holds {kind}: it must hold encoded images (PNG, JPEG, ...).")
    values: list[bytes | None] = column.to_pylist()
    return values


def _class_names(metadata: dict[bytes, bytes], label: str) -> tuple[str, ...] | None:
    """From the file's metadata: `classes`, with commas, or the features that `datasets` writes."""
    if b"classes" in metadata:
        return tuple(metadata[b"classes"].decode(errors="replace").split(","))
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        return tuple(str(name) for name in features[label]["names"])
    except (KeyError, TypeError, ValueError):
        return None


def _numbered(labels: Tensor, path: Path) -> tuple[str, ...]:
    """The classes 0, 1, ... of `labels`, which must leave no number out."""
    present = torch.from_numpy(np.unique(labels.numpy()))
    check_labels(labels, max(int(present[-1]), 0) + 1, str(path))
    gaps = (present != torch.arange(len(present))).nonzero()
    if len(gaps):
        raise InputError(
            f"No row of {path} has label {int(gaps[0, 0])}, but one has {int(present[-1])}: "
            "number the classes from 0 on without gaps."
        )
    return tuple(str(number) for number in range(len(present)))


def _split_column(values: npt.NDArray[np.str_], path: Path) -> tuple[Tensor | None, Tensor | None]:
    """The rows of the test part and of the calibration part."""
    found = sorted({str(value) for value in values})
    if len(found) == 1:
        return None, None
    tests = sorted((name for name in found if name in TEST_NAMES), key=TEST_NAMES.index)
    three = len(tests) == 2 and tests[0] == "test"
    if "train" not in found or len(found) != 1 + len(tests) or not (len(tests) == 1 or three):
        raise InputError(
            f"The column 'split' of {path} holds {', '.join(found[:5])}: keep train and test, and "
            f"valid at most beside them."
        )
    rows = [torch.from_numpy(np.flatnonzero(values == name)) for name in tests]
    return rows[0], rows[1] if three else None
