"""Numbers of published tables that can hardly be meant.

A standard error in the place of a standard deviation, an effect beyond belief, a value
that its scale does not have. Nothing is refused: a warning says what looks wrong and
where to look again.
"""

import math
import re
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

import pandas as pd

from trialstats.clean.canonical import plain_number
from trialstats.cleaning_rows import PUBLISHED_WARNINGS
from trialstats.records import Record, records
from trialstats.rows import frame_of

#: Standardised differences and ratios beyond which an effect is hardly one: three
#: standard deviations, and twentyfold.
LARGEST_SMD, LARGEST_RATIO = 3.0, 20.0

#: How many times smaller than expected a standard deviation must be before it is taken
#: for a standard error, beside being smaller by about the root of n. Chance does not
#: make it so small: with ten subjects its own error is about a quarter.
LEAST_RATIO = 2.5

#: Subjects of an arm from which on error and deviation can be told apart.
LEAST_SUBJECTS = 8

#: What rounding of a printed mean and deviation may add.
_ROUNDING = 1.05

#: Types of results whose means and deviations are those of the arms.
_OF_ARMS = ("final", "change")

_RATIOS = ("RR", "OR", "HR", "IRR")
_ARMS = ("ldn", "placebo")

_RANGE = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?) ?(?:-|\u2013|to) ?(\d+(?:\.\d+)?)")

#: What a warning says of a row: kind, column, value, finding, what to look at.
Found = Iterator[tuple[str, str, float, str, str]]


def published_warnings(effects: pd.DataFrame) -> pd.DataFrame:
    """Return what looks wrong in the published results.

    Parameters
    ----------
    effects : DataFrame
        Schema `evidence_rows.EFFECTS`.

    Returns
    -------
    DataFrame
        Schema `cleaning_rows.PUBLISHED_WARNINGS`, in the order of the rows. Kinds are
        ``SD may be a standard error``, ``implausible effect``, ``SD beyond the scale``
        and ``value outside the scale``.
    """
    listed = records(effects)
    rows = []
    for row in listed:
        for kind, column, value, finding, look in _of_row(row, listed):
            rows.append(
                {
                    **{name: row[name] for name in _COPIED},
                    "kind": kind,
                    "column": column,
                    "value": value,
                    "finding": finding,
                    "look": look,
                }
            )
    return frame_of(rows, PUBLISHED_WARNINGS)


_COPIED = ("trial", "label", "endpoint", "outcome", "file", "row")


def _of_row(row: Record, listed: Sequence[Record]) -> Found:
    if row["type"] == "binary":
        yield from _ratios(row)
        return
    yield from _published_effects(row)
    if row["type"] in _OF_ARMS:
        yield from _deviations_of_others(row, listed)
        yield from _deviations_of_interval(row)
        yield from _standardised(row)
    if "%" not in f"{row['scale']}{row['type']}" and "percent" not in row["type"]:
        yield from _scale(row)


def _arms(row: Record) -> Iterator[tuple[str, float, float]]:
    """Yield the arms with a standard deviation and enough subjects."""
    for arm in _ARMS:
        deviation, n = row[f"sd_{arm}"], row[f"n_{arm}"]
        if deviation is not None and n is not None and n >= LEAST_SUBJECTS:
            yield arm, float(deviation), float(n)


def is_error(ratio: float, n: float) -> bool:
    """Return whether a deviation `ratio` times too small is so by the root of n.

    >>> is_error(6.8, 50), is_error(2.0, 50), is_error(30.0, 50)
    (True, False, False)
    """
    root = math.sqrt(n)
    return ratio >= LEAST_RATIO and root / 2 <= ratio <= 2 * root


def _deviations_of_others(row: Record, listed: Sequence[Record]) -> Found:
    """Hold deviations against those of other trials on the same scale."""
    alike = [
        float(other[f"sd_{arm}"])
        for other in listed
        for arm in _ARMS
        if other["trial"] != row["trial"]
        and _same(other, row, ("endpoint", "scale", "type"))
        and other[f"sd_{arm}"] is not None
    ]
    if not alike or not row["scale"]:
        return
    usual = median(alike)
    for arm, deviation, n in _arms(row):
        if is_error(usual / deviation, n):
            yield _may_be_error(
                arm,
                deviation,
                n,
                f"other trials of {row['endpoint']} have {usual:.3g} on this scale",
            )


def _same(one: Record, other: Record, names: Sequence[str]) -> bool:
    return all(
        str(one[name]).casefold() == str(other[name]).casefold() for name in names
    )


def _deviations_of_interval(row: Record) -> Found:
    """Hold deviations against the interval of the difference that stands beside."""
    arms = list(_arms(row))
    lower, upper = row["ci_lower"], row["ci_upper"]
    if len(arms) < 2 or lower is None or upper is None:
        return
    error = (upper - lower) / (2 * 1.96)
    own = math.sqrt(sum(deviation**2 / n for _, deviation, n in arms))
    typical = math.sqrt(math.prod(n for _, _, n in arms))
    if is_error(error / own, typical):
        for arm, deviation, n in arms:
            yield _may_be_error(
                arm,
                deviation,
                n,
                f"the interval of the difference, {lower:g} to {upper:g}, is "
                f"{error / own:.2g} times as wide as it gives",
            )


