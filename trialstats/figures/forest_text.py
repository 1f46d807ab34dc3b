"""The sentences and numbers of a forest plot."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from trialstats.figures.forest_numbers import House
from trialstats.figures.powers import power_of_ten
from trialstats.formatting import MINUS, format_level, format_number
from trialstats.records import Record
from trialstats.vocabulary import Measure, lower_first, upper_first

TAU_SQUARED = "τ²"
I_SQUARED = "I²"

#: What the method of tau-squared may name its interval.
_TAU_INTERVALS = {
    "q-profile": "Q-profile",
    "profile likelihood": "profile likelihood",
    "profile-likelihood": "profile likelihood",
    "generalised q": "generalised Q",
    "biggerstaff": "Biggerstaff-Tweedie",
    "jackson": "Jackson",
    "wald": "Wald",
}


def heterogeneity(
    main: Mapping[str, Record], house: House, *, equal: bool = False
) -> str:
    """Return the line on heterogeneity, empty when there is none.

    Parameters
    ----------
    main : mapping
        Rows under ``tau_squared``, ``i_squared`` and ``q``, those that exist.
    house : House
        How numbers are printed.
    equal : bool
        Whether the model knows no variance between trials.
    """
    parts = []
    tau = main.get("tau_squared")
    if tau and tau["estimate"] is not None and not equal:
        parts.append(_tau_words(tau, house))
    i_squared = main.get("i_squared")
    if i_squared and i_squared["estimate"] is not None:
        parts.append(f"{i_squared_words(i_squared, house, equal=equal)}")
    q = main.get("q")
    q_value = None if q is None else _first(q["estimate"], q["test_statistic"])
    if q is not None and q_value is not None:
        equations = [
            house.equation("Q", format_number(q_value, 2)),
            house.equation("df", _whole(q["df"])),
            house.p(q["p_value"]),
        ]
        parts.append(", ".join(equations))
    return f"Heterogeneity: {'; '.join(map(unbroken, parts))}" if parts else ""


def components(rows: Sequence[Record], house: House) -> str:
    """Return the line on the variances of a model with levels, empty without them."""
    parts = [
        f"{_level(str(row['group']))} {_tau_words(row, house, symbol='')}"
        for row in rows
        if row["estimate"] is not None
    ]
    listed = "; ".join(map(unbroken, parts))
    return f"Variance of each level: {listed}" if parts else ""


def _level(name: str) -> str:
    """Return a level in words.

    >>> _level("district/school")
    'school within district'
    """
    return " within ".join(reversed(name.split("/")))


def _tau_words(tau: Record, house: House, *, symbol: str = TAU_SQUARED) -> str:
    values = [tau["estimate"], tau["ci_lower"], tau["ci_upper"]]
    # The first that is above zero decides how many decimals all of them have.
    digits = next((_variance_digits(v) for v in values if v), 2)
    estimate, *limits = (
        small(v, min(digits, _variance_digits(v)) if v else digits)
        for v in values
        if v is not None
    )
    text = house.equation(symbol, estimate) if symbol else estimate
    if len(limits) < 2:
        return text
    method = str(tau.get("method") or "").lower()
    how = next((w for key, w in _TAU_INTERVALS.items() if key in method), "")
    level = format_level(tau.get("confidence_level"))
    return f"{text} ({level} {' to '.join(limits)}{', ' if how else ''}{how})"


def i_squared_words(row: Record, house: House, *, equal: bool = False) -> str:
    """Return I-squared, and whether it is from tau-squared or from Q."""
    method = str(row.get("method") or "")
    from_q = equal or "from Q" in method
    share = format_number(100 * row["estimate"], 0)
    source = "Q" if from_q else TAU_SQUARED
    return f"{house.equation(I_SQUARED, share)}% (from {source})"


def overall_test(pool: Record | None, house: House) -> str:
    """Return the line on the test of the overall effect, empty when there is none."""
    if pool is None or pool["test_statistic"] is None:
        return ""
    statistic = format_number(pool["test_statistic"], 2, minus=MINUS)
    df = pool["df"]
    equations = [house.equation("z" if df is None else "t", statistic)]
    equations += [] if df is None else [house.equation("df", _whole(df))]
    test = unbroken(", ".join([*equations, house.p(pool["p_value"])]))
    return f"Test of overall effect: {test}"


def subgroup_test(row: Record | None, house: House) -> str:
    """Return the line on differences between subgroups, empty when there is none."""
    if row is None:
        return ""
    if row["test_statistic"] is None:
        reason = row.get("not_estimable")
        return f"Test of subgroup differences: {reason}" if reason else ""
    statistic = format_number(row["test_statistic"], 2)
    upper = row.get("numerator_df")
    if upper is None:
        equations = [house.equation("χ²", statistic)]
        equations.append(house.equation("df", _whole(row["df"])))
    else:
        degrees = f"{_whole(upper)}, {_whole(row['df'])}"
        equations = [house.equation(f"F({degrees})", statistic)]
    test = unbroken(", ".join([*equations, house.p(row["p_value"])]))
    return f"Test of subgroup differences: {test}"


def _first(*values: float | None) -> float | None:
    return next((v for v in values if v is not None), None)


def unbroken(text: str) -> str:
    """Return text whose equations, ranges and brackets stay on one line."""
    return re.sub(
        r" (?=[=<>(])|(?<=[=<>]) | (?=CI)|(?<=CI) |(?<=from) | to ", _no_break, text
    )


def _no_break(found: re.Match[str]) -> str:
    return found.group().replace(" ", "\N{NO-BREAK SPACE}")


def prediction_label(row: Record) -> str:
    """Return the label of the prediction interval, with its form."""
    words = format_level(row.get("confidence_level"), "prediction interval")
    form = "normal" if row["df"] is None else f"t, {_whole(row['df'])} df"
    return f"{upper_first(words)} ({form})"


def small(value: float, digits: int | None = None) -> str:
    """Print a variance: two decimals, more where two would show nothing.

    >>> small(0.213), small(351.2), small(0.0034), small(0.0)
    ('0.21', '351', '0.0034', '0.00')
    """
    if math.isinf(value):
        return "\N{INFINITY}"
    if value >= 1e6 or 0 < value < 5e-5:
        return power_of_ten(value)
    own = _variance_digits(value) if value else 2
    return format_number(value, own if digits is None else digits)


def _variance_digits(value: float) -> int:
    steps = ((99.95, 0), (9.995, 1), (0.095, 2), (0.0095, 3))
    return next((d for least, d in steps if value >= least), 4)


def _whole(value: float | None) -> str:
    if value is None:
        return "?"
    return format_number(value, 0 if float(value).is_integer() else 1)


def axis_title(
    measure: Measure, synthesis: Mapping[str, Any], *, own: bool
) -> tuple[str, ...]:
    """Return the label of the axis: the measure and outcome, then the direction."""
    outcome = synthesis.get("outcome") or {}
    extra = ["log axis"] if measure.log else []
    if measure.percent:
        extra.append("percentage points")
    pooled = own and synthesis.get("pooling", True)
    if pooled and measure.code == "MD" and outcome.get("scale"):
        extra.append(str(outcome["scale"]))
    about = f", {lower_first(outcome['name'])}" if pooled and "name" in outcome else ""
    remark = f" ({', '.join(extra)})" if extra else ""
    sides = favours(synthesis)
    if not own or sides is None:
        return (f"{measure.title}{about}{remark}",)
    below = "below 1" if measure.log else "negative"
    side = lower_first(sides[0])
    direction = f"{below} {side}" if side.startswith("favours") else f"{below}: {side}"
    return f"{measure.title}{about}{remark};", direction


def favours(synthesis: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return what each side of no effect means, lower first; None when not said.

    A name of an arm is favoured; any other text stands as it is. Sides with one text
    say nothing.
    """
    given = synthesis.get("favours") or {}
    if given.get("lower") == given.get("higher"):
        return None
    arms = {str(a).lower() for a in (synthesis.get("comparison") or {}).values()}
    low, high = (
        f"Favours {side}" if str(side).lower() in arms else upper_first(str(side))
        for side in (given.get("lower", ""), given.get("higher", ""))
    )
    return low, high


def subtitle(synthesis: Mapping[str, Any]) -> str:
    """Return the comparison, outcome, time point and population under the title."""
    comparison = synthesis.get("comparison") or {}
    outcome = synthesis.get("outcome") or {}
    parts = []
    if comparison.get("treatment") and comparison.get("control"):
        parts.append(f"{comparison['treatment']} versus {comparison['control']}")
    if outcome.get("name"):
        scale = f", {outcome['scale']}" if outcome.get("scale") else ""
        parts.append(f"{outcome['name']}{scale}")
    if outcome.get("timepoint"):
        parts.append(str(outcome["timepoint"]))
    condition = str(synthesis.get("condition") or "")
    if condition and condition.lower() != str(outcome.get("name") or "").lower():
        parts.append(condition)
    return "; ".join(parts)
