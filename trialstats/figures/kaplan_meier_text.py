"""The words of Kaplan-Meier curves: cells above, results below, and the alt text."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from trialstats.figures.canvas import wrap
from trialstats.formatting import (
    format_level,
    format_number,
    format_p_value,
    format_percent,
    natural,
)
from trialstats.records import Record, distinct, find, is_synthetic, one, records
from trialstats.vocabulary import SYNTHETIC

NOT_REACHED = "not reached"

#: Decimals of p-values.
_DIGITS_OF_P = 4


@dataclass(frozen=True, slots=True)
class Words:
    """Text, with the rows of the numbers in it."""

    text: str
    rows: tuple[str, ...] = ()


def summary_cells(own: Sequence[Record]) -> list[Words]:
    """Return participants, events, censored and median of one arm."""
    counts = []
    for statistic in ("events", "censored"):
        row = one(own, statistic=statistic)
        if row is None or row["estimate"] is None:
            counts.append(Words(""))
            continue
        share = row["estimate"] / row["n_subjects"] if row["n_subjects"] else None
        text = f"{format_number(row['estimate'], 0)} ({format_percent(share)})"
        counts.append(Words(text, (str(row["row_id"]),)))
    n = one(own, statistic="n_analysed")
    number = (
        Words("")
        if n is None
        else Words(format_number(n["estimate"], 0), (str(n["row_id"]),))
    )
    median = one(own, statistic="median_time")
    if median is None:
        return [number, *counts, Words("")]
    return [number, *counts, Words(median_words(median), (str(median["row_id"]),))]


def median_words(row: Record) -> str:
    """Return a median with its limits, as far as the curve reaches them."""
    ends = [row["ci_lower"], row["ci_upper"]]
    if row["estimate"] is None and ends == [None, None]:
        return NOT_REACHED
    texts = [
        NOT_REACHED if value is None else format_number(value, 1)
        for value in (row["estimate"], *ends)
    ]
    return f"{texts[0]} ({texts[1]} to {texts[2]})"


def interval_words(row: Record) -> str:
    """Return a hazard ratio with its interval and p-value, or why there is none."""
    if row["estimate"] is None:
        return f"not estimable: {row['not_estimable']}".rstrip(".")
    text = format_number(natural(row["estimate"], row["scale"]), 2)
    if row["ci_lower"] is not None and row["ci_upper"] is not None:
        ends = [
            format_number(natural(row[end], row["scale"]), 2)
            for end in ("ci_lower", "ci_upper")
        ]
        level = format_level(row["confidence_level"])
        text = f"{text} ({level} {ends[0]} to {ends[1]})"
    return f"{text}, p {_p_words(row)}" if row["p_value"] is not None else text


def _p_words(row: Record) -> str:
    text = format_p_value(row["p_value"], _DIGITS_OF_P)
    return f"{text[0]} {text[1:]}" if text[0] in "<>" else f"= {text}"


def result_lines(listed: Sequence[Record], size: float, width: float) -> list[Words]:
    """Return hazard ratios and the log-rank test in lines that fit a width."""
    found = []
    for row in find(listed, statistic="hazard_ratio"):
        text = f"Hazard ratio, {row['contrast']}: {interval_words(row)}."
        found.append((text, row))
    for row in find(listed, statistic="log_rank_test"):
        words = (
            f"not estimable: {row['not_estimable']}".rstrip(".")
            if row["p_value"] is None
            else f"p {_p_words(row)}"
        )
        found.append((f"{row['method']}: {words}.", row))
    return [
        Words(line, (str(row["row_id"]),))
        for text, row in found
        for line in wrap(text, size, width)
    ]


def kaplan_meier_alt_text(rows: pd.DataFrame, *, title: str) -> str:
    """Return medians, hazard ratios and the log-rank test in sentences."""
    listed = records(rows, needs=("statistic", "group"))
    start = f"{SYNTHETIC}. " if is_synthetic(listed) else ""
    arms = distinct(find(listed, statistic="survival_step"), "group")
    parts = []
    for arm in arms:
        cells = summary_cells(find(listed, group=arm))
        parts.append(
            f"{arm}: {cells[0].text} participants, {cells[1].text} with the event, "
            f"median {cells[3].text}"
        )
    ends = [line.text for line in result_lines(listed, 1.0, 1e6)]
    said = f"{title}: Kaplan-Meier curves of {len(arms)} arms. {'; '.join(parts)}."
    return " ".join([f"{start}{said}", *ends])
