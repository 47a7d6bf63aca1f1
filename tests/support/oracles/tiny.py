"""Tiny transformers of several families, and what they are made of, without asking any adapter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from leanfair.data.batches import Batch
from leanfair.pruning.types import Anatomy, Layer, Member, Neurons
from tests.support.oracles import zoo

WIDTH, HIDDEN, HEADS, KEPT, DEPTH, WORDS = 32, 48, 4, 2, 3, 64
HEAD = WIDTH // HEADS


def tokens(n: int = 3, length: int = 7, seed: int = 1, start: int = 2) -> Batch:
    """Texts without padding, as a plain tensor."""
    generator = torch.Generator().manual_seed(seed)
    return Batch(torch.randint(start, WORDS, (n, length), generator=generator))


def padded(batch: Batch, by: int = 3, *, left: bool = False) -> Batch:
    """The same texts with `by` tokens of padding at each."""
    ids = batch.inputs
    assert isinstance(ids, torch.Tensor)
    pad = ids.new_zeros(len(ids), by)
    mask, none = torch.ones_like(ids), torch.zeros_like(pad)
    parts = ([pad, ids], [none, mask]) if left else ([ids, pad], [mask, none])
    names = ("input_ids", "attention_mask")
    return Batch({n: torch.cat(part, dim=1) for n, part in zip(names, parts, strict=True)})


def as_dict(batch: Batch) -> Batch:
    return padded(batch, 0)


def images(n: int = 3, seed: int = 1) -> Batch:
    return Batch({"pixel_values": zoo.images(n, 3, 16, seed).inputs})


def _heads(block: str, q: str, k: str, v: str, o: str, *, grouped: bool = False) -> Neurons:
    each = HEADS // KEPT if grouped else 1
    return Neurons(
        f"{block}.{o.rpartition('.')[0]}",
        block,
        KEPT if grouped else HEADS,
        (
            Member(f"{block}.{q}", "out", 0, each * HEAD),
            Member(f"{block}.{k}", "out", 0, HEAD),
            Member(f"{block}.{v}", "out", 0, HEAD),
            Member(f"{block}.{o}", "in", 0, each * HEAD),
        ),
        "head",
    )


def _units(block: str, made: tuple[str, ...], read: str, count: int = HIDDEN) -> Neurons:
    members = (*(Member(f"{block}.{m}", "out") for m in made), Member(f"{block}.{read}", "in"))
    return Neurons(f"{block}.{made[0]}", block, count, members)


def _decoder_block(block: str) -> tuple[Neurons, ...]:
    attention = tuple(f"self_attn.{p}_proj" for p in "qkvo")
    return (
        _heads(block, *attention, grouped=True),
        _units(block, ("mlp.gate_proj", "mlp.up_proj"), "mlp.down_proj"),
    )


def _gpt2_block(block: str) -> tuple[Neurons, ...]:
    fused = f"{block}.attn.c_attn"
    parts = tuple(Member(fused, "out", i * WIDTH, HEAD) for i in range(3))
    heads = (*parts, Member(f"{block}.attn.c_proj", "in", 0, HEAD))
    return (
        Neurons(f"{block}.attn", block, HEADS, heads, "head"),
        _units(block, ("mlp.c_fc",), "mlp.c_proj"),
    )


def _bert_block(block: str) -> tuple[Neurons, ...]:
    parts = tuple(f"attention.self.{p}" for p in ("query", "key", "value"))
    return (
        _heads(block, *parts, "attention.output.dense"),
        _units(block, ("intermediate.dense",), "output.dense"),
    )


def _vit_block(block: str) -> tuple[Neurons, ...]:
    parts = tuple(f"attention.{p}_proj" for p in "qkvo")
    return (_heads(block, *parts), _units(block, ("mlp.fc1",), "mlp.fc2"))


def _anatomy(
    container: str,
    inside: Callable[[str], tuple[Neurons, ...]],
    exits: tuple[str, ...],
    before: tuple[str, ...],
    after: tuple[str, ...],
) -> Anatomy:
    names = tuple(f"{container}.{i}" for i in range(DEPTH))
    layers = tuple(Layer(n, container, tuple(f"{n}.{e}" for e in exits)) for n in names)
    groups = tuple(group for name in names for group in inside(name))
    return Anatomy(layers, groups, (names,), (*before, *names, *after), after[-1], {})


def llama() -> tuple[nn.Module, Anatomy]:
    from transformers import LlamaConfig, LlamaForCausalLM

    model = LlamaForCausalLM(LlamaConfig(**_decoder()))
    exits = ("self_attn.o_proj", "mlp.down_proj")
    before, after = ("model.embed_tokens", "model.rotary_emb"), ("model.norm", "lm_head")
    return zoo.awake(model), _anatomy("model.layers", _decoder_block, exits, before, after)


def gemma2() -> tuple[nn.Module, Anatomy]:
    from transformers import Gemma2Config, Gemma2ForCausalLM

    model = Gemma2ForCausalLM(Gemma2Config(head_dim=HEAD, sliding_window=4, **_decoder()))
    exits = ("post_attention_layernorm", "post_feedforward_layernorm")
    before, after = ("model.embed_tokens", "model.rotary_emb"), ("model.norm", "lm_head")
    return zoo.awake(model), _anatomy("model.layers", _decoder_block, exits, before, after)


def gpt2() -> tuple[nn.Module, Anatomy]:
    from transformers import GPT2Config, GPT2LMHeadModel

    sizes = {"n_embd": WIDTH, "n_inner": HIDDEN, "n_layer": DEPTH, "n_head": HEADS}
    model = GPT2LMHeadModel(GPT2Config(vocab_size=WORDS, n_positions=32, **sizes))
    before = ("transformer.wte", "transformer.wpe", "transformer.drop")
    exits, after = ("attn.c_proj", "mlp.c_proj"), ("transformer.ln_f", "lm_head")
    return zoo.awake(model), _anatomy("transformer.h", _gpt2_block, exits, before, after)


def bert() -> tuple[nn.Module, Anatomy]:
    from transformers import BertConfig, BertForSequenceClassification

    model = BertForSequenceClassification(BertConfig(num_labels=5, **_encoder()))
    before = tuple(
        f"bert.embeddings.{leaf}"
        for leaf in ("word_embeddings", "token_type_embeddings", "position_embeddings", "LayerNorm")
    )
    after = ("bert.pooler.dense", "classifier")
    return zoo.awake(model), _anatomy("bert.encoder.layer", _bert_block, (), before, after)


def vit() -> tuple[nn.Module, Anatomy]:
    from transformers import ViTConfig, ViTForImageClassification

    sizes = {"image_size": 16, "patch_size": 4, "num_labels": 5}
    model = ViTForImageClassification(ViTConfig(**sizes, **_encoder()))
    before = ("vit.embeddings.patch_embeddings.projection", "vit.embeddings.dropout")
    exits, after = ("attention.o_proj", "mlp.fc2"), ("vit.layernorm", "classifier")
    return zoo.awake(model), _anatomy("vit.layers", _vit_block, exits, before, after)


FAMILIES: dict[str, Callable[[], tuple[nn.Module, Anatomy]]] = {
    "llama": llama,
    "gemma2": gemma2,
    "gpt2": gpt2,
    "bert": bert,
    "vit": vit,
}


def sample(family: str, n: int = 3, seed: int = 1) -> Batch:
    """Real inputs of a family."""
    return images(n, seed) if family == "vit" else tokens(n, seed=seed)


def _encoder() -> dict[str, Any]:
    return {
        "hidden_size": WIDTH,
        "intermediate_size": HIDDEN,
        "num_hidden_layers": DEPTH,
        "num_attention_heads": HEADS,
        "vocab_size": WORDS,
    }


def _decoder() -> dict[str, Any]:
    return {**_encoder(), "num_key_value_heads": KEPT}
