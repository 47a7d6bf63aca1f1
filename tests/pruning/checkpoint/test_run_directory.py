"""The run directory: what is in it loads, resumes, and is not taken for something else."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import leanfair
from leanfair.errors import InputError, RunDirectoryError
from leanfair.files import write_tensors
from leanfair.pruning.checkpoint.loading import cuts, load
from leanfair.pruning.run.result import Pruned
from leanfair.pruning.surgery.removal import apply
from leanfair.pruning.types import Event
from tests.support.nets import samples, tiny
from tests.support.places import ROOT

QUICK: dict[str, Any] = {"criterion": "l1", "min_layers": 1, "latency_batches": ()}


class Custom(nn.Module):
    """A residual network that leanfair has never heard of."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3, padding=1)
        self.blocks = nn.ModuleList(Residual() for _ in range(3))
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.head(x.mean((2, 3)))
        return out


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Conv2d(8, 12, 3, padding=1)
        self.down = nn.Conv2d(12, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.down(self.up(x).relu())
        return out


def prune(model: nn.Module, out: Path | None = None, **more: Any) -> Pruned:
    given = {"cut": 0.3, "calibration": samples(48, seed=1), **QUICK, **more}
    return leanfair.prune(model, out=out, **given)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Pruned:
    out = tmp_path_factory.mktemp("runs") / "tiny"
    return prune(tiny(), out, test=samples(64, seed=2))


def test_the_pruned_network_loads_in_a_fresh_process_to_equal_logits(
    run: Pruned, tmp_path: Path
) -> None:
    x = torch.randn(5, 1, 8, 8)
    with torch.inference_mode():
        write_tensors(tmp_path / "io.safetensors", {"x": x, "logits": run.model(x)})
    program = (
        "import sys, torch, leanfair\n"
        "from safetensors.torch import load_file\n"
        "io = load_file(sys.argv[2])\n"
        "with torch.inference_mode(): out = leanfair.load(sys.argv[1])(io['x'])\n"
        "assert torch.equal(out, io['logits']), (out - io['logits']).abs().max()\n"
    )
    command = [sys.executable, "-c", program, str(run.path), str(tmp_path / "io.safetensors")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_file_of_a_run_is_a_pickle(run: Pruned) -> None:
    assert run.path is not None
    kinds = {path.suffix for path in run.path.iterdir() if path.name != ".lock"}
    assert kinds == {".json", ".html", ".safetensors", ".md"}


def test_the_cuts_replay_on_the_parent_to_the_same_shapes(run: Pruned) -> None:
    assert run.path is not None
    model: nn.Module = tiny()
    for cut in cuts(run.path):
        model = apply(cut, model)
    shapes = {name: value.shape for name, value in model.state_dict().items()}
    assert shapes == {name: value.shape for name, value in run.model.state_dict().items()}


def test_replayed_cuts_of_a_run_that_changes_no_weights_give_bit_equal_outputs() -> None:
    model: nn.Module = tiny()
    run = prune(tiny(), reconstruct=False)
    for step in run.steps:
        model = apply(step.cut, model)
    x = torch.randn(5, 1, 8, 8)
    with torch.inference_mode():
        assert torch.equal(model(x), run.model(x))


def test_a_finished_run_is_not_done_again(run: Pruned, tmp_path: Path) -> None:
    assert run.path is not None
    copy = Path(shutil.copytree(run.path, tmp_path / "copy"))
    before = {path.name: path.read_bytes() for path in copy.iterdir()}
    again = prune(tiny(), copy, test=samples(64, seed=2), resume=True)
    assert dict(again.summary) == dict(run.summary)
    assert again.steps == run.steps
    for name, value in run.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], value)
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == before


def test_a_pruned_network_can_be_pruned_again_and_loaded(run: Pruned, tmp_path: Path) -> None:
    for parent in (run.model, load(str(run.path))):
        again = prune(parent, tmp_path / f"again-{id(parent)}", cut=0.2)
        x = torch.randn(3, 1, 8, 8)
        with torch.inference_mode():
            assert torch.equal(leanfair.load(str(again.path))(x), again.model(x))


def test_a_network_of_an_unknown_class_loads_into_a_fresh_instance(tmp_path: Path) -> None:
    torch.manual_seed(0)
    run = prune(Custom(), tmp_path / "run")
    with pytest.raises(InputError, match="model="):
        load(tmp_path / "run")
    torch.manual_seed(5)
    loaded = load(tmp_path / "run", model=Custom())
    x = torch.randn(3, 1, 8, 8)
    with torch.inference_mode():
        assert torch.equal(loaded(x), run.model(x))
    with pytest.raises(InputError, match="same architecture"):
        load(tmp_path / "run", model=tiny())


def test_what_is_no_finished_run_is_refused(run: Pruned, tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="not the directory of a run"):
        load(tmp_path)
    unfinished = Path(shutil.copytree(str(run.path), tmp_path / "unfinished"))
    (unfinished / "model.safetensors").unlink()
    with pytest.raises(RunDirectoryError, match="not finished"):
        load(unfinished)


