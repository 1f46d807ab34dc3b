"""The words and numbers of the figures of means: alt texts, arms, intervals."""

from collections.abc import Sequence

import pandas as pd

from trialstats.formatting import MINUS, format_interval, format_number
from trialstats.records import Record, distinct, find, is_synthetic, records
from trialstats.vocabulary import AVERAGE_OVER_VISITS, SYNTHETIC


def mean_profile_alt_text(rows: pd.DataFrame, *, title: str, unit: str) -> str:
    """Return what the means by visit show, in two sentences."""
    listed = records(rows, needs=("statistic", "visit", "group", "estimate"))
    means = by_visit(listed)
    visits = distinct(means, "visit")
    last = visits[-1] if visits else None
    ends = ", ".join(
        f"{r['group']} {estimate_text(r)}" for r in means if r["visit"] == last
    )
    text = (
        f"{title}: least-squares means of {unit} at {len(visits)} visits. "
        f"At {last}: {ends}{_difference_words(listed, last)}."
    )
    return _start(means) + text


def period_plot_alt_text(rows: pd.DataFrame, *, title: str, unit: str) -> str:
    """Return what the means by treatment show, in two sentences."""
    listed = records(rows, needs=("statistic", "group", "estimate", "contrast"))
    means = estimated(listed, "ls_mean")
    ends = ", ".join(f"{r['group']} {estimate_text(r)}" for r in means)
    visit = means[0].get("visit") if means else None
    text = (
        f"{title}: least-squares means of {unit} by treatment. "
        f"{ends}{_difference_words(listed, visit)}."
    )
    return _start(means) + text


def by_visit(listed: Sequence[Record]) -> list[Record]:
    """Return the means that stand at a visit, that over visits left out."""
    means = estimated(listed, "ls_mean")
    return [r for r in means if r["visit"] != AVERAGE_OVER_VISITS]


def estimated(listed: Sequence[Record], statistic: str) -> list[Record]:
    """Return the rows of a statistic that have an estimate."""
    return [r for r in find(listed, statistic=statistic) if r["estimate"] is not None]


def estimate_text(row: Record) -> str:
    """Return an estimate with two decimals."""
    return format_number(row["estimate"], 2, minus=MINUS)


def _difference_words(listed: Sequence[Record], visit: object) -> str:
    found = [
        r
        for r in find(listed, statistic="difference", visit=visit)
        if r["estimate"] is not None
    ]
    return "".join(
        f"; difference {estimate_text(r)} {interval_text(r)}, {r['contrast']}"
        for r in found
    )


def interval_text(row: Record) -> str:
    """Return an interval in brackets, empty when there is none."""
    if row["ci_lower"] is None or row["ci_upper"] is None:
        return ""
    return format_interval(
        row["ci_lower"], row["ci_upper"], 2, separator=" to ", minus=MINUS
    )


def _start(means: Sequence[Record]) -> str:
    return f"{SYNTHETIC}. " if is_synthetic(means) else ""


def arms_of(listed: Sequence[Record], means: Sequence[Record]) -> list[str]:
    """Return the arms in order of appearance, the control last."""
    control = control_of(listed)
    arms = [str(a) for a in distinct(means, "group")]
    return sorted(arms, key=lambda arm: arm == control)


def control_of(listed: Sequence[Record]) -> str | None:
    """Return the control that the contrasts name."""
    contrasts = distinct(find(listed, statistic="difference"), "contrast")
    return str(contrasts[0]).rpartition(" versus ")[2] if contrasts else None
