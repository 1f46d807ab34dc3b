"""Axes: limits that show the trials, and round ticks whose labels fit."""

import math
from itertools import pairwise

import pytest

from trialstats.figures.axis import Axis, limits
from trialstats.figures.canvas import text_width

SIZE = 9.0


def labels(low, high, *, log=False, width=300):
    ends = (math.log(low), math.log(high)) if log else (low, high)
    axis = Axis(*ends, 0.0, width, log=log)
    return [label for _, label in axis.ticks(SIZE)]


def number(label):
    """Return the value of a label, which may be a power of ten."""
    mantissa, _, power = label.rpartition("10")
    superscripts = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
    exponent = power.translate(superscripts)
    if not power or exponent == power:
        return float(label)
    return float(f"{mantissa.rstrip('×') or 1}e{exponent}")


def test_ticks_of_huge_and_tiny_units_are_powers():
    assert labels(-2.2e-9, 1e-9) == ["−2×10⁻⁹", "−10⁻⁹", "0", "10⁻⁹"]
    assert labels(0, 3.4e12) == ["0", "10¹²", "2×10¹²", "3×10¹²"]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.3, 3.2, ["0.3", "0.5", "0.7", "1.0", "1.5", "2.0", "3.0"]),
        (0.45, 140, ["0.5", "1", "2", "5", "10", "20", "50", "100"]),
        (0.02, 60, ["0.03", "0.1", "0.3", "1", "3", "10", "30"]),
        (1e-6, 1e6, ["0.0001", "0.01", "1", "100", "10000", "1000000"]),
    ],
)
def test_ticks_of_ratios_hold_one_and_are_round(low, high, expected):
    found = labels(low, high, log=True)
    assert "1" in [f.rstrip("0").rstrip(".") if "." in f else f for f in found]
    values, wanted = [number(f) for f in found], [float(e) for e in expected]
    # Which of the round sets fits depends on the width; each is among 1-2-3-5-7.
    assert 3 <= len(values) <= 9
    assert low <= min(values) < max(values) <= high
    digits = {f"{v:e}"[:3] for v in values}
    assert digits <= {"1.0", "1.5", "2.0", "3.0", "5.0", "7.0"}
    assert len(set(values) & set(wanted)) >= 3


def test_a_short_ratio_axis_has_even_ticks():
    assert labels(0.84, 1.12, log=True) == [
        "0.85",
        "0.90",
        "0.95",
        "1.00",
        "1.05",
        "1.10",
    ]


def test_even_ticks_share_their_decimals():
    assert labels(-1.1, 1.6) == ["−1.0", "−0.5", "0.0", "0.5", "1.0", "1.5"]


@pytest.mark.parametrize("width", [60, 120, 300, 900])
@pytest.mark.parametrize("ends", [(-0.004, 0.003), (-5.5, 5.4), (-3000, 12000)])
def test_labels_leave_a_gap(width, ends):
    ticks = Axis(*ends, 0.0, width).ticks(SIZE)
    for (x, left), (y, right) in pairwise(ticks):
        assert y - x > (text_width(left, SIZE) + text_width(right, SIZE)) / 2


def test_one_wide_trial_does_not_squeeze_the_others():
    narrow = [(-0.5, 0.5)] * 4
    low, high = limits([*narrow, (-50.0, 60.0)], [], [0.0, 5.0])
    # The estimate of the wide trial, 5, is inside; its limits are not.
    assert high > 5.0
    assert low > -5.0


def test_the_pooled_interval_widens_the_axis_up_to_five_spans():
    trials = [(-0.95, 0.27), (-0.32, 1.30)]
    assert limits(trials, [(-5.21, 5.27)], [0.0])[1] > 5.27
    assert limits(trials, [(-50.0, 50.0)], [0.0])[1] < 5.0


def test_no_effect_stays_inside_with_room_on_both_sides():
    low, high = limits([(1.0, 2.0)], [], [1.5], side=0.25)
    assert low < 0 < high
    assert -low / (high - low) == pytest.approx(0.25, abs=0.03)
