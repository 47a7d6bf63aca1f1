"""Recovery of a pruned language model over several processes, each of which holds a part (FSDP).

    accelerate launch --multi_gpu --num_processes 8 recover_fsdp.py RUN --data book.txt --out OUT
    torchrun --nproc-per-node 2 recover_fsdp.py RUN --data book.txt --out OUT     # on CPUs, too

RUN is a folder that transformers opens, as `leanfair prune` leaves it. Each process holds its share
of the weights, gradients and AdamW's moments, and a block at a time is gathered to be run (FSDP 2,
`torch.distributed.fsdp.fully_shard`, which is what accelerate itself wraps with `fsdp_version: 2`).
The loss is that of the next token. OUT is a folder of transformers in the precision of RUN; it is
written once, at the end, so a run that is killed begins anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from accelerate import PartialState
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.fsdp import fully_shard
from transformers import AutoModelForCausalLM, AutoTokenizer

from leanfair.data.text import read_text, tokens


def sharded(folder: str, device: torch.device) -> Any:
    """The model in `folder`, in single precision, of which each process holds a part."""
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).to(device)
    blocks = next(part for part in model.modules() if isinstance(part, torch.nn.ModuleList))
    for block in blocks:
        fully_shard(block)
    return fully_shard(model)


def trained(model: Any, ids: torch.Tensor, given: argparse.Namespace, state: PartialState) -> None:
    """Train `model`, in place, on this process's share of each batch."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=given.lr, weight_decay=0.01)
    size, mine = state.num_processes, state.process_index
    for step in range(given.steps):
        chance = torch.Generator().manual_seed(given.seed + step)
        rows = torch.randperm(len(ids), generator=chance)[: given.batch][mine::size]
        batch = ids[rows].to(state.device)
        loss = model(input_ids=batch, labels=batch, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        mean = loss.detach().clone()
        dist.all_reduce(mean)
        if state.is_main_process and (step % 10 == 0 or step + 1 == given.steps):
            print(f"step {step + 1} of {given.steps}: loss {float(mean) / size:.4f}", flush=True)


def main() -> None:
    """Train, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=16, help="samples of a step, all processes")
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--lr", type=float, default=2e-5)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    state = PartialState(cpu=not torch.cuda.is_available())
    if state.num_processes < 2:
        parser.error("one process has nothing to share: start it by torchrun or accelerate launch")
    if given.batch % state.num_processes:
        parser.error(f"--batch {given.batch} does not go in equal parts to the processes")
    if state.is_main_process and given.out.exists():
        parser.error(f"{given.out} exists: choose another folder")
    words = AutoTokenizer.from_pretrained(given.run)
    ids = tokens(read_text(given.data), words, given.length).ids
    model = sharded(given.run, state.device)
    trained(model, ids, given, state)
    whole = get_model_state_dict(
        model, options=StateDictOptions(full_state_dict=True, cpu_offload=True)
    )
    if state.is_main_process:
        saved: Any = AutoModelForCausalLM.from_pretrained(given.run, dtype="auto")
        saved.load_state_dict(whole)
        saved.save_pretrained(given.out)
        words.save_pretrained(given.out)
    state.wait_for_everyone()
    state.destroy_process_group()


if __name__ == "__main__":
    main()
