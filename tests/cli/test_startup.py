"""Nothing heavy is loaded before it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import leanfair

HEAVY = {"torch", "numpy", "transformers", "accelerate", "sklearn", "pyarrow"}


@pytest.mark.parametrize(
    "code",
    [
        "import leanfair",
        "import leanfair.cli",
        "from leanfair.cli import app; app(['--help'], standalone_mode=False)",
        "from leanfair.cli import app; app(['prune', '--help'], standalone_mode=False)",
        "from leanfair.cli import app; app(['--version'], standalone_mode=False)",
    ],
)
def test_no_heavy_module_is_loaded_by(code: str) -> None:
    program = f"{code}\nimport sys\nprint('LOADED', *sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    loaded = out.partition("LOADED ")[2].split()
    assert "leanfair" in loaded
    assert not HEAVY & set(loaded)


def test_the_package_runs_as_a_module_and_tells_its_version() -> None:
    out = subprocess.run(
        [sys.executable, "-m", "leanfair", "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert out == f"leanfair {leanfair.__version__}\n"
