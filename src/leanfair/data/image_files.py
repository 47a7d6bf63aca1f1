"""What lies at a source of labelled images: a listing, then its pixels in memory.

A listing is cheap; decoding is what takes time, and happens once for all parts together, so that
they come out with the same height, width and channels.
"""

from __future__ import annotations

import io
import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from leanfair.errors import InputError

IMAGE_COLUMNS = ("image", "img")
LABEL_COLUMNS = ("label", "labels", "fine_label")
TEST_NAMES = ("test", "val", "valid", "validation")
SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm"))
GREY_MODES = ("1", "L", "LA")
EIGHT_BIT_MODES = (*GREY_MODES, "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV")

Encoded: TypeAlias = "bytes | Path | Image.Image | None"


@dataclass(frozen=True)
class Listing:
    """Images not yet decoded, n of them: each one's source and the name of its place, for messages;
    its label, int64 [n]; the names of the classes; and the rows of the test part, int64, or None
    where the source has no such part."""

    items: tuple[Encoded, ...]
    places: tuple[str, ...]
    labels: Tensor
    classes: tuple[str, ...]
    test: Tensor | None = None


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


def list_source(source: str | Path) -> Listing:
    """What `source` holds, in any of the forms that `leanfair.data.images.load` documents."""
    if isinstance(source, str) and source == "digits":
        return _digits()
    path = Path(source)
    if path.is_file():
        if path.suffix.lower() != ".parquet":
            raise InputError(f"{path} is not a .parquet file: give one, or a folder of images.")
        return _parquet(path)
    if not path.is_dir():
        raise InputError(
            f"There is no data at {path}: give digits, a .parquet file or a folder that exists."
        )
    if any((path / name).is_file() for name in ("train.parquet", "test.parquet")):
        return _parquet_folder(path)
    return _folder(path)


def _joined(train: Listing, test: Listing) -> Listing:
    count = len(train.labels) + len(test.labels)
    return Listing(
        train.items + test.items,
        train.places + test.places,
        torch.cat([train.labels, test.labels]),
        train.classes,
        torch.arange(len(train.labels), count),
    )


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
    if "train" in names and test:
        train = _class_folders(path / "train")
        return _joined(train, _class_folders(path / test, train.classes))
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


def _parquet_folder(path: Path) -> Listing:
    for name in ("train.parquet", "test.parquet"):
        if not (path / name).is_file():
            raise InputError(f"{path} has no {name}: add it, train and test go together.")
    train = _parquet(path / "train.parquet")
    return _joined(train, _parquet(path / "test.parquet", train.classes))


def _parquet(path: Path, classes: tuple[str, ...] | None = None) -> Listing:
    """One file, in the order of its column `index` if it has one. `classes` are those of the
    training part when this is the test part; otherwise a column `split` tells the test part."""
    table = _read_parquet(path)
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
    test = None
    if classes is None and "split" in table.column_names:
        test = _split_column(np.array(table["split"].to_pylist())[order], path)
    return Listing(
        tuple(items[row] for row in order),
        tuple(f"row {row} of {path}" for row in order),
        labels[torch.from_numpy(order)],
        names,
        test,
    )


def _read_parquet(path: Path) -> Any:
    """The table of the columns that matter, the images first, the labels next."""
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
        columns = [_one_of(IMAGE_COLUMNS, schema, path), _one_of(LABEL_COLUMNS, schema, path)]
        extra = [name for name in ("index", "split") if name in schema.names]
        table = pq.read_table(path, columns=columns + extra)
    except InputError:
        raise
    except (OSError, ValueError) as error:  # pyarrow's own errors are kinds of these
        raise InputError(f"{path} cannot be read as parquet: {error}") from error
    if not table.num_rows:
        raise InputError(f"{path} has no rows.")
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


def _split_column(values: npt.NDArray[np.str_], path: Path) -> Tensor | None:
    found = sorted({str(value) for value in values})
    if len(found) == 1:
        return None
    tests = [name for name in found if name in TEST_NAMES]
    if len(found) != 2 or "train" not in found or len(tests) != 1:
        raise InputError(
            f"The column 'split' of {path} holds {', '.join(found[:5])}: keep train and test alone."
        )
    return torch.from_numpy(np.flatnonzero(values == tests[0]))


# ---- decoding ---------------------------------------------------------------------------------


def decode(listing: Listing, size: int | None = None, channels: int | None = None) -> Tensor:
    """The pixels, uint8 [n, channels, height, width].

    Images are resized (bicubic) to `size` pixels a side; without it they must be equal. `channels`
    is 1 or 3; without it 1 where every image is grey. Transparency is ignored. Raises InputError
    naming the file or row of the first image that is broken.
    """
    arrays: list[npt.NDArray[np.uint8]] = []
    for item, place in zip(listing.items, listing.places, strict=True):
        array = _pixels(item, place, size, channels)
        if arrays and array.shape[:2] != arrays[0].shape[:2]:
            raise InputError(
                f"The images differ in size ({listing.places[0]}: {_size(arrays[0])}, "
                f"{place}: {_size(array)}): give a size in pixels to bring all to."
            )
        arrays.append(array)
    depth = channels or (1 if all(array.ndim == 2 for array in arrays) else 3)
    pixels = np.empty((len(arrays), depth, *arrays[0].shape[:2]), dtype=np.uint8)
    for row, array in enumerate(arrays):
        pixels[row] = array if array.ndim == 2 else array.transpose(2, 0, 1)
    return torch.from_numpy(pixels)


def _size(array: npt.NDArray[np.uint8]) -> str:
    return f"{array.shape[1]}x{array.shape[0]}"


_BROKEN = (
    Image.DecompressionBombError,
    AssertionError,
    EOFError,
    LookupError,
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What decoders of images raise on broken bytes."""


def _pixels(
    item: Encoded, place: str, size: int | None, channels: int | None
) -> npt.NDArray[np.uint8]:
    """One image: [height, width] where it is grey, else [height, width, 3]."""
    if item is None:
        raise InputError(f"There is no image in {place}: remove it or fill it in.")
    try:
        image = item if isinstance(item, Image.Image) else Image.open(_opened(item))
        image.load()
    except _BROKEN as error:
        raise InputError(
            f"The image in {place} is broken: replace or remove it ({error})."
        ) from error
    if image.mode not in EIGHT_BIT_MODES:
        raise InputError(
            f"The image in {place} has pixels of kind {image.mode}: save it with 8 bits a channel."
        )
    grey = channels == 1 or (channels is None and image.mode in GREY_MODES)
    image = image.convert("L" if grey else "RGB")
    if size and image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(image)


def _opened(item: bytes | Path) -> io.BytesIO:
    return io.BytesIO(item if isinstance(item, bytes) else item.read_bytes())
