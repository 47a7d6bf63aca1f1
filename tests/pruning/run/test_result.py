"""A finished run writes its page where it is told, or into its directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import leanfair
from leanfair.errors import InputError, RunDirectoryError
from tests.support.nets import samples, tiny

QUICK: dict[str, Any] = {"criterion": "l1", "min_layers": 1, "latency_batches": (), "cut": 0.2}


def test_the_page_goes_into_the_directory_of_the_run(tmp_path: Path) -> None:
    run = leanfair.prune(tiny(), calibration=samples(16), out=tmp_path, **QUICK)
    (tmp_path / "report.html").unlink()
    assert run.report() == tmp_path / "report.html"
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


def test_without_a_directory_it_must_be_told_where(tmp_path: Path) -> None:
    run = leanfair.prune(tiny(), calibration=samples(16), **QUICK)
    for method in (run.report, run.write):
        with pytest.raises(InputError, match=rf"call {method.__name__}\('runs/small'\)"):
            method()
    assert run.report(tmp_path / "page.html").exists()


def test_a_page_goes_into_a_directory_or_to_a_file(tmp_path: Path) -> None:
    run = leanfair.prune(tiny(), calibration=samples(16), **QUICK)
    assert run.report(tmp_path / "pages") == tmp_path / "pages" / "report.html"
    assert run.report(tmp_path / "one.html") == tmp_path / "one.html"
    assert (tmp_path / "one.html").read_text() == (tmp_path / "pages/report.html").read_text()


def test_a_run_that_is_written_afterwards_is_one_that_was_written_along_the_way(
    tmp_path: Path,
) -> None:
    along = leanfair.prune(tiny(), calibration=samples(16), out=tmp_path / "along", **QUICK)
    later = leanfair.prune(tiny(), calibration=samples(16), **QUICK)
    assert later.write(tmp_path / "later") == tmp_path / "later"
    names = {path.name for path in (tmp_path / "along").iterdir()} - {".lock"}
    assert {path.name for path in (tmp_path / "later").iterdir()} - {".lock"} == names
    for name in ("run.json", "cuts.json", "model.safetensors"):
        assert (tmp_path / "later" / name).read_bytes() == (tmp_path / "along" / name).read_bytes()
    image = samples(1)[0][0][None]
    again = leanfair.load(tmp_path / "later")
    assert torch.equal(again(image), along.model.eval()(image))
    resumed = leanfair.prune(
        tiny(), calibration=samples(16), out=tmp_path / "later", resume=True, **QUICK
    )
    assert resumed.steps == later.steps


def test_a_run_is_written_into_its_own_directory_again_but_into_no_other_run(
    tmp_path: Path,
) -> None:
    run = leanfair.prune(tiny(), calibration=samples(16), out=tmp_path / "run", **QUICK)
    (tmp_path / "run" / "cuts.json").unlink()
    assert run.write() == tmp_path / "run"
    assert (tmp_path / "run" / "cuts.json").exists()
    with pytest.raises(RunDirectoryError, match="already holds a run"):
        leanfair.prune(tiny(), calibration=samples(16), **QUICK).write(tmp_path / "run")


def test_results_are_plain_values_when_asked(tmp_path: Path) -> None:
    run = leanfair.prune(tiny(), calibration=samples(16), **QUICK)
    assert run.to_dict() == run.summary
    step = run.steps[0]
    assert step.to_dict() == step.to_json()
    assert leanfair.Cut.from_json(json.loads(json.dumps(step.cut.to_dict()))) == step.cut
