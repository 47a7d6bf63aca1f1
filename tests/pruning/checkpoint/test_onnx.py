"""ONNX export: one lean file that gives the network's outputs, or no file and a plain error."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from transformers import ResNetConfig, ResNetForImageClassification

from leanfair.data.batches import Batch, forward
from leanfair.errors import InputError, LeanfairError, MissingDependencyError, RunDirectoryError
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.pruning.checkpoint.onnx import export_onnx, length_of
from leanfair.pruning.cost.macs import cost_of, cut_of
from leanfair.pruning.structures.dissect import dissect
from leanfair.pruning.surgery.removal import apply
from leanfair.pruning.types import NeuronCut
from tests.support.marks import mostly_real

IMAGES = torch.randn(17, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def _resnet(kind: str) -> nn.Module:
    config = ResNetConfig(
        embedding_size=16, hidden_sizes=[32, 64], depths=[2, 3], layer_type=kind, num_labels=7
    )
    return ResNetForImageClassification(config)


FAMILIES: dict[str, Callable[[], nn.Module]] = {
    "cifar A": lambda: CifarResNet(14, shortcut="A"),
    "cifar B": lambda: CifarResNet(14, shortcut="B"),
    "transformers basic": lambda: _resnet("basic"),
    "transformers bottleneck": lambda: _resnet("bottleneck"),
}


def _used(model: nn.Module) -> nn.Module:
    """`model` as training leaves it: the statistics of its normalisations are not 0 and 1."""
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.running_mean, module.running_var, module.weight, module.bias):
                assert isinstance(values, Tensor)
                values.data = torch.rand(values.shape, generator=generator) + 0.5
    return model.eval()


def _pruned(model: nn.Module) -> nn.Module:
    """`model` without one block, and without half of the filters inside each other block."""
    proof = Batch(IMAGES[:2])
    layer = cut_of("layer", cost_of(model, proof), layers=dissect(model, proof).layers[:1])
    child = apply(layer, model, proof)
    neurons = [
        NeuronCut(group, tuple(range(0, group.count, 2))) for group in dissect(child, proof).neurons
    ]
    return apply(cut_of("neurons", cost_of(child, proof), neurons=neurons), child, proof)


def _parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _run(path: Path, images: Tensor, name: str = "input") -> Tensor:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_outputs()] == ["logits"]
    return torch.from_numpy(session.run(None, {name: images.numpy()})[0])


def _assert_equal_outputs(
    path: Path, model: nn.Module, sizes: tuple[int, ...] = (1, 2, 5, 17)
) -> None:
    for size in sizes:
        with torch.inference_mode():
            expected = forward(model.eval(), IMAGES[:size])
        torch.testing.assert_close(
            _run(path, IMAGES[:size]), expected, rtol=0, atol=1e-5 * float(expected.abs().max())
        )


class Reader(nn.Module):
    """Says something of each token, wherever it stands; or of texts of eight tokens alone."""

    def __init__(self, fixed: bool) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(9, 4), nn.Parameter(torch.randn(8, 4))
        self.fixed = fixed

    def forward(self, ids: Tensor) -> Tensor:
        read: Tensor = self.words(ids)
        return read + self.places if self.fixed else read.cumsum(1)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("fixed", mostly_real([True, False], [True]))
@pytest.mark.real
def test_texts_may_have_any_length_where_the_model_takes_it(
    fixed: bool, check: bool, tmp_path: Path
) -> None:
    model, ids = Reader(fixed), torch.arange(16).view(2, 8) % 9
    path = export_onnx(model, ids, tmp_path / "model.onnx", check=check)
    assert length_of(path) == (8 if fixed else None)
    for text in (ids,) if fixed else (ids, ids[:, :3], torch.cat([ids, ids], dim=1)):
        with torch.inference_mode():
            torch.testing.assert_close(_run(path, text), model(text), rtol=0, atol=1e-5)


def test_images_have_no_length(exported: Exported) -> None:
    assert length_of(exported.folder / "child.onnx") is None


@dataclass
class Exported:
    model: nn.Module
    child: nn.Module
    folder: Path


@pytest.fixture(scope="module", params=mostly_real(FAMILIES, ["cifar A"]))
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    torch.manual_seed(0)
    model = _used(FAMILIES[request.param]())
    made = Exported(model, _pruned(model), tmp_path_factory.mktemp("onnx"))
    assert export_onnx(made.model, IMAGES[:4], made.folder / "model.onnx")
    assert export_onnx(made.child, Batch(IMAGES[:4]), str(made.folder / "child.onnx"))
    return made


def test_the_files_give_the_outputs_at_every_batch_size(exported: Exported) -> None:
    _assert_equal_outputs(exported.folder / "model.onnx", exported.model)
    _assert_equal_outputs(exported.folder / "child.onnx", exported.child)


def test_the_files_are_as_large_as_their_weights(exported: Exported) -> None:
    sizes = []
    for name, model in (("model.onnx", exported.model), ("child.onnx", exported.child)):
        size, weights = (exported.folder / name).stat().st_size, 4 * _parameters(model)
        # Normalisations melt into convolutions, and the graph takes some kilobytes.
        assert -0.02 * weights <= size - weights <= 10_000
        sizes.append((size, weights))
    (before, weights_before), (after, weights_after) = sizes
    assert before - after == pytest.approx(weights_before - weights_after, rel=0.05)
    assert after < 0.75 * before


def test_the_files_are_self_contained_valid_and_nothing_is_beside_them(exported: Exported) -> None:
    assert sorted(os.listdir(exported.folder)) == ["child.onnx", "model.onnx"]
    for path in exported.folder.iterdir():
        proto = onnx.load(path, load_external_data=False)
        onnx.checker.check_model(proto, full_check=True)
        assert not any(value.external_data for value in proto.graph.initializer)
        content = [value.SerializeToString() for value in proto.graph.initializer]
        assert len(content) == len(set(content))


@pytest.mark.real
def test_a_deep_network_exports_to_its_weights(tmp_path: Path) -> None:
    model = _used(CifarResNet(56))
    path = export_onnx(model, IMAGES[:1], tmp_path / "r56.onnx")
    assert path == tmp_path / "r56.onnx"
    assert path.stat().st_size <= 1.01 * 4 * _parameters(model)
    _assert_equal_outputs(path, model, (1, 3))


def test_named_inputs_keep_their_names(tmp_path: Path) -> None:
    model = _used(_resnet("basic"))
    path = export_onnx(model, Batch({"pixel_values": IMAGES[:3]}), tmp_path / "model.onnx")
    with torch.inference_mode():
        expected = forward(model, IMAGES)
    torch.testing.assert_close(_run(path, IMAGES, "pixel_values"), expected, rtol=0, atol=1e-4)


def test_half_precision_takes_half_the_file(tmp_path: Path) -> None:
    model = _used(CifarResNet(8)).half()
    path = export_onnx(model, IMAGES[:2].half(), tmp_path / "half.onnx")
    assert path.stat().st_size < 1.05 * 2 * _parameters(model)
    assert _run(path, IMAGES[:3].half()).dtype == torch.float16


class Small(nn.Module):
    """A classifier that exports fast, with a dropout that must not be active."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.drop, self.second = nn.Linear(64, 64), nn.Dropout(), nn.Linear(64, 64)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.second(self.drop(self.first(x).relu()))
        return out


