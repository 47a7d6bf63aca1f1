"""What transformers makes of a width that differs from layer to layer: nothing, as yet."""

from __future__ import annotations

from typing import Any

import pytest
from torch import nn
from transformers.integrations.heterogeneity.configuration_utils import (
    AmbiguousGlobalPerLayerAttributeError,
)

LAYERS, WIDE, NARROW = 3, 48, 24
KINDS = {
    "Llama": "intermediate_size", "Mistral": "intermediate_size", "Qwen2": "intermediate_size",
    "Qwen3": "intermediate_size", "Gemma2": "intermediate_size", "Phi3": "intermediate_size",
    "SmolLM3": "intermediate_size", "Starcoder2": "intermediate_size",
    "Cohere": "intermediate_size", "GPTNeoX": "intermediate_size", "OPT": "ffn_dim",
    "GPT2": "n_inner", "Bert": "intermediate_size", "ViT": "intermediate_size",
}  # fmt: skip
NEWS = (
    "transformers now builds layers as wide as per_layer_config says: save what free=True makes in "
    "that way, so that from_pretrained loads it, and say so in docs/prune.md."
)


def _config(family: str, **given: Any) -> Any:
    import transformers

    sizes = {"hidden_size": 32, "num_hidden_layers": LAYERS, "num_attention_heads": 4}
    ids = {"vocab_size": 64, "pad_token_id": 0}
    entry = KINDS[family]
    kind = getattr(transformers, f"{family}Config")
    return kind(**sizes, **ids, **{entry: WIDE}, per_layer_config={1: {entry: NARROW}}, **given)


def _built(family: str, config: Any) -> nn.Module:
    import transformers

    heads = {"GPT2": "LMHeadModel", "Bert": "ForMaskedLM", "ViT": "ForImageClassification"}
    model: nn.Module = getattr(transformers, family + heads.get(family, "ForCausalLM"))(config)
    return model


@pytest.mark.parametrize("family", KINDS)
def test_no_layer_is_built_as_wide_as_its_own_entry_says(family: str) -> None:
    config = _config(family)
    assert config.per_layer_config[1].to_dict()[KINDS[family]] == NARROW  # it is read, and kept
    try:
        _built(family, config)
    except AmbiguousGlobalPerLayerAttributeError:
        pass
    else:
        pytest.fail(NEWS)
    config.allow_global_per_layer_attribute_access = True
    shapes = [parameter.shape for parameter in _built(family, config).parameters()]
    assert not any(NARROW in shape for shape in shapes), NEWS
    assert sum(WIDE in shape for shape in shapes) >= LAYERS
