"""A GGUF file is converted once, whole or not at all, and then says what the file says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from leanfair.errors import InputError, RunDirectoryError
from leanfair.fairness.judge.judge import Judge
from leanfair.models import gguf as gguf_files
from leanfair.models.gguf import cache_folder, converted
from tests.support.tiny_judge import TEMPLATE, model, tokenizer

gguf = pytest.importorskip("gguf")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEANFAIR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama with random weights and the tests' tokenizer, in a GGUF file."""
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    writer = gguf.GGUFWriter(str(path), "llama")
    _write_settings(writer)
    _write_tokenizer(writer)
    for name, value in model("Llama").state_dict().items():
        writer.add_tensor(_gguf_name(name), value.numpy().astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _write_settings(writer: gguf.GGUFWriter) -> None:
    config = model("Llama").config
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)


def _write_tokenizer(writer: gguf.GGUFWriter) -> None:
    words = json.loads(tokenizer()._tokenizer.to_str())["model"]
    by_id = sorted(words["vocab"], key=words["vocab"].__getitem__)
    tokens = by_id + [f"<unused{i}>" for i in range(400 - len(by_id))]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token.startswith("<") else 1 for token in tokens])
    writer.add_token_merges([" ".join(pair) for pair in words["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_chat_template(TEMPLATE)


def _gguf_name(name: str) -> str:
    for old, new in (
        ("model.embed_tokens", "token_embd"), ("lm_head", "output"), ("model.norm", "output_norm"),
        ("model.layers.", "blk."), ("input_layernorm", "attn_norm"),
        ("post_attention_layernorm", "ffn_norm"), ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"),
        ("self_attn.o_proj", "attn_output"), ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"),
    ):  # fmt: skip
        name = name.replace(old, new)
    return name


def test_what_is_converted_says_what_the_file_says(file: Path, cache: Path) -> None:
    folder = converted(file)
    assert folder.parent == cache / "gguf"
    assert (folder / "model.safetensors").exists()
    ids = torch.arange(20)[None]
    with torch.no_grad():
        ours = AutoModelForCausalLM.from_pretrained(folder)(ids).logits
        theirs = AutoModelForCausalLM.from_pretrained(str(file.parent), gguf_file=file.name)(ids)
    assert torch.equal(ours, theirs.logits)
    words = AutoTokenizer.from_pretrained(folder)
    assert words.decode(words.encode("He is Black, é")) == "He is Black, é"
    assert words.chat_template == TEMPLATE


def test_a_file_is_converted_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = converted(file)
    monkeypatch.setattr(gguf_files, "_read", None)
    assert converted(file) == folder
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]


def test_a_conversion_that_dies_leaves_no_folder_that_looks_whole(
    file: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dying(path: Path, into: Path) -> None:
        into.mkdir()
        (into / "config.json").write_text("{}")
        raise KeyboardInterrupt

    monkeypatch.setattr(gguf_files, "_convert", dying)
    with pytest.raises(KeyboardInterrupt):
        converted(file)
    assert list((cache / "gguf").iterdir()) == []


def test_another_process_that_was_first_is_as_good(
    file: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(path: Path, into: Path) -> None:
        into.mkdir()
        other = cache / "gguf" / gguf_files.content_hash(path)
        other.mkdir()
        (other / "theirs").write_text("")

    monkeypatch.setattr(gguf_files, "_convert", late)
    assert [p.name for p in converted(file).iterdir()] == ["theirs"]
    assert len(list((cache / "gguf").iterdir())) == 1


def test_a_gguf_file_is_a_model_for_a_judge(file: Path) -> None:
    made = Judge(file, "Is it? {text}", ["yes", "no"], min_captured=0.0)
    assert made.describe()["identity"]["model"] == "tiny.gguf"
    assert np.isfinite(made.predict_proba(["a Black man", "a loan"])).all()


def test_a_broken_file_is_one_sentence(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(InputError, match="cannot be read as a GGUF language model") as caught:
        Judge(path, "{text}", ["yes", "no"]).answers(["a"])
    assert "\n" not in str(caught.value)
    assert list((cache / "gguf").iterdir()) == []


def test_a_cache_that_cannot_be_written_says_what_to_set(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("LEANFAIR_CACHE", str(tmp_path / "taken"))
    with pytest.raises(RunDirectoryError, match="set LEANFAIR_CACHE"):
        converted(file)


def test_the_cache_is_the_users_own_where_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEANFAIR_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder() == Path("/somewhere/leanfair")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "leanfair"
