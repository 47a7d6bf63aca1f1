"""Odd shapes of transformers: what is offered can go, and what transformers loads is the same."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch, forward
from leanfair.pruning.checkpoint.weights import write_model
from leanfair.pruning.cost.macs import cost_of, cut_of
from leanfair.pruning.structures.dissect import dissect
from leanfair.pruning.structures.update import update
from leanfair.pruning.surgery import narrowing, removal
from leanfair.pruning.surgery.rebuild import exact, matches_configuration
from leanfair.pruning.surgery.removal import apply, remove
from leanfair.pruning.surgery.verification import difference
from leanfair.pruning.types import Anatomy, Cut, NeuronCut
from tests.support.marks import mostly_real
from tests.support.oracles import zoo

Given = dict[str, Any]
WORDS = 64
SIZES: Given = {
    "hidden_size": 48, "intermediate_size": 56, "num_hidden_layers": 3, "num_attention_heads": 6,
    "vocab_size": WORDS, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
FULL, NEAR = "full_attention", "sliding_attention"


class Odd(NamedTuple):
    """A model, its configuration beside `SIZES`, and how many heads and units of each layer, and
    how many layers, can go with uniform widths."""

    model: str
    given: Given
    heads: int
    units: int
    layers: int
    dtype: torch.dtype = torch.float32
    config: str = ""


def _llama(heads: int = 3, units: int = 56, layers: int = 3, **given: Any) -> Odd:
    return Odd("LlamaForCausalLM", {"num_key_value_heads": 3, **given}, heads, units, layers)


MODELS: dict[str, Odd] = {
    "heads wider than the network": _llama(head_dim=16),
    "heads narrower than the network": _llama(head_dim=4),
    "as many heads as layers and channels": _llama(
        6, 6, 6, hidden_size=36, num_hidden_layers=6, num_key_value_heads=6, head_dim=6,
        intermediate_size=6,
    ),
    "as many units as channels and words": _llama(
        8, 64, 8, hidden_size=64, intermediate_size=64, num_attention_heads=8, num_hidden_layers=8,
        num_key_value_heads=8, head_dim=8, max_position_embeddings=64,
    ),
    "one key for all": _llama(6, num_key_value_heads=1),
    "biases": _llama(attention_bias=True, mlp_bias=True),
    "one layer": _llama(layers=1, num_hidden_layers=1),
    "double precision": _llama()._replace(dtype=torch.float64),
    "half precision": _llama()._replace(dtype=torch.float16),
    "brain floats": _llama()._replace(dtype=torch.bfloat16),
    "scaled angles": _llama(
        rope_parameters={
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 16, "rope_theta": 1e4,
        }
    ),
    "windows from the second layer on": Odd(
        "Qwen2ForCausalLM",
        {
            "num_key_value_heads": 3, "use_sliding_window": True, "sliding_window": 4,
            "max_window_layers": 1,
        },
        3, 56, 3,
    ),
    "windows longer than the texts": Odd(
        "Qwen2ForCausalLM",
        {
            "num_key_value_heads": 3, "use_sliding_window": True, "sliding_window": 16,
            "num_hidden_layers": 4, "layer_types": [FULL, NEAR, FULL, NEAR],
        },
        3, 56, 4,
    ),
    "windows and caps": Odd(
        "Gemma2ForCausalLM", {"num_key_value_heads": 3, "head_dim": 8, "sliding_window": 4},
        3, 56, 3,
    ),
    "layers without positions": Odd(
        "SmolLM3ForCausalLM", {"num_key_value_heads": 3, "no_rope_layers": [1, 0, 1]}, 3, 56, 3
    ),
    "kinds of layers by a list of another name": Odd(
        "GPTNeoForCausalLM",
        {
            "num_layers": 4, "num_heads": 6, "attention_types": [[["global", "local"], 2]],
            "window_size": 4, "max_position_embeddings": 64,
        },
        0, 56, 4, config="GPTNeoConfig",
    ),
    "a first layer without its norm": Odd(
        "ModernBertForMaskedLM", {"local_attention": 8, "num_hidden_layers": 4}, 0, 56, 3
    ),
    "layers scaled by their number": Odd(
        "MiniCPM3ForCausalLM",
        {
            "num_key_value_heads": 6, "q_lora_rank": 16, "kv_lora_rank": 16, "qk_nope_head_dim": 8,
            "qk_rope_head_dim": 8, "v_head_dim": 8,
        },
        6, 56, 0,
    ),
    "weights by parametrization": Odd(
        "Wav2Vec2ForSequenceClassification",
        {
            "conv_dim": (16, 16), "conv_stride": (5, 4), "conv_kernel": (10, 4),
            "num_feat_extract_layers": 2, "num_conv_pos_embeddings": 8,
            "num_conv_pos_embedding_groups": 4, "classifier_proj_size": 16,
        },
        0, 56, 3,
    ),
    "a model that also sees": Odd(
        "LlavaForConditionalGeneration",
        {
            "text_config": {**SIZES, "num_key_value_heads": 3, "model_type": "llama"},
            "vision_config": {
                "hidden_size": 48, "intermediate_size": 40, "num_hidden_layers": 2,
                "num_attention_heads": 6, "image_size": 16, "patch_size": 8,
                "model_type": "clip_vision_model",
            },
            "image_token_index": 63,
        },
        3, 56, 3,
    ),
    "an encoder and a decoder by one entry": Odd(
        "T5ForConditionalGeneration",
        {
            "d_model": 48, "d_ff": 56, "d_kv": 8, "num_layers": 3, "num_decoder_layers": 2,
            "num_heads": 6, "decoder_start_token_id": 0,
        },
        0, 56, 3,
    ),
}  # fmt: skip


def made(odd: Odd) -> nn.Module:
    import transformers

    torch.manual_seed(0)
    name = odd.config or f"{odd.model.partition('For')[0]}Config"
    nested = "text_config" in odd.given or odd.model.startswith("T5")
    given = {**({"vocab_size": WORDS} if nested else SIZES), **odd.given}
    if "text_config" in given:
        del given["vocab_size"]
    if odd.config:
        del given["num_hidden_layers"]
        del given["num_attention_heads"]
    model = getattr(transformers, odd.model)(getattr(transformers, name)(**given))
    return exact(zoo.awake(model).to(odd.dtype))


def sample_of(model: nn.Module, n: int = 3, length: int = 12, pad: str = "") -> Batch:
    generator = torch.Generator().manual_seed(length)
    if type(model).__name__.startswith("Wav2Vec2"):
        return Batch({"input_values": torch.randn(n, 800, generator=generator)})
    ids = torch.randint(3, WORDS - 1, (n, length), generator=generator)
    mask = torch.ones_like(ids)
    if pad:
        mask[0, slice(None, 4) if pad == "left" else slice(-4, None)] = 0
    inputs = {"input_ids": ids * mask, "attention_mask": mask}
    if type(model).__name__.startswith("T5"):
        inputs["decoder_input_ids"] = ids[:, :5]
    return Batch(inputs)


def cuts_of(anatomy: Anatomy, model: nn.Module, sample: Batch) -> list[Cut]:
    """Some neurons of chance of every group, and then a layer of each stage, not the first."""
    rng, groups = random.Random(0), {group.name: group for group in anatomy.neurons}
    drops = []
    for tie in anatomy.ties or [(name,) for name in groups]:
        count, told = groups[tie[0]].count, groups[tie[0]].counts
        stay = told[0] if told else max(1, count * 2 // 3)
        for name in tie:
            drop = tuple(sorted(rng.sample(range(count), count - stay)))
            drops.append(NeuronCut(groups[name], drop))
    stages = ([e for e in anatomy.layers if e.name in s] for s in anatomy.stages if len(s) > 1)
    layers = [stage[min(1, len(stage) - 1)] for stage in stages if stage]
    before = cost_of(model, sample)
    cuts = [cut_of("neurons", before, neurons=drops)] if drops else []
    return cuts + ([cut_of("layer", before, layers=layers)] if layers else [])


def far(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max() / one.abs().max())


def counted(anatomy: Anatomy) -> tuple[int, int, int]:
    heads = {group.count for group in anatomy.neurons if group.unit == "head"}
    blocks = {name for stage in anatomy.stages for name in stage}
    units = {g.count for g in anatomy.neurons if g.unit == "channel" and g.block in blocks}
    return max(heads, default=0), max(units, default=0), len(anatomy.layers)


@pytest.mark.parametrize("free", mostly_real([False, True], [False]))
@pytest.mark.parametrize("name", mostly_real(MODELS, [*MODELS][::2]))
def test_what_is_offered_can_go_and_loads_the_same(name: str, free: bool, tmp_path: Path) -> None:
    model = made(MODELS[name])
    sample, longer = sample_of(model), sample_of(model, 2, 30)
    anatomy = dissect(model, sample, free)
    if not free:
        assert counted(anatomy) == MODELS[name][2:5], anatomy.refused
    child, left = model, anatomy
    for i in range(2):
        cuts = cuts_of(left, child, sample)
        if i >= len(cuts):
            break
        smaller = apply(cuts[i], child, sample)
        assert difference(cuts[i], child, remove(cuts[i], child), longer) <= 1.0
        costs, saved = cost_of(smaller, sample).totals(), cuts[i].saves
        assert {k: v - costs[k] for k, v in cost_of(child, sample).totals().items()} == dict(saved)
        child, left = smaller, update(cuts[i], left, child)
    assert matches_configuration(child) or free
    assert _numbers(child) == list(range(len(_numbers(child))))
    if matches_configuration(child):
        write_model(tmp_path, child)
        read = type(model).from_pretrained(tmp_path, dtype="auto").eval()
        assert far(forward(child, longer.inputs), forward(read, longer.inputs)) == 0.0
        child = read
    if type(child).__name__ != "T5ForConditionalGeneration" and child.can_generate():
        assert torch.equal(*(_written(child, longer, cached) for cached in (True, False)))


def _numbers(model: nn.Module) -> list[int]:
    """The numbers of layers that attentions of a decoder keep, in order."""
    found = [getattr(m, "layer_idx", None) for m in model.modules() if hasattr(m, "q_proj")]
    return [number for number in found if type(number) is int]


def _written(model: nn.Module, batch: Batch, cached: bool) -> Tensor:
    with torch.inference_mode():
        kept = {"max_new_tokens": 6, "min_new_tokens": 6, "do_sample": False}
        out: Tensor = model.generate(**batch.inputs, use_cache=cached, pad_token_id=0, **kept)
        return out


@pytest.mark.parametrize(
    "sample",
    [
        sample_of(nn.Identity(), length=1),
        sample_of(nn.Identity(), length=2),
        sample_of(nn.Identity(), n=1),
        sample_of(nn.Identity(), pad="left"),
        sample_of(nn.Identity(), pad="right"),
        Batch(sample_of(nn.Identity()).inputs["input_ids"]),
    ],
    ids=["a word", "two words", "a text", "filled up before", "filled up after", "words alone"],
)
def test_any_texts_will_do_to_find_out(sample: Batch) -> None:
    model = made(_llama())
    assert counted(dissect(model, sample)) == (3, 56, 3)


def test_a_head_is_never_taken_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the wrong head went out of one module, the proof would tell, in any precision."""
    right = narrowing.positions_of

    def wrong(cut: Cut) -> Any:
        moved = (replace(each, drop=tuple((i + 1) % 3 for i in each.drop)) for each in cut.neurons)
        others = right(replace(cut, neurons=tuple(moved)))
        wrongly = {(m, side) for m, side in others if side == "in" and m.endswith("o_proj")}
        return {**right(cut), **{place: others[place] for place in wrongly}}

    monkeypatch.setattr(narrowing, "positions_of", wrong)
    for dtype in (torch.float32, torch.bfloat16):
        model = made(_llama()._replace(dtype=dtype))
        sample = sample_of(model)
        assert dissect(model, sample).layers  # layers alone, for heads are not as they should be
        monkeypatch.setattr(narrowing, "positions_of", right)
        heads = [g for g in dissect(model, sample).neurons if g.unit == "head"]
        monkeypatch.setattr(narrowing, "positions_of", wrong)
        cut = Cut("neurons", neurons=tuple(NeuronCut(group, (1,)) for group in heads))
        assert difference(cut, model, remove(cut, model), sample) > 1.0


