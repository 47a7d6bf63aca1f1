"""What a forward pass multiplies, against counting every product by hand, and against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils import parametrizations
from torch.utils.flop_counter import FlopCounterMode

import leanfair
from leanfair.data.batches import Batch
from leanfair.errors import UnsupportedModelError
from leanfair.pruning.cost.counting import Work, work_of
from leanfair.pruning.cost.macs import cost_of
from tests.support.families import FAMILIES, sample_of

LENGTH = 7


def by_hand(layers: int, heads: int, wide: int, queries: int, keys: int) -> int:
    """One for every product of two numbers between tokens: queries with keys, weights with
    values."""
    return sum(2 for _ in product(*map(range, (layers, heads, queries, keys, wide))))


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
@pytest.mark.parametrize(
    ("name", "wide"),
    [("llama", 8), ("qwen3", 16), ("gemma", 8), ("phi3", 8), ("gpt2", 8), ("opt", 8), ("bert", 8)],
)
def test_texts_are_counted_at_their_length(name: str, wide: int, implementation: str) -> None:
    model = FAMILIES[name].make()
    model.set_attn_implementation(implementation)
    found = cost_of(model, sample_of(name, length=LENGTH)).attention
    assert found == by_hand(4, 4, wide, LENGTH, LENGTH)


def test_images_are_counted_at_their_patches() -> None:
    tokens = (16 // 8) ** 2 + 1  # and the one that stands for the class
    found = cost_of(FAMILIES["vit"].make(), sample_of("vit")).attention
    assert found == by_hand(4, 4, 8, tokens, tokens)


def test_a_decoder_also_attends_to_its_encoder() -> None:
    ids = torch.ones(1, LENGTH, dtype=torch.long)
    given = Batch({"input_ids": ids, "decoder_input_ids": ids[:, :3]})
    found = cost_of(FAMILIES["bart"].make(), given).attention
    read, written = by_hand(4, 4, 8, LENGTH, LENGTH), by_hand(3, 4, 8, 3, 3)
    assert found == read + written + by_hand(3, 4, 8, 3, LENGTH)


class Run(nn.Module):
    """Named parts, and what is done with them and the sample."""

    def __init__(self, does: Callable[[Any, Tensor], Any], **parts: Any) -> None:
        super().__init__()
        self.does = does
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: Tensor) -> Tensor:
        out = self.does(self, x)
        return out if isinstance(out, Tensor) else out[0]


def tokens(n: int = 5, wide: int = 8) -> Tensor:
    return torch.randn(3, n, wide)


def attention(**given: Any) -> nn.Module:
    return nn.MultiheadAttention(8, 2, batch_first=True, **given)


def attend(itself: Any, x: Tensor, **given: Any) -> Any:
    return itself.a(x, x, x, **given)


def encoder(**given: Any) -> nn.Module:
    return nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, **given)


def padded(itself: Any, x: Tensor) -> Tensor:
    gone = torch.zeros(x.shape[:2], dtype=torch.bool)
    gone[:, -2:] = True
    return itself.a(x, src_key_padding_mask=gone)


def weight(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(shape))


def conv1d_of_gpt2() -> nn.Module:
    from transformers.pytorch_utils import Conv1D

    return Conv1D(6, 8)


def tied() -> nn.Module:
    one, other = nn.Linear(8, 8), nn.Linear(8, 8)
    other.weight = one.weight
    return nn.Sequential(one, nn.ReLU(), other)


def inferred(itself: Any, x: Tensor) -> Tensor:
    with torch.inference_mode():
        return torch.einsum("btc,dc->btd", itself.a(x), itself.w)


def grouped_queries(itself: Any, x: Tensor) -> Tensor:
    heads = x.unflatten(2, (4, 2)).transpose(1, 2)
    few = heads[:, :2]
    return F.scaled_dot_product_attention(heads, few, few, enable_gqa=True)


PROJECT, MIX, MLP = 5 * 8 * 4 * 8, 2 * 5 * 5 * 8, 2 * 5 * 8 * 12
"""Of attention over 5 tokens 8 wide: what goes in and out; scores and mixing; and units beside."""

HAND: dict[str, tuple[Callable[[], nn.Module], Tensor, int]] = {
    "dense": (lambda: nn.Linear(8, 6), torch.randn(3, 8), 8 * 6),
    "dense, without a bias": (lambda: nn.Linear(8, 6, bias=False), torch.randn(3, 8), 8 * 6),
    "dense over tokens": (lambda: nn.Linear(8, 6), tokens(), 5 * 8 * 6),
    "dense over strided tokens": (
        lambda: Run(lambda m, x: m.a(x.transpose(1, 2)), a=nn.Linear(5, 6)), tokens(), 8 * 5 * 6
    ),
    "convolution of a sequence": (
        lambda: nn.Conv1d(4, 6, 3, padding=1), torch.randn(3, 4, 10), 10 * 6 * 4 * 3
    ),
    "convolution": (lambda: nn.Conv2d(4, 6, 3), torch.randn(3, 4, 8, 8), 6 * 6 * 6 * 4 * 9),
    "convolution, strided": (
        lambda: nn.Conv2d(4, 6, 2, 2), torch.randn(3, 4, 8, 8), 4 * 4 * 6 * 4 * 4
    ),
    "convolution of a volume": (
        lambda: nn.Conv3d(2, 3, 2), torch.randn(3, 2, 4, 4, 4), 3**3 * 3 * 2 * 8
    ),
    "convolution with groups": (
        lambda: nn.Conv2d(4, 8, 3, groups=4), torch.randn(3, 4, 8, 8), 6 * 6 * 8 * 9
    ),
    "convolution, transposed": (
        lambda: nn.ConvTranspose2d(4, 6, 3, 2), torch.randn(3, 4, 5, 5), 5 * 5 * 4 * 6 * 9
    ),
    "convolution, transposed, with groups": (
        lambda: nn.ConvTranspose1d(4, 6, 3, groups=2), torch.randn(3, 4, 5), 5 * 4 * 3 * 3
    ),
    "Conv1D of GPT-2": (conv1d_of_gpt2, tokens(), 5 * 8 * 6),
    "attention": (lambda: Run(attend, a=attention()), tokens(), PROJECT + MIX),
    "attention without weights": (
        lambda: Run(lambda m, x: attend(m, x, need_weights=False), a=attention()),
        tokens(), PROJECT + MIX,
    ),
    "attention to others": (
        lambda: Run(lambda m, x: m.a(x[:, :2], x, x), a=attention()),
        tokens(), 8 * 8 * (2 + 5 + 5 + 2) + 2 * 2 * 5 * 8,
    ),
    "attention to others, otherwise wide": (
        lambda: Run(lambda m, x: m.a(x, x[..., :4], x[..., :4]), a=attention(kdim=4, vdim=4)),
        tokens(), 5 * 8 * (8 + 4 + 4 + 8) + MIX,
    ),
    "an encoder layer": (encoder, tokens(), PROJECT + MIX + MLP),
    "an encoder layer, normalised first": (
        lambda: encoder(norm_first=True), tokens(), PROJECT + MIX + MLP
    ),
    "an encoder layer, some padded": (
        lambda: Run(padded, a=encoder()), tokens(), PROJECT + MIX + MLP
    ),
    "an encoder, some padded": (
        lambda: Run(padded, a=nn.TransformerEncoder(encoder(), 2)),
        tokens(), 2 * (PROJECT + MIX + MLP),
    ),
    "LSTM": (lambda: Run(lambda m, x: m.a(x), a=nn.LSTM(8, 6, batch_first=True)),
             tokens(), 5 * 4 * 6 * (8 + 6)),
    "LSTM, both ways, two layers": (
        lambda: Run(lambda m, x: m.a(x), a=nn.LSTM(8, 6, 2, batch_first=True, bidirectional=True)),
        tokens(), 2 * 5 * 4 * 6 * (8 + 6) + 2 * 5 * 4 * 6 * (12 + 6),
    ),
    "LSTM with a projection": (
        lambda: Run(lambda m, x: m.a(x), a=nn.LSTM(8, 6, batch_first=True, proj_size=3)),
        tokens(), 5 * (4 * 6 * (8 + 3) + 3 * 6),
    ),
    "GRU": (lambda: Run(lambda m, x: m.a(x), a=nn.GRU(8, 6, batch_first=True)),
            tokens(), 5 * 3 * 6 * (8 + 6)),
    "RNN, both ways": (
        lambda: Run(lambda m, x: m.a(x), a=nn.RNN(8, 6, batch_first=True, bidirectional=True)),
        tokens(), 2 * 5 * 6 * (8 + 6),
    ),
    "a recurrent cell": (
        lambda: Run(lambda m, x: m.a(m.a(x)), a=nn.GRUCell(8, 8)), torch.randn(3, 8), 2 * 3 * 8 * 16
    ),
    "a borrowed weight": (
        lambda: Run(lambda m, x: F.linear(x, m.a.weight), a=nn.Linear(8, 6)), tokens(), 5 * 8 * 6
    ),
    "a slice of a weight": (
        lambda: Run(lambda m, x: F.linear(x, m.a.weight[:4]), a=nn.Linear(8, 6)),
        tokens(), 5 * 8 * 4,
    ),
    "einsum": (
        lambda: Run(lambda m, x: torch.einsum("btc,hcd->bhtd", x, m.w), w=weight(2, 8, 3)),
        tokens(), 2 * 5 * 8 * 3,
    ),
    "in inference mode": (
        lambda: Run(inferred, a=nn.Linear(8, 6), w=weight(7, 6)), tokens(), 5 * 8 * 6 + 5 * 6 * 7
    ),
    "matmul": (lambda: Run(lambda m, x: x @ m.w, w=weight(8, 6)), tokens(), 5 * 8 * 6),
    "matmul with a vector": (lambda: Run(lambda m, x: x @ m.w, w=weight(8)), tokens(), 5 * 8),
    "bilinear": (
        lambda: Run(lambda m, x: m.a(x[..., :3], x), a=nn.Bilinear(3, 8, 4)),
        tokens(), 5 * 4 * 3 * 8,
    ),
    "tokens with tokens": (
        lambda: Run(lambda m, x: (x @ x.transpose(1, 2)).softmax(-1) @ x), tokens(), MIX
    ),
    "fused attention": (
        lambda: Run(lambda m, x: F.scaled_dot_product_attention(x, x, x, is_causal=True)),
        tokens()[:, None], MIX,
    ),
    "fused attention with grouped queries": (lambda: Run(grouped_queries), tokens(), MIX),
    "a module called twice": (
        lambda: Run(lambda m, x: m.a(m.a(x)), a=nn.Linear(8, 8)), tokens(), 2 * 5 * 8 * 8
    ),
    "two that share a weight": (tied, tokens(), 2 * 5 * 8 * 8),
    "a weight that is computed": (
        lambda: parametrizations.spectral_norm(nn.Linear(8, 6)), tokens(), 5 * 8 * 6
    ),
    "a weight that is orthogonal": (
        lambda: parametrizations.orthogonal(nn.Linear(8, 6)), tokens(), 5 * 8 * 6
    ),
    "constants": (
        lambda: Run(lambda m, x: x + torch.ones(5, 3) @ torch.ones(3, 8)), tokens(), 0
    ),
    "norms, sums and products of numbers": (
        lambda: Run(
            lambda m, x: F.normalize(m.a(x) * x + x.cumsum(1)).index_add(
                1, torch.tensor([0]), x[:, :1]
            ),
            a=nn.LayerNorm(8),
        ),
        tokens(), 0,
    ),
    "words": (
        lambda: Run(lambda m, x: m.a(x.abs().long()[..., 0]), a=nn.Embedding(9, 4)), tokens(), 0
    ),
}  # fmt: skip


def macs(work: Work, model: nn.Module) -> int:
    """All of what was counted, layers among it."""
    layers = dict(model.named_modules())
    inside = sum(calls * layers[name].weight.numel() for name, calls in work.calls.items())
    return inside + sum(each.macs for each in work.products)


@pytest.mark.parametrize("name", HAND)
def test_what_runs_is_counted_whatever_runs_it(name: str) -> None:
    make, x, expected = HAND[name]
    torch.manual_seed(0)
    model = make()
    assert macs(work_of(model, Batch(x)), model) == expected


UNKNOWN_TO_PYTORCH = (
    "LSTM", "RNN", "bilinear", "matmul with a vector", "a weight", "an encoder, some", "constants",
)  # fmt: skip
"""What its own counter leaves out, or counts though no sample comes to it."""


@pytest.mark.parametrize("name", [n for n in HAND if not n.startswith(UNKNOWN_TO_PYTORCH)])
def test_pytorch_counts_twice_as_many_floating_point_operations(name: str) -> None:
    make, x, expected = HAND[name]
    model = make().eval()
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        # It does not know the fused attention of the CPU.
        with (
            torch.no_grad(),
            sdpa_kernel(SDPBackend.MATH),
            FlopCounterMode(display=False) as counter,
        ):
            model(x[:1])
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    assert counter.get_total_flops() == 2 * expected


def test_fused_layers_are_fused_again_afterwards() -> None:
    work_of(encoder(), Batch(tokens()))
    assert torch.backends.mha.get_fastpath_enabled()


def test_work_belongs_to_the_module_that_runs_it_and_to_the_weight_that_it_is_done_with() -> None:
    model = nn.Sequential(encoder(), Run(lambda m, x: F.linear(x, m.a.weight), a=nn.Linear(8, 6)))
    work = work_of(model, Batch(tokens()))
    assert work.calls == {
        "0.self_attn.out_proj": 5, "0.linear1": 5, "0.linear2": 5, "1.a": 5
    }  # fmt: skip
    found = {(each.place, each.weight, each.between): each.macs for each in work.products}
    assert found == {
        ("0.self_attn", "0.self_attn.in_proj_weight", False): 5 * 8 * 3 * 8,
        ("0.self_attn", "", True): MIX,
    }


@torch.library.custom_op("leanfair_tests::own", mutates_args=())
def own(x: Tensor, w: Tensor) -> Tensor:
    return x @ w


UNCOUNTABLE: dict[str, tuple[Callable[[Any, Tensor], Tensor], str]] = {
    "distances": (lambda m, x: torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist"),
                  "aten::_cdist_forward"),
    "a solver": (lambda m, x: torch.linalg.solve(x.mT @ x + torch.eye(8), x.mT), "linalg_solve"),
    "an inverse": (lambda m, x: torch.linalg.inv(x.mT @ x + torch.eye(8)), "linalg_inv"),
    "a transform": (lambda m, x: torch.fft.fft(x).real, "aten::_fft_r2c"),
    "a sparse product": (lambda m, x: torch.sparse.mm(torch.eye(5).to_sparse(), x[0])[None],
                         "aten::_sparse_addmm"),
    "another library's": (lambda m, x: own(x, m.w), "leanfair_tests::own"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNCOUNTABLE)
def test_what_multiplies_without_a_count_is_refused_by_name_and_place(name: str) -> None:
    does, operation = UNCOUNTABLE[name]
    model = nn.Sequential(nn.Linear(8, 8), Run(does, w=weight(8, 8)))
    with pytest.raises(UnsupportedModelError, match=rf"Sequential runs \S*({operation})\S* in 1, "):
        work_of(model, Batch(tokens()))


def test_what_no_sample_comes_to_is_never_refused() -> None:
    model = Run(lambda m, x: x + torch.linalg.inv(torch.eye(8)) @ m.w, w=weight(8, 8))
    assert macs(work_of(model, Batch(tokens(8))), model) == 8**3  # it runs, on weights alone


def test_products_know_the_layers_that_feed_them_until_another_layer_reads_what_they_gave() -> None:
    def does(m: Any, x: Tensor) -> Tensor:
        mixed = m.w @ m.a(x).relu()  # tokens with tokens, channel by channel
        return x + m.b(mixed) @ m.v

    model = Run(does, a=nn.Linear(8, 6), b=nn.Linear(6, 8), w=weight(5, 5), v=weight(8, 8))
    work = work_of(model, Batch(tokens()))
    found = {each.weight: (set(each.feeders), each.macs) for each in work.products}
    assert found == {"w": ({"a"}, 5 * 5 * 6), "v": ({"b"}, 5 * 8 * 8)}


class Block(nn.Module):
    """A residual block with attention as PyTorch has it."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.other = nn.LayerNorm(8), nn.LayerNorm(8)
        self.attention, self.mlp = (
            attention(),
            nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8)),
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.other(x))


@pytest.mark.parametrize("only", ["neurons", "layer"])
def test_a_run_removes_the_share_of_macs_that_it_says_where_attention_is_pytorchs(only) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(*[Block() for _ in range(4)], nn.Flatten(), nn.Linear(40, 3)).eval()

    def by_hand(network: nn.Module) -> int:
        units = [part.mlp[0].out_features for part in network if isinstance(part, Block)]
        return 40 * 3 + sum(PROJECT + MIX + 2 * 5 * 8 * each for each in units)

    run = leanfair.prune(
        model, calibration=[torch.randn(16, 5, 8)], cut=0.3, criterion="l1", only=only,
        latency_batches=(),
    )  # fmt: skip
    before, after = by_hand(model), by_hand(run.model)
    assert run.summary["macs"] == {"before": before, "after": after}
    assert after <= 0.7 * before
