"""Rows of whole survival curves: every step, every censored time, those at risk."""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from trialstats.analyses.trial_rows import Analysis, Row
from trialstats.records import Record, records
from trialstats.survival import KaplanMeier
from trialstats.vocabulary import time_label

#: Distinct times of a curve that get a row of their own; a longer curve is thinned.
MOST_TIMES = 2000

#: Intervals between the times at which those at risk are counted, about so many.
_INTERVALS = 6


def curve_rows(
    analysis: Analysis,
    curves: Mapping[str, KaplanMeier],
    *,
    times: Sequence[float],
    unit: str,
    method: str,
) -> Iterator[Row]:
    """Yield the steps of each curve, and how many are at risk at round times.

    Parameters
    ----------
    analysis : Analysis
    curves : mapping of str to KaplanMeier
        The curve of each arm.
    times : sequence of float
        When those at risk are counted; round times when there are none.
    unit : str
        Unit of the times.
    method : str
        How the curves are estimated, in words.

    Yields
    ------
    dict
        For each arm and distinct time a ``survival_step`` with those at risk just
        before, and ``curve_events`` and ``curve_censored`` where there are any;
        ``n_at_risk`` at 0 and the times after it.
    """
    longest = max(float(c.curve["time"].iloc[-1]) for c in curves.values())
    asked = sorted({0.0, *map(float, times)}) if times else round_times(longest)
    for arm in analysis.arms:
        yield from _steps(analysis, arm, curves[arm], unit, method)
        for time in asked:
            label = time_label(time, unit)
            yield analysis.row(
                "n_at_risk",
                key=[_key(label)],
                group=arm,
                subgroup=label,
                estimate=_at_risk(curves[arm], time),
                n_subjects=curves[arm].n,
                method="Number of subjects whose time is not shorter",
            )


def _at_risk(curve: KaplanMeier, time: float) -> int:
    """Return how many have their event or censoring at a time or later."""
    own = curve.curve
    place = int(np.searchsorted(own["time"].to_numpy(), time, side="left"))
    return int(own["n_at_risk"].iloc[place]) if place < len(own) else 0


def round_times(longest: float) -> list[float]:
    """Return evenly spaced round times from 0 to about the longest.

    >>> round_times(11.3), round_times(0.0)
    ([0.0, 2.0, 4.0, 6.0, 8.0, 10.0], [0.0])
    >>> round_times(187.0)
    [0.0, 50.0, 100.0, 150.0]
    """
    if longest <= 0:
        return [0.0]
    power = 10.0 ** math.floor(math.log10(longest / _INTERVALS))
    steps = [factor * power for factor in (1, 2, 5, 10)]
    step = min(steps, key=lambda s: abs(longest / s - _INTERVALS))
    # Twelve digits, so that 0.1 + 0.2 is 0.3.
    return [float(f"{i * step:.12g}") for i in range(math.floor(longest / step) + 1)]


def _steps(
    analysis: Analysis, arm: str, curve: KaplanMeier, unit: str, method: str
) -> Iterator[Row]:
    kept, said = _thinned(curve.curve)
    for found in records(kept):
        label = time_label(found["time"], unit)
        where: Row = {"key": [_key(label)], "group": arm, "subgroup": label}
        at_risk = int(found["n_at_risk"])
        bounded = found["ci_lower"] is not None
        yield analysis.row(
            "survival_step",
            **where,
            estimate=found["survival"],
            standard_error=found["standard_error"],
            confidence_level=analysis.level if bounded else None,
            ci_lower=found["ci_lower"],
            ci_upper=found["ci_upper"],
            n_subjects=at_risk,
            method=f"{method}; n_subjects are those at risk{said}",
        )
        yield from _counts(analysis, found, where, at_risk, said)


def _counts(
    analysis: Analysis, found: Record, where: Row, at_risk: int, said: str
) -> Iterator[Row]:
    for statistic, column, words in (
        ("curve_events", "n_events", "Number of events at the time"),
        ("curve_censored", "n_censored", "Number of subjects censored at the time"),
    ):
        if found[column]:
            yield analysis.row(
                statistic,
                **where,
                estimate=int(found[column]),
                n_subjects=at_risk,
                method=f"{words}{said}",
            )


def _thinned(curve: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return the times that get a row, and words where they are not all.

    Events and censored subjects between two of them count at the later one.
    """
    if len(curve) <= MOST_TIMES:
        return curve, ""
    places = np.unique(np.linspace(0, len(curve) - 1, MOST_TIMES).round().astype(int))
    kept = curve.iloc[places].copy()
    for column in ("n_events", "n_censored"):
        total = curve[column].cumsum().to_numpy()[places]
        kept[column] = np.diff(total, prepend=0)
    words = (
        f"; {len(places)} of the {len(curve)} distinct times have rows, counts reach "
        "back to the time before"
    )
    return kept, words


def _key(label: str) -> str:
    """Return a part of a key that tells 1.5 from 15 and from -1."""
    return label.replace(".", "p").replace("-", "minus")
