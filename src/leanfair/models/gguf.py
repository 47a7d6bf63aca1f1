"""GGUF files: converted once into a folder of safetensors, which then opens in seconds."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import struct
from pathlib import Path
from typing import Any

from leanfair.errors import (
    FORWARD_ERRORS,
    InputError,
    MissingDependencyError,
    RunDirectoryError,
    raise_if_out_of_memory,
)
from leanfair.files.writing import sweep, unfinished

CACHE_VARIABLE = "LEANFAIR_CACHE"
_BLOCK = 1 << 22


def cache_folder() -> Path:
    """Where converted models go: $LEANFAIR_CACHE, or "leanfair" in the user's cache folder."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "leanfair"


def converted(path: Path) -> Path:
    """The folder that holds the model and the tokenizer of a GGUF file, in float32.

    The first call for a file's content converts it. The folder appears whole or not at all, also
    where a process is killed meanwhile, or several convert at once.
    """
    folder = cache_folder() / "gguf" / content_hash(path)
    if folder.is_dir():
        return folder
    part = unfinished(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        _convert(path, part)
        with contextlib.suppress(OSError):  # another process was first: its folder is as good
            os.rename(part, folder)
    except OSError as error:
        raise RunDirectoryError(
            f"The converted model cannot be written to {folder.parent} ({error}): set "
            f"{CACHE_VARIABLE} to a folder with room."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def content_hash(*paths: Path) -> str:
    """A hash of the names and the content of files."""
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        digest.update(path.suffix.encode() if len(paths) == 1 else path.name.encode())
        with open(path, "rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


def _convert(path: Path, into: Path) -> None:
    model, tokenizer = _read(path)
    # the weights are plain by now; what is left of their past would only keep them from being saved
    for owner, trace in ((model, "hf_quantizer"), (model.config, "quantization_config")):
        if hasattr(owner, trace):
            delattr(owner, trace)
    model.save_pretrained(into)
    tokenizer.save_pretrained(into)


def _read(path: Path) -> tuple[Any, Any]:
    import torch
    import transformers
    from huggingface_hub.errors import StrictDataclassError

    where = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
    plain = {}
    if hasattr(transformers, "GgufConfig"):  # versions without it can read weights no other way
        plain["quantization_config"] = transformers.GgufConfig(dequantize=True)
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(**where)
        model = transformers.AutoModelForCausalLM.from_pretrained(
            **where, dtype=torch.float32, **plain
        )
    except ImportError as error:
        raise MissingDependencyError(
            "Reading a GGUF file needs the package gguf: pip install 'leanfair[gguf]'."
        ) from error
    except (*FORWARD_ERRORS, OSError, EOFError, struct.error, StrictDataclassError) as error:
        raise_if_out_of_memory(error)  # broken bytes and unknown architectures fail in many ways
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{path} cannot be read as a GGUF language model: {first}") from error
    return model, tokenizer
