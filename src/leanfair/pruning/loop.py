"""The method of Pruning Everything, Everywhere, All at Once (arXiv 2506.04513).

Until the target is met, from the current parent network:

1. Layer candidate: remove the least important layer, or several, up to the pace of a round.
2. Neuron candidate: remove the least important neurons, at matched cost.
3. Fine-tune both briefly, with the same recipe and budget.
4. Choose the one whose penultimate representation is more similar to the parent's by CKA.
5. Fine-tune the winner; it is the next parent. Write the step down.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from leanfair.data.batches import Source
from leanfair.data.text import as_tokens
from leanfair.errors import InputError, SurgeryError
from leanfair.evaluation.energy.meter import metering
from leanfair.models.image_processor import own_image_processor
from leanfair.pruning.checkpoint.run_directory import RunDirectory
from leanfair.pruning.conflicts import check_fit, check_place, check_streamed, check_training
from leanfair.pruning.cost.energy import Spending
from leanfair.pruning.criteria.criteria import checked, criterion_named, kl
from leanfair.pruning.criteria.race import DOUBTED
from leanfair.pruning.presets import settings_from
from leanfair.pruning.reconstruction.layers import NOT_MADE_UP, reconstruct_layers
from leanfair.pruning.reconstruction.neurons import reconstruct
from leanfair.pruning.run.network import retraced
from leanfair.pruning.run.propose import (
    Prices,
    enough_to_end,
    fitting,
    overshoots,
    propose_layer,
    propose_neurons,
    savings_goal,
)
from leanfair.pruning.run.result import Pruned
from leanfair.pruning.run.setup import open_run
from leanfair.pruning.run.state import Run, advance
from leanfair.pruning.run.summary import finish
from leanfair.pruning.run.tuning import tune
from leanfair.pruning.structures.update import heads
from leanfair.pruning.surgery.removal import apply
from leanfair.pruning.training.distributed import group, is_main
from leanfair.pruning.types import Candidate, Choose, Cut, Kind, Listener, Scores, Step, Target
from leanfair.similarity import streamed_cka

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from leanfair.pruning.prune_options import PruneOptions
    from leanfair.pruning.settings import Preset

FineTune = Callable[[nn.Module, float], None]


def prune(
    model: nn.Module,
    *,
    calibration: Source,
    cut: float,
    of: Target = "macs",
    train: Source | None = None,
    test: Source | None = None,
    out: str | Path | None = None,
    preset: Preset | None = None,
    resume: bool = False,
    fine_tune: FineTune | None = None,
    choose: Choose | None = None,
    on_event: Listener | None = None,
    tokenizer: Any = None,
    image_processor: Any = None,
    **settings: Unpack[PruneOptions],
) -> Pruned:
    """A smaller network that keeps what `model` knows. `model` itself stays as it is.

    model: any network whose outputs are a tensor [n, ...] (or an object with `.logits`): logits
        [n, classes], those of a language model [n, tokens, words], numbers, a map, an embedding.
        What they mean is told by `problem_type`, or else by configuration, labels and shape.
    calibration, train, test: a Dataset, or any iterable of batches: a tensor [n, ...], a pair
        (inputs, labels), or a dict as transformers has it; with a `tokenizer` also a text or a
        list of texts. Structures are scored, and candidates chosen, on `calibration`, which needs
        no labels. `train` is for fine-tuning; without it (None) nothing is trained. `test` only
        measures the first and the last network.
    tokenizer, image_processor: that of a language model, or of an image model; it is saved beside
        the model. Of an image model that was opened from a folder its own is kept by default.
    cut, of: the share to remove, of "macs", "params", "latency" or "memory".
    out: the run directory; a killed run goes on from there with `resume`.
    fine_tune: instead of ours, a function (network, epochs) that trains the network in place.
    choose: instead of the similarity, a function (round, candidates) that returns the candidate
        that wins.
    on_event: called with an `Event` at every sign of progress.
    preset: "paper" for the official recipe.
    settings: what `PruneOptions` lists: the fields of `Settings` and of `Recipe`.

    Raises InputError for what cannot be done as asked (also for a cut beyond the reachable floor,
    which it names), UnsupportedModelError for a network without removable structures, SurgeryError
    where a removal does not reproduce its zero-masked twin, TrainingError where fine-tuning fails;
    the last good step then stays in `out`.
    """
    given = {"cut": cut, "of": of, **settings}
    trained = train is not None or fine_tune is not None
    chosen = settings_from(preset, given, model, trained)
    held, taught, asked = (as_tokens(data, tokenizer) for data in (calibration, train, test))
    check_place(out, resume)
    check_fit(given, chosen, model, held, tokenizer)
    check_streamed(chosen, model, taught, fine_tune)
    check_training(given, chosen, taught, fine_tune)
    beside = image_processor if tokenizer is None else tokenizer
    if beside is None and out is not None:
        beside = own_image_processor(model)
    with RunDirectory(Path(out) if out else None, is_main()) as directory:
        run = open_run(
            model,
            chosen,
            held,
            taught,
            asked,
            directory,
            resume,
            fine_tune,
            on_event,
            beside,
            choose,
        )
        with metering() as meter:
            run.spending = Spending(meter, group().size)
            while not run.met_target():
                step = next_round(run)
                if step is None:
                    break
            return replace(finish(run), parent=model)


def next_round(run: Run) -> Step | None:
    """One round of the method; None where it cannot go on, which `run.stopped_because` explains."""
    started = time.monotonic()
    task, number = run.task, len(run.steps) + 1
    chosen = task.directory.choice(number, run.parent.model)
    if chosen is None:
        candidates = compete(run)
        if candidates is None:
            return None
        winner, similarity = decide(run, candidates)
        task.directory.write_choice(number, winner.cut, similarity, winner.model)
        chosen = winner.cut, similarity, winner.model
    cut, similarity, child = chosen
    with run.spending.on("recovery"):
        tune(run, child, task.settings.round_epochs, "winner", number)
    return advance(run, cut, child, similarity, time.monotonic() - started)


def compete(run: Run) -> list[Candidate] | None:
    """The candidates of this round, proven; None where nothing may go any more."""
    try:
        return _candidates(run)
    except SurgeryError as error:
        if run.parent.traced:
            raise
        # The proof tells that arithmetic has a structure wrong: the network itself is asked.
        sample, free = run.task.calibration.proof, run.task.settings.free
        run.parent = retraced(run.parent, sample, free, str(error))
        run.notes.append(
            f"The structures before round {len(run.steps) + 1} were found anew: {error}"
        )
        return _candidates(run)


def _candidates(run: Run) -> list[Candidate] | None:
    cuts = propose(run)
    if cuts is None:
        return None
    with run.spending.on("candidates"):
        return [candidate(run, cut) for cut in cuts]


def propose(run: Run) -> list[Cut] | None:
    """The layer cut and the neuron cut of this round; one of them where the other kind is
    exhausted, and None where both are."""
    settings = replace(run.task.settings, cut=run.aim)
    cost, whole = run.parent.cost, run.task.base.cost.totals()
    prices: Prices = {}
    with run.spending.on("scoring"):
        scores = score(run, lambda scores: _least_important(run, scores, prices))
    found = _least_important(run, scores, prices)
    layer = next((cut for cut in found if cut.kind == "layer"), None)
    if layer is None and settings.stop_when_layers_end:
        run.stop("no layer may go any more")
        return None
    cuts = [cut for cut in found if settings.only in (None, cut.kind)]
    cuts = fitting(cuts, run.removed, cost, whole, settings)
    if settings.only == "layer" and overshoots(run.removed, layer, cost, whole, settings):
        run.stop("another layer would go farther beyond the target than it is away now")
        return None
    if not cuts:
        run.stop("neither a layer nor a neuron may go any more")
    return cuts or None


def _least_important(run: Run, scores: Scores, prices: Prices) -> list[Cut]:
    """The layer cut and the neuron cut by some scores, the layer first; neither is there where
    nothing of the kind may go any more."""
    settings = replace(run.task.settings, cut=run.aim)
    structures, cost = run.parent.structures, run.parent.cost
    whole = run.task.base.cost.totals()
    auto = settings.layers_per_round == "auto"
    pace = savings_goal(cost, whole, None, settings)[0] if auto else 0
    layer = propose_layer(structures, scores, cost, settings, pace)
    save, least = savings_goal(cost, whole, layer, settings)
    enough = enough_to_end(cost, whole, settings)
    neurons = propose_neurons(
        structures, scores, cost, settings, save, least=least, enough=enough, prices=prices
    )
    if layer and neurons:  # heads that only go together may save more than one layer
        saved = neurons.saves[settings.matched]
        layer = propose_layer(structures, scores, cost, settings, saved)
    return [cut for cut in (layer, neurons) if cut]


def score(run: Run, goes: Callable[[Scores], list[Cut]]) -> Scores:
    """The importance of every structure of the parent; `goes` tells what some scores would
    remove."""
    run.emit("score", done=0.0)
    task = run.task
    criterion = criterion_named(task.settings.criterion)
    if criterion is kl:
        criterion = partial(kl, exact=task.settings.exact, goes=goes)
    scores = checked(
        criterion(
            run.parent.model,
            replace(run.parent.structures, problem=task.problem, found_head=run.parent.head),
            task.calibration.first(
                task.settings.score_samples, carried=task.settings.criterion == "contribution"
            ),
            task.seed("score", len(run.steps)),
            lambda share: run.emit("score", done=share),
        )
    )
    if scores.doubt > DOUBTED:
        run.notes.append(
            f"In round {len(run.steps) + 1} exact scores may remove others of up to "
            f"{min(1.0, scores.doubt):.0%} of the neurons."
        )
    return scores


def candidate(run: Run, cut: Cut) -> Candidate:
    """A smaller copy of the parent, proven, briefly fine-tuned, and held against the parent."""
    settings, calibration, parent = run.task.settings, run.task.calibration, run.parent
    mine, its = heads(cut, parent.head.name, parent.model)
    idle = run.task.training.idle
    child = apply(cut, parent.model, calibration.trial, (mine, its), share=idle)
    if settings.reconstruct:
        reconstruct(child, parent.model, cut, calibration.fitted, parent.head)
        lost = reconstruct_layers(child, parent.model, cut, calibration.fitted)
        if lost and NOT_MADE_UP not in run.notes:
            run.notes.append(NOT_MADE_UP)
    tune(run, child, settings.candidate_epochs, f"{cut.kind} candidate", len(run.steps) + 1)
    head = None if its is None else parent.head._replace(name=its)
    before, after = run.features.of(parent.model, parent.head), run.features.of(child, head)
    similarity = streamed_cka(zip(before, after, strict=True), settings.debiased)
    return Candidate(cut, child, similarity)


def decide(run: Run, candidates: list[Candidate]) -> tuple[Candidate, dict[Kind, float | None]]:
    """The candidate that wins, the one that is more similar to the parent, with the similarity of
    each kind. Raises InputError where a function of the user's chooses none of them."""
    similarity: dict[Kind, float | None] = {"layer": None, "neurons": None}
    for each in candidates:
        similarity[each.cut.kind] = each.cka
    winner = run.task.choose(len(run.steps) + 1, candidates)
    if not any(winner is each for each in candidates):
        raise InputError("choose has to return one of the candidates that it is given.")
    run.emit("choose", subject=winner.cut.kind, text=str(winner.cut))
    return winner, similarity
