"""Opening a network by name, and building its architecture anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from leanfair.errors import InputError, MissingDependencyError
from leanfair.files import write_tensors
from leanfair.models.origin import Origin, fingerprint, title_of
from leanfair.models.pretrained import open_tokenizer
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.pruning.checkpoint.architecture import build, origin_of, skeleton
from leanfair.pruning.checkpoint.loading import open_model
from tests.support.tiny_text import bert, llama, tokenizer


def same(one: nn.Module, other: nn.Module) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[k], theirs[k]) for k in mine)


def resnet(layer_type: str = "basic") -> nn.Module:
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(
        num_channels=1, embedding_size=8, hidden_sizes=[8, 16], depths=[2, 2],
        layer_type=layer_type, num_labels=3,
    )  # fmt: skip
    torch.manual_seed(0)
    model: nn.Module = ResNetForImageClassification(config).eval()
    return model


@pytest.mark.parametrize("shortcut", ["A", "B"])
@pytest.mark.parametrize("name", ["net.safetensors", "net.pt", "net.pth"])
def test_a_file_of_weights_opens_as_the_network_it_is_of(
    name: str, shortcut: Any, tmp_path: Path
) -> None:
    model = CifarResNet(20, classes=7, shortcut=shortcut, channels=1)
    if name.endswith(".safetensors"):
        write_tensors(tmp_path / name, model.state_dict())
    else:
        renamed = {f"module.{key}": value for key, value in model.state_dict().items()}
        torch.save({"state_dict": renamed}, tmp_path / name)
    assert same(open_model(str(tmp_path / name)), model)


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch.save(CifarResNet(8), tmp_path / "whole.pt")
    with pytest.raises(InputError, match="safetensors"):
        open_model(str(tmp_path / "whole.pt"))


@pytest.mark.parametrize("layer_type", ["basic", "bottleneck"])
def test_a_transformers_folder_opens(layer_type: str, tmp_path: Path) -> None:
    model = resnet(layer_type)
    model.save_pretrained(tmp_path / "folder")
    assert same(open_model(str(tmp_path / "folder")), model)


def test_a_name_opens_untrained_and_seeded() -> None:
    one = open_model("resnet20", classes=4, channels=1, seed=3)
    assert same(one, open_model("resnet20", classes=4, channels=1, seed=3))
    assert not same(one, open_model("resnet20", classes=4, channels=1, seed=4))
    assert one(torch.zeros(1, 1, 8, 8)).shape == (1, 4)


@pytest.mark.parametrize("name", ["none.safetensors", "a/b/c.pt", "resnet999-of-nobody"])
def test_what_is_not_there_is_refused_by_name(name: str) -> None:
    with pytest.raises(InputError, match=name):
        open_model(name)


def test_folders_and_files_of_something_else_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no model"):
        open_model(str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "resnet"}))
    with pytest.raises(InputError, match=str(tmp_path)):
        open_model(str(tmp_path))
    (tmp_path / "net.safetensors").write_bytes(b"nonsense")
    with pytest.raises(OSError, match=r"net\.safetensors"):
        open_model(str(tmp_path / "net.safetensors"))
    (tmp_path / "net.txt").write_text("nonsense")
    with pytest.raises(InputError, match=r"net\.txt"):
        open_model(str(tmp_path / "net.txt"))
    write_tensors(tmp_path / "other.safetensors", {"a.weight": torch.zeros(2)})
    with pytest.raises(InputError, match="CIFAR ResNet"):
        open_model(str(tmp_path / "other.safetensors"))


def test_a_guest_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingDependencyError, match="timm"):
        open_model("timm:resnet18")


@pytest.mark.parametrize(
    "model",
    [CifarResNet(20, classes=3, shortcut="B", channels=1), resnet(), resnet("bottleneck")],
    ids=["cifar", "basic", "bottleneck"],
)
def test_an_origin_builds_the_same_architecture_from_json(model: nn.Module) -> None:
    origin = origin_of(model)
    assert origin is not None
    built = build(Origin.from_json(json.loads(json.dumps(origin.to_json()))))
    built.load_state_dict(model.state_dict())
    x = torch.randn(2, 1, 32, 32)
    with torch.inference_mode():
        expected, found = model(x), built.eval()(x)
    if not isinstance(expected, torch.Tensor):
        expected, found = expected.logits, found.logits
    torch.testing.assert_close(found, expected if not model.training else found)


def test_an_architecture_that_was_changed_by_hand_has_no_origin() -> None:
    model = CifarResNet(20)
    model.layer1 = nn.Sequential(*list(model.layer1)[:-1])
    assert origin_of(model) is None
    assert origin_of(nn.Sequential(nn.Linear(2, 2))) is None


def test_building_draws_no_random_number_of_the_users() -> None:
    origin = origin_of(CifarResNet(8))
    assert origin is not None
    state = torch.get_rng_state()
    build(origin)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_fingerprint_tells_weights_names_and_classes_apart() -> None:
    torch.manual_seed(0)
    model = CifarResNet(8)
    first = fingerprint(model)
    assert fingerprint(model) == first
    with torch.no_grad():
        model.linear.bias[0] += 1e-6
    assert fingerprint(model) != first
    assert len({fingerprint(nn.Linear(2, 3)), fingerprint(nn.Linear(3, 2))}) == 2


# ---- models of texts --------------------------------------------------------------------------


def rebuilt(model: nn.Module) -> nn.Module:
    """`model` built anew from what JSON says of it, with its weights loaded."""
    origin = origin_of(model)
    assert origin is not None
    built = build(Origin.from_json(json.loads(json.dumps(origin.to_json()))))
    built.load_state_dict(model.state_dict())
    return built.eval()


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


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_language_model_is_built_anew_with_its_buffers_dtype_and_ties(
    tied: bool, dtype: torch.dtype, tmp_path: Path
) -> None:
    llama(tie_word_embeddings=tied).to(dtype).save_pretrained(tmp_path)
    model: Any = open_model(str(tmp_path))
    built: Any = rebuilt(model)
    assert built.dtype == dtype
    assert (built.lm_head.weight is built.model.embed_tokens.weight) == tied
    mine, theirs = dict(model.named_buffers()), dict(built.named_buffers())
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    ids = torch.randint(0, 64, (2, 7))
    with torch.inference_mode():
        assert torch.equal(built(ids).logits, model(ids).logits)
    built.train()(ids, labels=ids).loss.backward()  # weights that can be trained


def test_a_classifier_of_texts_is_built_anew() -> None:
    model: Any = bert(num_labels=3)
    ids = torch.randint(0, 64, (2, 7))
    with torch.inference_mode():
        torch.testing.assert_close(rebuilt(model)(ids).logits, model(ids).logits)


def test_a_skeleton_spends_nothing_on_weights() -> None:
    model: Any = llama()
    origin = origin_of(model)
    assert origin is not None
    bones = skeleton(origin)
    assert all(value.is_meta for value in bones.parameters())
    assert not any(value.is_meta for value in bones.buffers())
    bones.load_state_dict(model.state_dict(), assign=True)
    assert same(bones, model)


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
        ({"architectures": ["LlamaModel"]}, "LlamaModel"),
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


def test_a_title_is_what_a_person_would_say() -> None:
    model: Any = llama()
    assert title_of(model) == "Llama"
    assert title_of(bert()) == "Bert"
    assert title_of(resnet()) == "ResNet"
    model.config.name_or_path = "org/Small-1B"
    assert title_of(model) == "Small-1B"
    model.config.name_or_path = "/cache/0123456789abcdef0123456789abcdef"
    assert title_of(model) == "Llama"


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


def test_a_gguf_file_opens_as_its_language_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from leanfair.models import gguf as gguf_files

    model = llama()

    def converting(path: Path, into: Path) -> None:
        model.save_pretrained(into)
        tokenizer().save_pretrained(into)

    monkeypatch.setenv("LEANFAIR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(gguf_files, "_convert", converting)
    (tmp_path / "small.gguf").write_bytes(b"content")
    found = open_model(str(tmp_path / "small.gguf"))
    assert same(found, model)
    assert title_of(found) == "small"
    assert len(open_tokenizer(str(tmp_path / "small.gguf"))) == len(tokenizer())
    with pytest.raises(InputError, match=r"none\.gguf"):
        open_model("none.gguf")
