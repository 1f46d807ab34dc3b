"""Rows of the observed values: number, mean, standard deviation, median, range."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pandas as pd

from trialstats.analyses.trial_rows import Analysis, Row

#: What a study report prints of values, with the number of values that each needs.
MOMENTS: dict[str, tuple[Callable[[pd.Series], float], int]] = {
    "mean": (lambda seen: float(seen.mean()), 1),
    "standard_deviation": (lambda seen: float(seen.std()), 2),
    "median": (lambda seen: float(seen.median()), 1),
    "minimum": (lambda seen: float(seen.min()), 1),
    "maximum": (lambda seen: float(seen.max()), 1),
}

#: Beginning of the statistic, column of the measurements, and words.
SUMMARISED = {
    "value": ("AVAL", "value"),
    "baseline": ("BASE", "baseline"),
    "change": ("CHG", "change from baseline"),
}


def moments_by_arm(
    analysis: Analysis,
    rows: pd.DataFrame,
    *,
    which: Sequence[str],
    column: str = "TRT01P",
    **where: Any,
) -> Iterator[Row]:
    """Yield the moments of values, baselines or changes of each arm.

    Parameters
    ----------
    analysis : Analysis
    rows : DataFrame
        One row per subject.
    which : sequence of str
        Names of `SUMMARISED`; one without any value is left out.
    column : str
        Column of the arm.
    **where
        Other columns of the rows, such as the visit.
    """
    for name in which:
        source, words = SUMMARISED[name]
        if source not in rows or not rows[source].notna().any():
            continue
        for arm in analysis.arms:
            seen = rows.loc[rows[column] == arm, source].dropna().astype(float)
            yield from moment_rows_of(
                analysis, seen, name, f"Observed {words}", group=arm, **where
            )


def moment_rows_of(
    analysis: Analysis, seen: pd.Series, name: str, method: str, **where: Any
) -> Iterator[Row]:
    """Yield number and moments of values; the statistics begin with `name`."""
    yield analysis.row(
        f"{name}_n", estimate=len(seen), n_subjects=len(seen), method=method, **where
    )
    for statistic, (compute, needed) in MOMENTS.items():
        enough = len(seen) >= needed
        yield analysis.row(
            f"{name}_{statistic}",
            unit=analysis.unit,
            estimate=compute(seen) if enough else None,
            n_subjects=len(seen),
            method=method,
            not_estimable=None if enough else f"{len(seen)} values, {needed} needed.",
            **where,
        )
