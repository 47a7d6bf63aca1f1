"""Fine-tunes a tiny language model in double precision, on as many processes as there are.

python -m tests.support.tuned_text TARGET.safetensors
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset

from leanfair.files import write_tensors
from leanfair.pruning.training.distributed import group, is_main, leave
from leanfair.pruning.training.fine_tune import Recipe, fine_tune
from tests.support.words import llama, padded


class Texts(Dataset[dict[str, Tensor]]):
    """Texts of uneven lengths: each process sees other counts of tokens."""

    held = padded(21)

    def __len__(self) -> int:
        return len(self.held)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return self.held[index]


def main(target: Path) -> None:
    torch.set_num_threads(1)
    model, teacher = llama().double(), llama(seed=1).double()
    for lora in (0, 4):
        recipe = Recipe(
            optimizer="adamw", lr=0.003, batch_size=7, distill=0.4, temperature=2.0, clip=0.5,
            warmup=0.3, lora=lora,
        )  # fmt: skip
        fine_tune(model, Texts(), images=42, recipe=recipe, teacher=teacher)
    if is_main():
        state = {**model.state_dict(), "processes": torch.tensor(group().size)}
        write_tensors(target, state)
    leave()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
