"""Whether a network can be pruned at all: what cannot is refused by name, before all else."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from leanfair.data.batches import Batch, forward
from leanfair.data.language import is_transformer
from leanfair.errors import (
    FORWARD_ERRORS,
    InputError,
    UnsupportedModelError,
    raise_if_out_of_memory,
)
from leanfair.evaluation.mode import moved
from leanfair.models.streamed import shelf_of
from leanfair.pruning.structures.tracing.recording import within
from leanfair.pruning.surgery.activations import Head, dense_runs, head_among
from leanfair.pruning.surgery.config import entries
from leanfair.pruning.surgery.copies import shared_copy
from leanfair.pruning.surgery.rebuild import exact

WRONG_INPUT = (
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    UnboundLocalError,  # no branch was for such inputs
)
"""What a forward pass raises for inputs that it cannot take."""


def check_model(model: nn.Module) -> None:
    """Raise UnsupportedModelError for what is not a plain, loaded network of modules."""
    name = type(model).__name__
    if not isinstance(model, nn.Module):
        raise UnsupportedModelError(f"A network is a torch.nn.Module, but {name} is none.")
    for reason in (_wrapped, _unloaded, _quantised, _mixture, _scattered, _entangled):
        if why := reason(model):
            raise UnsupportedModelError(f"{name} {why}")


def twin_of(model: nn.Module) -> nn.Module:
    """A copy of `model` in evaluation mode, which shares the memory of its weights: it is run, but
    never trained. Raises UnsupportedModelError where none can be made."""
    try:
        return exact(padded_plainly(shared_copy(model).eval()))
    except Exception as error:  # a module may copy itself by code of its own
        raise_if_out_of_memory(error)
        raise UnsupportedModelError(
            f"{type(model).__name__} cannot be copied, and pruning works on copies: "
            f"{_first_line(error)}"
        ) from error


def padded_plainly(model: nn.Module) -> nn.Module:
    """`model` with encoders of PyTorch that keep padding as it is: they pack padded texts into
    nested tensors otherwise, whose modules cannot be watched, let alone narrowed. Their outputs are
    the same but for padding."""
    for part in model.modules():
        if isinstance(part, nn.TransformerEncoder):
            part.enable_nested_tensor = part.use_nested_tensor = False
    return model


def traceable(twin: nn.Module, sample: Batch, logits: Tensor) -> tuple[nn.Module, Batch]:
    """A model of transformers in at least single precision and, where it can be, with an attention
    that hides nothing, as fused ones lose NaN, which channels are traced by; and `sample` likewise.
    Structures are the same in every precision. `logits`: those of `twin` for `sample`."""
    if not is_transformer(twin):
        return twin, sample
    _keep_nothing(twin)
    if any(value.itemsize < 4 for value in twin.parameters()):
        twin = twin.float()
        sample = sample.mapped(lambda value: value.float() if value.is_floating_point() else value)
        logits = try_out(twin, sample)
    before: Any = twin.config._attn_implementation  # type: ignore[union-attr]
    kinds = _attentions(twin)
    taken = _takes(twin, "eager")
    if not taken or (kinds != _attentions(twin) and not _gives(twin, sample, logits)):
        _takes(twin, before)
    return twin, sample


def _attentions(model: nn.Module) -> list[Any]:
    """The kind of attention that each part of a model of transformers is told to use."""
    configs = (getattr(part, "config", None) for part in model.modules())
    return [getattr(config, "_attn_implementation", None) for config in configs]


_REFUSING: tuple[type[Exception], ...] = (ImportError, *FORWARD_ERRORS)


def _takes(twin: nn.Module, attention: str) -> bool:
    """Whether `twin` takes this kind of attention, and runs with it from now on; a model may have
    one kind only."""
    try:
        twin.set_attn_implementation(attention)  # type: ignore[operator]
    except _REFUSING as error:
        raise_if_out_of_memory(error)
        return False
    return True


def _gives(twin: nn.Module, sample: Batch, wanted: Tensor) -> bool:
    try:
        found = try_out(twin, sample)
        return found.shape == wanted.shape and within(wanted, found, 1e-3, 1e-4)
    except (InputError, UnsupportedModelError):
        return False


def _keep_nothing(model: nn.Module) -> None:
    """Keep no cache for generating: its parts would be run again with what it holds."""
    for part in model.modules():
        config: Any = getattr(part, "config", None)
        if getattr(config, "use_cache", False):
            config.use_cache = False


def check_outputs(model: nn.Module, sample: Batch) -> tuple[Tensor, Head]:
    """The logits of `model` for `sample`, and its head. Raises InputError for data that the model
    does not run on, UnsupportedModelError for outputs that are not a tensor of numbers [n, ...],
    the same each time."""
    name = type(model).__name__
    logits = try_out(model, sample)
    if logits.ndim == 0 or len(logits) != len(sample) or not logits.is_floating_point():
        raise UnsupportedModelError(
            f"{name} gives outputs {list(logits.shape)} of {logits.dtype} for {len(sample)} "
            f"samples, but pruning compares one row of numbers for each sample. {wrapping(name)}"
        )
    if not bool(torch.isfinite(logits).all()):
        raise UnsupportedModelError(f"{name} gives outputs that are not finite: check its weights.")
    with dense_runs(model) as ran:
        again = try_out(model, sample)
    if not within(logits, again, 1e-3, 1e-5):
        raise UnsupportedModelError(
            f"{name} gives other outputs each time, also in evaluation mode: switch off what is "
            f"random in its forward pass (as dropout without training=self.training)."
        )
    return logits, head_among(ran, model, logits)


def try_out(model: nn.Module, sample: Batch, where: str = "the calibration data") -> Tensor:
    """The logits of `model`, which is in evaluation mode, for `sample`. Raises InputError, saying
    `where` the sample is from, where the model does not run on it, and UnsupportedModelError where
    it gives no logits."""
    try:
        with torch.no_grad():
            return forward(model, moved(sample, model).inputs)
    except torch.OutOfMemoryError:
        raise
    except InputError as error:
        raise UnsupportedModelError(f"{error} {wrapping(type(model).__name__)}") from error
    except WRONG_INPUT as error:
        why = _known(model, sample) or _first_line(error)
        shapes = "" if isinstance(sample.inputs, dict) else f" of shape {list(sample.inputs.shape)}"
        raise InputError(
            f"{type(model).__name__} does not run on {where}{shapes}: {why}"
        ) from error


def wrapping(name: str) -> str:
    """How to make a network of one whose outputs are no single tensor [n, ...]: the lines."""
    return (
        f"Say which tensor counts: class Answer(torch.nn.Sequential): forward = lambda self, "
        f"*args, **inputs: self[0](*args, **inputs)[0] with its number or its name in the last "
        f"brackets, "
        f"then prune Answer(model) instead of the {name}."
    )


def _known(model: nn.Module, sample: Batch) -> str:
    """Why a model of transformers does not run, where its own words say little."""
    if not is_transformer(model):
        return ""
    config: Any = model.config
    if getattr(config, "is_encoder_decoder", False) and "decoder_input_ids" not in sample.inputs:
        return "an encoder-decoder also needs decoder_input_ids [n, tokens] in each batch."
    told = entries(config)
    for path, keys in told.items():
        queries = told.get(path.replace("num_key_value_heads", "num_attention_heads"))
        counts = path.endswith("num_key_value_heads") and type(keys) is int
        if counts and type(queries) is int and (keys < 1 or queries % keys):
            return (
                f"its {queries} attention heads do not go in equal parts to its {keys} key-value "
                f"heads, so give a model whose heads do."
            )
    return ""


def _wrapped(model: nn.Module) -> str:
    if isinstance(model, torch.jit.ScriptModule):
        return "is compiled by TorchScript: give the network that it was made from."
    if hasattr(model, "_orig_mod"):
        return "is made by torch.compile: give the network itself, model._orig_mod."
    if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        return "wraps a network for several devices: give the network itself, model.module."
    for part in model.modules():
        if isinstance(part, torch.jit.ScriptModule):
            return "contains modules compiled by TorchScript, which cannot be narrowed."
        if hasattr(part, "_orig_mod"):
            return "contains modules made by torch.compile: give the network before it."
        if type(part).__module__.startswith("peft."):
            return "carries adapters of peft: merge them first, model.merge_and_unload()."
    return ""


def _unloaded(model: nn.Module) -> str:
    streams = shelf_of(model) is not None
    for name, value in (*model.named_parameters(), *model.named_buffers()):
        if is_lazy(value):
            return f"has lazy modules ({name}): run it once on a batch, then prune it."
        if value.is_meta and not streams:
            return (
                f"has no weights yet ({name} is on the meta device): load them first or, for a "
                f"model larger than memory, open it by leanfair.streamed(folder)."
            )
    return ""


def _quantised(model: nn.Module) -> str:
    for name, part in model.named_modules():
        if ".quantized" in type(part).__module__:
            return f"is quantised ({name}): prune the network first, then quantise it."
    for name, value in model.named_parameters():
        if not value.is_floating_point() or value.itemsize < 2:
            return f"has weights in {value.dtype} ({name}): prune it first, then quantise it."
        if type(value.data) is not Tensor:
            kind = type(value.data).__name__
            return f"has weights that are no plain tensors ({name}, {kind}): load them plainly."
    method = getattr(getattr(model, "config", None), "quantization_config", None)
    if method is not None:
        return "is quantised: prune the model in full precision first, then quantise it."
    return ""


def _mixture(model: nn.Module) -> str:
    """Mixtures of experts are refused: a router chooses among their units."""
    if not is_transformer(model):
        return ""
    parts = ((name, type(part).__name__) for name, part in model.named_modules() if name)
    place = next((n for n, kind in parts if "expert" in f"{n} {kind}".lower()), "")
    config: Any = model.config
    counts = [
        (value, path)
        for path, value in entries(config).items()
        if type(value) is int and _counts_experts(path.rpartition(".")[2])
    ]
    value, path = max(counts, default=(0, "experts in"))
    if not place or value == 1:
        return ""
    where = f"{path} {value}" if value else f"{path} {place}"
    return f"is a mixture of experts ({where}), which cannot be pruned yet: give a dense one."


def _counts_experts(entry: str) -> bool:
    others = ("per_tok", "shared", "top", "group", "size")
    counts = "num_" in entry or entry.startswith("n_")
    return counts and "expert" in entry and not any(part in entry for part in others)


def _scattered(model: nn.Module) -> str:
    found = {str(value.device) for value in model.parameters()}
    devices = sorted(found - ({"meta"} if shelf_of(model) is not None else set()))
    if len(devices) > 1:
        return (
            f"is spread over several devices ({', '.join(devices)}): move it to one, or open it by "
            f"leanfair.streamed(folder, device_map)."
        )
    return ""


def _entangled(model: nn.Module) -> str:
    for name, part in model.named_modules():
        for key, value in vars(part).items():
            if isinstance(value, Tensor) and not value.is_leaf:
                return (
                    f"holds a computed tensor, {name}.{key}, and so cannot be copied: make it a "
                    f"plain parameter first (torch.nn.utils.remove_weight_norm, "
                    f"torch.nn.utils.prune.remove)."
                )
    return ""


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
