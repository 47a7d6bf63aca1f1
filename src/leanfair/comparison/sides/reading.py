"""One of two models, from a run directory, a folder, a file, a hub id, a finished run or a
module."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

from torch import nn

from leanfair.comparison.pair import Pixels, Side
from leanfair.data.language import is_embedding, is_language_model, is_transformer
from leanfair.errors import InputError
from leanfair.models.image_processor import (
    own_image_processor,
    preprocessing_of,
)
from leanfair.models.origin import title_of
from leanfair.models.pretrained import open_tokenizer
from leanfair.pruning.checkpoint.loading import load, open_model
from leanfair.pruning.run.result import Pruned

Model: TypeAlias = "str | Path | nn.Module | Pruned | Side"
"""What names a model: a run directory, a folder of transformers, a .gguf file, a file of weights, a
hub id, a finished run, the network itself, or one that is opened already."""

GGUF = (
    "{name} is a GGUF file: its weights were turned into float32 when it was opened, so the "
    "figures are those of that network, not of a runtime that keeps them quantised."
)


def side_of(given: Model, *, tokenizer: Any = None, like: nn.Module | None = None) -> Side:
    """The model that `given` names, in evaluation mode. `tokenizer`: that of a model of texts, by
    default its own. `like`: a network of the class that a run pruned, where the run cannot build
    it. Raises InputError where it is none."""
    if isinstance(given, Side):
        return given
    if isinstance(given, Pruned):
        own = given.tokenizer if tokenizer is None else tokenizer
        name = pruned_name(given.model)
        return Side(name, given.model.eval(), own, pixels_of(given.model), given.path)
    if isinstance(given, nn.Module):
        return Side(title_of(given), given.eval(), tokenizer, pixels_of(given))
    if not isinstance(given, (str, Path)):
        raise InputError(
            f"A model is a path, a module or a finished run, not {type(given).__name__}."
        )
    return _read(str(given), tokenizer, like)


def _read(given: str, tokenizer: Any, like: nn.Module | None) -> Side:
    path = Path(given)
    if (path / "run.json").is_file():
        return run_side(path, tokenizer, like)
    model = open_model(given)
    name = path.stem if path.exists() and is_transformer(model) else title_of(model)
    notes = (GGUF.format(name=path.name),) if path.suffix == ".gguf" else ()
    own = tokenizer if tokenizer is not None else own_tokenizer(model, given)
    return Side(name, model, own, pixels_of(model), path if path.exists() else None, notes)


def run_side(path: Path, tokenizer: Any = None, like: nn.Module | None = None) -> Side:
    """The last network of the run in `path`."""
    model = load(path, like).eval()
    own = tokenizer if tokenizer is not None else own_tokenizer(model, str(path))
    return Side(pruned_name(model), model, own, pixels_of(model), path)


def pruned_name(model: nn.Module) -> str:
    """What a person calls the network that a run ended with."""
    return f"Pruned {title_of(model)}"


def takes_text(model: nn.Module) -> bool:
    """Whether `model` is given tokens."""
    named = getattr(model, "main_input_name", "") == "input_ids"
    return is_language_model(model) or (is_transformer(model) and (named or is_embedding(model)))


def own_tokenizer(model: nn.Module, place: str) -> Any:
    """The tokenizer beside a model of texts; None where there is none."""
    if not takes_text(model):
        return None
    try:
        return open_tokenizer(place)
    except InputError:
        return None


def pixels_of(model: nn.Module) -> Pixels | None:
    """How `model` says that its images are normalised; None where it does not say."""
    told = preprocessing_of(model, own_image_processor(model))
    return None if told.mean is None or told.std is None else Pixels(told.mean, told.std)
