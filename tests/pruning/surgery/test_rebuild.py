"""Pruned models of every family, saved, and opened in a process that knows nothing of leanfair."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
import torch

import leanfair
from leanfair.data.batches import forward
from leanfair.pruning.cost.macs import cost_of, cut_of
from leanfair.pruning.run.result import Pruned
from leanfair.pruning.structures.dissect import dissect
from leanfair.pruning.surgery.config import changed
from leanfair.pruning.surgery.copies import frame_of
from leanfair.pruning.surgery.narrowing import narrow
from leanfair.pruning.surgery.rebuild import build_from, matches_configuration, shapes
from leanfair.pruning.surgery.removal import apply, from_configuration, remove
from leanfair.pruning.types import Anatomy, Cut, NeuronCut
from tests.support.families import FAMILIES, generates, sample_of
from tests.support.marks import mostly_real

SOME = ("llama", "gpt2", "bert", "vit")
"""Families of each kind: decoders with and without grouped heads, an encoder, of images."""
SILENT = {
    "bert", "bert for masks", "roberta", "distilbert", "electra", "vit", "deit", "beit", "dinov2",
    "swin",
}  # fmt: skip
"""Families that write no text."""
PARTS = {"some": SOME, "the others": tuple(name for name in FAMILIES if name not in SOME)}

LOADER = """
import json, sys, torch, transformers
from safetensors.torch import load_file, save_file
transformers.utils.logging.set_verbosity_error()
found = {}
for name, folder, kind in json.loads(sys.argv[1]):
    given = load_file(folder + "/inputs.tensors")
    if kind:
        model = getattr(transformers, kind).from_pretrained(folder).eval()
    else:
        import leanfair
        model = leanfair.load(folder)
    with torch.no_grad():
        found[name + "/logits"] = model(**given).logits.contiguous()
        if "input_ids" in given and model.can_generate():
            given.pop("decoder_input_ids", None)
            kept = {"max_new_tokens": 9, "min_new_tokens": 9, "do_sample": False}
            for cached in (True, False):
                words = model.generate(**given, use_cache=cached, **kept)
                found[f"{name}/words {cached}"] = words.contiguous()