def test_kinds_of_layers_are_never_mixed_up_however_short_the_texts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With texts shorter than every window the outputs would be the same."""
    model = made(MODELS["windows longer than the texts"])
    sample = sample_of(model, length=6)
    anatomy = dissect(model, sample)
    cut = Cut("layer", layers=anatomy.layers[1:2])
    right = removal.depth_entries

    def wrong(cut: Cut, model: nn.Module) -> Given:
        found = right(cut, model)
        return {**found, "layer_types": found["layer_types"][::-1]}

    assert matches_configuration(remove(cut, model))
    monkeypatch.setattr(removal, "depth_entries", wrong)
    child = remove(cut, model)
    types = [layer.self_attn.sliding_window for layer in child.model.layers]
    assert types == [None, None, 16]  # they are what they were, and not what was asked for
    assert not matches_configuration(child)


def test_a_model_that_was_cast_is_as_exact_as_one_that_was_loaded(tmp_path: Path) -> None:
    import transformers

    from leanfair.pruning.structures.supported import twin_of

    odd = _llama()
    model = zoo.awake(transformers.LlamaForCausalLM(made(odd).config)).to(torch.bfloat16)
    assert model.model.rotary_emb.inv_freq.dtype == torch.bfloat16
    twin = twin_of(model)
    model.save_pretrained(tmp_path)
    loaded = transformers.LlamaForCausalLM.from_pretrained(tmp_path, dtype="auto")
    assert torch.equal(twin.model.rotary_emb.inv_freq, loaded.model.rotary_emb.inv_freq)
    assert model.model.rotary_emb.inv_freq.dtype == torch.bfloat16  # the model stays as it is


def test_a_block_with_another_shift_than_it_would_be_built_with_is_not_stock() -> None:
    """Without a block the others change places, and in turn they shift their windows or do not."""
    import transformers

    torch.manual_seed(0)
    config = transformers.SwinConfig(
        image_size=32, patch_size=2, embed_dim=16, depths=[2, 4], num_heads=[2, 4], window_size=4
    )
    model = zoo.awake(transformers.SwinForImageClassification(config))
    sample = Batch({"pixel_values": torch.randn(2, 3, 32, 32)})
    anatomy = dissect(model, sample)
    assert [layer.name[-8:] for layer in anatomy.layers] == ["blocks.1", "blocks.3"]
    freely = {layer.name: layer for layer in dissect(model, sample, free=True).layers}
    turned = freely["swin.encoder.layers.1.blocks.1"]
    child = apply(Cut("layer", layers=(turned,)), model, sample)
    assert not matches_configuration(child)
    assert not matches_configuration(remove(Cut("layer", layers=(anatomy.layers[0],)), child))
    assert matches_configuration(remove(Cut("layer", layers=(anatomy.layers[0],)), model))


def test_the_attention_that_a_cache_counts_by_stays() -> None:
    import transformers

    torch.manual_seed(0)
    kinds = ["conv", FULL, "conv"]
    given = {"num_key_value_heads": 3, "layer_types": kinds, "block_auto_adjust_ff_dim": False}
    model = zoo.awake(transformers.Lfm2ForCausalLM(transformers.Lfm2Config(**{**SIZES, **given})))
    for free in (False, True):
        anatomy = dissect(model, sample_of(model), free)
        assert [layer.name for layer in anatomy.layers] == ["model.layers.0", "model.layers.2"]
        assert "cache" in anatomy.refused["model.layers.1"]
    child = apply(Cut("layer", layers=anatomy.layers), model, sample_of(model))
    assert list(child.config.layer_types) == [FULL]
    assert torch.equal(*(_written(child, sample_of(model), cached) for cached in (True, False)))