class Killed(BaseException):
    """Stands for a kill: no handler of ordinary errors sees it."""


@pytest.mark.real
def test_a_kill_at_any_moment_of_writing_the_result_is_named_and_resumed(
    run: Pruned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moved last are the hashes of the weights, the weights, the hashes of cuts.json,
    README.md and summary.json, these, what is settled, and the page."""
    replace, names = os.replace, []

    def counting(source: Any, target: Any) -> None:
        names.append(Path(target).name)
        replace(source, target)

    monkeypatch.setattr(os, "replace", counting)
    whole = prune(tiny(), tmp_path / "whole")
    last = len(names) - 8
    assert names[last:] == [
        "leanfair.json", "model.safetensors", "leanfair.json", "cuts.json", "README.md",
        "summary.json", "leanfair.json", "report.html",
    ]  # fmt: skip
    for moment in range(last, len(names) + 1):
        out, left = tmp_path / f"killed-{moment}", moment

        def dying(source: Any, target: Any) -> None:
            nonlocal left
            if not left:
                raise Killed
            left -= 1
            replace(source, target)

        monkeypatch.setattr(os, "replace", dying)
        with pytest.raises(Killed) if moment < len(names) else nullcontext():
            prune(tiny(), out)
        monkeypatch.setattr(os, "replace", replace)
        if moment <= last + 1:
            with pytest.raises(RunDirectoryError, match="is not finished: resume"):
                load(out)
        elif moment <= last + 3:
            with pytest.raises(RunDirectoryError, match="while its result was being written: res"):
                load(out)
        else:
            assert same(load(out), whole.model)
        assert same(prune(tiny(), out, resume=True).model, whole.model)
        assert same(load(out), whole.model)
        files = {path.name for path in out.iterdir()}
        assert files == {path.name for path in (tmp_path / "whole").iterdir()}


def same(model: nn.Module, other: nn.Module) -> bool:
    had = other.state_dict()
    return all(torch.equal(value, had[name]) for name, value in model.state_dict().items())


def test_a_directory_in_which_a_run_is_under_way_is_refused(tmp_path: Path) -> None:
    refused: list[str] = []

    def on_event(event: Event) -> None:
        if event.stage == "score" and not refused:
            with pytest.raises(RunDirectoryError) as error:
                prune(tiny(), tmp_path, resume=True)
            refused.append(str(error.value))

    prune(tiny(), tmp_path, on_event=on_event)
    assert f"in use by process {os.getpid()} on {socket.gethostname()} since 2" in refused[0]
    assert "wait until it ends, or choose another directory" in refused[0]
    assert not (tmp_path / ".lock.json").exists()
    prune(tiny(), tmp_path, resume=True)


def test_a_run_that_fails_leaves_its_directory_to_others(tmp_path: Path) -> None:
    def on_event(event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prune(tiny(), tmp_path, on_event=on_event)
    prune(tiny(), tmp_path, resume=True)


def test_a_directory_that_is_refused_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"precious")
    with pytest.raises(RunDirectoryError, match="files that leanfair did not write"):
        prune(tiny(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_broken_file_is_named(run: Pruned, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(str(run.path), tmp_path / "broken"))
    (broken / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(RunDirectoryError, match=r"model\.safetensors"):
        load(broken)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"model": "another"}, "another model"),
        ({"calibration": samples(48, seed=9)}, "other calibration data"),
        ({"cut": 0.4}, "cut 0.3, not 0.4"),
        ({"seed": 1}, "seed|other calibration"),
        ({"train": samples(64)}, "no samples of train data, not 64"),
        ({"test": None}, "64 samples of test data, not none"),
        ({"resume": False}, "already holds a run"),
    ],
)
def test_a_run_is_resumed_as_it_was_begun_or_not_at_all(
    change: dict[str, Any], named: str, run: Pruned
) -> None:
    given: dict[str, Any] = {"test": samples(64, seed=2), "resume": True, **change}
    model = tiny(seed=3) if given.pop("model", None) else tiny()
    with pytest.raises(RunDirectoryError, match=named):
        prune(model, run.path, **given)


def test_a_directory_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"precious")
    with pytest.raises(RunDirectoryError, match="files that leanfair did not write"):
        prune(tiny(), tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == b"precious"
    with pytest.raises(RunDirectoryError, match="is a file"):
        prune(tiny(), tmp_path / "model.safetensors")


def test_the_summary_has_the_documented_keys(run: Pruned) -> None:
    summary = json.loads((Path(str(run.path)) / "summary.json").read_text())
    documented = ROOT / "docs/run-directory.md"
    for key in summary:
        assert f"`{key}`" in documented.read_text(), key
    assert set(summary["macs"]) == set(summary["accuracy"]) == {"before", "after"}
    for step in summary["steps"]:
        assert step["chosen"] in ("layer", "neurons")
        assert set(step["cka"]) == {"layer", "neurons"}
        assert {"macs", "accuracy", "seconds"} <= set(step)
