"""The errors a user can cause, each one sentence that names the thing and the remedy."""

from __future__ import annotations

from collections.abc import Callable


class LeanfairError(Exception):
    """Anything that the user can put right. The command line prints it without a traceback."""


class InputError(LeanfairError, ValueError):
    """An argument, a file or a data set is not what it has to be."""


class OptionError(InputError):
    """An option has a value that cannot work. In `sentence` the names of options stand in braces,
    so that each can be told as it was given: min_accuracy in Python, --min-accuracy on the command
    line."""

    def __init__(self, sentence: str, *names: str) -> None:
        self.sentence, self.names = sentence, names
        super().__init__(self.told(str))

    def told(self, called: Callable[[str], str]) -> str:
        """The sentence, with each option as it is called here."""
        text = self.sentence
        for name in self.names:
            text = text.replace(f"{{{name}}}", called(name))
        return text


class UnsupportedModelError(LeanfairError, TypeError):
    """The model, or a part of it that was asked for, cannot be pruned."""


class SurgeryError(LeanfairError, RuntimeError):
    """A removal did not reproduce its zero-masked twin: the cut was not applied."""


class TrainingError(LeanfairError, RuntimeError):
    """Fine-tuning went wrong, for example to a loss that is not finite."""


class RunDirectoryError(LeanfairError, OSError):
    """A run directory is missing, is in use, belongs to another model, or cannot be written."""


class MissingDependencyError(LeanfairError, ImportError):
    """An optional package is needed for what was asked."""


FORWARD_ERRORS: tuple[type[Exception], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    StopIteration,
    TypeError,
    UnboundLocalError,
    ValueError,
)
"""What the code of a network raises for inputs, widths or settings that it cannot take."""


def first_line(error: BaseException) -> str:
    """What an error of another library says, in one line without its full stop."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = lines[0] if lines else type(error).__name__
    # Some begin with a heading, which says nothing without what follows.
    told = " ".join(lines[:2]) if told.endswith(":") else told
    return "".join(c for c in told if c.isprintable())[:300].rstrip(".")


def raise_if_out_of_memory(error: BaseException) -> None:
    """Raise `error` again if it says that memory ran out, on any device: PyTorch tells that by a
    RuntimeError, which says nothing about the network. To be called where `FORWARD_ERRORS`, or all
    that a user's code may raise, are caught."""
    names = {kind.__name__ for kind in type(error).__mro__}
    words = str(error).lower()
    if names & {"MemoryError", "OutOfMemoryError"} or any(said in words for said in _OUT_OF_MEMORY):
        raise error


_OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "cublas_status_alloc_failed",
)
