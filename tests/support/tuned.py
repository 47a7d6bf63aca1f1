"""Fine-tunes a tiny network in double precision, on as many processes as there are.

python -m tests.support.tuned TARGET.safetensors
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch.utils.data import TensorDataset

from leanfair.files import write_tensors
from leanfair.pruning.training.distributed import group, is_main, leave
from leanfair.pruning.training.fine_tune import Recipe, fine_tune
from tests.support.nets import samples, tiny


def main(target: Path) -> None:
    torch.set_num_threads(1)
    images, labels = samples(90).tensors
    data = TensorDataset(images.double(), labels)
    model = tiny().double()
    # 90 is no multiple of 32, and 13 is odd: parts of unequal size must count as they weigh.
    fine_tune(model, data, images=200, recipe=Recipe(lr=0.05, batch_size=32))
    fine_tune(model, data, images=39, recipe=Recipe(optimizer="adamw", batch_size=13))
    if is_main():
        state = {**model.state_dict(), "processes": torch.tensor(group().size)}
        write_tensors(target, state)
    leave()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
