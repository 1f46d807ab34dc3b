"""Rows of a logistic regression of a yes-or-no parameter, at one visit or several."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from trialstats.analyses.mixed_rows import estimate_of
from trialstats.analyses.trial_covariates import (
    covariates_in_words,
    covariates_of,
    in_words,
    split_covariates,
)
from trialstats.analyses.trial_left_out import left_out_rows, needed_columns
from trialstats.analyses.trial_rows import Analysis, Row
from trialstats.errors import DataError, NotEstimableError
from trialstats.logistic import Logistic, fit_logistic
from trialstats.records import records
from trialstats.vocabulary import term_in_words, visits_in_words


def logistic_method(analysis: Analysis, _statistic: str = "") -> str:
    """Return a logistic regression in words."""
    at, response = analysis.settings["at"], analysis.settings["response"]
    terms = covariates_in_words(covariates_of(analysis))
    pooled = ""
    if not isinstance(at, str):
        pooled = (
            f"; {visits_in_words(at)} pooled, the values of a subject taken as "
            "independent"
        )
    return (
        f"Logistic regression of {response} on {terms}{pooled}; maximum likelihood; "
        f"observed cases; {analysis.percent} normal interval and Wald test"
    )


def logistic_counts(analysis: Analysis) -> Iterator[Row]:
    """Yield the number of subjects with data in each arm."""
    rows = analysis.observations(columns=needed_columns(analysis))
    data = rows.dropna(subset=["AVAL"])
    subjects = analysis.subjects()
    for arm in analysis.arms:
        yield analysis.row(
            "n_with_data",
            group=arm,
            estimate=data.loc[data["TRT01P"] == arm, "USUBJID"].nunique(),
            n_subjects=int((subjects["TRT01P"] == arm).sum()),
            method="Number of subjects of the analysis set with an observed value",
        )
    yield from left_out_rows(analysis, rows, analysis.settings["response"])


def logistic_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield odds ratios, coefficients, tests of the terms and the deviance."""
    data = _complete(analysis)
    fit = _fit(analysis, data)
    method = logistic_method(analysis)
    n_subjects = int(data["USUBJID"].nunique())
    yield from _count_rows(analysis, data)
    coefficients = {str(c["coefficient"]): c for c in records(fit.coefficients)}
    for arm in analysis.treatments:
        yield analysis.row(
            "odds_ratio",
            contrast=analysis.contrast(arm),
            role=analysis.settings["role"],
            scale="log",
            n_subjects=n_subjects,
            method=method,
            **estimate_of(coefficients[f"TRT01P[T.{arm}]"], analysis.level),
        )
    for name, found in coefficients.items():
        yield analysis.row(
            "coefficient",
            key=[name],
            subgroup=coefficient_in_words(name),
            scale="log",
            n_subjects=n_subjects,
            method=f"{method}; log odds ratio of the term, of the intercept log odds",
            **estimate_of(found, analysis.level),
        )
    for found in records(fit.tests()):
        yield _test_row(analysis, found, method, n_subjects)
    for statistic, value, words in (
        ("deviance", fit.deviance, "-2 log-likelihood"),
        ("null_deviance", fit.null_deviance, "-2 log-likelihood of the intercept"),
        ("n_observations", len(data), "rows in the model"),
    ):
        yield analysis.row(
            statistic,
            estimate=value,
            df=float(fit.df_residual) if statistic == "deviance" else None,
            n_subjects=n_subjects,
            method=f"{method}; {words}",
        )


def _complete(analysis: Analysis) -> pd.DataFrame:
    """Return the records of the model, its response 0 or 1 in each."""
    response, covariates = analysis.settings["response"], covariates_of(analysis)
    data = analysis.observations(columns=covariates)
    _, factors = split_covariates(analysis, data)
    repeated = data[data.duplicated(["USUBJID", "AVISIT"])]
    if len(repeated):
        first = repeated.iloc[0]
        raise DataError(
            f"subject {first['USUBJID']} has two records of "
            f"{analysis.settings['parameter']} at {first['AVISIT']}",
            column="ANL01FL",
            remedy="flag one record for analysis",
        )
    data = data.dropna(subset=[response, *covariates])
    odd = data[~data[response].isin([0, 1])]
    if len(odd):
        raise DataError(
            f"{analysis.settings['parameter']} is neither 0 nor 1",
            row=f"subject {odd['USUBJID'].iloc[0]}",
            column=response,
            value=odd[response].iloc[0],
            remedy="analyse it with another model, or recode it to 0 and 1",
        )
    for arm in analysis.arms:
        if not (data["TRT01P"] == arm).any():
            raise NotEstimableError(f"{arm} has no subject with {response}.")
    made = {
        name: pd.Categorical(data[name], sorted(data[name].unique()))
        for name in factors
    }
    arms = pd.Categorical(data["TRT01P"], [analysis.control, *analysis.treatments])
    return data.assign(TRT01P=arms, **made)


def _fit(analysis: Analysis, data: pd.DataFrame) -> Logistic:
    terms = " + ".join(["TRT01P", *covariates_of(analysis)])
    formula = f"{analysis.settings['response']} ~ {terms}"
    return fit_logistic(formula, data, level=analysis.level)


def coefficient_in_words(name: str) -> str:
    """Return a coefficient in words.

    >>> coefficient_in_words("SEX[T.M]"), coefficient_in_words("AGE")
    ('SEX: M', 'AGE')
    """
    column, _, level = name.partition("[T.")
    return f"{in_words(column)}: {level.removesuffix(']')}" if level else in_words(name)


def _count_rows(analysis: Analysis, data: pd.DataFrame) -> Iterator[Row]:
    response = analysis.settings["response"]
    for arm in analysis.arms:
        values = data.loc[data["TRT01P"] == arm]
        n = int(values["USUBJID"].nunique())
        for statistic, number, words in (
            ("n_analysed", n, "Number of subjects in the model"),
            ("n_values", len(values), "Number of values in the model"),
            ("events", int(values[response].sum()), "Number of values that are 1"),
        ):
            yield analysis.row(
                statistic, group=arm, estimate=number, n_subjects=n, method=words
            )


def _test_row(
    analysis: Analysis, found: Mapping[str, Any], method: str, n_subjects: int
) -> Row:
    """Return Wald's chi-square of a term: its F statistic times its rows."""
    statistic = found["statistic"] * found["numerator_df"]
    return analysis.row(
        "wald_test",
        key=[str(found["term"])],
        subgroup=term_in_words(str(found["term"])),
        estimate=statistic,
        df=float(found["numerator_df"]),
        test_statistic=statistic,
        p_value=found["p_value"],
        n_subjects=n_subjects,
        method=f"{method}; Wald's chi-square of the term",
    )
