"""Rows beside the differences of an analysis of covariance.

Treatments against each other, the slope over the dose, and whether the effect of
treatment depends on a covariate.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from trialstats.analyses.trial_rows import Analysis, Row, estimate_columns
from trialstats.ancova import Ancova
from trialstats.ancova_effects import dose_response, treatment_interaction
from trialstats.errors import ConfigError, NotEstimableError


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The rows of an analysis of covariance with its terms.

    Attributes
    ----------
    data : DataFrame
    numbers, factors : list of str
        Covariates that are numbers, and labels.
    method : str
        The model in words.
    """

    data: pd.DataFrame
    numbers: Sequence[str]
    factors: Sequence[str]
    method: str


def further_rows(analysis: Analysis, adjusted: Adjusted, fit: Ancova) -> Iterator[Row]:
    """Yield what the model of an analysis asks for beside the differences."""
    if analysis.model.get("pairwise"):
        yield from _pairwise_rows(analysis, adjusted, fit)
    if analysis.model.get("dose_response"):
        yield _dose_row(analysis, adjusted)
    if "interaction" in analysis.model:
        yield _interaction_row(analysis, adjusted)


def _pairwise_rows(
    analysis: Analysis, adjusted: Adjusted, fit: Ancova
) -> Iterator[Row]:
    """Yield each later treatment minus each earlier one."""
    for (first, second), found in fit.pairwise.items():
        if analysis.control in (first, second):
            continue
        yield analysis.row(
            "difference",
            contrast=f"{first} versus {second}",
            unit=analysis.unit,
            n_subjects=fit.n[first] + fit.n[second],
            method=adjusted.method,
            **estimate_columns(found),
        )


def _dose_row(analysis: Analysis, adjusted: Adjusted) -> Row:
    doses = analysis.config["arms"].get("doses", {})
    without = [arm for arm in analysis.arms if arm not in doses]
    if without:
        raise ConfigError(
            f"{analysis.place}.model.dose_response: no dose of {', '.join(without)}; "
            "write it under `arms.doses`"
        )
    shared: Row = {
        "unit": f"{analysis.unit} per unit of dose" if analysis.unit else None,
        "method": f"{adjusted.method}; the dose as a number in place of the arm",
    }
    try:
        found = dose_response(
            adjusted.data,
            response=analysis.settings["response"],
            treatment="TRT01P",
            doses={arm: doses[arm] for arm in analysis.arms},
            covariates=adjusted.numbers,
            factors=adjusted.factors,
            level=analysis.level,
        )
    except NotEstimableError as reason:
        return analysis.row("dose_response", not_estimable=str(reason), **shared)
    return analysis.row(
        "dose_response",
        n_subjects=len(adjusted.data),
        **shared,
        **estimate_columns(found),
    )


def _interaction_row(analysis: Analysis, adjusted: Adjusted) -> Row:
    by = analysis.model["interaction"]
    shared: Row = {
        "key": [by],
        "subgroup": by,
        "method": f"{adjusted.method}; F test of treatment by {by}",
    }
    try:
        found = treatment_interaction(
            adjusted.data,
            response=analysis.settings["response"],
            treatment="TRT01P",
            control=analysis.control,
            treatments=analysis.treatments,
            by=by,
            covariates=adjusted.numbers,
            factors=adjusted.factors,
            level=analysis.level,
        )
    except NotEstimableError as reason:
        return analysis.row("interaction_test", not_estimable=str(reason), **shared)
    return analysis.row(
        "interaction_test",
        estimate=found.statistic,
        numerator_df=found.numerator_df,
        df=found.df,
        test_statistic=found.statistic,
        p_value=found.p_value,
        n_subjects=len(adjusted.data),
        **shared,
    )
