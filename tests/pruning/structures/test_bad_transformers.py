"""Transformers that cannot be pruned: refused by name before anything is done, with the remedy."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import leanfair
from leanfair.data.batches import Batch, forward
from leanfair.errors import InputError, LeanfairError, SurgeryError, UnsupportedModelError
from leanfair.pruning.checkpoint.weights import read_model, write_model
from leanfair.pruning.structures.dissect import dissect
from leanfair.pruning.surgery.removal import apply
from leanfair.pruning.types import Cut, NeuronCut
from tests.support import words

TEXTS = Batch({"input_ids": words.texts(4)})


def made(name: str, config: str, **given: Any) -> nn.Module:
    import transformers

    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
    rest = {"num_attention_heads": 4, "vocab_size": 32, "pad_token_id": 0}
    torch.manual_seed(0)
    settings = getattr(transformers, config)(**{**sizes, **rest, **given})
    model: nn.Module = getattr(transformers, name)(settings)
    return model.eval()


def refused(model: nn.Module, *parts: str, batch: Batch = TEXTS) -> None:
    """It is refused before anything is done, in one sentence with `parts`."""
    with pytest.raises((UnsupportedModelError, InputError)) as caught:
        leanfair.prune(model, calibration=[batch.inputs], cut=0.2)
    said = str(caught.value)
    assert type(model).__name__ in said
    assert "\n" not in said
    assert all(part in said for part in parts), said


EXPERTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "mixtral": ("MixtralForCausalLM", "MixtralConfig", {"num_local_experts": 2}),
    "qwen2 moe": (
        "Qwen2MoeForCausalLM", "Qwen2MoeConfig", {"num_experts": 3, "moe_intermediate_size": 8}
    ),
    "qwen3 moe": (
        "Qwen3MoeForCausalLM", "Qwen3MoeConfig", {"num_experts": 3, "moe_intermediate_size": 8}
    ),
    "olmoe": ("OlmoeForCausalLM", "OlmoeConfig", {"num_experts": 3}),
    "gpt-oss": ("GptOssForCausalLM", "GptOssConfig", {"num_local_experts": 3, "head_dim": 8}),
    "granite moe": ("GraniteMoeForCausalLM", "GraniteMoeConfig", {"num_local_experts": 3}),
    "deepseek": (
        "DeepseekV3ForCausalLM", "DeepseekV3Config",
        {
            "n_routed_experts": 4, "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1,
            "q_lora_rank": 8, "kv_lora_rank": 8, "qk_nope_head_dim": 8, "qk_rope_head_dim": 8,
            "v_head_dim": 8, "moe_intermediate_size": 8,
        },
    ),
    "switch": (
        "SwitchTransformersForConditionalGeneration", "SwitchTransformersConfig",
        {"d_model": 32, "d_ff": 48, "num_heads": 4, "d_kv": 8, "num_experts": 3},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPERTS)
def test_mixtures_of_experts_are_named(name: str) -> None:
    model, config, given = EXPERTS[name]
    refused(made(model, config, **given), "mixture of experts", "experts", "give a dense one")


@pytest.mark.parametrize(
    ("model", "config", "given"),
    [
        ("JambaForCausalLM", "JambaConfig", {"num_experts": 1, "use_mamba_kernels": False}),
        ("DeepseekV3ForCausalLM", "DeepseekV3Config", {"first_k_dense_replace": 2}),
    ],
    ids=["jamba", "deepseek"],
)
def test_a_dense_model_of_a_family_with_experts_is_none(
    model: str, config: str, given: dict[str, Any]
) -> None:
    from leanfair.pruning.structures.supported import check_model

    small = {
        "q_lora_rank": 8, "kv_lora_rank": 8, "qk_nope_head_dim": 8, "qk_rope_head_dim": 8,
        "v_head_dim": 8, "mamba_d_state": 4, "num_key_value_heads": 4,
    }  # fmt: skip
    check_model(made(model, config, **small, **given))


class _Packed(Tensor):
    """As packages of quantised weights make them: a kind of tensor of their own."""


def _with_packed_weight(model: nn.Module) -> None:
    layer = model.model.layers[0].mlp.up_proj
    layer.weight = nn.Parameter(layer.weight.detach().as_subclass(_Packed))


def _with_bytes(dtype: torch.dtype) -> Callable[[nn.Module], None]:
    def change(model: nn.Module) -> None:
        layer = model.model.layers[1].self_attn.v_proj
        layer.weight = nn.Parameter(layer.weight.detach().to(dtype), requires_grad=False)

    return change


def _said_to_be_quantised(model: nn.Module) -> None:
    model.config.quantization_config = {"quant_method": "bitsandbytes", "load_in_8bit": True}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_said_to_be_quantised, "quantis"),
        (_with_bytes(torch.int8), "model.layers.1.self_attn.v_proj.weight"),
        (_with_bytes(torch.float8_e4m3fn), "model.layers.1.self_attn.v_proj.weight"),
        (_with_packed_weight, "model.layers.0.mlp.up_proj.weight, _Packed"),
    ],
)
def test_quantised_models_are_refused(change: Callable[[nn.Module], None], said: str) -> None:
    model = words.llama()
    change(model)
    refused(model, said)


def test_models_without_weights_are_refused() -> None:
    with torch.device("meta"):
        model = words.llama()
    refused(model, "meta device", "load them first")


def test_models_on_several_devices_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = words.llama()
    model.model.layers[1].to("meta")
    from leanfair.pruning.structures import supported as fitness

    monkeypatch.setattr(fitness, "_unloaded", lambda model: "")  # there is one device here
    refused(model, "several devices (cpu, meta)", "move it to one")


def test_models_with_adapters_of_peft_are_refused() -> None:
    peft = pytest.importorskip("peft")
    adapted = peft.get_peft_model(words.llama(), peft.LoraConfig(target_modules=["q_proj"]))
    refused(adapted, "peft", "merge_and_unload")


def test_compiled_parts_are_refused() -> None:
    model = words.llama()
    model.model.layers[0] = torch.compile(model.model.layers[0])
    refused(model, "torch.compile")


def test_heads_that_do_not_split_into_groups_are_refused() -> None:
    model = made("LlamaForCausalLM", "LlamaConfig", num_key_value_heads=3)
    refused(model, "4 attention heads", "3 key-value heads")


@pytest.mark.parametrize(
    ("model", "config"), [("BertModel", "BertConfig"), ("LlamaModel", "LlamaConfig")]
)
def test_models_without_a_head_are_taken_for_their_representation(model: str, config: str) -> None:
    anatomy = dissect(made(model, config), TEXTS)
    assert anatomy.layers
    assert "channel" in {group.unit for group in anatomy.neurons}


def test_an_encoder_decoder_asks_for_what_its_decoder_reads() -> None:
    model = made("T5ForConditionalGeneration", "T5Config", d_model=32, d_ff=48, num_heads=4, d_kv=8)
    refused(model, "decoder_input_ids")


class _Other(nn.Module):
    """An attention of one's own."""

    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        self.attention = attention

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        out, *rest = self.attention(*args, **kwargs)
        return (1.5 * out, *rest)


