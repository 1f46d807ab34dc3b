"""From the means or the difference that a trial published to one effect.

Means enter by the first of these that the row allows: a published standardized
difference (SMD only), a published difference with its standard error, the arms' means
and standard deviations. A published difference is usually adjusted for baseline, which
is why it comes before the means. A crossover trial enters by its paired difference.
"""

from collections.abc import Callable

import pandas as pd

from trialstats.analyses.trial_effect import (
    Input,
    Settings,
    TrialEffect,
    effect_of_row,
    people_of,
)
from trialstats.errors import ConfigError, NotEstimableError
from trialstats.meta.effect_sizes import effect_sizes
from trialstats.meta.means import standardise_difference
from trialstats.meta.paired import paired_effect_sizes
from trialstats.meta.published import standard_error_from
from trialstats.records import Record


def effect_of_means(row: Record, settings: Settings) -> TrialEffect:
    """Return the effect of means by the first source that the row allows."""
    turned = row["higher_is_better"] is not None and (
        bool(row["higher_is_better"]) != (settings.better == "higher")
    )
    sign = -1.0 if turned else 1.0
    try:
        for source in SOURCES:
            found = source(row, settings, sign)
            if found is not None:
                break
        else:
            raise NotEstimableError("no means with their errors are published")
    except NotEstimableError as reason:
        return effect_of_row(
            row,
            method="not enough is published",
            statuses=(row["evidence_status"],),
            not_estimable=str(reason),
            inputs=_arm_inputs(row),
        )
    size, words, statuses, inputs = found
    if turned:
        words += f"; sign turned so that {settings.better} is better"
    if row["higher_is_better"] is None:
        words += "; sign as published, the direction of the scale is not stated"
    return effect_of_row(
        row,
        effect=float(size["effect"].iloc[0]),
        variance=float(size["variance"].iloc[0]),
        method=words,
        statuses=statuses,
        unit=row["scale"] if settings.measure == "MD" else None,
        inputs=(*_arm_inputs(row), *inputs),
    )


Found = tuple[pd.DataFrame, str, tuple[str, ...], tuple[Input, ...]]


def _published_smd(row: Record, settings: Settings, sign: float) -> Found | None:
    """Return g from a published d, which is standardised as the trial did it."""
    published = row["published_measure"] == "SMD" and row["published_effect"]
    if settings.measure != "SMD" or row["design"] != "parallel" or not published:
        return None
    d = sign * float(row["published_effect"])
    # Means d and 0 with SD 1 give g and the large-sample variance from d alone.
    size = effect_sizes(
        "SMD",
        m1i=[d],
        sd1i=[1.0],
        n1i=[row["n_ldn"]],
        m2i=[0.0],
        sd2i=[1.0],
        n2i=[row["n_placebo"]],
    )
    others = ["one that needs a derived standard error"]
    if row["sd_ldn"] is not None:
        others.append("the arms' means")
    words = (
        f"published standardized difference d = {row['published_effect']}, in "
        f"preference to {' and to '.join(others)}; small-sample correction (Hedges)"
    )
    return size, words, (row["evidence_status"],), (Input("published_smd", d),)


def _difference(row: Record, settings: Settings, sign: float) -> Found | None:
    """Return the effect from a difference and its standard error."""
    paired = row["design"] == "crossover"
    if row["difference"] is None and not paired:
        return None
    difference, source = _entered_difference(row)
    error, how = _entered_error(row, difference)
    difference *= sign
    if paired and settings.correlation is None:
        raise ConfigError(f"{row['trial']}: a crossover trial needs `paired`")
    if paired:
        size = paired_effect_sizes(
            settings.measure,
            difference=[difference],
            standard_error=[error],
            n=[row["n_ldn"]] if settings.measure == "SMD" else None,
            correlation=settings.correlation,
        )
        words = f"paired (crossover): {source}"
    elif settings.measure == "SMD":
        size = standardise_difference(
            difference=[difference],
            standard_error=[error],
            n1=[row["n_ldn"]],
            n2=[row["n_placebo"]],
        )
        words = source
    else:
        size = pd.DataFrame({"effect": [difference], "variance": [error**2]})
        words = source
    words += f"; {how}"
    if "note" in size and isinstance(size["note"].iloc[0], str):
        words += f"; {size['note'].iloc[0]}"
    # Without a status the error was derived here or is not said to be printed.
    statuses = (row["evidence_status"], row["se_status"] or "derived")
    return size, words, statuses, (Input("difference", difference, None, error),)


