"""Rows of the tests whether the effect of treatment differs between subgroups."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from trialstats.analyses.trial_covariates import (
    covariates_of,
    split_covariates,
    with_subjects,
)
from trialstats.analyses.trial_left_out import needed_columns
from trialstats.analyses.trial_logistic import logistic_method
from trialstats.analyses.trial_mmrm import fit_configured
from trialstats.analyses.trial_models import ancova_method, mmrm_method, terms_of
from trialstats.analyses.trial_rows import Analysis, Row
from trialstats.analyses.trial_survival import survival_method
from trialstats.ancova_effects import treatment_interaction
from trialstats.errors import ConfigError, ConvergenceError, NotEstimableError
from trialstats.expressions import condition, parse
from trialstats.fixed_effects import ls_means_matrix
from trialstats.interactions import (
    InteractionTest,
    cox_interaction,
    heterogeneity_test,
    logistic_interaction,
)
from trialstats.parts import EFFECTS, Subgroups
from trialstats.records import records
from trialstats.vocabulary import AVERAGE_OVER_VISITS

#: Columns of a row that a test fills.
Test = dict[str, Any]


def interaction_rows(
    analysis: Analysis,
    spec: Subgroups,
    *,
    column: str,
    visits: Sequence[str | None],
    effects: Sequence[Row],
) -> Iterator[Row]:
    """Yield the tests whether the effect of treatment depends on a subgroup.

    Parameters
    ----------
    analysis : Analysis
        With the levels in a column of its ADSL, and without what divides the subjects
        among its covariates.
    spec : Subgroups
        What divides the subjects.
    column : str
        That column.
    visits : sequence of str or None
        The visits whose effects are tested.
    effects : sequence of dict
        Rows of the effects within the levels.

    Yields
    ------
    dict
        ``interaction_test``; the effect tested stands under `group`.
    """
    kind = analysis.model["type"]
    if kind == "proportions":
        yield from _of_proportions(analysis, spec, effects)
        return
    make, words = _TESTS[kind]
    for visit in visits:
        shared: Row = {
            "group": EFFECTS[kind][0],
            "method": words(analysis, spec),
            "visit": visit,
        }
        try:
            found = make(analysis, column, visit)
        except (NotEstimableError, ConvergenceError, ConfigError) as reason:
            shared["method"] = shared["method"].replace(column, spec.label)
            said = str(reason).replace(column, spec.label)
            yield analysis.row("interaction_test", not_estimable=said, **shared)
            continue
        shared |= found
        shared["method"] = shared["method"].replace(column, spec.label)
        yield analysis.row("interaction_test", **shared)


def _ancova(analysis: Analysis, column: str, _visit: str | None) -> Test:
    covariates, response = covariates_of(analysis), analysis.settings["response"]
    data = analysis.observations(columns=[*covariates, column])
    numbers, factors = split_covariates(analysis, data)
    values = data.dropna(subset=[response, *covariates, column])
    found = treatment_interaction(
        values,
        response=response,
        treatment="TRT01P",
        control=analysis.control,
        treatments=analysis.treatments,
        by=column,
        covariates=numbers,
        factors=[*factors, column],
        level=analysis.level,
    )
    return _f_columns(
        found.statistic, found.numerator_df, found.df, found.p_value, len(values)
    )


def _f_columns(
    statistic: float, numerator_df: float, df: float, p_value: float, n: int
) -> Test:
    return {
        "estimate": statistic,
        "numerator_df": float(numerator_df),
        "df": float(df),
        "test_statistic": statistic,
        "p_value": p_value,
        "n_subjects": n,
    }


def _chi_square_columns(found: InteractionTest, n: int | None) -> Test:
    return {
        "estimate": found.statistic,
        "df": float(found.df),
        "test_statistic": found.statistic,
        "p_value": found.p_value,
        "n_subjects": n,
    }


def _logistic(analysis: Analysis, column: str, _visit: str | None) -> Test:
    covariates, response = covariates_of(analysis), analysis.settings["response"]
    data = analysis.observations(columns=[*covariates, column])
    _, factors = split_covariates(analysis, data)
    data = data.dropna(subset=[response, *covariates, column])
    made = {
        name: pd.Categorical(data[name], sorted(data[name].unique()))
        for name in (*factors, column)
    }
    arms = pd.Categorical(data["TRT01P"], [analysis.control, *analysis.treatments])
    found = logistic_interaction(
        data.assign(TRT01P=arms, **made),
        response=response,
        treatment="TRT01P",
        by=column,
        covariates=covariates,
    )
    return _chi_square_columns(found, int(data["USUBJID"].nunique()))


def _survival(analysis: Analysis, column: str, _visit: str | None) -> Test:
    data = _times(analysis, [*needed_columns(analysis), column])
    numbers, factors = split_covariates(analysis, data)
    strata = list(analysis.model.get("strata", ()))
    data = data.dropna(subset=[*needed_columns(analysis), column])
    found = cox_interaction(
        data,
        time="AVAL",
        event="EVENT",
        treatment="TRT01P",
        control=analysis.control,
        treatments=analysis.treatments,
        by=column,
        covariates=numbers,
        factors=factors,
        strata=strata,
        ties=analysis.model.get("ties", "efron"),
    )
    return _chi_square_columns(found, len(data))


def _times(analysis: Analysis, columns: Sequence[str]) -> pd.DataFrame:
    """Return the times of an analysis with columns of ADSL; each subject has one."""
    rows, code = analysis.adtte, analysis.settings["parameter"]
    members = analysis.subjects()["USUBJID"]
    rows = rows[(rows["PARAMCD"] == code) & rows["USUBJID"].isin(members)]
    where = analysis.settings.get("where")
    if where is not None:
        named = with_subjects(rows, analysis.adsl, parse(where).names)
        rows = rows[condition(where, named)]
    rows = with_subjects(rows, analysis.adsl, columns)
    return rows.assign(EVENT=1 - rows["CNSR"].astype(int))


def _mmrm(analysis: Analysis, column: str, visit: str | None) -> Test:
    """Test the difference between levels in treatment's effect at one visit."""
    terms = [*terms_of(analysis), f"TRT01P*AVISIT*{column}"]
    settings = {**analysis.settings, "model": {**analysis.model, "terms": terms}}
    analyses = {**analysis.config["analyses"], analysis.name: settings}
    config = {**analysis.config, "analyses": analyses}
    made = fit_configured(replace(analysis, config=config))
    grid, matrix = ls_means_matrix(made.fit.design, ["AVISIT", "TRT01P", column])
    keys = zip(grid["AVISIT"], grid["TRT01P"], grid[column], strict=True)
    mean = dict(zip(keys, matrix, strict=True))
    levels = list(dict.fromkeys(grid[column]))
    used = made.averaged if visit == AVERAGE_OVER_VISITS else [visit]
    if visit not in (*made.visits, AVERAGE_OVER_VISITS):
        raise NotEstimableError(f"Nobody has data at {visit}.")

    def effect(arm: str, level: str) -> Any:
        control = analysis.control
        each = [mean[v, arm, level] - mean[v, control, level] for v in used]
        return sum(each) / len(each)

    weights = np.array(
        [
            effect(arm, level) - effect(arm, levels[0])
            for arm in analysis.treatments
            for level in levels[1:]
        ]
    )
    if len(levels) < 2:
        raise NotEstimableError(f"Only one level of {column} has data: {levels[0]}.")
    found = records(made.fit.joint_test(weights))[0]
    columns = _f_columns(
        found["statistic"],
        found["numerator_df"],
        found["df"],
        found["p_value"],
        made.fit.n_subjects,
    )
    said = f"{made.method}; F test of treatment by {column} at the visit"
    return columns | {"method": said}