def _with_own_attention(model: nn.Module) -> None:
    for layer in model.model.layers:
        layer.self_attn = _Other(layer.self_attn)


def _with_more_words(model: nn.Module) -> None:
    model.model.embed_tokens = nn.Embedding(40, 32)


def _with_more_parameters(model: nn.Module) -> None:
    model.model.layers[0].scale = nn.Parameter(torch.ones(1))


def _with_another_scale(model: nn.Module) -> None:
    model.model.layers[0].self_attn.scaling *= 2


@pytest.mark.parametrize(
    "change",
    [_with_own_attention, _with_more_words, _with_more_parameters, _with_another_scale],
)
def test_a_model_that_is_not_its_configuration_needs_free_widths(
    change: Callable[[nn.Module], None],
) -> None:
    model = words.llama()
    change(model)
    refused(model, "not what its configuration says", "free=True")
    anatomy = dissect(model, TEXTS, free=True)
    assert anatomy.neurons
    cuts = tuple(NeuronCut(group, (1,)) for group in anatomy.neurons)
    apply(Cut("neurons", neurons=cuts), model, TEXTS)


def test_resized_embeddings_are_in_the_configuration() -> None:
    model = words.llama()
    model.resize_token_embeddings(40)
    anatomy = dissect(model, TEXTS)
    child = apply(Cut("layer", layers=anatomy.layers[1:]), model, TEXTS)
    assert child.config.vocab_size == 40


def test_a_class_of_ones_own_stays_what_it_is(tmp_path: Any) -> None:
    from transformers import LlamaForCausalLM

    class LouderForCausalLM(LlamaForCausalLM):
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            out = super().forward(*args, **kwargs)
            out.logits = 3.0 * out.logits
            return out

    model = LouderForCausalLM(words.llama().config).eval()
    anatomy = dissect(model, TEXTS)
    child = apply(Cut("layer", layers=anatomy.layers[1:]), model, TEXTS)
    assert type(child) is LouderForCausalLM
    write_model(tmp_path, child)
    found = read_model(tmp_path, copy.deepcopy(child))
    with torch.no_grad():
        assert torch.equal(forward(found, TEXTS.inputs), forward(child, TEXTS.inputs))


def test_a_cut_that_leaves_no_head_is_refused() -> None:
    model = words.llama()
    heads = next(group for group in dissect(model, TEXTS).neurons if group.unit == "head")
    everything = Cut("neurons", neurons=(NeuronCut(heads, tuple(range(heads.count))),))
    with pytest.raises(SurgeryError, match="at least one has to stay"):
        apply(Cut.from_json(everything.to_json()), model)


def test_no_refusal_is_anything_but_ours() -> None:
    """A forward pass that fails, and one that fails only without a layer."""
    model = words.llama()
    with pytest.raises(LeanfairError, match="does not run on the calibration data"):
        dissect(model, Batch({"input_ids": torch.full((2, 4), 999)}))
    with pytest.raises(LeanfairError, match="does not run on the calibration data"):
        dissect(model, Batch(torch.randn(2, 3, 8, 8)))
