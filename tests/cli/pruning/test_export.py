"""`leanfair export`: the pruned network as ONNX."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import onnxruntime
import pytest
import torch
from typer.testing import Result

from leanfair.pruning.checkpoint.loading import load

Leanfair = Callable[..., Result]


@pytest.fixture
def run(finished: tuple[Path, Result], tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished[0], tmp_path / "run"))


def _assert_equal_outputs(onnx: Path, run: Path) -> None:
    session = onnxruntime.InferenceSession(str(onnx), providers=["CPUExecutionProvider"])
    images = torch.randn(5, 1, 8, 8)
    (logits,) = session.run(None, {session.get_inputs()[0].name: images.numpy()})
    with torch.inference_mode():
        torch.testing.assert_close(torch.from_numpy(logits), load(run)(images), atol=1e-4, rtol=0)


def test_the_exported_file_gives_the_logits_of_the_pruned_network(
    leanfair: Leanfair, run: Path, tmp_path: Path
) -> None:
    target = tmp_path / "pruned.onnx"
    result = leanfair("export", run, "--onnx", target)
    assert result.exit_code == 0, result.output
    assert str(target) in result.stdout
    _assert_equal_outputs(target, run)


def test_data_tells_the_shape_where_the_run_does_not(
    leanfair: Leanfair, run: Path, tmp_path: Path
) -> None:
    record = json.loads((run / "run.json").read_text())
    record["data"]["input"] = None
    (run / "run.json").write_text(json.dumps(record))
    (run / "leanfair.json").unlink()
    target = tmp_path / "pruned.onnx"
    refused = leanfair("export", run, "--onnx", target)
    assert refused.exit_code == 2
    assert "--data" in refused.stderr
    result = leanfair("export", run, "--onnx", target, "--data", "digits")
    assert result.exit_code == 0, result.output
    _assert_equal_outputs(target, run)


def test_what_is_not_a_run_is_refused_by_name(leanfair: Leanfair, tmp_path: Path) -> None:
    result = leanfair("export", tmp_path / "nothing", "--onnx", tmp_path / "pruned.onnx")
    assert result.exit_code == 2
    assert str(tmp_path / "nothing") in result.stderr
    assert not (tmp_path / "pruned.onnx").exists()
