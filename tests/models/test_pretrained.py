"""Folders of transformers open as what they hold, or are refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from leanfair.errors import InputError
from leanfair.files import write_tensors
from leanfair.models.origin import title_of
from leanfair.models.pretrained import open_pretrained, open_tokenizer, skeleton, spec_of
from leanfair.pruning.checkpoint.loading import open_model
from tests.support.nets import rebuilt, resnet, same
from tests.support.tiny_text import bert, llama, tokenizer


@pytest.mark.parametrize("make", [llama, bert])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_folder_opens_as_the_class_that_it_names_in_its_dtype(
    make: Any, dtype: torch.dtype, tmp_path: Path
) -> None:
    model = make().to(dtype)
    model.save_pretrained(tmp_path / "tiny-one")
    found = open_model(str(tmp_path / "tiny-one"))
    assert type(found) is type(model)
    assert found.dtype == dtype
    assert not found.training
    assert same(found, model)
    assert title_of(found) == "tiny-one"


def test_a_class_that_is_not_exported_at_the_top_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import transformers

    model = llama()
    model.save_pretrained(tmp_path)
    monkeypatch.setattr(transformers, "LlamaForCausalLM", None)
    found = open_model(str(tmp_path))
    assert type(found) is type(model)
    assert same(rebuilt(found), model)


def test_a_folder_that_names_no_class_opens_as_models_of_its_type_do(tmp_path: Path) -> None:
    for name, model in (("image", resnet()), ("text", llama())):
        model.save_pretrained(tmp_path / name)
        config = json.loads((tmp_path / name / "config.json").read_text())
        del config["architectures"]
        (tmp_path / name / "config.json").write_text(json.dumps(config))
        found = open_model(str(tmp_path / name))
        assert type(found) is type(model)
        assert same(found, model)


def changed(folder: Path, **changes: Any) -> str:
    """`folder`, with something in its configuration changed."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
    return str(folder)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            {"quantization_config": {"quant_method": "gptq", "bits": 4}},
            r"quantised \(gptq\): prune",
        ),
        ({"architectures": ["NobodysModel"]}, "NobodysModel"),
        ({"architectures": ["NobodysForCausalLM"]}, "NobodysForCausalLM"),
        ({"model_type": "nobodys"}, "nobodys"),
        (
            {"model_type": "nobodys", "auto_map": {"AutoConfig": "a.B"}},
            "needs code of its own, which is not run",
        ),
        (
            {"num_hidden_layers": 4},
            r"lacks weights of a LlamaForCausalLM, such as model\.layers\.3",
        ),
    ],
)
def test_a_folder_that_cannot_be_pruned_is_refused_by_name(
    changes: dict[str, Any], named: str, tmp_path: Path
) -> None:
    llama().save_pretrained(tmp_path)
    with pytest.raises(InputError, match=named) as error:
        open_model(changed(tmp_path, **changes))
    assert str(tmp_path) in str(error.value)


def test_a_tokenizer_opens_and_one_that_is_missing_is_refused(tmp_path: Path) -> None:
    tokenizer().save_pretrained(tmp_path / "with")
    found = open_tokenizer(str(tmp_path / "with"))
    assert found("the dog")["input_ids"] == tokenizer()("the dog")["input_ids"]
    for name, model in (("llama", llama()), ("bert", bert())):
        model.save_pretrained(tmp_path / name)
        with pytest.raises(InputError, match=f"{name} holds no tokenizer: give --tokenizer"):
            open_tokenizer(str(tmp_path / name))
    with pytest.raises(InputError, match="nowhere/tokenizer holds no tokenizer"):
        open_tokenizer("nowhere/tokenizer")


def test_numbers_that_json_has_not_go_there_and_back() -> None:
    model: Any = llama()
    model.config.limits = {"low": float("-inf"), "list": [1.0, float("inf")]}
    spec = json.loads(json.dumps(spec_of(model), allow_nan=False))
    limits = skeleton(spec).config.limits  # type: ignore[union-attr]
    assert limits == {"low": float("-inf"), "list": [1.0, float("inf")]}


def test_a_wrapper_before_the_names_of_weights_is_named(tmp_path: Path) -> None:
    model = bert()
    model.save_pretrained(tmp_path)
    state = {f"_orig_mod.{name}": value for name, value in model.state_dict().items()}
    write_tensors(tmp_path / "model.safetensors", state)
    with pytest.raises(InputError, match=r"begin with _orig_mod\., as a wrapper"):
        open_model(str(tmp_path))


@pytest.mark.parametrize(
    "configuration",
    [
        "null", "{", "[]", "5", '"x"', '{"model_type": "llama", "hidden_size": "x"}',
        '{"model_type": "llama", "architectures": 5}', '{"model_type": "nothing"}',
        '{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}',
    ],
)  # fmt: skip
def test_a_broken_folder_is_one_sentence(tmp_path: Path, configuration: str) -> None:
    (tmp_path / "config.json").write_text(configuration)
    (tmp_path / "model.safetensors").write_bytes(bytes(range(99)))
    with pytest.raises(InputError, match=str(tmp_path)) as caught:
        open_pretrained(str(tmp_path))
    assert "\n" not in str(caught.value)
