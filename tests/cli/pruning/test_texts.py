"""`leanfair prune` and `leanfair export` for models of texts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import torch
from typer.testing import Result

from leanfair.cli.pruning import running
from leanfair.cli.pruning.texts import sample_of
from leanfair.data.labelled_text import TextTable
from leanfair.data.tables import write_table
from leanfair.data.text import Tokens
from leanfair.files import write_tensors
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.pruning.checkpoint import loading
from tests.support.marks import mostly_real
from tests.support.tiny_text import SHAPE, bert, llama, prose, tokenizer

Leanfair = Callable[..., Result]

QUICK = (
    "--criterion", "l1", "--candidate-epochs", "0", "--round-epochs", "0", "--final-epochs", "0",
    "--threads", "1",
)  # fmt: skip


def mixture() -> Any:
    """A decoder whose MLPs are several experts."""
    from transformers import MixtralConfig, MixtralForCausalLM

    return MixtralForCausalLM(MixtralConfig(num_local_experts=2, num_key_value_heads=2, **SHAPE))


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models, tokenizers, texts and images."""
    place = tmp_path_factory.mktemp("texts")
    models = {
        "llama": llama(),
        "bare": llama(),
        "narrow": llama(vocab_size=16),
        "bert": bert(id2label={0: "no", 1: "yes"}, label2id={"no": 0, "yes": 1}),
    }
    for name, model in models.items():
        model.save_pretrained(place / name)
        if name != "bare":
            tokenizer().save_pretrained(place / name)
    quantised = json.loads((place / "llama" / "config.json").read_text())
    quantised["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    for name, config in (("quantised", quantised), ("experts", mixture().config.to_dict())):
        shutil.copytree(place / "llama", place / name)
        (place / name / "config.json").write_text(json.dumps(config))
    mixture().save_pretrained(place / "experts")
    (place / "book.txt").write_text(prose(3000))
    (place / "empty.txt").write_text(" \n")
    (place / "short.txt").write_text(prose(20))
    (place / "parts").mkdir()
    for i, name in enumerate(("train", "valid", "test")):
        (place / "parts" / f"{name}.txt").write_text(prose(800, seed=i))
    rows = [{"text": prose(9, seed=i), "label": ("no", "yes")[i % 2]} for i in range(80)]
    write_table(place / "table.csv", rows)
    write_tensors(place / "net.safetensors", CifarResNet(14, channels=1).state_dict())
    return place


def complaint(result: Result) -> str:
    """The one sentence of a command that refused."""
    assert result.exit_code == 2, (result.output, result.exception)
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    return lines[0]


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the command hands to `leanfair.prune`, which is not run."""
    found: dict[str, Any] = {}

    def noted(model: Any, **given: Any) -> None:
        found.update(given, model=model)
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "prune", noted)
    return found


# ---- what is opened ---------------------------------------------------------------------------


@pytest.mark.parametrize(("data", "sizes"), [("book.txt", (151, 18, 18)), ("parts", (50, 50, 50))])
def test_a_language_model_gets_blocks_of_tokens_and_its_tokenizer_is_handed_on(
    data: str, sizes: tuple[int, ...], leanfair: Leanfair, place: Path, passed: dict[str, Any]
) -> None:
    options = ["--cut", 0.2, "--out", place / "run", "--quiet", "--length", 16]
    leanfair("prune", place / "llama", "--data", place / data, *options)
    parts = [passed[name] for name in ("train", "calibration", "test")]
    assert all(isinstance(part, Tokens) and part.ids.shape[1] == 16 for part in parts)
    assert tuple(len(part) for part in parts) == sizes
    assert len(passed["tokenizer"]) == len(tokenizer())
    assert type(passed["model"]).__name__ == "LlamaForCausalLM"
    own = {"model", "train", "calibration", "test", "on_event", "out", "resume", "tokenizer"}
    assert {k: v for k, v in passed.items() if k not in own} == {"cut": 0.2}


def test_a_classifier_of_texts_gets_a_table_with_its_own_labels(
    leanfair: Leanfair, place: Path, passed: dict[str, Any]
) -> None:
    options = ["--cut", 0.2, "--out", place / "run", "--quiet", "--calibration", 20]
    leanfair("prune", place / "bert", "--data", place / "table.csv", *options)
    assert isinstance(passed["train"], TextTable)
    assert len(passed["calibration"]) == 20
    assert set(passed["train"].labels.tolist()) == {0, 1}
    assert passed["train"].ids.shape[1] == 11


def test_a_tokenizer_may_come_from_elsewhere_and_a_short_model_gets_short_samples(
    leanfair: Leanfair, place: Path, passed: dict[str, Any]
) -> None:
    options = ["--cut", 0.2, "--out", place / "run", "--quiet"]
    leanfair(
        "prune", place / "bare", "--data", place / "book.txt", "--tokenizer", place / "llama",
        *options,
    )  # fmt: skip
    assert passed["calibration"].ids.shape[1] == 64  # as many as it has positions


def test_settings_of_transformers_are_handed_on(
    leanfair: Leanfair, place: Path, passed: dict[str, Any]
) -> None:
    options = ["--cut", 0.2, "--out", place / "run", "--quiet"]
    options += ["--free", "--lora", 4, "--reconstruct", "--only", "neurons"]
    result = leanfair("prune", place / "llama", "--data", place / "book.txt", *options)
    wanted = {"free": True, "lora": 4, "reconstruct": True, "only": "neurons"}
    assert {name: passed[name] for name in wanted} == wanted, result.output


# ---- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "data", "options", "named"),
    [
        ("llama", "digits", [], "which takes text, but digits holds images"),
        ("net.safetensors", "book.txt", [], "which takes no text, but"),
        ("bare", "book.txt", [], "holds no tokenizer: give --tokenizer"),
        ("narrow", "book.txt", [], "but {place}/narrow knows 16"),
        ("llama", "book.txt", ["--length", 65], "--length 65 is more than the 64 tokens"),
        ("llama", "book.txt", ["--length", 1], "--length must be a whole number, 2 or more"),
        ("llama", "book.txt", ["--image-size", 8], "--image-size means nothing for"),
        ("net.safetensors", "digits", ["--length", 8], "--length means nothing for digits"),
        ("llama", "table.csv", ["--label", "label"], "--label is for a classifier"),
        ("llama", "table.csv", ["--text", "story"], "no column 'story'"),
        ("bert", "table.csv", ["--label", "story"], "no column 'story'"),
        ("bert", "book.txt", [], "book.txt is not named like a table"),
        ("llama", "none.txt", [], "There is no text"),
        ("llama", "empty.txt", [], "empty.txt holds no text"),
        ("llama", "short.txt", ["--length", 16], "short.txt is too short: 1 blocks of 16 tokens"),
        ("llama", "book.txt", ["--min-accuracy", 0.5], "--min-accuracy is for classifiers"),
        ("llama", "book.txt", ["--cut", 0.999], "beyond the floor"),
        ("llama", "book.txt", ["--lora", -1], "--lora must be a whole number, 0 or more"),
        ("quantised", "book.txt", [], "is quantised (bitsandbytes)"),
        ("experts", "book.txt", [], "is a mixture of experts"),
        ("none.gguf", "book.txt", [], "none.gguf"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    model: str, data: str, options: list[Any], named: str, leanfair: Leanfair, place: Path
) -> None:
    where = data if data == "digits" else place / data
    result = leanfair(
        "prune", place / model, "--data", where, "--cut", 0.2, "--out", place / "none", *QUICK,
        *options,
    )  # fmt: skip
    assert named.format(place=place) in complaint(result)
    assert not (place / "none").exists()


# ---- from end to end --------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "data"), [("llama", "book.txt"), ("bert", "table.csv")])
def test_a_run_prunes_a_model_of_texts_and_stock_tools_open_what_it_leaves(
    model: str, data: str, leanfair: Leanfair, place: Path, tmp_path: Path
) -> None:
    import transformers

    out = tmp_path / "run"
    options = ["--data", place / data, "--cut", 0.2, "--length", 16, *QUICK]
    planned = leanfair("prune", place / model, *options, "--plan", "--json")
    assert planned.exit_code == 0, planned.output
    assert not out.exists()
    result = leanfair("prune", place / model, *options, "--out", out)
    assert result.exit_code == 0, result.output
    summary = json.loads((out / "summary.json").read_text())
    assert summary["removed"] >= 0.2
    pruned: Any = loading.load(out)
    again = getattr(transformers, type(pruned).__name__).from_pretrained(out)
    ids = torch.randint(0, 16, (2, 9))
    with torch.inference_mode():
        assert torch.equal(again(ids).logits, pruned(ids).logits)
    words = transformers.AutoTokenizer.from_pretrained(out)
    assert words("the dog")["input_ids"] == tokenizer()("the dog")["input_ids"]
    again = leanfair("prune", place / model, *options, "--out", out, "--resume")
    assert again.exit_code == 0, again.output
    assert json.loads((out / "summary.json").read_text()) == summary


@pytest.mark.real
def test_layers_may_keep_widths_of_their_own_and_the_run_is_pruned_on_and_exported(
    leanfair: Leanfair, place: Path, tmp_path: Path
) -> None:
    options = ["--data", place / "book.txt", "--cut", 0.3, "--length", 16, *QUICK, "--free"]
    options += ["--criterion", "random", "--min-layers", 3]
    for model, out in ((place / "llama", "one"), (tmp_path / "one", "two")):
        result = leanfair("prune", model, *options, "--out", tmp_path / out)
        assert result.exit_code == 0, result.output
        assert not (tmp_path / out / "config.json").exists()
        assert (tmp_path / out / "tokenizer.json").exists()
    before, after = (loading.load(tmp_path / out) for out in ("one", "two"))
    assert count(after) < count(before) < count(llama())
    widths = {len(m.weight) for name, m in after.named_modules() if name.endswith("gate_proj")}
    assert len(widths) > 1
    target = tmp_path / "pruned.onnx"
    exported = leanfair("export", tmp_path / "two", "--onnx", target)
    assert exported.exit_code == 0, exported.output
    assert "texts of" not in exported.stdout  # their length is free


def test_adapters_are_trained_and_leave_a_plain_model(
    leanfair: Leanfair, place: Path, tmp_path: Path
) -> None:
    from transformers import LlamaForCausalLM

    result = leanfair(
        "prune", place / "llama", "--data", place / "book.txt", "--cut", 0.2, "--of", "params",
        "--length", 16, *QUICK, "--criterion", "contribution", "--final-epochs", 0.2, "--lora", 4,
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["images"] > 0
    stock = LlamaForCausalLM.from_pretrained(tmp_path / "run")
    assert not [name for name, _ in stock.named_parameters() if "lora" in name]
    assert count(stock) == count(loading.load(tmp_path / "run"))


def count(model: Any) -> int:
    return sum(value.numel() for value in model.parameters())


@pytest.mark.parametrize("make", mostly_real([llama, bert], [llama]))
@pytest.mark.real
def test_a_model_of_texts_is_exported_with_its_padding(
    make: Any, leanfair: Leanfair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = make()
    monkeypatch.setattr(loading, "load", lambda run: network)
    target = tmp_path / "pruned.onnx"
    result = leanfair("export", "some/run", "--onnx", target, "--length", 12)
    assert result.exit_code == 0, result.output
    inputs = sample_of(network, 12).inputs
    assert isinstance(inputs, dict)
    inputs = {name: value.repeat(2, 1)[:3] for name, value in inputs.items()}
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    for length in (12, 7, 31):
        cut = {name: value.repeat(1, 3)[:, :length] for name, value in inputs.items()}
        (logits,) = session.run(["logits"], {name: value.numpy() for name, value in cut.items()})
        with torch.inference_mode():
            expected = network(**cut).logits
        torch.testing.assert_close(torch.from_numpy(logits), expected, atol=1e-4, rtol=0)
