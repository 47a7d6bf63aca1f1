"""Made-up summaries as `leanfair.prune` writes them: a network loses blocks and filters."""

from __future__ import annotations

import random
from typing import Any

from leanfair.pruning.types import Cut, Layer, Member, NeuronCut, Neurons

Summary = dict[str, Any]


def summary(
    blocks: int = 9,
    rounds: int = 11,
    widths: tuple[str, ...] = ("conv1",),
    of: str = "macs",
    cut: float = 0.6,
    scale: int = 1,
    seed: int = 0,
) -> Summary:
    """A run over three stages of `blocks` blocks each, every one with `widths` inside."""
    chance = random.Random(seed)
    before = [stage(number, blocks, widths) for number in (1, 2, 3)]
    after = [
        {**each, "blocks": [dict(b, widths=[dict(w) for w in b["widths"]]) for b in each["blocks"]]}
        for each in before
    ]
    macs, params, accuracy = 125_485_706 * scale, 853_018 * scale, 0.9512
    steps = []
    for index in range(1, rounds + 1):
        macs = int(macs * (0.9 if rounds < 20 else 0.975))
        params = int(params * (0.93 if rounds < 20 else 0.98))
        accuracy -= chance.uniform(-0.0015, 0.004)
        removable = [(s, b) for s in after for b in s["blocks"][1:]]
        exhausted = len(removable) <= 3
        layer = None if exhausted else round(0.99 - 0.02 * chance.random(), 6)
        neurons = round(0.99 - 0.02 * chance.random(), 6)
        chosen = "layer" if layer is not None and layer >= neurons else "neurons"
        place = f"layer{chance.choice((1, 2, 3))}"
        if chosen == "layer":
            home, block = chance.choice(removable)
            # A cut names blocks as they are called in the network that it applies to.
            detail = layer_cut(f"{home['container']}.{home['blocks'].index(block)}")
            home["blocks"].remove(block)
        else:
            groups = []
            for home in after:
                for block in home["blocks"]:
                    for width in block["widths"]:
                        gone = min(width["count"] - 1, chance.randint(0, width["count"] // 6))
                        if gone:
                            groups.append((width["name"], width["count"], gone))
                            width["count"] -= gone
            detail = neuron_cut(groups or [(f"{place}.0.conv1", 16, 1)])
        steps.append(
            {
                "index": index,
                "chosen": chosen,
                "cka": {"layer": layer, "neurons": neurons},
                "macs": macs,
                "params": params,
                "accuracy": round(accuracy, 4),
                "seconds": 12.5 + index,
                "cost": {"macs": macs, "params": params, "latency": 0.01 * 0.9**index}.get(
                    of, 3e7 * 0.9**index
                ),
                **detail,
            }
        )
    end = steps[-1] if steps else {"macs": macs, "params": params}
    removed = 1 - end["macs"] / (125_485_706 * scale)
    return {
        "format": 1,
        "leanfair": "0.1.0",
        "created": "2026-02-03T14:22:09+00:00",
        "model": {
            "name": "ResNet-56",
            "fingerprint": "3f9ac2d1b0e87745",
            "origin": {"kind": "weights", "path": "shared/models/resnet56.safetensors"},
            "macs": 125_485_706 * scale,
            "params": 853_018 * scale,
            "filters": 2032,
        },
        "data": {
            "fingerprint": "00aa17c2f4d93be1",
            "calibration": 5000,
            "train": 45_000,
            "test": 10_000,
            "input": [3, 32, 32],
        },
        "settings": settings(of, cut),
        "finished": True,
        "stopped_because": "the target is met"
        if removed >= cut
        else "neither a layer nor a neuron may go any more",
        "removed": removed,
        "macs": {"before": 125_485_706 * scale, "after": end["macs"]},
        "params": {"before": 853_018 * scale, "after": end["params"]},
        "bytes": {"before": 3_412_072 * scale, "after": 4 * end["params"]},
        "accuracy": {"before": 0.9393, "after": 0.9344},
        "calibration_accuracy": {"before": 0.9512, "after": round(accuracy + 0.0071, 4)},
        "latency": {
            "before": {"1": timing(0.0123), "128": timing(0.402)},
            "after": {"1": timing(0.0071), "128": timing(0.188)},
        },
        "images": 1_125_000,
        "seconds": 4321.7,
        "steps": steps,
        "architecture": {"before": before, "after": after},
        "machine": {
            "device": "cpu",
            "processor": "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz",
            "threads": 2,
            "torch": "2.9.1+cpu",
            "python": "3.11.2",
        },
    }


def stage(number: int, blocks: int, widths: tuple[str, ...]) -> dict[str, Any]:
    """A stage as `architecture` tells it."""
    wide = 16 * 2 ** (number - 1)
    return {
        "container": f"layer{number}",
        "blocks": [
            {
                "name": f"layer{number}.{index}",
                "widths": [
                    {"name": f"layer{number}.{index}.{name}", "count": wide} for name in widths
                ],
            }
            for index in range(blocks)
        ],
    }


def layer_cut(name: str) -> dict[str, Any]:
    """A cut of one block, with its text."""
    layer = {"name": name, "container": name.rpartition(".")[0], "exits": [f"{name}.bn2"]}
    saves = {"macs": 4_718_592, "params": 4672, "filters": 32}
    return {
        "cut": {"kind": "layer", "layers": [layer], "neurons": [], "saves": saves},
        "text": f"remove {name} (saves 4,718,592 MACs, 4,672 parameters)",
    }


def neuron_cut(groups: list[tuple[str, int, int]]) -> dict[str, Any]:
    """A cut of some neurons, with its text."""
    total = sum(gone for _, _, gone in groups)
    parts = ", ".join(f"{name} -{gone}/{count}" for name, count, gone in groups)
    return {
        "cut": {
            "kind": "neurons",
            "layers": [],
            "neurons": [
                {
                    "group": {"name": name, "block": "", "count": count, "members": []},
                    "drop": list(range(gone)),
                }
                for name, count, gone in groups
            ],
            "saves": {"macs": 4_718_592, "params": 4672, "filters": 32},
        },
        "text": f"remove {total} neurons: {parts} (saves 4,718,592 MACs, 4,672 parameters)",
    }


def settings(of: str, cut: float) -> dict[str, Any]:
    """Every setting of a run."""
    return {
        "cut": cut,
        "of": of,
        "criterion": "kl",
        "match": None,
        "spread": "cheapest",
        "seed": 20250603,
        "candidate_epochs": 0.1,
        "round_epochs": 0.5,
        "final_epochs": 3.0,
        "recipe": {
            "optimizer": "sgd",
            "lr": 0.01,
            "momentum": 0.9,
            "weight_decay": 0.0002,
            "batch_size": 128,
            "schedule": "cosine",
            "milestones": [0.5, 0.75],
            "distill": 0.0,
        },
        "min_accuracy": None,
        "min_layers": 2,
        "min_neurons": 1,
        "round_to": 1,
        "layers_per_round": 1,
        "pace": 0.1,
        "score_samples": 256,
        "debiased": False,
        "stop_when_layers_end": False,
        "latency_batches": [1, 128],
        "preset": None,
    }


def timing(median: float) -> dict[str, Any]:
    """A latency as it is measured."""
    return {"median": median, "low": 0.96 * median, "high": 1.09 * median, "runs": 50}


def spoken(
    layers: int = 30,
    rounds: int = 12,
    free: bool = False,
    grouped: bool = True,
    worse: float = 1.035,
    seed: int = 0,
) -> Summary:
    """A run of a decoder of `layers` layers, whose perplexity grows `worse`-fold in a round. With
    `free` every layer loses as much as it likes, else all lose the same; with `grouped` three
    queries share a key-value head."""
    chance = random.Random(seed)
    heads, units = (3, 1536) if grouped else (9, 1536)
    left = [[f"model.layers.{i}", heads, units] for i in range(layers)]
    before = decoder(left, grouped)
    macs, params, perplexity = 17_231_249_408, 134_515_008, 15.871
    steps = []
    for index in range(1, rounds + 1):
        macs, params = int(macs * 0.955), int(params * 0.962)
        perplexity *= worse * chance.uniform(0.99, 1.01)
        cka = {"layer": 0.99 - 0.02 * chance.random(), "neurons": 0.99 - 0.02 * chance.random()}
        chosen = max(cka, key=lambda kind: cka[kind])
        if chosen == "layer":
            place = chance.randrange(1, len(left))
            cut = Cut("layer", (Layer(f"model.layers.{place}", "model.layers", ()),), (), SAVES)
            del left[place]
        else:
            cut = Cut("neurons", (), tuple(lost(left, free, grouped, chance)), SAVES)
        steps.append(
            {
                "index": index,
                "chosen": chosen,
                "cka": cka,
                "macs": macs,
                "params": params,
                "accuracy": None,
                "perplexity": perplexity,
                "seconds": 95.5 + index,
                "cost": macs,
                "cut": cut.to_json(),
                "text": str(cut),
            }
        )
    found = summary(rounds=0)
    ratio = steps[-1]["perplexity"] / 15.871 if steps else 1.0
    return {
        **found,
        "model": {
            **found["model"],
            "name": "LlamaForCausalLM",
            "title": "SmolLM2-135M-Instruct",
            "origin": {"kind": "transformers", "path": "models/SmolLM2-135M-Instruct"},
            "macs": 17_231_249_408,
            "params": 134_515_008,
        },
        "data": {**found["data"], "calibration": 128, "train": 4000, "test": 200, "input": None},
        "settings": {**found["settings"], "cut": 0.4, "latency_batches": [1, 8], "free": free},
        "stopped_because": "the target is met",
        "removed": 1 - macs / 17_231_249_408,
        "macs": {"before": 17_231_249_408, "after": macs},
        "params": {"before": 134_515_008, "after": params},
        "bytes": {"before": 538_060_032, "after": 4 * params},
        "embeddings": {"before": 28_311_552, "after": 28_311_552},
        "attention_macs": {"before": 566_231_040, "after": 301_989_888},
        "tokens": 128,
        "quality": "perplexity",
        "accuracy": None,
        "accuracy_change": None,
        "calibration_accuracy": None,
        "perplexity": {"before": 16.244, "after": 16.244 * ratio * 0.97},
        "perplexity_change": {
            "value": ratio * 0.97, "low": ratio * 0.95, "high": ratio * 0.99, "tokens": 25_400,
        },
        "calibration_perplexity": {"before": 15.871, "after": 15.871 * ratio * 0.96},
        "latency": {
            "before": {"1": timing(0.31), "8": timing(2.62)},
            "after": {"1": timing(0.22), "8": timing(1.71)},
        },
        "images": 12_400,
        "steps": steps,
        "architecture": {"before": before, "after": decoder(left, grouped)},
    }  # fmt: skip


SAVES = {"macs": 775_406_223, "params": 5_111_570, "filters": 0}


def decoder(left: list[list[Any]], grouped: bool) -> list[dict[str, Any]]:
    """The layers of a decoder, (name, heads, units) each, as `architecture` tells them."""
    blocks = [
        {
            "name": name,
            "widths": [
                {
                    "name": f"{name}.self_attn.q_proj",
                    "count": heads,
                    "unit": "head",
                    "queries": 3 if grouped else 1,
                },
                {"name": f"{name}.mlp.gate_proj", "count": units, "unit": "unit"},
            ],
        }
        for name, heads, units in left
    ]
    return [{"container": "model.layers", "blocks": blocks}]


def lost(left: list[list[Any]], free: bool, grouped: bool, chance: random.Random) -> list[Any]:
    """What a round takes of the heads and units of every layer; `left` is what it leaves."""
    cuts = []
    alike = int(left[0][1] > 1 and chance.random() < 0.3), chance.randrange(40, 200)
    for place, layer in enumerate(left):
        gone = (int(layer[1] > 1 and chance.random() < 0.1), chance.randrange(0, 160))
        for kind, drop in enumerate(gone if free else alike, start=1):
            if drop:
                group = decoder_group(f"model.layers.{place}", kind == 1, layer[kind], grouped)
                cuts.append(NeuronCut(group, tuple(range(drop))))
                layer[kind] -= drop
    return cuts


def decoder_group(block: str, heads: bool, count: int, grouped: bool = True) -> Neurons:
    """The heads or the units of a decoder's layer."""
    if not heads:
        member = Member(f"{block}.mlp.gate_proj", "out")
        fields = (("intermediate_size", 1),)
        return Neurons(member.module, block, count, (member,), fields=fields)
    repeat = 192 if grouped else 64
    members = (
        Member(f"{block}.self_attn.q_proj", "out", repeat=repeat),
        Member(f"{block}.self_attn.k_proj", "out", repeat=64),
        Member(f"{block}.self_attn.o_proj", "in", repeat=repeat),
    )
    return Neurons(members[0].module, block, count, members, "head")
