"""Rows of the covariance of two contrasts that share the control arm of a trial.

A synthesis needs them: two doses against one control are not two independent effects.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from trialstats.analyses.trial_rows import Analysis, Row, squared


def pairs_of(treatments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Return every two treatments, in their order; none when there is one."""
    return combinations(treatments, 2)


def covariance_row(
    analysis: Analysis,
    statistic: str,
    pair: tuple[str, str],
    covariance: float | None,
    *,
    method: str,
    unit: str | None = None,
    not_estimable: str = "One of the two contrasts has no standard error.",
    **values: Any,
) -> Row:
    """Return the covariance of two contrasts with the control.

    Parameters
    ----------
    analysis : Analysis
    statistic : str
        Of the rows of the contrasts, such as ``difference``; stands under `subgroup`.
    pair : tuple of str
        The treatments: the first stands in `contrast`, the second in `group`.
    covariance : float or None
        On the scale of these rows; None or NaN when there is none.
    method : str
        How the contrasts were estimated, in words.
    unit : str, optional
        Unit of the contrasts.
    not_estimable : str
        Why there is no covariance, where there is none.
    **values
        Other columns.
    """
    first, second = pair
    contrast = analysis.contrast(first)
    absent = covariance is None or math.isnan(covariance)
    return analysis.row(
        "contrast_covariance",
        key=[contrast, statistic],
        group=second,
        contrast=contrast,
        subgroup=statistic,
        unit=squared(unit),
        estimate=None if absent else covariance,
        method=f"{method}; covariance with {analysis.contrast(second)}",
        not_estimable=not_estimable if absent else None,
        **values,
    )