SAMPLE = torch.randn(3, 64, generator=torch.Generator().manual_seed(2))


def test_the_model_stays_as_it_is(tmp_path: Path) -> None:
    model = Small().train()
    model.first.eval()
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    identities = [id(value) for value in model.parameters()]
    random = torch.get_rng_state()
    export_onnx(model, SAMPLE, tmp_path / "model.onnx")
    assert (model.training, model.first.training, model.drop.training) == (True, False, True)
    assert [id(value) for value in model.parameters()] == identities
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    assert all(value.requires_grad and value.grad is None for value in model.parameters())
    assert torch.equal(torch.get_rng_state(), random)


def test_shared_weights_are_written_once(tmp_path: Path) -> None:
    model = Small()
    model.second.weight = model.first.weight
    path = export_onnx(model, SAMPLE, tmp_path / "model.onnx")
    assert path.stat().st_size < 4 * (64 * 64 + 2 * 64) + 2_000


def test_folders_are_made_and_a_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "model.onnx"
    export_onnx(Small(), SAMPLE, path)
    first = path.read_bytes()
    export_onnx(Small(), SAMPLE, path)
    assert path.read_bytes() != first
    assert os.listdir(path.parent) == ["model.onnx"]


@pytest.mark.real
def test_nothing_is_said(tmp_path: Path) -> None:
    script = (
        "import torch; from leanfair.models.resnet_cifar import CifarResNet as Net;"
        "from leanfair.pruning.checkpoint.onnx import export_onnx;"
        f"export_onnx(Net(8), torch.randn(1, 3, 32, 32), {str(tmp_path / 'model.onnx')!r})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd="/")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert os.listdir(tmp_path) == ["model.onnx"]


class Unsteady(Small):
    """Adds chance, which no file can repeat."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + torch.rand_like(x)


class Deciding(Small):
    """Does what the data tells it, which no fixed graph can."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * (2 if x.sum() > 0 else 3)


class Nan(Small):
    """Gives no numbers."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * torch.nan


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (Unsteady(), r"batch of 1 they differ by up to \d\.\d+, where the largest is \d"),
        (Nan(), "they differ by up to nan"),
        (Deciding(), "cannot be written as ONNX for batches of any size.*data-dependent"),
        (CifarResNet(8), "cannot be written as ONNX.*"),  # which does not take such a sample
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_reproduced_is_not_written(
    model: nn.Module, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    path.write_text("what was here before")
    with pytest.raises(LeanfairError, match=told) as error:
        export_onnx(model, SAMPLE, path)
    assert "\n" not in str(error.value)
    assert path.read_text() == "what was here before"
    assert os.listdir(tmp_path) == ["model.onnx"]


def test_the_check_can_be_left_out(tmp_path: Path) -> None:
    assert export_onnx(Unsteady(), SAMPLE, tmp_path / "model.onnx", check=False).stat().st_size


@pytest.mark.real
def test_a_number_format_that_onnxruntime_lacks_is_told(tmp_path: Path) -> None:
    model, sample = nn.Conv2d(3, 4, 3).bfloat16(), IMAGES[:2].bfloat16()
    with pytest.raises(LeanfairError, match=r"onnxruntime cannot run it.*model\.float\(\)"):
        export_onnx(model, sample, tmp_path / "model.onnx")
    assert not os.listdir(tmp_path)
    assert export_onnx(model, sample, tmp_path / "model.onnx", check=False).exists()


def test_more_than_a_file_holds_is_refused(tmp_path: Path) -> None:
    model = nn.Linear(2**15, 2**14, device="meta")
    with pytest.raises(InputError, match=r"The weights take 2\.1 GB.*model\.half\(\)"):
        export_onnx(model, SAMPLE, tmp_path / "model.onnx")


class Untouchable(nn.Module):
    """Fails where a path should have been refused before anything was done."""

    def forward(self, x: Tensor) -> Tensor:
        raise AssertionError("the path should have been looked at first")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a directory: name a file"):
        export_onnx(Untouchable(), SAMPLE, tmp_path)


def test_a_file_for_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "model.onnx", tmp_path / "file" / "deeper" / "model.onnx"):
        with pytest.raises(RunDirectoryError, match="file is not a directory"):
            export_onnx(Untouchable(), SAMPLE, path)


def test_a_folder_that_is_not_writable_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o500)
    if os.access(tmp_path, os.W_OK):  # the superuser may write anywhere
        monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(RunDirectoryError, match=r"model\.onnx cannot be written: .*not writable"):
        export_onnx(Untouchable(), SAMPLE, tmp_path / "model.onnx")
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package_is_named_with_its_remedy(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    told = rf"needs {package}: pip install 'leanfair\[onnx\]'"
    with pytest.raises(MissingDependencyError, match=told):
        export_onnx(Small(), SAMPLE, tmp_path / "model.onnx")
    assert not os.listdir(tmp_path)
    if package == "onnxruntime":  # which only the check needs
        assert export_onnx(Small(), SAMPLE, tmp_path / "model.onnx", check=False).exists()
