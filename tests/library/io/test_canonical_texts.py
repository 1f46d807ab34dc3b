"""The one text of every value, against Python's own writing."""

import datetime as dt

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from trialstats.io.canonical import clock_text, moments, numbers, without_blanks
from trialstats.raw import CELL, DATE, NUMBER

FLOATS = st.one_of(
    st.floats(),
    st.integers(-(2**70), 2**70).map(float),
    st.decimals(-10_000, 10_000, places=3).map(float),
)


@given(values=st.lists(FLOATS))
def test_numbers_are_written_as_python_writes_them(values):
    found = numbers(np.array(values, np.float64)).to_pylist()
    for value, text in zip(values, found, strict=True):
        if value != value:
            assert text is None
        else:
            assert float(text) == value
            assert text == repr(value + 0.0).removesuffix(".0")


@given(values=st.lists(st.floats(width=32)))
def test_numbers_of_32_bits_have_their_own_digits(values):
    found = numbers(np.array(values, np.float32)).to_pylist()
    for value, text in zip(values, found, strict=True):
        if value != value:
            assert text is None
        else:
            assert np.float32(text) == np.float32(value)
            # Seven to nine digits say which of these numbers it is.
            assert len(text.lstrip("-").replace(".", "").split("e")[0].strip("0")) <= 9


@given(values=st.lists(st.datetimes()))
def test_moments_are_written_as_python_writes_them(values):
    # To the millisecond: a double holds no microseconds of the year 9999.
    rounded = [v.replace(microsecond=v.microsecond // 1000 * 1000) for v in values]
    zero = dt.datetime(1960, 1, 1)
    seconds = [(v - zero) / dt.timedelta(seconds=1) for v in rounded]
    origin = int((zero - dt.datetime(1970, 1, 1)).total_seconds())
    found, kinds = moments(np.array(seconds, np.float64), origin=origin)
    for value, text in zip(rounded, found.to_pylist(), strict=True):
        midnight = value.time() == dt.time()
        expected = value.date().isoformat() if midnight else value.isoformat()
        expected = expected.rstrip("0") if value.microsecond else expected
        assert text == expected
    assert set(kinds.tolist()) <= {DATE}


@given(days=st.floats(allow_nan=False))
def test_what_is_outside_the_calendar_stays_a_number(days):
    found, kinds = moments(np.array([days]), origin=0, unit=86_400)
    if -719_162 <= days < 2_932_897:
        assert kinds.tolist() == [DATE]
    else:
        assert kinds.tolist() == [NUMBER]
        assert float(found[0].as_py()) == days


@given(microseconds=st.integers(-(10**14), 10**14))
def test_clock_texts_read_back(microseconds):
    text = clock_text(microseconds / 1e6)
    hours, minutes, seconds = text.lstrip("-").split(":")
    whole, _, fraction = seconds.partition(".")
    total = (int(hours) * 60 + int(minutes)) * 60 + int(whole)
    total = total * 1_000_000 + int(fraction.ljust(6, "0") or 0)
    assert (-total if text.startswith("-") else total) == microseconds


@given(values=st.lists(st.one_of(st.none(), st.text())))
def test_blank_cells_are_those_that_strip_to_nothing(values):
    encodable = [v for v in values if v is None or v.isprintable() or v.isspace()]
    found = without_blanks(pa.array(encodable, CELL)).to_pylist()
    assert found == [v if v and v.strip() else None for v in encodable]
