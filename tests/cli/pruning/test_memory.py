"""A model is read block by block where it is asked for, or where it does not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM
from typer.testing import Result

from leanfair.cli.pruning import memory
from leanfair.cli.pruning.memory import free_memory, in_blocks, weights_in
from leanfair.errors import InputError
from tests.support.tiny_text import llama, prose, tokenizer

Leanfair = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model: Any = llama()
    model.save_pretrained(tmp_path / "llm")
    tokenizer().save_pretrained(tmp_path / "llm")
    (tmp_path / "book.txt").write_text(prose(2000))
    return tmp_path / "llm"


@pytest.mark.parametrize(
    ("asked", "share", "blocks"),
    [(True, 100.0, True), (False, 0.1, False), (None, 2.6, False), (None, 2.4, True)],
)
def test_what_does_not_fit_is_read_in_blocks_unless_it_is_asked_otherwise(
    asked: bool | None, share: float, blocks: bool, folder: Path, monkeypatch: Any, capsys: Any
) -> None:
    free = int(share * weights_in(folder))
    monkeypatch.setattr(memory, "free_memory", lambda: free)
    assert in_blocks(str(folder), asked) == (str(folder) if blocks else None)
    told = capsys.readouterr().err
    assert ("blocks are read one at a time" in told) == blocks
    assert (" GB of memory are free" in told) == (blocks and asked is None)


def test_half_precision_needs_more(folder: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda: int(3.9 * weights_in(folder)))
    assert in_blocks(str(folder), None) is None
    config = folder / "config.json"
    config.write_text(config.read_text().replace("float32", "bfloat16"))
    assert in_blocks(str(folder), None) == str(folder)


def test_where_memory_is_unknown_models_are_opened_whole(folder: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda: None)
    assert in_blocks(str(folder), None) is None
    assert in_blocks(str(folder.parent / "none"), None) is None
    with pytest.raises(InputError, match="--low-memory reads a folder"):
        in_blocks(str(folder.parent / "none"), True)


def test_free_memory_is_what_the_machine_has_and_the_group_allows(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   5000 kB\n")
    assert free_memory(tmp_path) == 5_120_000
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.current").write_text("3000000\n")
    (group / "memory.max").write_text("max\n")
    assert free_memory(tmp_path) == 5_120_000
    (group / "memory.max").write_text("4000000\n")
    assert free_memory(tmp_path) == 1_000_000
    (group / "memory.stat").write_text("anon 5\ninactive_file 500000\n")
    assert free_memory(tmp_path) == 1_500_000
    assert free_memory(tmp_path / "none") is None


@pytest.mark.real
def test_the_command_says_so_and_stock_transformers_opens_the_result(
    folder: Path, leanfair: Leanfair
) -> None:
    run = folder.parent / "run"
    result = leanfair(
        "prune", folder, "--data", folder.parent / "book.txt", "--cut", "0.2", "--of", "params",
        "--length", "16", "--low-memory", "--out", run, "--threads", "1",
    )  # fmt: skip
    assert result.exit_code == 0, (result.output, result.exception)
    assert "Note: As asked: blocks are read one at a time" in result.stderr
    AutoModelForCausalLM.from_pretrained(run)
    for more in (("--low-memory", "--criterion", "kl"), ("--low-memory", "--of", "latency")):
        bad = leanfair("prune", folder, "--data", folder.parent / "book.txt", "--cut", "0.2",
                       "--length", "16", "--out", folder.parent / "bad", *more)  # fmt: skip
        assert bad.exit_code == 2, bad.output
        assert "block by block" in bad.stderr
    assert not (folder.parent / "bad").exists()
