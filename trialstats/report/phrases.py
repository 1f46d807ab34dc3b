"""Sentences, and how they print the numbers of a row."""

from collections.abc import Mapping
from dataclasses import dataclass

from trialstats.formatting import format_level, format_p_value
from trialstats.records import Record
from trialstats.tables.cells import (
    effect_digits,
    interval_text,
    number_text,
    printed_value,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and the ``row_id`` of every row it speaks of.

    `key` sentences stand in the summary; the others in the section only. `given` says
    where numbers are from that stand in no row.
    """

    text: str
    rows: tuple[str, ...] = ()
    key: bool = True
    given: str = ""


def estimate_text(record: Record) -> str:
    """Return "0.03 (95% CI -5.21 to 5.27; p = 0.950)" with what there is of it."""
    words = format_level(record["confidence_level"])
    limits = f"{words} {limits_text(record)}" if record["ci_lower"] is not None else ""
    test = p_text(record) if record["p_value"] is not None else ""
    brackets = "; ".join(part for part in (limits, test) if part)
    return f"{point_text(record)} ({brackets})" if brackets else point_text(record)


def p_text(record: Record) -> str:
    """Return "p = 0.030" or "p <0.001"."""
    printed = format_p_value(record["p_value"])
    return f"p {'' if printed[:1] in '<>' else '= '}{printed}"


def point_text(record: Record) -> str:
    """Return the estimate as it is printed."""
    return number_text(printed_value(record, "estimate"), effect_digits(record))


def limits_text(record: Record, digits: int | None = None) -> str:
    """Return "-5.21 to 5.27"."""
    return interval_text(
        printed_value(record, "ci_lower"),
        printed_value(record, "ci_upper"),
        effect_digits(record) if digits is None else digits,
    )


def count_text(record: Record, before: str, after: str = "") -> str:
    """Return the number of participants between two texts; nothing where unknown."""
    n = record["n_subjects"]
    return "" if n is None else f"{before}{n}{after}"


def label_of(record: Record, labels: Mapping[str, str]) -> str:
    """Return author and year of the trial of a row."""
    return labels.get(record["trial"], str(record["trial"]))


def ids(*rows: Record) -> tuple[str, ...]:
    """Return the ``row_id`` of rows."""
    return tuple(str(r["row_id"]) for r in rows)