save_file(found, sys.argv[2])
"""


def opened(asked: list[tuple[str, str, str]], path: str) -> dict[str, torch.Tensor]:
    """What a fresh process makes of the saved models: one process for all, as each takes seconds to
    start."""
    from safetensors.torch import load_file

    command = [sys.executable, "-c", LOADER, json.dumps(asked), path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return load_file(path)


@pytest.fixture(scope="module")
def pruned(tmp_path_factory):
    """A function: families of one part after a run, and what a fresh process says of what was
    saved, made once."""

    @cache
    def runs_of(free: bool, part: str) -> tuple[dict[str, Pruned], dict[str, torch.Tensor]]:
        runs, asked = {}, []
        for name in PARTS[part]:
            out = tmp_path_factory.mktemp("run") / "run"
            runs[name] = saved(name, free, out)
            stock = (out / "config.json").exists()
            asked.append((name, str(out), type(runs[name].model).__name__ if stock else ""))
        path = tmp_path_factory.mktemp("found") / "found.tensors"
        return runs, opened(asked, str(path))

    return runs_of


def saved(name: str, free: bool, out: Path) -> Pruned:
    """A run of one family, with the inputs that it is asked about afterwards."""
    from safetensors.torch import save_file

    model, sample = FAMILIES[name].make(), sample_of(name, n=8)
    # So much that layers and neurons both have to go where both can.
    cut = {"swin": 0.15, "dinov2": 0.3, "beit": 0.4}.get(name, 0.45)
    criterion = "contribution" if name == "swin" else "fisher"
    run = leanfair.prune(
        model, calibration=[sample.inputs], cut=cut, out=out, free=free, criterion=criterion,
        latency_batches=(),
    )  # fmt: skip
    save_file({k: v.contiguous() for k, v in sample.inputs.items()}, out / "inputs.tensors")
    return run


ALL_PRUNED = [
    pytest.param(
        free,
        part,
        name,
        marks=[] if part == "some" and not free else pytest.mark.real,
        id=f"{'free' if free else 'uniform'}-{name}",
    )
    for free in (False, True)
    for part, names in PARTS.items()
    for name in names
]


@pytest.mark.parametrize(("free", "part", "name"), ALL_PRUNED)
def test_a_fresh_process_gets_the_same_logits(pruned, free, part, name):
    runs, found = pruned(free, part)
    model = runs[name].model
    with torch.no_grad():
        wanted = forward(model, sample_of(name, n=8).inputs)
    assert torch.allclose(found[f"{name}/logits"], wanted, atol=1e-5)
    stock = (runs[name].path / "config.json").exists()
    assert stock == matches_configuration(model)
    assert generates(model) == (name not in SILENT)
    assert free or stock, "a uniform model loads with transformers alone"


@pytest.mark.parametrize(
    ("free", "part", "name"),
    [given for given in ALL_PRUNED if given.values[-1] not in SILENT],
)
def test_a_fresh_process_writes_the_same_with_its_cache_and_without(pruned, free, part, name):
    _, found = pruned(free, part)
    assert torch.equal(found[f"{name}/words True"], found[f"{name}/words False"])


def counted(anatomy: Anatomy) -> tuple[int, int, int]:
    """How many heads and units each layer has that can go, and how many layers can."""
    heads = Counter(group.count for group in anatomy.neurons if group.unit == "head")
    inside = {name for stage in anatomy.stages for name in stage}
    units = Counter(g.count for g in anatomy.neurons if g.unit == "channel" and g.block in inside)
    assert len(heads) <= 1
    return next(iter(heads), 0), max(units, default=0), len(anatomy.layers)


@pytest.mark.parametrize("name", mostly_real(FAMILIES, (*SOME, "swin")))
def test_what_can_go_is_found(name):
    family = FAMILIES[name]
    anatomy = dissect(family.make(), sample_of(name))
    assert counted(anatomy) == (family.heads, family.units, family.layers), anatomy.refused
    freely = dissect(family.make(), sample_of(name), free=True)
    assert counted(freely)[0] == family.free_heads, freely.refused
    assert counted(freely)[1] > 0, freely.refused


@pytest.mark.parametrize("free", [False, True], ids=["uniform", "free"])
@pytest.mark.parametrize("name", mostly_real(FAMILIES, SOME))
def test_what_a_cut_saves_is_what_the_smaller_model_costs_less(name, free):
    model, sample = FAMILIES[name].make(), sample_of(name)
    anatomy, before = dissect(model, sample, free), cost_of(model, sample)
    assert before.params == sum(parameter.numel() for parameter in model.parameters())
    cuts = [cut_of("layer", before, layers=anatomy.layers[-1:])]
    for unit in ("head", "channel"):
        groups = [group for group in anatomy.neurons if group.unit == unit]
        if groups and not free:  # one entry of the configuration is for all of these
            tie = next(tie for tie in anatomy.ties if groups[0].name in tie)
            groups = [group for group in groups if group.name in tie]
        if groups:
            stay = groups[0].counts[0] if groups[0].counts else groups[0].count - 1
            drops = [NeuronCut(g, tuple(range(stay, g.count))) for g in groups]
            cuts.append(cut_of("neurons", before, neurons=drops))
    for cut in cuts:
        after = cost_of(apply(cut, model, sample), sample).totals()
        saved = {key: before.totals()[key] - value for key, value in after.items()}
        assert saved == dict(cut.saves)


def test_the_configuration_says_what_is_left(tmp_path):
    model, sample = FAMILIES["gemma2"].make(), sample_of("gemma2")
    anatomy = dissect(model, sample)
    cut = cut_of("layer", cost_of(model, sample), layers=anatomy.layers[1:2])
    child = apply(cut, model, sample)
    heads = [group for group in anatomy.neurons if group.unit == "head"]
    types = list(model.config.layer_types)
    assert child.config.num_hidden_layers == 3
    assert list(child.config.layer_types) == types[:1] + types[2:]
    assert [layer.self_attn.layer_idx for layer in child.model.layers] == [0, 1, 2]
    assert [layer.self_attn.sliding_window for layer in child.model.layers] == [
        layer.self_attn.sliding_window for i, layer in enumerate(model.model.layers) if i != 1
    ]
    narrow = apply(
        cut_of("neurons", cost_of(model, sample), neurons=[NeuronCut(g, (0,)) for g in heads]),
        model,
        sample,
    )
    assert (narrow.config.num_attention_heads, narrow.config.num_key_value_heads) == (2, 1)
    assert narrow.config.head_dim == 8
    assert model.config.num_hidden_layers == 4  # the parent stays as it is
    assert model.config.num_attention_heads == 4


@pytest.mark.parametrize("family", SOME)
def test_what_is_built_of_a_frame_beside_a_known_network_is_what_a_removal_leaves(
    family: str,
) -> None:
    model, sample = FAMILIES[family].make(), sample_of(family)
    cut = Cut("layer", layers=dissect(model, sample).layers[1:2])
    known = build_from(model, changed(model.config, {}))
    assert known is not None
    before, child = shapes(known), frame_of(model)
    narrow(cut, child)
    built = from_configuration(cut, model, child, known)
    assert built is not None
    assert matches_configuration(built)
    assert shapes(known) == before == shapes(model)
    left = remove(cut, model)
    assert shapes(built) == shapes(left)
    with torch.no_grad():
        wanted = forward(left.eval(), sample.inputs)
        assert torch.equal(forward(built.eval(), sample.inputs), wanted)
