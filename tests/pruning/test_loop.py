"""The method as a whole: what `prune` promises, on tiny networks."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

import leanfair
from leanfair.errors import InputError, RunDirectoryError, TrainingError, UnsupportedModelError
from leanfair.evaluation.accuracy import accuracy
from leanfair.evaluation.perplexity import perplexity
from leanfair.pruning.cost.macs import cost_of
from leanfair.pruning.criteria.criteria import CRITERIA
from leanfair.pruning.run.result import Pruned
from leanfair.pruning.surgery.activations import outputs
from leanfair.pruning.surgery.removal import apply
from leanfair.pruning.types import Candidate, Event
from leanfair.similarity import cka
from tests.support.nets import batches_of, samples, tiny

QUICK: dict[str, Any] = {"criterion": "l1", "min_layers": 1, "latency_batches": ()}
CALIBRATION = samples(48, seed=1)


def prune(model: nn.Module | None = None, **given: Any) -> Pruned:
    data = {"cut": 0.3, "calibration": CALIBRATION, **QUICK, **given}
    return leanfair.prune(model or tiny(), **data)


def state(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("of", ["macs", "params"])
@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9])
def test_the_share_asked_for_is_removed_and_the_model_itself_stays(of: str, cut: float) -> None:
    model = tiny()
    before = state(model)
    run = prune(model, cut=cut, of=of)
    old, new = (cost_of(m, one_batch()).totals()[of] for m in (model, run.model))
    assert 1 - new / old >= cut
    assert run.summary["removed"] == pytest.approx(1 - new / old)
    assert run.summary[of] == {"before": old, "after": new}
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def one_batch() -> Any:
    from leanfair.data.batches import Batch

    return Batch(CALIBRATION.tensors[0][:2])


@pytest.mark.parametrize("criterion", ["kl", "l1", "cka", "fisher", "random"])
def test_every_criterion_prunes_and_the_same_seed_prunes_the_same(criterion: str) -> None:
    few = {} if criterion in ("l1", "random") else {"score_samples": 8, "cut": 0.15}
    one, two = (prune(criterion=criterion, seed=3, **few) for _ in range(2))
    assert [step.cut for step in one.steps] == [step.cut for step in two.steps]
    assert [step.cka for step in one.steps] == [step.cka for step in two.steps]
    for name, value in one.model.state_dict().items():
        assert torch.equal(two.model.state_dict()[name], value)


@pytest.mark.parametrize("of", ["latency", "memory"])
def test_measured_targets_are_met_or_said_to_be_missed(of: str) -> None:
    run = prune(of=of, cut=0.2)
    told = [run.summary["removed"]]
    if of == "latency":  # a stopwatch decides, where the table of blocks says less
        told.append(run.summary["stopwatch"]["measured"] + 0.01)
    assert max(told) >= 0.2 or run.summary["stopped_because"] != "the target is met"
    cost = run.summary["cost"]
    assert run.summary["removed"] == pytest.approx(1 - cost["after"] / cost["before"])


def test_the_winner_is_more_similar_to_its_parent_and_a_tie_goes_to_the_layer() -> None:
    run = prune(cut=0.5)
    assert {step.chosen for step in run.steps} <= {"layer", "neurons"}
    for step in run.steps:
        layer, neurons = step.cka["layer"], step.cka["neurons"]
        if layer is not None and neurons is not None:
            assert step.chosen == ("layer" if layer >= neurons else "neurons")


def test_the_cka_written_down_is_that_of_the_cut_on_its_parent() -> None:
    from leanfair.data.batches import Batch

    held = [Batch(*CALIBRATION.tensors)]
    model: nn.Module = tiny()
    for step in prune(cut=0.4, reconstruct=False).steps:
        child = apply(step.cut, model)
        # The calibration data come in a shuffled order, which CKA does not depend on.
        similarity = cka(outputs(model, held).features, outputs(child, held).features)
        assert step.cka[step.chosen] == pytest.approx(similarity, abs=1e-6)
        model = child


def test_both_candidates_save_the_same_cost() -> None:
    from leanfair.pruning.plan import plan

    model = tiny(depth=20)
    for match in ("macs", "params", "filters"):
        layer, neurons = plan(model, calibration=CALIBRATION, cut=0.5, match=match, **QUICK)
        assert neurons.saves[match] == pytest.approx(layer.saves[match], rel=0.1)


@pytest.mark.parametrize(("of", "match"), [("macs", "params"), ("params", "macs")])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.4])
def test_a_run_matched_by_something_else_ends_at_its_target(of, match, share):
    """What a neuron of the widest group costs is the most that it may go beyond."""
    run = prune(cut=share, of=of, match=match, only="neurons")
    assert share <= run.summary["removed"] < share + 0.006


def test_neurons_go_on_alone_when_layers_are_exhausted() -> None:
    run = prune(tiny(depth=8), cut=0.5)  # one block a stage: no layer can go
    assert {step.chosen for step in run.steps} == {"neurons"}
    assert all(step.cka["layer"] is None for step in run.steps)
    assert run.summary["removed"] >= 0.5


def test_layers_go_on_alone_when_neurons_are_exhausted() -> None:
    run = prune(cut=0.3, min_neurons=64)
    assert {step.chosen for step in run.steps} == {"layer"}
    assert all(step.cka["neurons"] is None for step in run.steps)


def test_when_both_kinds_are_exhausted_the_run_says_so(tmp_path: Path) -> None:
    run = prune(of="memory", cut=0.97, min_neurons=12, out=tmp_path / "run")
    assert run.summary["removed"] < 0.97
    assert "neither a layer nor a neuron" in run.summary["stopped_because"]


def test_the_floor_of_accuracy_keeps_the_last_network_above_it() -> None:
    model = tiny()
    data = samples(400)
    leanfair.pruning.training.fine_tune.fine_tune(  # type: ignore[attr-defined]
        model, data, images=1600, recipe=leanfair.Recipe(lr=0.05, batch_size=32)
    )
    assert accuracy(model, CALIBRATION) > 0.9
    run = prune(model, cut=0.9, min_accuracy=0.8)
    assert "below 0.8" in run.summary["stopped_because"]
    assert accuracy(run.model, CALIBRATION) >= 0.8
    assert run.summary["removed"] < 0.9


@pytest.mark.real  # the demo recovers, too, and the nets of behaviour
def test_recovery_recovers() -> None:
    model, train, test = tiny(), samples(600), samples(200, seed=2)
    recipe = leanfair.Recipe(lr=0.05, batch_size=32)
    leanfair.pruning.training.fine_tune.fine_tune(model, train, images=2400, recipe=recipe)  # type: ignore[attr-defined]
    run = prune(
        model, cut=0.7, train=train, test=test, recipe=recipe,
        candidate_epochs=0.1, round_epochs=0.5, final_epochs=2.0,
    )  # fmt: skip
    assert run.summary["accuracy"]["after"] >= run.summary["accuracy"]["before"] - 0.03
    change = run.summary["accuracy_change"]
    assert change["low"] <= change["value"] <= change["high"]
    assert run.summary["images"] > 0


def test_both_candidates_get_the_same_budget_and_the_winner_its_own() -> None:
    spent: list[tuple[int, float]] = []

    def own(network: nn.Module, epochs: float) -> None:
        spent.append((cost_of(network, one_batch()).macs, epochs))

    run = prune(fine_tune=own, candidate_epochs=0.25, round_epochs=0.75, final_epochs=0.0)
    assert [epochs for _, epochs in spent] == [0.25, 0.25, 0.75] * len(run.steps)
    for number, step in enumerate(run.steps):
        candidates = [macs for macs, _ in spent[3 * number : 3 * number + 2]]
        assert spent[3 * number + 2][0] == step.macs
        assert step.macs in candidates


def test_a_training_of_ones_own_is_used_for_winner_and_result() -> None:
    calls: list[float] = []
    run = prune(
        fine_tune=lambda network, epochs: calls.append(epochs),
        candidate_epochs=0.0, round_epochs=0.5, final_epochs=2.0,
    )  # fmt: skip
    assert calls == [0.5] * len(run.steps) + [2.0]


def sources() -> dict[str, Any]:
    images = CALIBRATION.tensors[0]
    return {
        "dataset": CALIBRATION,
        "loader": DataLoader(CALIBRATION, batch_size=16),
        "list of pairs": batches_of(CALIBRATION, 16),
        "list of tensors": list(images.split(16)),
        "tensor": images,
        "list of dicts": [{"x": x, "labels": y} for x, y in batches_of(CALIBRATION, 16)],
    }


@pytest.mark.parametrize("name", sources())
def test_calibration_data_may_come_in_any_accepted_shape(name: str) -> None:
    run = prune(calibration=sources()[name])
    assert run.summary["removed"] >= 0.3
    assert (run.steps[0].accuracy is None) == ("tensor" in name)


def test_events_tell_the_whole_story() -> None:
    events: list[Event] = []
    run = prune(on_event=events.append, train=samples(64), batch_size=32)
    assert [event.step for event in events if event.stage == "step"] == list(run.steps)
    assert events[-1].stage == "stop"
    assert all(0.0 <= event.done <= 1.0 for event in events)
    assert {"score", "fine-tune", "choose", "recover", "evaluate"} <= {e.stage for e in events}


def test_without_a_directory_a_report_goes_where_it_is_told(tmp_path: Path) -> None:
    run = prune()
    with pytest.raises(InputError, match="report"):
        run.report()
    assert run.report(tmp_path / "page.html").read_text().startswith("<!doctype html>")


# ---- language models --------------------------------------------------------------------------


def speaker(**given: Any) -> nn.Module:
    from transformers.models.llama import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    shape = {
        "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "vocab_size": 64,
        "num_attention_heads": 4, "num_key_value_heads": 2, **given,
    }  # fmt: skip
    model: nn.Module = LlamaForCausalLM(LlamaConfig(**shape)).eval()
    return model


def texts(n: int, seed: int) -> list[dict[str, Tensor]]:
    """`n` samples of ten tokens, in batches of six, the last of each batch padded."""
    ids = torch.randint(0, 64, (n, 10), generator=torch.Generator().manual_seed(seed))
    mask = torch.ones_like(ids)
    mask[5::6, 7:] = 0
    pairs = zip(ids.split(6), mask.split(6), strict=True)
    return [{"input_ids": i, "attention_mask": m} for i, m in pairs]


def test_a_language_model_is_measured_by_its_perplexity() -> None:
    model, calibration, test = speaker(), texts(18, 1), texts(12, 2)
    run = prune(model, calibration=calibration, test=test, cut=0.4)
    found = run.summary
    assert found["quality"] == "perplexity"
    assert found["perplexity"]["before"] == pytest.approx(perplexity(model, test))
    assert found["perplexity"]["after"] == pytest.approx(perplexity(run.model, test))
    change = found["perplexity_change"]
    ratio = found["perplexity"]["after"] / found["perplexity"]["before"]
    assert change["value"] == pytest.approx(ratio)
    assert change["low"] <= ratio <= change["high"]
    assert change["tokens"] == 12 * 9 - 2 * 3
    now = perplexity(run.model, calibration)
    assert found["calibration_perplexity"]["after"] == pytest.approx(now)
    assert run.steps[-1].perplexity == pytest.approx(now)
    assert all(step.accuracy is None for step in run.steps)
    for name in ("accuracy", "accuracy_change", "calibration_accuracy"):
        assert found[name] is None
    assert found["tokens"] == 10
    assert found["machine"]["device"] == "cpu"


def test_a_classifier_is_measured_by_its_accuracy_alone() -> None:
    run = prune(test=samples(20, seed=2))
    found = run.summary
    assert found["quality"] == "accuracy"
    assert found["accuracy"]["before"] is not None
    for name in ("perplexity", "perplexity_change", "calibration_perplexity", "tokens"):
        assert found[name] is None
    assert all(step.perplexity is None for step in run.steps)


def test_a_language_model_that_is_not_told_what_is_right_has_no_perplexity() -> None:
    from transformers.models.bert import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
        vocab_size=64, max_position_embeddings=16,
    )  # fmt: skip
    run = prune(BertForMaskedLM(config).eval(), calibration=texts(12, 1), test=texts(12, 2))
    assert run.summary["quality"] == "perplexity"
    for name in ("perplexity", "perplexity_change", "calibration_perplexity"):
        assert run.summary[name] is None


def test_weights_that_have_two_names_are_counted_once() -> None:
    found = prune(speaker(tie_word_embeddings=True), calibration=texts(6, 1)).summary
    for when in ("before", "after"):
        assert found["bytes"][when] == 4 * found["params"][when]


def test_heads_and_units_are_told_apart_from_filters() -> None:
    run = prune(speaker(), calibration=texts(6, 1))
    for block in run.summary["architecture"]["before"][0]["blocks"]:
        assert sorted(width["unit"] for width in block["widths"]) == ["head", "unit"]
        by_unit = {width["unit"]: width for width in block["widths"]}
        assert by_unit["head"]["count"] == by_unit["head"]["queries"] == 2
        assert by_unit["unit"]["count"] == 48
    images = prune().summary["architecture"]["before"]
    assert {w["unit"] for s in images for b in s["blocks"] for w in b["widths"]} == {"filter"}


def test_forward_passes_of_scoring_are_as_small_as_their_logits_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[list[int]] = []

    def spy(model: nn.Module, anatomy: Any, batches: Any, seed: int, progress: Any) -> Any:
        seen.append([len(batch) for batch in batches])
        return CRITERIA["l1"](model, anatomy, batches, seed, progress)

    given: dict[str, Any] = {"criterion": spy, "score_samples": 14, "calibration": texts(18, 1)}
    one = prune(speaker(), **given)
    assert set(map(tuple, seen)) == {(6, 6, 2)}
    seen.clear()
    monkeypatch.setattr("leanfair.pruning.run.calibration.MOST_LOGITS", 4 * 10 * 64 + 1)
    two = prune(speaker(), **given)
    assert set(map(tuple, seen)) == {(4, 2, 4, 2, 2)}
    assert [step.cut for step in one.steps] == [step.cut for step in two.steps]
    for left, right in zip(one.steps, two.steps, strict=True):
        assert left.perplexity == pytest.approx(right.perplexity)
        assert left.cka[left.chosen] == pytest.approx(right.cka[right.chosen], abs=1e-5)


# ---- what can be wrong ------------------------------------------------------------------------


class Shifted(Dataset[tuple[Tensor, Tensor]]):
    """Labels one too high."""

    def __len__(self) -> int:
        return 64

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        x, y = samples(64)[index]
        return x, y + 1


@pytest.mark.parametrize(
    ("given", "error", "named"),
    [
        ({"cut": 0.0}, InputError, "between 0 and 1"),
        ({"cut": 1.0}, InputError, "between 0 and 1"),
        ({"cut": float("nan")}, InputError, "between 0 and 1"),
        ({"cut": "half"}, InputError, "between 0 and 1"),
        ({"cut": 0.9999}, InputError, r"beyond the floor: at most \d\d\.\d\d%"),
        ({"of": "beauty"}, InputError, "of must be one of macs, params, latency or memory"),
        (
            {"criterion": "magic"},
            InputError,
            "criterion must be one of kl, l1, cka, fisher, contribution or random",
        ),
        ({"speed": 3}, InputError, "'speed'"),
        ({"preset": "magic"}, InputError, "paper"),
        ({"calibration": []}, InputError, "empty"),
        ({"calibration": 7}, InputError, "iterable of batches, not int"),
        ({"calibration": ["text"]}, InputError, "tokenizer"),
        (
            {"calibration": [(torch.zeros(4, 1, 8, 8), torch.full((4,), 9))]},
            InputError,
            "label is 9",
        ),
        ({"train": []}, InputError, "empty"),
        ({"train": Shifted()}, InputError, "label is 4"),
        ({"test": Shifted()}, InputError, "label of batch 1 is 4"),
        ({"train": CALIBRATION}, InputError, "share samples"),
        ({"calibration": torch.zeros(8, 3, 8, 8)}, InputError, "does not"),
    ],
)
def test_bad_input_is_refused_in_one_sentence_before_anything_is_done(
    given: dict[str, Any], error: type[Exception], named: str, tmp_path: Path
) -> None:
    done: list[Event] = []
    with pytest.raises(error, match=named) as caught:
        prune(out=tmp_path / "run", on_event=done.append, **given)
    assert "\n" not in str(caught.value)
    if "train" not in given:
        assert not any(event.stage == "step" for event in done)


def test_subsets_that_overlap_are_refused() -> None:
    whole = samples(100)
    with pytest.raises(InputError, match="share samples"):
        prune(calibration=Subset(whole, range(50)), train=Subset(whole, range(40, 100)))
    prune(calibration=Subset(whole, range(50)), train=Subset(whole, range(50, 100)))


class Plain(nn.Module):
    """Nothing to cut: a single operation."""

    def __init__(self) -> None:
        super().__init__()
        self.only = nn.Linear(64, 4)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.only(x.flatten(1))
        return out


def test_a_model_without_removable_structures_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedModelError, match="Plain has no structure"):
        prune(Plain())


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_step(
    tmp_path: Path,
) -> None:
    images, labels = samples(64).tensors
    broken = TensorDataset(torch.where(images > 2.9, torch.nan, images), labels)
    finished = 0

    class Breaks(Dataset[tuple[Tensor, Tensor]]):
        """Good data until the first round is over."""

        def __len__(self) -> int:
            return 64

        def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
            return (broken if finished else samples(64))[index]

    def on_event(event: Event) -> None:
        nonlocal finished
        finished += event.stage == "step"

    given: dict[str, Any] = {"cut": 0.5, "batch_size": 32, "candidate_epochs": 0.5}
    with pytest.raises(TrainingError, match="not finite"):
        prune(train=Breaks(), out=tmp_path / "run", on_event=on_event, **given)
    finished = 0
    run = prune(train=samples(64), out=tmp_path / "run", resume=True, **given)
    assert len(run.steps) > 1
    assert run.summary["removed"] >= 0.5


def test_a_full_disk_is_one_sentence_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = prune(cut=0.5, out=tmp_path / "whole")
    real, calls = os.replace, 0

    def replace(source: Any, target: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(RunDirectoryError, match="disk is full"):
        prune(cut=0.5, out=tmp_path / "run")
    monkeypatch.undo()
    resumed = prune(cut=0.5, out=tmp_path / "run", resume=True)
    assert [step.cut for step in resumed.steps] == [step.cut for step in whole.steps]
    left = {path.name for path in (tmp_path / "run").glob(".*")}
    assert left <= {".lock"}, "no temporary file is left"


def least_similar(number: int, candidates: Sequence[Candidate]) -> Candidate:
    return min(candidates, key=lambda each: each.cka)


def in_turn(number: int, candidates: Sequence[Candidate]) -> Candidate:
    return candidates[number % len(candidates)]


def test_the_choice_can_be_handed_in(tmp_path):
    given = {**QUICK, "calibration": samples(24), "cut": 0.5}
    run = leanfair.prune(tiny(20), out=tmp_path / "turns", choose=in_turn, **given)
    both = [step for step in run.steps if None not in step.cka.values()]
    assert [step.chosen for step in both[:3]] == ["neurons", "layer", "neurons"]
    assert "in_turn" in run.summary["choose"]
    against = leanfair.prune(tiny(20), choose=least_similar, **given)
    for step in against.steps:
        known = [value for value in step.cka.values() if value is not None]
        assert step.cka[step.chosen] == min(known)
    with pytest.raises(RunDirectoryError, match=r"whose choose is .*in_turn"):
        leanfair.prune(tiny(20), out=tmp_path / "turns", resume=True, **given)


def test_a_choice_of_none_of_the_candidates_is_refused():
    with pytest.raises(InputError, match="choose has to return one of the candidates"):
        leanfair.prune(
            tiny(), calibration=samples(24), cut=0.3, choose=lambda number, each: None, **QUICK
        )
