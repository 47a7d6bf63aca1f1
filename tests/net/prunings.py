"""Seeded pruning runs: of a residual network for digits, and of tiny transformers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import leanfair
from tests.net.names import CifarResNet

WORDS, LENGTH = 64, 12
TOTALS = ("macs", "params", "embeddings", "attention_macs", "cost", "removed", "stopped_because")
QUALITY = ("quality", "accuracy", "perplexity", "calibration_accuracy", "calibration_perplexity")
UNTRAINED = {"candidate_epochs": 0.0, "round_epochs": 0.0, "final_epochs": 0.0}


def pruned(model: nn.Module, calibration: Any, **settings: Any) -> dict[str, Any]:
    """The decisions of one run, and the cost of the network before and after."""
    run = leanfair.prune(
        model, calibration=calibration, latency_batches=(), **{"seed": 7, **settings}
    )
    return {
        **{key: run.summary[key] for key in (*TOTALS, *QUALITY)},
        "steps": [_step(step) for step in run.steps],
        "outputs": _outputs(run.model, calibration),
    }


def _step(step: leanfair.Step) -> dict[str, Any]:
    return {
        "chosen": step.chosen,
        "cka": dict(step.cka),
        "macs": step.macs,
        "params": step.params,
        "accuracy": step.accuracy,
        "perplexity": step.perplexity,
        "saves": dict(step.cut.saves),
        "layers": [layer.name for layer in step.cut.layers],
        "neurons": {cut.group.name: list(cut.drop) for cut in step.cut.neurons},
        "text": str(step.cut),
    }


def _outputs(model: nn.Module, calibration: Any) -> dict[str, Any]:
    """What the last network says of the first sample, in short."""
    first = calibration[0][0] if isinstance(calibration, TensorDataset) else calibration[0]
    with torch.no_grad():
        if isinstance(first, Mapping):
            logits: Tensor = model(**first).logits[:1]
        else:
            logits = model(first[None])
    return {"shape": list(logits.shape), "norm": float(logits.norm())}


# ---- digits -------------------------------------------------------------------------------------


@cache
def _digits() -> tuple[TensorDataset, TensorDataset, TensorDataset]:
    """Images to train on, to calibrate on and to test on, in double precision: training would carry
    the last bit of another machine into the decisions."""
    found = load_digits()
    images = torch.tensor(found.images[:, 1:7, 1:7], dtype=torch.float64)[:, None] / 8 - 1
    labels = torch.tensor(found.target, dtype=torch.int64)
    parts = (slice(0, 192), slice(192, 240), slice(240, 300))
    train, calibration, test = (TensorDataset(images[part], labels[part]) for part in parts)
    return train, calibration, test


@cache
def _network() -> nn.Module:
    """A residual network that has seen each image twice."""
    generator = torch.Generator().manual_seed(0)
    network = CifarResNet(depth=14, classes=10, channels=1).double()
    for weight in (parameter for parameter in network.parameters() if parameter.ndim > 1):
        gain = (2.0 / weight[0].numel()) ** 0.5
        weight.data = gain * torch.randn(weight.shape, generator=generator, dtype=weight.dtype)
    nn.init.zeros_(network.linear.bias)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    images, labels = _digits()[0].tensors
    for rows in torch.arange(2 * len(images)).remainder(len(images)).split(64):
        optimizer.zero_grad()
        F.cross_entropy(network(images[rows]), labels[rows]).backward()
        optimizer.step()
    return network.eval()


def digits(trained: bool = False, **settings: Any) -> dict[str, Any]:
    """A run of the digits network, with a bit of fine-tuning or none."""
    train, calibration, test = _digits()
    fine_tuned = {"train": train, "test": test, "batch_size": 32}
    data = fine_tuned if trained else {**UNTRAINED, "test": test}
    given = {"min_layers": 1, **data, **settings}
    return pruned(_network(), calibration, **given)


BRIEF = {"candidate_epochs": 0.125, "round_epochs": 0.25, "final_epochs": 0.25}
DIGITS: dict[str, Callable[[], Any]] = {
    "kl": partial(digits, trained=True, cut=0.1, exact=True, score_samples=6, **BRIEF),
    "fisher": partial(digits, trained=True, cut=0.4, criterion="fisher", **BRIEF),
    "distilled": partial(
        digits, trained=True, cut=0.2, criterion="l1", optimizer="adamw", distill=0.5, **BRIEF
    ),
    "layers-only": partial(digits, cut=0.3, only="layer", criterion="fisher"),
    "neurons-only": partial(digits, cut=0.3, only="neurons", criterion="fisher", round_to=4),
    "uniform": partial(digits, cut=0.4, spread="uniform", criterion="fisher"),
    "least": partial(digits, cut=0.4, spread="least", criterion="l1", layers_per_round=2),
    "params": partial(digits, cut=0.15, of="params", criterion="fisher", debiased=True),
    "memory": partial(digits, cut=0.2, of="memory", criterion="l1"),
    "paper": partial(digits, cut=0.4, preset="paper", criterion="l1"),
    "random": partial(digits, cut=0.4, criterion="random", reconstruct=True),
}


# ---- transformers -------------------------------------------------------------------------------


def _awake(model: nn.Module) -> nn.Module:
    """`model` with scales and biases as after training, none of them trivial."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim < 2:
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
            else:
                parameter.copy_(0.15 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def _inputs(kind: str, seed: int = 1) -> list[dict[str, Tensor]]:
    """Two batches of data."""
    generator = torch.Generator().manual_seed(seed)
    if kind == "image":
        return [{"pixel_values": torch.randn(4, 3, 16, 16, generator=generator)} for _ in range(2)]
    found = []
    for _ in range(2):
        ids = torch.randint(3, WORDS, (4, LENGTH), generator=generator)
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        if kind == "pair":
            inputs["decoder_input_ids"] = ids[:, : LENGTH - 3]
        found.append(inputs)
    return found


def transformer(
    model: str, config: str, sizes: Mapping[str, Any], kind: str = "text", **settings: Any
) -> dict[str, Any]:
    """A run of a tiny transformer without training."""
    import transformers

    torch.manual_seed(0)
    network = getattr(transformers, model)(getattr(transformers, config)(**sizes))
    given = {"cut": 0.3, "test": _inputs(kind, seed=2), **UNTRAINED, "reconstruct": False}
    given |= settings
    return pruned(_awake(network), _inputs(kind), **given)


COMMON = {
    "hidden_size": 32,
    "intermediate_size": 24,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
}
TEXT = {**COMMON, "vocab_size": WORDS, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
GROUPED = {**TEXT, "num_key_value_heads": 2}
SEQUENCE = {**TEXT, "num_labels": 3, "max_position_embeddings": 64}
IMAGES = {**COMMON, "image_size": 16, "patch_size": 8, "num_labels": 3}
GPT = {
    "n_embd": 32,
    "n_inner": 24,
    "n_layer": 4,
    "n_head": 4,
    "vocab_size": WORDS,
    "n_positions": 64,
}
GPT |= {"bos_token_id": 1, "eos_token_id": 2}
DISTIL = {"dim": 32, "hidden_dim": 16, "n_layers": 3, "n_heads": 4, "vocab_size": WORDS}
SWIN = {"image_size": 16, "patch_size": 2, "embed_dim": 16, "depths": [2, 3], "num_heads": [2, 4]}
BART = {"d_model": 32, "encoder_ffn_dim": 24, "decoder_ffn_dim": 24, "encoder_layers": 2}
BART |= {"decoder_layers": 2, "encoder_attention_heads": 4, "decoder_attention_heads": 4}
BART |= {"vocab_size": WORDS, "max_position_embeddings": 64}

LLAMA = ("LlamaForCausalLM", "LlamaConfig", {**GROUPED, "tie_word_embeddings": True})
GPT2 = ("GPT2LMHeadModel", "GPT2Config", GPT)
BERT = ("BertForSequenceClassification", "BertConfig", SEQUENCE)
VIT = ("ViTForImageClassification", "ViTConfig", IMAGES, "image")

TRANSFORMERS: dict[str, Callable[[], Any]] = {
    "llama": partial(transformer, *LLAMA, criterion="kl", exact=True),
    "llama-free": partial(transformer, *LLAMA, free=True),
    "llama-trained": partial(
        transformer, *LLAMA, train=_inputs("text", seed=3), round_epochs=1.0, final_epochs=2.0
    ),
    "qwen3": partial(
        transformer, "Qwen3ForCausalLM", "Qwen3Config", {**GROUPED, "head_dim": 16}
    ),
    "gemma2": partial(
        transformer, "Gemma2ForCausalLM", "Gemma2Config",
        {**GROUPED, "head_dim": 8, "sliding_window": 4},
    ),
    "phi3": partial(transformer, "Phi3ForCausalLM", "Phi3Config", GROUPED, criterion="l1"),
    "gpt2-repaired": partial(transformer, *GPT2, reconstruct=True),
    "neox": partial(transformer, "GPTNeoXForCausalLM", "GPTNeoXConfig", TEXT),
    "bert-repaired": partial(transformer, *BERT, reconstruct=True, criterion="l1"),
    "distilbert": partial(
        transformer, "DistilBertForSequenceClassification", "DistilBertConfig",
        {**DISTIL, "num_labels": 3}, criterion="cka",
    ),
    "vit": partial(transformer, *VIT, criterion="fisher"),
    "vit-free": partial(transformer, *VIT, free=True, criterion="contribution"),
    "swin": partial(
        transformer, "SwinForImageClassification", "SwinConfig",
        {**SWIN, "window_size": 4, "num_labels": 3}, "image", cut=0.15, criterion="l1",
    ),
    "bart": partial(
        transformer, "BartForConditionalGeneration", "BartConfig", BART, "pair",
        cut=0.2, min_layers=1,
    ),
}  # fmt: skip
