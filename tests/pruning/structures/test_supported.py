"""What cannot be pruned is refused in one sentence, before anything is done."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.modeling_outputs import ImageClassifierOutput

import leanfair
from leanfair.data.batches import Batch
from leanfair.errors import InputError, LeanfairError, UnsupportedModelError
from leanfair.pruning.structures.dissect import dissect
from leanfair.pruning.structures.supported import WRONG_INPUT, try_out, twin_of
from tests.support import parts as p
from tests.support.zoo import PROOF, Net, images, randomised, repeated

pytestmark = pytest.mark.filterwarnings(
    "ignore"
)  # of what torch calls deprecated in what it is fed


def net() -> Net:
    model = randomised(Net(*repeated(p.Basic)))
    assert isinstance(model, Net)
    return model


class Wrapped(Net):
    """A network whose logits are given in any way."""

    def __init__(self, give: Callable[[Tensor], Any]) -> None:
        super().__init__(*repeated(p.Basic))
        self.give = give

    def forward(self, x: Tensor) -> Any:
        return self.give(super().forward(x))


class Keyword(Net):
    """A network that wants its input by name."""

    def forward(self, *, picture: Tensor) -> Any:
        return super().forward(picture)


def lazy() -> nn.Module:
    model = net()
    model.head = nn.LazyLinear(5)  # type: ignore[assignment]
    return model


def on_meta() -> nn.Module:
    with torch.device("meta"):
        return Net(*repeated(p.Basic))


def normalised() -> nn.Module:
    model = net()
    torch.nn.utils.weight_norm(model.blocks[0].first[0])
    return model


def quantised() -> nn.Module:
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 16), nn.ReLU(), nn.Linear(16, 5))
    return torch.ao.quantization.quantize_dynamic(model.eval(), {nn.Linear})


def in_integers() -> nn.Module:
    model = net()
    model.head.weight = nn.Parameter(model.head.weight.to(torch.int8), requires_grad=False)
    return model


def partly_scripted() -> nn.Module:
    model = net()
    model.blocks[0] = torch.jit.script(model.blocks[0])
    return model


def not_finite() -> nn.Module:
    model = net()
    model.head.weight.data[0, 0] = torch.nan
    return model


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "no module": (lambda: "resnet", "is none"),
    "TorchScript": (lambda: torch.jit.script(net()), "TorchScript"),
    "TorchScript in it": (partly_scripted, "TorchScript"),
    "torch.compile": (lambda: torch.compile(net(), backend="eager"), "model._orig_mod"),
    "DataParallel": (lambda: nn.DataParallel(net()), "model.module"),
    "lazy": (lazy, "run it once"),
    "meta": (on_meta, "load them first"),
    "weight_norm": (normalised, "remove_weight_norm"),
    "quantised": (quantised, "then quantise it"),
    "integers": (in_integers, "then quantise it"),
    "not finite": (not_finite, "not finite"),
    "random": (lambda: Wrapped(lambda y: F.dropout(y, 0.5)), "training=self.training"),
    "segmentation": (lambda: Wrapped(lambda y: {"out": y}), "returns dict without logits"),
    "detection": (lambda: Wrapped(lambda y: [{"boxes": y}]), "returns list without logits"),
    "one number for all": (lambda: Wrapped(lambda y: y.sum()), "one row of numbers"),
    "classes and no numbers": (lambda: Wrapped(lambda y: y.argmax(1)), "torch.int64"),
    "nothing in it": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 5)), "no structure"),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_it_is_refused_in_one_sentence_that_names_it(name: str) -> None:
    make, reason = REFUSED[name]
    model = make()
    with pytest.raises(UnsupportedModelError) as error:
        dissect(model, PROOF)
    assert reason in str(error.value)
    assert type(model).__name__ in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_prune_refuses_it_alike(name: str, tmp_path: Any) -> None:
    with pytest.raises(LeanfairError):
        leanfair.prune(REFUSED[name][0](), calibration=[images()], cut=0.3, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "give",
    [
        lambda y: {"logits": y},
        lambda y: (y, y * 2),
        lambda y: namedtuple("Output", "logits other")(y, None),
        lambda y: ImageClassifierOutput(logits=y),
    ],
    ids=["dict", "tuple", "named tuple", "ModelOutput"],
)
def test_logits_may_be_wrapped(give: Callable[[Tensor], Any]) -> None:
    assert len(dissect(randomised(Wrapped(give)), PROOF).layers) == 3


def test_inputs_may_have_names() -> None:
    model = randomised(Keyword(*repeated(p.Basic)))
    assert len(dissect(model, Batch({"picture": images()})).layers) == 3
    with pytest.raises(InputError, match=r"Keyword does not run on the calibration data"):
        dissect(model, PROOF)


@pytest.mark.parametrize(
    "sample", [images(4, 1, 8, 8), images().half(), images(4, 3, 8)], ids=["channels", "half", "1d"]
)
def test_data_that_does_not_fit_is_named(sample: Tensor) -> None:
    with pytest.raises(InputError, match="Net does not run on the calibration data"):
        dissect(net(), Batch(sample))


@pytest.mark.parametrize("kind", WRONG_INPUT)
def test_whatever_a_network_says_of_data_that_does_not_fit_it_is_named(
    kind: type[Exception],
) -> None:
    class Choosy(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise kind("no branch for such a shape")

    with pytest.raises(InputError, match=r"Choosy does not run on the calibration data.*no branch"):
        try_out(Choosy(), PROOF)


def test_a_network_that_refuses_nan_is_dissected() -> None:
    class Strict(Net):
        def forward(self, x: Tensor) -> Any:
            x = self.stem(x)
            if not torch.isfinite(x).all():
                raise ValueError("not finite")
            return self.head(self.blocks(x).mean((2, 3)))

    anatomy = dissect(randomised(Strict(*repeated(p.Basic))), PROOF)
    assert (len(anatomy.layers), len(anatomy.neurons)) == (3, 3)
    assert "not finite" in anatomy.refused["stem.0.0"]


def test_a_network_without_gradients_is_dissected() -> None:
    class Frozen(Net):
        @torch.no_grad()
        def forward(self, x: Tensor) -> Any:
            return super().forward(x)

    anatomy = dissect(randomised(Frozen(*repeated(p.Basic))), PROOF)
    assert (len(anatomy.layers), len(anatomy.neurons)) == (3, 3)


def test_a_graph_module_keeps_its_neurons() -> None:
    from torch import fx

    anatomy = dissect(fx.symbolic_trace(net()), PROOF)
    assert (len(anatomy.layers), len(anatomy.neurons)) == (0, 3)


def test_padded_texts_of_an_encoder_of_pytorch_are_not_packed() -> None:
    class Texts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(50, 16, padding_idx=0)
            layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, 3)
            self.head = nn.Linear(16, 3)

        def forward(self, ids: Tensor) -> Tensor:
            hidden = self.encoder(self.words(ids), src_key_padding_mask=ids == 0)
            logits: Tensor = self.head(hidden[:, 0])
            return logits

    torch.manual_seed(0)
    model = Texts().eval()
    ids = torch.randint(1, 50, (8, 12))
    ids[::2, 8:] = 0
    with torch.no_grad():
        assert torch.allclose(twin_of(model)(ids), model(ids), atol=1e-5)
    anatomy = dissect(model, Batch(ids))
    assert anatomy.neurons


def test_the_lines_that_make_a_network_of_its_answer_work() -> None:
    with pytest.raises(UnsupportedModelError) as error:
        dissect(Wrapped(lambda y: {"out": y}), PROOF)
    line = str(error.value).partition("counts: ")[2].partition(" with its number")[0]
    place: dict[str, Any] = {"torch": torch}
    exec(line.replace("[0](*args, **inputs)[0]", "[0](*args, **inputs)['out']"), place)
    assert dissect(place["Answer"](Wrapped(lambda y: {"out": y})).eval(), PROOF).layers
