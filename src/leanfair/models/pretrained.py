"""Models of transformers: opening one from a folder, a GGUF file or the hub, and building its
architecture anew. No code of a model's own is run, and only safetensors are read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leanfair.errors import (
    FORWARD_ERRORS,
    InputError,
    LeanfairError,
    first_line,
    raise_if_out_of_memory,
)
from leanfair.models.gguf import converted

if TYPE_CHECKING:
    pass

import math
from contextlib import contextmanager
from importlib import import_module

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch import nn

from leanfair.models.dtypes import default_dtype, dtype_of

REMOTE = "trust_remote_code"
_BROKEN = (*FORWARD_ERRORS, OSError, SafetensorError, StrictDataclassError)
"""What a broken folder makes transformers raise, which looks at little before it uses it."""
FLOAT = "__float__"
"""The key of a number that JSON has not, as transformers writes it."""


def open_pretrained(name: str) -> nn.Module:
    """The model that a folder of transformers, or a hub id, holds, in the dtype it was saved in.

    Its class is the one that its configuration names: an image or text classifier, or a language
    model. Raises InputError where there is none, where it gives no logits, where weights are
    missing, and where they are quantised.
    """
    local = Path(name).is_dir()
    with opening(name, local):
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(name, local_files_only=local, trust_remote_code=False)
        check_whole(name, config)
        model, found = class_of(name, config).from_pretrained(
            name,
            config=config,
            local_files_only=local,
            use_safetensors=True,
            dtype="auto",
            output_loading_info=True,
        )
    lacking = sorted(found["missing_keys"])
    if lacking:
        if told := prefix_of(found["unexpected_keys"]):
            raise InputError(
                f"The weights of {name} have names that begin with {told}, as a wrapper of "
                f"training gives them: save the model inside of it, or rename them."
            )
        raise InputError(
            f"{name} lacks weights of a {type(model).__name__}, such as {lacking[0]}: give the "
            f"trained model, with its head."
        )
    assert isinstance(model, nn.Module)
    return model


WRAPPERS = ("_orig_mod.", "module.", "model.", "net.", "network.")
"""What torch.compile, parallel training and Lightning put before the names of weights."""


def prefix_of(names: Collection[str]) -> str:
    """The names of wrappers that all of `names` begin with; "" where there is none."""
    found = ""
    while names and (own := [p for p in WRAPPERS if all(n.startswith(found + p) for n in names)]):
        found += own[0]
    return found


def open_gguf(path: Path) -> nn.Module:
    """The language model of a GGUF file, in float32; it is converted once, and then kept."""

    model: Any = open_pretrained(str(converted(path)))
    model.config.name_or_path = path.stem  # rather than the folder of the converted model
    assert isinstance(model, nn.Module)
    return model


def open_tokenizer(name: str) -> Any:
    """The tokenizer of a folder of transformers, a GGUF file or a hub id. Raises InputError where
    there is none."""
    path = Path(name)
    if path.is_file() and path.suffix == ".gguf":
        from leanfair.models.gguf import converted

        return open_tokenizer(str(converted(path)))
    local = path.is_dir()
    missing = (
        f"{f'The folder {name}' if local else name} holds no tokenizer: give --tokenizer, the "
        f"folder of one that belongs to the model."
    )
    try:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(
            name, local_files_only=local, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError) as error:
        raise InputError(missing) from error
    # Without any file of one, some classes give a tokenizer of no words rather than an error.
    files = {str(file) for file in tokenizer.vocab_files_names.values()}
    if local and not any((path / file).exists() for file in files | {"tokenizer.json"}):
        raise InputError(missing)
    return tokenizer


@contextmanager
def opening(name: str, local: bool) -> Iterator[None]:
    """Turn what transformers raises for a model that it cannot open into one sentence."""
    try:
        yield
    except LeanfairError:
        raise
    except _BROKEN as error:
        raise_if_out_of_memory(error)
        lines = [first_line(error)]
        if REMOTE in str(error):
            lines = ["it needs code of its own, which is not run"]
        where = f"The folder {name}" if local else f"There is no model {name!r}, and the hub"
        raise InputError(
            f"{where} gives no classifier or language model: give a weights file, a folder that "
            f"holds one as safetensors, or the name of a model "
            f"({lines[0] if lines else type(error).__name__})."
        ) from error


def check_whole(name: str, config: Any) -> None:
    """Raise InputError where the weights are quantised."""
    quantised = getattr(config, "quantization_config", None)
    if quantised is None:
        return
    plain = quantised if isinstance(quantised, Mapping) else quantised.to_dict()
    raise InputError(
        f"{name} is quantised ({plain.get('quant_method', 'in an unknown way')}): prune the "
        f"full-precision model first, then quantise it."
    )


def class_of(name: str, config: Any) -> Any:
    """The class that `config` names or, where it names none, what models of its type are."""
    import transformers

    architectures = getattr(config, "architectures", None) or ()
    modelling = type(config).__module__.replace(".configuration_", ".modeling_")
    for architecture in architectures:
        found = class_named(architecture, modelling)
        if found is not None:
            return found
    if architectures:
        raise InputError(
            f"{name} is a {architectures[0]}, which the installed transformers does not know: "
            f"install the version that it was made with."
        )
    images = type(config) in transformers.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING
    kind = "ImageClassification" if images else "CausalLM"
    return getattr(transformers, f"AutoModelFor{kind}")


def class_named(name: str, module: str | None) -> Any | None:
    """The model class of transformers by its name, from its `module` where it is not exported at
    the top; None where the installed version has none."""
    import transformers

    found = getattr(transformers, name, None)
    if found is None and module is not None and module.startswith("transformers."):
        try:
            found = getattr(import_module(module), name, None)
        except ImportError:
            return None
    models = isinstance(found, type) and issubclass(found, transformers.PreTrainedModel)
    return found if models else None


# ---- building ---------------------------------------------------------------------------------


def spec_of(model: Any) -> dict[str, Any]:
    """What `skeleton` needs to build the architecture of `model` anew, as JSON."""
    spec = {
        "class": type(model).__name__,
        "module": type(model).__module__,
        "dtype": dtype_of(model),
        "config": model.config.to_dict(),
    }
    plain: dict[str, Any] = _plain(spec)
    return plain


def skeleton(spec: Mapping[str, Any]) -> nn.Module:
    """The architecture with buffers, but parameters without memory (on the meta device), so that
    nothing is spent on initialising them. `with_memory` gives them some."""
    from accelerate import init_empty_weights

    model_class = class_named(spec["class"], spec.get("module"))
    if model_class is None:
        raise InputError(
            f"The installed transformers has no {spec['class']}: install the version that the run "
            f"was made with."
        )
    given = {k: _real(v) for k, v in spec["config"].items() if k != "transformers_version"}
    if "id2label" in given:
        given["id2label"] = {int(key): label for key, label in given["id2label"].items()}
    name = spec.get("dtype")  # older runs do not say
    dtype = getattr(torch, name.removeprefix("torch.")) if name else torch.get_default_dtype()
    with default_dtype(dtype), init_empty_weights(include_buffers=False):
        model: Any = model_class(model_class.config_class.from_dict(given))
    model.tie_weights()  # each was moved by itself
    assert isinstance(model, nn.Module)
    return model


def with_memory(model: nn.Module) -> nn.Module:
    """`model` with zeros for parameters that have no memory yet; those that are one stay one."""
    made: dict[int, nn.Parameter] = {}
    for module in model.modules():
        for name, value in module._parameters.items():
            if value is None or not value.is_meta:
                continue
            if id(value) not in made:
                zeros = torch.zeros_like(value, device="cpu")
                made[id(value)] = nn.Parameter(zeros, value.requires_grad)
            module._parameters[name] = made[id(value)]
    return model


def _real(value: Any) -> Any:
    """What `_plain` made plain, with the numbers that JSON has not."""
    if isinstance(value, Mapping):
        return (
            float(value[FLOAT])
            if set(value) == {FLOAT}
            else {k: _real(v) for k, v in value.items()}
        )
    return [_real(item) for item in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    """`value` in JSON types; what is none of them, such as a dtype, is told by its name."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {FLOAT: str(value)}  # JSON has no infinity
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def load_part(kind: Any, name: str, source: str, revision: str | None, **more: Any) -> Any:
    """What the class `kind` of transformers opens. No code of a model's own is run."""
    try:
        return kind.from_pretrained(
            source, revision=revision or "main", trust_remote_code=False, **more
        )
    except (*_BROKEN, ImportError) as error:
        raise_if_out_of_memory(error)
        raise no_model(name, error) from error


def no_model(name: str, error: Exception) -> InputError:
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    local = Path(name).exists()
    where = f"{name} gives" if local else f"There is no model {name!r}, and the hub gives"
    return InputError(
        f"{where} no language model: name a folder, a .gguf file, the URL of a server, or a model "
        f"on the hub ({first})"
    )
