"""Functions of text, and what turns text and numbers into each other."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trialstats.expressions.operands import (
    EXACT_BELOW,
    Kind,
    Operand,
    flag,
    flags,
    number,
    text,
)
from trialstats.expressions.refusals import RefusalError

Options = Mapping[str, Any]

#: Characters that a computed text may have: as many as the cell of a spreadsheet.
LONGEST = 32_767

#: Characters that all rows of a computed text may have together.
LARGEST = 2_000_000_000

_NOTHING = pa.scalar("", pa.large_string())

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"

#: Between these, and whole below the second, Arrow writes a number as Python does.
_PLAIN_FROM, _PLAIN_TO = 1e-4, 1e9


def array_of(data: Any) -> Any:
    """Return text as an array, one value as an array of one."""
    return pa.array([data.as_py()], data.type) if isinstance(data, pa.Scalar) else data


def like(data: Any, result: Any) -> Any:
    """Return a result as one value where the text was one value."""
    return result[0] if isinstance(data, pa.Scalar) else result


def upper(operands: Sequence[Operand], options: Options) -> Operand:
    """Return text in capitals, letter by letter."""
    return text(pc.utf8_upper(operands[0].data))


def lower(operands: Sequence[Operand], options: Options) -> Operand:
    """Return text in small letters, letter by letter."""
    return text(pc.utf8_lower(operands[0].data))


def strip(operands: Sequence[Operand], options: Options) -> Operand:
    """Return text without white space at both ends."""
    return text(pc.utf8_trim_whitespace(operands[0].data))


def contains(operands: Sequence[Operand], options: Options) -> Operand:
    """Return whether a text holds another."""
    data = operands[0].data
    return flag(flags(pc.match_substring(data, pattern=options["text"])))


def starts_with(operands: Sequence[Operand], options: Options) -> Operand:
    """Return whether a text begins with another."""
    data = operands[0].data
    return flag(flags(pc.starts_with(data, pattern=options["text"])))


def ends_with(operands: Sequence[Operand], options: Options) -> Operand:
    """Return whether a text ends with another."""
    data = operands[0].data
    return flag(flags(pc.ends_with(data, pattern=options["text"])))


def replaced(operands: Sequence[Operand], options: Options) -> Operand:
    """Return text with every occurrence of one text replaced by another."""
    data, old, new = operands[0].data, options["old"], options["new"]
    grown = len(new) - len(old)
    if grown > 0:
        found = pc.cast(pc.count_substring(data, pattern=old), pa.int64())
        length = pc.cast(pc.utf8_length(data), pa.int64())
        _check_size(pc.add(length, pc.multiply(found, grown)), "replace(…)")
    return text(pc.replace_substring(data, pattern=old, replacement=new))


def joined(left: Any, right: Any) -> Operand:
    """Return two texts one after the other; missing when either is."""
    lengths = [pc.cast(pc.utf8_length(data), pa.int64()) for data in (left, right)]
    _check_size(pc.add(*lengths), "+")
    return text(pc.binary_join_element_wise(left, right, _NOTHING))


def _check_size(lengths: Any, where: str) -> None:
    """Refuse texts that would fill the memory, before they are made."""
    values = array_of(lengths)
    longest = pc.max(values).as_py() or 0
    largest = pc.sum(values).as_py() or 0
    if longest > LONGEST or largest > LARGEST:
        raise RefusalError(
            f"{where} makes a text of {longest} characters ({largest} in all rows)",
            f"at most {LONGEST} are allowed ({LARGEST} in all rows)",
        )


def part(operands: Sequence[Operand], options: Options) -> Operand:
    """Return one of the parts of a text between separators; the first is 1."""
    data, wanted = operands[0].data, options["number"]
    pieces = pc.split_pattern(
        array_of(data), pattern=options["separator"], max_splits=wanted
    )
    lengths = pc.fill_null(pc.list_value_length(pieces), 0).to_numpy()
    # The offsets say where the parts of each row begin in one long list of parts.
    begins = pieces.offsets.to_numpy()[:-1]
    there = lengths >= wanted
    places = pa.array(np.where(there, begins + wanted - 1, 0), mask=~there)
    return text(like(data, pieces.values.take(places)))


def as_number(operands: Sequence[Operand], options: Options) -> Operand:
    """Return text as numbers; text that is no number is missing."""
    operand = operands[0]
    if operand.kind is Kind.NUMBER:
        return operand
    trimmed = pc.utf8_trim_whitespace(array_of(operand.data))
    written = pc.fill_null(pc.match_substring_regex(trimmed, _NUMBER), False)
    digits = pc.if_else(written, trimmed, pa.scalar(None, trimmed.type))
    values = pc.cast(digits, pa.float64()).to_numpy(zero_copy_only=False)
    return number(like(operand.data, values))


def as_text(operands: Sequence[Operand], options: Options) -> Operand:
    """Return numbers and dates as text.

    A number has the fewest digits that name it, a whole number no point; a date is
    ISO, with the time of day where there is one.
    """
    operand = operands[0]
    if operand.kind is Kind.TEXT:
        return operand
    values = np.atleast_1d(operand.data)
    write = _write_numbers if operand.kind is Kind.NUMBER else _write_dates
    result = write(values)
    return text(result[0] if np.ndim(operand.data) == 0 else result)


def _write_numbers(values: Any) -> Any:
    size = np.abs(values)
    whole = (values == np.floor(values)) & (size < EXACT_BELOW)
    plain = ~whole & (size >= _PLAIN_FROM) & (size < _PLAIN_TO)
    other = ~whole & ~plain & ~np.isnan(values)
    integers = pa.array(np.where(whole, values, 0.0).astype("int64"), mask=~whole)
    fractions = pa.array(values, mask=~plain)
    written = pc.coalesce(
        pc.cast(integers, pa.large_string()), pc.cast(fractions, pa.large_string())
    )
    if not other.any():
        return written
    distinct, codes = np.unique(values[other], return_inverse=True)
    names = [repr(float(value)).removesuffix(".0") for value in distinct]
    texts = pa.array(names, pa.large_string())
    places = np.zeros(len(values), dtype="int64")
    places[other] = codes
    return pc.coalesce(written, texts.take(pa.array(places, mask=~other)))


def _write_dates(values: Any) -> Any:
    days = values.astype("datetime64[D]")
    at_midnight = (days == values) | np.isnat(values)
    written = pc.cast(pa.array(days), pa.large_string())
    if at_midnight.all():
        return written
    moments = pc.cast(pa.array(values), pa.large_string())
    moments = pc.replace_substring(moments, pattern=" ", replacement="T")
    return pc.if_else(pa.array(at_midnight), written, moments)
