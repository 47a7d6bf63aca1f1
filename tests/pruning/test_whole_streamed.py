"""A model that is read block by block is pruned to the same network, to the last bit, as the model
that is opened whole, and its run directory says the same."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

import leanfair
from leanfair.errors import OptionError, RunDirectoryError
from leanfair.models.shelf import SCRATCH
from leanfair.pruning.checkpoint.run_directory import RunDirectory
from leanfair.pruning.types import Event
from tests.support.marks import mostly_real
from tests.support.shelves import MAKERS, ids, saved

WAYS: dict[str, dict[str, Any]] = {
    "reconstructed": {"cut": 0.3, "of": "params", "reconstruct": True},
    "layers": {"cut": 0.4, "only": "layer"},
    "neurons": {"cut": 0.3, "only": "neurons", "pace": 0.2},
    "free": {"cut": 0.3, "free": True, "reconstruct": True},
    "random": {"cut": 0.3, "criterion": "random", "seed": 5},
}
UNLIKE = ("created", "seconds", "energy", "steps")


def pruned(model: Any, out: Path, **more: Any) -> Any:
    return leanfair.prune(
        model, calibration=[ids(24)], test=[ids(8, seed=2)], out=out, latency_batches=(), **more
    )


@pytest.mark.parametrize(
    "case",
    mostly_real(
        [(k, w, d) for k in MAKERS for w in WAYS for d in (torch.float32, torch.bfloat16)],
        [("tied", "reconstructed", torch.bfloat16)],
    ),
)
def test_the_result_is_equal_to_the_last_bit(
    case: tuple[str, str, torch.dtype], tmp_path: Path
) -> None:
    kind, way, dtype = case
    whole = saved(tmp_path / "in", kind, dtype)
    one = pruned(whole, tmp_path / "whole", **WAYS[way])
    other = pruned(leanfair.streamed(tmp_path / "in"), tmp_path / "blocks", **WAYS[way])
    assert [step.cut for step in one.steps] == [step.cut for step in other.steps]
    assert one.steps
    told, its = dict(one.summary), dict(other.summary)
    assert {k: told[k] for k in told if k not in UNLIKE} == {
        k: its[k] for k in its if k not in UNLIKE
    }
    record, same = (tmp_path / name / "run.json" for name in ("whole", "blocks"))
    assert record.read_text() == same.read_text()
    loaded, twin = leanfair.load(tmp_path / "whole"), leanfair.load(tmp_path / "blocks")
    mine, theirs = loaded.state_dict(), twin.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    assert {value.dtype for value in twin.parameters()} == {dtype}
    wanted = one.model(ids()).logits
    assert torch.equal(twin(ids()).logits, wanted)
    assert torch.equal(other.model(ids()).logits, wanted)
    if other.summary["stock"]:
        stock: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "blocks", dtype="auto")
        assert torch.equal(stock(ids()).logits, wanted)
    assert not list((tmp_path / "blocks").glob(f"{SCRATCH}*"))
    assert (tmp_path / "blocks" / "README.md").exists()


@pytest.mark.real
def test_a_run_that_is_broken_off_goes_on_to_the_same_end(tmp_path: Path) -> None:
    whole = saved(tmp_path / "in")
    way = {"cut": 0.4, "of": "params", "reconstruct": True, "pace": 0.1, "only": "neurons"}
    wanted = pruned(whole, tmp_path / "whole", **way)
    assert len(wanted.steps) > 1

    def dies(event: Event) -> None:
        if event.stage == "step":
            raise KeyboardInterrupt

    for _ in range(len(wanted.steps)):
        with pytest.raises(KeyboardInterrupt):
            pruned(leanfair.streamed(tmp_path / "in"), tmp_path / "run", on_event=dies,
                   resume=(tmp_path / "run").exists(), **way)  # fmt: skip
        steps = RunDirectory(tmp_path / "run", writes=False).steps()
        weights = tmp_path / "run" / f"round-{len(steps)}.safetensors"
        assert 0 < weights.stat().st_size < (tmp_path / "in" / "config.json").stat().st_size * 40
    last = pruned(leanfair.streamed(tmp_path / "in"), tmp_path / "run", resume=True, **way)
    assert [step.cut for step in last.steps] == [step.cut for step in wanted.steps]
    state, same = (dict(leanfair.load(tmp_path / n).state_dict()) for n in ("run", "whole"))
    assert all(torch.equal(state[name], same[name]) for name in same)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"train": [ids(4, seed=7)]}, "train is for fine-tuning"),
        ({"fine_tune": lambda model, epochs: None}, "fine_tune is for fine-tuning"),
        ({"criterion": "kl"}, "criterion is kl"),
        ({"of": "latency"}, "of is latency"),
        ({"of": "memory"}, "of is memory"),
        ({"match": "latency"}, "match is latency"),
        ({"round_to": "auto"}, "round_to is auto, by times"),
    ],
)
def test_what_needs_the_whole_model_is_refused_before_anything_is_written(
    more: dict[str, Any], message: str, tmp_path: Path
) -> None:
    saved(tmp_path / "in")
    with pytest.raises(OptionError, match=message):
        pruned(leanfair.streamed(tmp_path / "in"), tmp_path / "run", cut=0.2, **more)
    assert not (tmp_path / "run").exists()


def test_the_folder_that_is_read_is_not_written_to(tmp_path: Path) -> None:
    saved(tmp_path / "in")
    before = {path.name: path.read_bytes() for path in (tmp_path / "in").iterdir()}
    with pytest.raises(RunDirectoryError, match="files that leanfair did not write"):
        pruned(leanfair.streamed(tmp_path / "in"), tmp_path / "in", cut=0.2)
    assert {path.name: path.read_bytes() for path in (tmp_path / "in").iterdir()} == before


@pytest.mark.real
def test_files_that_go_meanwhile_are_told_and_the_last_round_stays(tmp_path: Path) -> None:
    saved(tmp_path / "in")

    def goes(event: Event) -> None:
        if event.stage == "step":
            shutil.rmtree(tmp_path / "in")

    with pytest.raises(RunDirectoryError, match="can no longer be read from"):
        pruned(leanfair.streamed(tmp_path / "in"), tmp_path / "run", cut=0.5, on_event=goes)
    assert len(json.loads((tmp_path / "run" / "steps.json").read_text())) == 1


PEAK = """
import resource, sys
import leanfair, torch
from tests.support.shelves import ids
torch.set_num_threads(1)
folder, out, blocks = sys.argv[1:]
from transformers import AutoModelForCausalLM
model = leanfair.streamed(folder) if blocks == "1" else AutoModelForCausalLM.from_pretrained(folder)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
leanfair.prune(model, calibration=[ids(4)], cut=0.2, of="params", only="neurons", pace=0.1,
               reconstruct=True, out=out, latency_batches=())
print(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.real
@pytest.mark.parametrize(("blocks", "most"), [("1", 0.75), ("0", 1.75)])
def test_the_peak_of_memory_is_bounded_by_the_weights(
    blocks: str, most: float, tmp_path: Path
) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        hidden_size=512, intermediate_size=2048, num_hidden_layers=40, num_attention_heads=8,
        num_key_value_heads=4, vocab_size=64,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    weights = sum(value.nbytes for value in model.parameters()) / 1024
    model.save_pretrained(tmp_path / "in", max_shard_size="100MB")
    del model
    found = subprocess.run(
        [sys.executable, "-c", PEAK, str(tmp_path / "in"), str(tmp_path / "run"), blocks],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    before, peak = map(int, found.stdout.split()[-2:])
    assert peak - before < most * weights, (before, peak, weights)
