"""Recovery by FSDP on two CPU processes: the losses, and the weights, of one process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from leanfair.data.text import read_text, tokens
from tests.support.places import ROOT
from tests.support.tiny_text import llama, prose, tokenizer

STEPS, LENGTH, BATCH, LR = 6, 16, 16, 3e-3


@pytest.mark.real
def test_two_processes_come_to_the_weights_of_one(tmp_path: Path) -> None:
    model: Any = llama()
    model.save_pretrained(tmp_path / "llm")
    tokenizer().save_pretrained(tmp_path / "llm")
    book = tmp_path / "book.txt"
    book.write_text(prose(2000))
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2",
         str(ROOT / "examples" / "recover_fsdp.py"), str(tmp_path / "llm"), "--data", str(book),
         "--out", str(tmp_path / "out"), "--steps", str(STEPS), "--length", str(LENGTH),
         "--batch", str(BATCH), "--lr", str(LR)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = {
        int(n): float(x) for n, x in re.findall(r"step (\d+) of \d+: loss ([\d.]+)", done.stdout)
    }
    alone = AutoModelForCausalLM.from_pretrained(tmp_path / "llm", dtype=torch.float32)
    ids = tokens(read_text(book), tokenizer(), LENGTH).ids
    optimizer = torch.optim.AdamW(alone.parameters(), lr=LR, weight_decay=0.01)
    for step in range(STEPS):
        rows = torch.randperm(len(ids), generator=torch.Generator().manual_seed(step))[:BATCH]
        loss = alone(input_ids=ids[rows], labels=ids[rows], use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(alone.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step + 1 in told:
            assert told[step + 1] == pytest.approx(float(loss.detach()), abs=2e-4)
    assert len(told) == 2
    found = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32)
    for (name, one), other in zip(alone.named_parameters(), found.parameters(), strict=True):
        torch.testing.assert_close(other, one, rtol=1e-3, atol=1e-4, msg=name)
