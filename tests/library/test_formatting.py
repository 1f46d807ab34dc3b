"""Printing: rounding half away from zero, no negative zero, p-values never 0 or 1."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialstats.formatting import (
    format_interval,
    format_number,
    format_p_value,
    format_percent,
    natural,
)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.125, 2, "0.13"),  # binary-exact half: away from zero, as SAS prints it
        (-0.125, 2, "-0.13"),
        (2.675, 2, "2.68"),  # a half as people write it, though not in binary
        (1e22, 0, "1" + 22 * "0"),
        (1e120, 2, "1" + 120 * "0" + ".00"),
        (-0.0004, 3, "0.000"),
        (float("inf"), 2, "Inf"),
        (float("-inf"), 2, "-Inf"),
        (None, 2, "NE"),
    ],
)
def test_numbers(value, digits, text):
    assert format_number(value, digits) == text


@given(st.floats(-1e6, 1e6), st.integers(0, 6))
def test_a_printed_number_is_within_half_a_step(value, digits):
    printed = format_number(value, digits)
    assert not printed.startswith("-0") or float(printed) != 0
    step = Decimal(1).scaleb(-digits)
    assert abs(Decimal(printed) - Decimal(repr(value))) <= step / 2


def test_other_forms():
    assert format_p_value(0.9994) == ">0.999"
    assert format_p_value(0.99) == "0.990"
    assert format_interval(None, 1.0) == "NE"
    assert format_interval(-1.0, 2.0, 1, separator=" to ", brackets="[]") == (
        "[-1.0 to 2.0]"
    )
    assert format_percent(0.125) == "13%"
    assert natural(1000.0, "log") == float("inf")