def _may_be_error(
    arm: str, deviation: float, n: float, why: str
) -> tuple[str, str, float, str, str]:
    return (
        "SD may be a standard error",
        f"sd_{arm}",
        deviation,
        f"{deviation:g} with n = {n:.0f}: {why}",
        "whether the source prints the standard error; the SD would be "
        f"{deviation * math.sqrt(n):.3g}",
    )


def _standardised(row: Record) -> Found:
    means = [row[f"mean_{arm}"] for arm in _ARMS]
    deviations = [row[f"sd_{arm}"] for arm in _ARMS]
    if None in means or None in deviations:
        return
    sizes = [row[f"n_{arm}"] or 2 for arm in _ARMS]
    freedom = [max(n - 1, 1) for n in sizes]
    pairs = zip(freedom, deviations, strict=True)
    pooled = math.sqrt(sum(df * sd**2 for df, sd in pairs) / sum(freedom))
    effect = (means[0] - means[1]) / pooled
    if abs(effect) > LARGEST_SMD:
        yield (
            "implausible effect",
            "mean_ldn",
            means[0],
            f"the arms differ by {effect:.2g} standard deviations",
            "means, signs and standard deviations of both arms",
        )


def _published_effects(row: Record) -> Found:
    measure = row["published_measure"] or ""
    value = plain_number(row["published_effect"] or "")
    if value is None:
        return
    if measure == "SMD" and abs(value) > LARGEST_SMD:
        finding = f"a standardised difference of {value:g}"
        look = "whether it is a difference in units of the scale"
        yield "implausible effect", "published_effect", value, finding, look
    if measure in _RATIOS and _is_extreme(value):
        finding = f"a ratio ({measure}) of {value:g}"
        look = "whether it is a percentage, a logarithm or a count"
        yield "implausible effect", "published_effect", value, finding, look


def _is_extreme(ratio: float) -> bool:
    return ratio > 0 and not 1 / LARGEST_RATIO <= ratio <= LARGEST_RATIO


def _ratios(row: Record) -> Found:
    yield from _published_effects(row)
    cells = [row[f"{what}_{arm}"] for arm in _ARMS for what in ("events", "n")]
    if not all(cells):
        return
    ratio = (cells[0] / cells[1]) / (cells[2] / cells[3])
    if _is_extreme(ratio):
        yield (
            "implausible effect",
            "events_ldn",
            float(cells[0]),
            f"{cells[0]}/{cells[1]} against {cells[2]}/{cells[3]}: a risk ratio of "
            f"{ratio:.3g}",
            "events and participants of both arms",
        )


def scale_range(scale: str | None) -> tuple[float, float] | None:
    """Return the ends of a scale that its name states.

    >>> scale_range("NRS 0-10"), scale_range("CGI-S 1-7"), scale_range("HAM-D-17")
    ((0.0, 10.0), (1.0, 7.0), None)
    """
    for low, high in _RANGE.findall(scale or ""):
        if float(low) < float(high):
            return float(low), float(high)
    return None


def _scale(row: Record) -> Found:
    """Hold means, deviations and differences against the range of the scale."""
    ends = scale_range(row["scale"])
    if ends is None:
        return
    width = ends[1] - ends[0]
    difference = row["difference"]
    if difference is not None and abs(difference) > width:
        yield _outside("published_diff", difference, -width, width, row)
    if row["type"] not in _OF_ARMS:
        return
    low, high = ends if row["type"] == "final" else (-width, width)
    for arm in _ARMS:
        mean, deviation = row[f"mean_{arm}"], row[f"sd_{arm}"]
        if mean is not None and not low <= mean <= high:
            yield _outside(f"mean_{arm}", mean, low, high, row)
            continue
        if deviation is None:
            continue
        n = max(row[f"n_{arm}"] or 2, 2)
        # No distribution on the scale with this mean spreads further than one that
        # stands at its two ends.
        spread = width if row["type"] == "change" else width / 2
        if mean is not None:
            spread = math.sqrt((mean - low) * (high - mean))
        most = spread * math.sqrt(n / (n - 1))
        if deviation > most * _ROUNDING:
            yield (
                "SD beyond the scale",
                f"sd_{arm}",
                deviation,
                f"{deviation:g}, and the scale {row['scale']} allows {most:.3g}",
                "the standard deviation, and the range of the scale",
            )


def _outside(
    column: str, value: float, low: float, high: float, row: Record
) -> tuple[str, str, float, str, str]:
    what = "a change on the scale" if low < 0 else "the scale"
    return (
        "value outside the scale",
        column,
        value,
        f"{value:g}, and {what} {row['scale']} goes from {low:g} to {high:g}",
        "the value, its sign and its scale",
    )


def warnings_in_words(warnings: pd.DataFrame) -> list[str]:
    """Return each warning as a sentence: where, what, and what to look at.

    Parameters
    ----------
    warnings : DataFrame
        As `published_warnings` returns them.
    """
    return [_sentence(row) for row in records(warnings)]


def _sentence(row: Any) -> str:
    return (
        f"{row['file']}, row {int(row['row'])}, column {row['column']!r}: "
        f"{row['kind']}: {row['finding']}; look at {row['look']}"
    )
