"""What the outputs of a network mean: the type of problem that it solves.

The names are those of `problem_type` in configurations of transformers. Each type has its own
distance between outputs, its own loss and its own measure: a softmax over classes is right for one
true class alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from leanfair.data.batches import Batch
from leanfair.data.language import IGNORED, is_embedding, is_transformer
from leanfair.errors import InputError
from leanfair.evaluation.problem_type import ProblemType

KnownBy = Literal["asked", "configuration", "labels", "outputs"]

ONE_HOT = 1e-4
"""How far the sum of a row of class probabilities may be from 1."""


@dataclass(frozen=True)
class Problem:
    """The type of problem, and what told it.

    A softmax over classes for single_label_classification, one yes or no for each output for
    multi_label_classification (also a single logit), numbers for regression, and for
    feature_extraction a representation that has no labels. Classes are the last dimension of
    outputs, or the second of maps [n, classes, height, width].
    """

    type: ProblemType = "single_label_classification"
    known_by: KnownBy = "outputs"

    @property
    def classifies(self) -> bool:
        """Whether there are classes, so that answers are right or wrong."""
        return self.type.endswith("classification")


SINGLE = Problem()


def problem_of(
    model: nn.Module,
    outputs: Tensor,
    labelled: Sequence[Batch] = (),
    asked: ProblemType | None = None,
) -> Problem:
    """What `outputs` of `model` mean: as `asked`, else as its configuration says, else as the first
    labels among the batches `labelled` show, else as the shape of the outputs suggests: without
    labels a single output is taken for a number, and so is a map; several outputs are taken for
    classes.

    Raises InputError where labels are of no kind that fits the outputs.
    """
    labels = next((batch.labels for batch in labelled if batch.labels is not None), None)
    if asked is not None:
        return Problem(asked, "asked")
    told: Any = getattr(getattr(model, "config", None), "problem_type", None)
    if is_transformer(model) and told in get_args(ProblemType):
        return Problem(told, "configuration")
    if is_embedding(model) and (labels is None or labels.shape != outputs.shape):
        return Problem("feature_extraction", "outputs")  # labels of classes say nothing here
    if labels is not None:
        return Problem(_by_labels(labels, outputs), "labels")
    number = classes_in(outputs) == 1 or (outputs.ndim > 2 and not is_transformer(model))
    return Problem("regression" if number else "single_label_classification", "outputs")


def classes_in(outputs: Tensor) -> int:
    """How many classes `outputs` tell apart, if they are of classes."""
    return 1 if outputs.ndim < 2 else int(outputs.shape[1 if outputs.ndim > 3 else -1])


def rows_of(outputs: Tensor) -> Tensor:
    """`outputs` as rows of classes, [rows, classes]: each token or pixel is a row."""
    last = outputs.movedim(1, -1) if outputs.ndim > 3 else outputs
    return last.flatten(0, -2)


def fitted(
    problem: Problem, labels: Tensor, outputs: Tensor, what: str = "", where: str = ""
) -> Tensor:
    """`labels` in the form in which they are compared with `outputs`, on the same device: numbers
    of classes, int64, with the shape of the outputs without their classes; probabilities of classes
    for a single true class; or else numbers of the shape of the outputs.

    Raises InputError where they do not fit; `what` labels they are, and `where`, is told.
    """
    labels = labels.to(outputs.device)
    what, where = what and f"{what} ", where and f" of {where}"
    if problem.type == "single_label_classification":
        return _classes(labels, outputs, what, where)
    if problem.type == "feature_extraction":
        raise InputError(
            f"The {what}labels{where} are of no use for a model that represents its inputs: distil "
            f"from the original alone (distill=1), or say problem_type."
        )
    if labels.shape != outputs.shape and labels.numel() == outputs.numel():
        labels = labels.reshape(outputs.shape)  # [n] beside one output a sample, [n, 1]
    if labels.shape != outputs.shape:
        raise InputError(
            f"The {what}labels{where} have the shape {list(labels.shape)}, but for a "
            f"{problem.type} that of the outputs, {list(outputs.shape)}, is needed: give one "
            f"number for each output."
        )
    if problem.type == "multi_label_classification" and not _is_binary(labels):
        raise InputError(
            f"The {what}labels{where} of a multi_label_classification are 0 and 1, but one is "
            f"{float(labels[(labels != 0) & (labels != 1)][0]):g}."
        )
    return labels.to(outputs.dtype if outputs.dtype.itemsize > 2 else torch.float32)


def _by_labels(labels: Tensor, outputs: Tensor) -> ProblemType:
    whole = not labels.is_floating_point() or bool((labels == labels.round()).all())
    if classes_in(outputs) == 1 or labels.shape == outputs.shape:
        if labels.shape == outputs.shape and classes_in(outputs) > 1 and _is_shared_out(labels):
            return "single_label_classification"
        return "multi_label_classification" if _is_binary(labels) else "regression"
    if whole:
        return "single_label_classification"
    raise InputError(
        f"Labels {list(labels.shape)} that are no whole numbers do not fit outputs "
        f"{list(outputs.shape)}: give the numbers of classes, or one number for each output."
    )


def _is_binary(labels: Tensor) -> bool:
    return bool(((labels == 0) | (labels == 1)).all())


def _is_shared_out(labels: Tensor) -> bool:
    """Whether each row is a distribution over classes, as where one class of each is 1."""
    rows = rows_of(labels.float())
    return bool((rows >= 0).all() and ((rows.sum(dim=-1) - 1.0).abs() < ONE_HOT).all())


def _classes(labels: Tensor, outputs: Tensor, what: str, where: str) -> Tensor:
    """The numbers of classes or, of the outputs' own shape, their probabilities."""
    classes = classes_in(outputs)
    wanted = outputs.shape[:1] + outputs.shape[2:] if outputs.ndim > 3 else outputs.shape[:-1]
    if labels.shape == outputs.shape and outputs.ndim > 1:
        if not _is_shared_out(labels):
            raise InputError(
                f"The {what}labels{where} {list(labels.shape)} name several classes at once, but "
                f"one class of {classes} is expected: say "
                f"problem_type='multi_label_classification'."
            )
        return labels.float()
    if labels.shape != wanted and labels.numel() == wanted.numel():
        labels = labels.reshape(wanted)  # a column, [n, 1]
    if outputs.ndim == 3 and labels.shape == outputs.shape[::2] != wanted:
        raise InputError(
            f"The {what}labels{where} {list(labels.shape)} belong to the last dimension of the "
            f"outputs {list(outputs.shape)}: return outputs.transpose(1, 2), classes last."
        )
    if labels.shape != wanted:
        each = {2: "the number of a class each", 3: "one label for each token"}.get(
            outputs.ndim, "one label for each pixel"
        )
        raise InputError(
            f"The {what}labels{where} have the shape {list(labels.shape)} for outputs of shape "
            f"{list(outputs.shape)}: give {each}, {list(wanted)}."
        )
    if labels.is_floating_point() and not bool((labels == labels.round()).all()):
        raise InputError(
            f"The {what}labels{where} are {labels.dtype}, and not all are whole numbers: give the "
            f"numbers of the classes, or say problem_type='regression'."
        )
    labels = labels.long()
    strange = labels[(labels < 0) | (labels >= classes)]
    if outputs.ndim > 2:  # of tokens and pixels not all are asked
        strange = strange[strange != IGNORED]
    if len(strange):
        raise InputError(
            f"A {what}label{where} is {int(strange[0])}, but the model has the classes 0 to "
            f"{classes - 1}."
        )
    return labels