def _of_proportions(
    analysis: Analysis, spec: Subgroups, effects: Sequence[Row]
) -> Iterator[Row]:
    """Yield the test of heterogeneity of each effect of each treatment."""
    for arm in analysis.treatments:
        contrast = analysis.contrast(arm)
        for statistic in EFFECTS["proportions"]:
            own = [
                row
                for row in effects
                if row["statistic"] == statistic and row.get("contrast") == contrast
            ]
            shared: Row = {
                "contrast": contrast,
                "group": statistic,
                "method": f"Test of heterogeneity of the {_PLAIN[statistic]} within "
                f"the levels of {spec.label} (Cochran's Q, weights by the inverse of "
                "the variance); chi-squared",
            }
            without = [r["subgroup"] for r in own if r.get("standard_error") is None]
            try:
                if without:
                    raise NotEstimableError(
                        f"No standard error in {', '.join(without)}."
                    )
                found = heterogeneity_test(
                    [row["estimate"] for row in own],
                    [row["standard_error"] for row in own],
                )
            except NotEstimableError as reason:
                yield analysis.row(
                    "interaction_test", not_estimable=str(reason), **shared
                )
                continue
            n = sum(row["n_subjects"] for row in own)
            yield analysis.row(
                "interaction_test", **shared, **_chi_square_columns(found, n)
            )


_PLAIN = {
    "risk_difference": "risk differences",
    "risk_ratio": "logarithms of the risk ratios",
    "odds_ratio": "logarithms of the odds ratios",
}


def _likelihood(
    method: Callable[[Analysis], str],
) -> Callable[[Analysis, Subgroups], str]:
    return lambda analysis, spec: (
        f"{method(analysis)}; with {spec.label}, likelihood-ratio test of treatment by "
        f"{spec.label}, chi-squared"
    )


#: What tests the interaction of a model, and the test in words.
_TESTS: dict[
    str,
    tuple[
        Callable[[Analysis, str, str | None], Test],
        Callable[[Analysis, Subgroups], str],
    ],
] = {
    "ancova": (
        _ancova,
        lambda analysis, spec: (
            f"{ancova_method(analysis)}; with {spec.label}, F test of treatment by "
            f"{spec.label}"
        ),
    ),
    "logistic": (_logistic, _likelihood(logistic_method)),
    "survival": (_survival, _likelihood(survival_method)),
    "mmrm": (
        _mmrm,
        lambda analysis, spec: (
            f"{mmrm_method(analysis)}; with {spec.label} and its products with "
            f"treatment and visit, F test of treatment by {spec.label} at the visit"
        ),
    ),
}
