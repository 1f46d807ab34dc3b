"""Rows of the effect under assumptions on those without data.

Assumptions stand under `subgroup`, in the words of `trialstats.parts`.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import pandas as pd

from trialstats.analyses.estimand_records import NON_RESPONDER
from trialstats.analyses.trial_covariates import covariates_of, split_covariates
from trialstats.analyses.trial_models import ancova_method, proportions_method
from trialstats.analyses.trial_rows import Analysis, Row, estimate_columns
from trialstats.ancova import fit_ancova
from trialstats.errors import ConvergenceError, NotEstimableError
from trialstats.parts import (
    AS_OBSERVED,
    P_VALUE_LIMIT,
    TIPPING_POINT,
    counts_assumed,
    shifts_assumed,
)
from trialstats.tipping_points import (
    Arm,
    counts_tried,
    difference_with,
    expected_count,
    shifted_difference,
    step_of,
)

#: Limits between classes of p-values, beside that of significance.
_LIMITS = (0.001, 0.01, 0.1, 0.5)

_COUNTS = (
    "every subject of the analysis set counted, those without data with as many events "
    "as is assumed in each arm"
)

_SHIFTS = (
    "those without a value are taken to have, given arm and covariates, the mean of "
    "those with one plus a shift (pattern-mixture model); their shares as estimated, "
    "variance by the delta method, shifts taken as known"
)


def tipping_point_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield the effect under each assumption that an analysis asks for.

    Parameters
    ----------
    analysis : Analysis
        Of the type proportions or ancova.

    Yields
    ------
    dict
        ``tipping_point``, one row an assumption and treatment, and
        ``tipping_point_as_observed``: those without data as those with data.
    """
    if not analysis.model.get("tipping_point"):
        return
    make = _of_counts if analysis.model["type"] == "proportions" else _of_shifts
    try:
        yield from list(make(analysis))
    except (NotEstimableError, ConvergenceError) as reason:
        for arm in analysis.treatments:
            yield _row(
                analysis,
                arm,
                TIPPING_POINT,
                None,
                method=_method(analysis),
                not_estimable=str(reason),
            )
        return
    yield from _limit_rows(analysis)


def _limit_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield the limits of the classes of p-values, that of significance among them."""
    significant = round(1 - analysis.level, 10)
    for limit in sorted({*_LIMITS, significant}):
        what = (
            "Limit of significance, one minus the confidence level"
            if limit == significant
            else "Limit between classes of p-values under assumptions"
        )
        yield analysis.row(
            P_VALUE_LIMIT,
            key=[f"{limit:g}"],
            subgroup="significance" if limit == significant else None,
            estimate=limit,
            model_id=TIPPING_POINT,
            method=what,
        )


def _method(analysis: Analysis) -> str:
    if analysis.model["type"] == "proportions":
        return f"{proportions_method(analysis, 'risk_difference')}; {_COUNTS}"
    return f"{ancova_method(analysis)}; {_SHIFTS}"


def _row(
    analysis: Analysis,
    arm: str,
    statistic: str,
    assumption: str | None,
    **values: Any,
) -> Row:
    # A key has no signs.
    key = (assumption or "").replace("+", "plus ").replace("-", "minus ")
    return analysis.row(
        statistic,
        key=[key],
        contrast=analysis.contrast(arm),
        subgroup=assumption,
        role="sensitivity",
        model_id=TIPPING_POINT,
        **values,
    )


def _of_counts(analysis: Analysis) -> Iterator[Row]:
    """Yield the risk difference for every number of events among those without data."""
    response = analysis.settings["response"]
    data = analysis.observations().dropna(subset=[response])
    # A yes-or-no value that a missing visit stands for is an assumption, no datum.
    arms = _arms(analysis, data[data["DTYPE"].ne(NON_RESPONDER)], events=response)
    control = arms[analysis.control]
    for label in analysis.treatments:
        arm = arms[label]
        whole = arm.n + arm.missing + control.n + control.missing
        said = _method(analysis) + _steps(arm, control)
        cells = product(counts_tried(arm.missing), counts_tried(control.missing))
        expected = (expected_count(arm), expected_count(control))
        tried = [(TIPPING_POINT, cell) for cell in cells]
        for statistic, (one, other) in [*tried, (AS_OBSERVED, expected)]:
            found = difference_with(arm, control, (one, other))
            counts = (one, arm.missing, other, control.missing)
            yield _row(
                analysis,
                label,
                statistic,
                counts_assumed(counts),
                estimate=found.estimate,
                standard_error=found.standard_error,
                test_statistic=found.statistic,
                p_value=found.p_value,
                n_subjects=whole,
                method=said,
            )


def _arms(
    analysis: Analysis, data: pd.DataFrame, *, events: str | None = None
) -> Mapping[str, Arm]:
    """Return who has a value and who has none, by arm.

    Raises
    ------
    NotEstimableError
        When nobody of an arm has one.
    """
    subjects, made = analysis.subjects(), {}
    for label in analysis.arms:
        own = data[data["TRT01P"] == label]
        if own.empty:
            raise NotEstimableError(
                f"{label} has no subject with {analysis.settings['response']}."
            )
        size = int((subjects["TRT01P"] == label).sum())
        made[label] = Arm(
            n=len(own),
            missing=size - len(own),
            events=0 if events is None else int(own[events].sum()),
        )
    return made


def _steps(*arms: Arm) -> str:
    """Say which numbers of events are tried, where not every one is."""
    steps = max(step_of(arm.missing) for arm in arms)
    if steps == 1:
        return ""
    return f"; of many without data every {steps} events and the last are tried"


def _of_shifts(analysis: Analysis) -> Iterator[Row]:
    """Yield the difference for every pair of shifts of those without a value."""
    response, covariates = analysis.settings["response"], covariates_of(analysis)
    data = analysis.observations(columns=covariates).dropna(subset=[response])
    numbers, factors = split_covariates(analysis, data)
    arms = _arms(analysis, data)
    fit = fit_ancova(
        data.dropna(subset=covariates),
        response=response,
        treatment="TRT01P",
        control=analysis.control,
        treatments=analysis.treatments,
        covariates=numbers,
        factors=factors,
        level=analysis.level,
    )
    shifts = analysis.model["tipping_point"]
    pairs: Sequence[tuple[float, float]] = list(
        product(shifts["treatment"], shifts["control"])
    )
    control = arms[analysis.control]
    for label in analysis.treatments:
        arm = arms[label]
        tried = [(TIPPING_POINT, pair) for pair in pairs]
        for statistic, pair in [*tried, (AS_OBSERVED, (0.0, 0.0))]:
            found = shifted_difference(fit.differences[label], arm, control, pair)
            yield _row(
                analysis,
                label,
                statistic,
                shifts_assumed(*pair),
                unit=analysis.unit,
                n_subjects=arm.n + arm.missing + control.n + control.missing,
                method=f"{_method(analysis)}; without a value "
                f"{arm.missing} of {arm.n + arm.missing} on {label}, "
                f"{control.missing} of {control.n + control.missing} on "
                f"{analysis.control}",
                **estimate_columns(found),
            )