def _entered_difference(row: Record) -> tuple[float, str]:
    """Return the difference, LDN minus control, and where it is from."""
    if str(row["type"]).startswith("median"):
        raise NotEstimableError(
            "a median difference is published, and neither a mean nor its error"
        )
    if row["difference"] is not None:
        words = "difference as published"
        if row["mean_ldn"] is not None:
            gap = row["mean_ldn"] - row["mean_placebo"]
            words += f", in preference to the arms' means (which differ by {gap:.3g})"
        return float(row["difference"]), words
    ldn, placebo = row["mean_ldn"], row["mean_placebo"]
    if ldn is None or placebo is None:
        raise NotEstimableError("no difference and no means are published")
    difference = round(ldn - placebo, 10)
    unit = 10.0 ** -max(_decimals(ldn), _decimals(placebo))
    if abs(difference) <= unit * (1 + 1e-9):
        # Each mean is known to half a unit, so the difference may as well be zero,
        # and a standard error worked back from it could be anything.
        raise NotEstimableError(
            f"the printed means ({ldn:g} and {placebo:g}) differ by no more than their "
            f"rounding, so no standard error follows from p = {row['p_value']}"
        )
    return difference, f"difference of the published means {ldn:g} and {placebo:g}"


def _decimals(value: float) -> int:
    return len(f"{value:.10g}".partition(".")[2])


def _entered_error(row: Record, difference: float) -> tuple[float, str]:
    """Return the standard error of the difference and how it is known."""
    if row["standard_error"] is not None:
        return float(row["standard_error"]), f"standard error = {_how(row)}"
    if row["ci_lower"] is not None:
        derived = standard_error_from(
            effect=difference, ci_lower=row["ci_lower"], ci_upper=row["ci_upper"]
        )
        return derived.standard_error, f"DERIVED: {derived.how}"
    p = _p_value(row["p_value"])
    if p is None:
        printed = f"p {row['p_value']}" if row["p_value"] else "no p-value"
        raise NotEstimableError(
            f"neither an error nor an interval is published, and no standard error "
            f"follows from {printed}"
        )
    people = people_of(row)
    if people is None:
        raise NotEstimableError("the number of participants is not published")
    df = people - 1 if row["design"] == "crossover" else people - 2
    derived = standard_error_from(effect=difference, p_value=p, df=df)
    how = f"DERIVED from rounded numbers, so it is rough: {derived.how}"
    return derived.standard_error, how


def _how(row: Record) -> str:
    how = row["standard_error_how"] or "as published"
    derived = row["se_status"] == "derived" and "DERIVED" not in how
    return f"{how}; DERIVED" if derived else str(how)


def _p_value(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 < value < 1 else None


def _arm_means(row: Record, settings: Settings, sign: float) -> Found | None:
    """Return the effect from means and standard deviations of two parallel arms."""
    names = ("mean_ldn", "sd_ldn", "n_ldn", "mean_placebo", "sd_placebo", "n_placebo")
    if row["design"] != "parallel" or any(row[name] is None for name in names):
        return None
    size = effect_sizes(
        settings.measure,
        m1i=[sign * row["mean_ldn"]],
        sd1i=[row["sd_ldn"]],
        n1i=[row["n_ldn"]],
        m2i=[sign * row["mean_placebo"]],
        sd2i=[row["sd_placebo"]],
        n2i=[row["n_placebo"]],
    )
    words = f"from the arms' {row['type']} means and standard deviations"
    statuses = (row["evidence_status"], row["sd_status"] or "seen")
    return size, words, statuses, ()


#: Ways to an effect of means, in the order of preference.
SOURCES: tuple[Callable[[Record, Settings, float], Found | None], ...] = (
    _published_smd,
    _difference,
    _arm_means,
)


def _arm_inputs(row: Record) -> tuple[Input, ...]:
    columns = (("mean", "mean"), ("standard_deviation", "sd"), ("n", "n"))
    return tuple(
        Input(statistic, row[f"{column}_{arm}"], arm)
        for arm in ("ldn", "placebo")
        for statistic, column in columns
        if row[f"{column}_{arm}"] is not None
    )
