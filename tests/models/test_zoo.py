"""Networks that a name opens: those of the paper, and those of torchvision and timm."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from leanfair.errors import InputError, MissingDependencyError
from leanfair.models.origin import ATTRIBUTE, title_of
from leanfair.models.zoo import CIFAR_DEPTHS, WEIGHT_FILES, guest_model, read_weights
from leanfair.pruning.checkpoint.loading import open_model
from tests.support.nets import rebuilt, same, tiny


def test_a_name_opens_untrained_and_seeded() -> None:
    one = open_model("resnet20", classes=4, channels=1, seed=3)
    assert same(one, open_model("resnet20", classes=4, channels=1, seed=3))
    assert not same(one, open_model("resnet20", classes=4, channels=1, seed=4))
    assert one(torch.zeros(1, 1, 8, 8)).shape == (1, 4)


def test_a_guest_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingDependencyError, match="timm"):
        open_model("timm:resnet18")


@pytest.mark.parametrize("guest", ["timm", "torchvision"])
def test_a_package_that_is_there_and_broken_is_named_as_well(
    guest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str) -> None:
        raise RuntimeError("operator nms does not exist")

    monkeypatch.setattr("importlib.import_module", broken)
    with pytest.raises(MissingDependencyError, match=f"{guest}:resnet18 needs .*nms does not"):
        open_model(f"{guest}:resnet18")


@pytest.mark.zoo
@pytest.mark.parametrize("classes", [5, 1000])
def test_a_network_of_timm_opens_and_is_built_again(classes: int) -> None:
    model = guest_model("timm", "resnet10t", pretrained=False, classes=classes).eval()
    x = torch.zeros(2, 3, 32, 32)
    assert model(x).shape == (2, classes)
    assert title_of(model) == "resnet10t"
    assert same(rebuilt(model), model)


@pytest.mark.zoo
def test_a_network_of_timm_that_was_opened_without_us_is_known_too() -> None:
    import timm

    model = timm.create_model("resnet10t", pretrained=False, num_classes=5).eval()
    assert not hasattr(model, ATTRIBUTE)
    again = rebuilt(model)
    assert same(again, model)
    x = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(again(x), model(x))


@pytest.mark.zoo
def test_a_network_of_torchvision_opens_and_is_built_again() -> None:
    model = guest_model("torchvision", "resnet18", pretrained=False).eval()
    assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 1000)
    assert title_of(model) == "resnet18"
    assert same(rebuilt(model), model)


@pytest.mark.zoo
@pytest.mark.parametrize("guest", ["timm", "torchvision"])
def test_a_name_that_a_catalogue_lacks_is_refused(guest: str) -> None:
    with pytest.raises(InputError, match="'nobodys_net'"):
        open_model(f"{guest}:nobodys_net")


@pytest.mark.parametrize("depth", CIFAR_DEPTHS)
def test_the_depths_of_the_paper_open_by_name(depth: int) -> None:
    assert title_of(open_model(f"resnet{depth}")) == f"ResNet-{depth}"


@pytest.mark.parametrize("suffix", [end for end in WEIGHT_FILES if end != ".safetensors"])
@pytest.mark.parametrize("key", ["", "state_dict", "model"])
def test_weights_are_read_in_whichever_wrapping(suffix, key, tmp_path) -> None:
    state = tiny().state_dict()
    torch.save({key: state, "epoch": 3} if key else state, tmp_path / f"net{suffix}")
    found = read_weights(tmp_path / f"net{suffix}")
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], state[name]) for name in state)


@pytest.mark.parametrize("held", [3, [torch.zeros(1)], {}, {"epoch": 3}, {"state_dict": {"a": 1}}])
def test_a_file_without_tensors_by_name_is_refused(held, tmp_path) -> None:
    torch.save(held, tmp_path / "net.pt")
    with pytest.raises(InputError, match=r"net\.pt holds no state dict"):
        read_weights(tmp_path / "net.pt")


STATE = {f"layer.{name}": torch.zeros(2) for name in "ab"}
SAVED: dict[str, object] = {
    "plain": STATE,
    "in parallel": {f"module.{name}": value for name, value in STATE.items()},
    "compiled": {f"module._orig_mod.{name}": value for name, value in STATE.items()},
    "by Lightning": {"epoch": 3, "state_dict": {f"model.{k}": v for k, v in STATE.items()}},
    "with an optimiser": {"model_state_dict": STATE, "optimizer_state_dict": {"lr": 0.1}},
    "averaged": {"n_averaged": torch.tensor(3), **{f"module.{k}": v for k, v in STATE.items()}},
    "an average alone": {"epoch": 3, "state_dict_ema": STATE},
}


@pytest.mark.parametrize("name", SAVED)
def test_weights_are_found_in_what_training_loops_save(name: str, tmp_path: Path) -> None:
    torch.save(SAVED[name], tmp_path / "weights.pt")
    assert read_weights(tmp_path / "weights.pt").keys() == STATE.keys()


def test_of_several_sets_of_weights_one_has_to_be_named(tmp_path: Path) -> None:
    net, other = tiny(14), tiny(14, seed=1)
    path = tmp_path / "weights.pt"
    torch.save({"state_dict": other.state_dict(), "state_dict_ema": net.state_dict()}, path)
    with pytest.raises(InputError, match=r"state_dict, state_dict_ema.*weights.pt::state_dict"):
        open_model(str(path))
    assert same(open_model(f"{path}::state_dict_ema"), net)
    with pytest.raises(InputError, match="no weights called 'best', but state_dict, "):
        open_model(f"{path}::best")


@pytest.mark.parametrize(
    "content", [[1, 2], {"epoch": 3}, {"a": torch.zeros(1), "b": "text"}, {0: torch.zeros(3)}]
)
def test_what_holds_no_weights_is_refused(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "weights.pt")
    with pytest.raises(InputError, match="holds no state dict of tensors"):
        read_weights(tmp_path / "weights.pt")
