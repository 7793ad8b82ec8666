"""PQ and the matrices between BT.709 and BT.2020, against published numbers and the formulas once more."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lossedu.data import bt709_to_bt2020, bt2020_to_bt709, codes, pq_decode, pq_encode


def row(*values: float, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.tensor(values, dtype=dtype).view(1, 1, 1, -1)


def color(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).view(1, 3, 1, 1)


def test_constants_are_those_of_the_standard() -> None:
    """As it prints them, in decimals."""
    assert float(codes.M1) == 0.1593017578125
    assert float(codes.M2) == 78.84375
    assert [float(c) for c in (codes.C1, codes.C2, codes.C3)] == [0.8359375, 18.8515625, 18.6875]
    assert codes.C1 == codes.C3 - codes.C2 + 1


@pytest.mark.parametrize(
    ("luminance", "code"),
    [(0, 7.309559e-07), (0.1, 0.0623), (1, 0.1499), (100, 0.508078), (1000, 0.751827), (4000, 0.902572), (10000, 1)],
)
def test_published_pairs(luminance: float, code: float) -> None:
    digits = 4 if code in (0.0623, 0.1499) else 6
    assert pq_encode(row(luminance)).item() == pytest.approx(code, abs=0.6 * 10**-digits, rel=1e-6)
    u = (luminance / 10000) ** (2610 / 16384)
    naive = ((3424 / 4096 + 2413 / 128 * u) / (1 + 2392 / 128 * u)) ** (2523 / 32)
    assert pq_encode(row(luminance)).item() == pytest.approx(naive, rel=1e-12)


def test_reference_white_and_grey_card() -> None:
    """ITU-R BT.2408, in percent of the code: 203 cd/m² is 58 %, and a card of 18 % with 26 cd/m² is 38 %."""
    assert (100 * pq_encode(row(203.0, 26.0))).round().flatten().tolist() == [58, 38]


def test_round_trips() -> None:
    luminance = row(*torch.logspace(-5, 4, 1000, dtype=torch.float64).tolist())
    torch.testing.assert_close(pq_decode(pq_encode(luminance)), luminance, rtol=1e-9, atol=1e-15)
    code = row(*torch.linspace(0.001, 1, 1000, dtype=torch.float64).tolist())
    torch.testing.assert_close(pq_encode(pq_decode(code)), code, rtol=1e-9, atol=0)
    assert (pq_encode(luminance).diff() > 0).all()
    single = pq_decode(pq_encode(luminance.float()))
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double()[..., 400:], luminance[..., 400:], rtol=1e-3, atol=0)
    assert pq_encode(row(50.0, dtype=torch.float16)).dtype == torch.float32


def test_outside_counts_as_the_nearest_end() -> None:
    assert pq_encode(row(-5.0, 2e4)).tolist() == pq_encode(row(0.0, 1e4)).tolist()
    assert pq_decode(row(-0.5, 0.0, 1.5)).flatten().tolist() == [0, 0, 10000]
    for function, values in ((pq_encode, (-5, 0, 2e4)), (pq_decode, (-0.5, 0.0, 5e-7, 1.5))):
        x = row(*values).requires_grad_()
        (grad,) = torch.autograd.grad(function(x).sum(), x)
        assert not grad.any()
        assert function(row(torch.nan)).isnan()


def test_gradients() -> None:
    assert torch.autograd.gradcheck(pq_encode, (row(0.5, 3, 100, 5000).requires_grad_(),))
    assert torch.autograd.gradcheck(pq_decode, (row(0.05, 0.3, 0.8).requires_grad_(),), eps=1e-8, rtol=1e-3)


def test_matrices_as_printed() -> None:
    """ITU-R BT.2087 and BT.2407, four decimals."""
    wider = [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
    narrower = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
    for function, printed in ((bt709_to_bt2020, wider), (bt2020_to_bt709, narrower)):
        columns = [function(color(*unit)).flatten() for unit in torch.eye(3).tolist()]
        torch.testing.assert_close(
            torch.stack(columns, 1), torch.tensor(printed, dtype=torch.float64), rtol=0, atol=1.01e-4
        )


def test_matrices_hold_what_they_must() -> None:
    x = torch.rand(2, 3, 5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    wide = bt709_to_bt2020(x)
    assert (wide >= 0).all()
    torch.testing.assert_close(bt2020_to_bt709(wide), x)
    for grey in (0.0, 0.3, 5000.0):
        torch.testing.assert_close(bt709_to_bt2020(color(grey, grey, grey)), color(grey, grey, grey))
    y709, y2020 = (torch.tensor(w, dtype=torch.float64) for w in ((0.2126, 0.7152, 0.0722), (0.2627, 0.6780, 0.0593)))
    light = [torch.einsum("nchw,c->nhw", z, w) for z, w in ((x, y709), (wide, y2020))]
    torch.testing.assert_close(*light, rtol=0, atol=1e-4)  # of rounded weights
    assert bt2020_to_bt709(color(0, 1, 0)).min() < 0  # a green that BT.709 cannot show


def test_bad_input() -> None:
    with pytest.raises(ValueError, match=r"x must have 3 channels \(linear RGB\), got shape \(1, 1, 1, 1\)"):
        bt709_to_bt2020(row(1.0))
    for function in (pq_encode, pq_decode, bt709_to_bt2020, bt2020_to_bt709):
        with pytest.raises(TypeError, match="floating"):
            function(torch.zeros(1, 3, 2, 2, dtype=torch.uint8))
        with pytest.raises(ValueError, match=r"\(N, C, H, W\)"):
            function(torch.zeros(3, 2, 2))
