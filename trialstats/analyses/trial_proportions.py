"""Rows of the comparison of two proportions."""

from collections.abc import Iterator
from statistics import NormalDist

from trialstats.analyses.trial_counts import n_analysed, require_one_row
from trialstats.analyses.trial_covariances import covariance_row, pairs_of
from trialstats.analyses.trial_models import proportions_method
from trialstats.analyses.trial_rows import Analysis, Row
from trialstats.binary import Comparison, compare_proportions
from trialstats.contingency import chi_square_test, fisher_exact_test
from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.shared_control import covariance_of_proportions


def proportions_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield the rows of a binary endpoint at one visit."""
    response = analysis.settings["response"]
    data = analysis.observations().dropna(subset=[response])
    require_one_row(data, analysis)
    odd = data[~data[response].isin([0, 1])]
    if len(odd):
        raise DataError(
            f"{analysis.settings['parameter']} is neither 0 nor 1",
            row=f"subject {odd['USUBJID'].iloc[0]}",
            column=response,
            value=odd[response].iloc[0],
            remedy="analyse it with another model, or derive a responder parameter",
        )
    tables = {}
    for arm in analysis.arms:
        values = data.loc[data["TRT01P"] == arm, response]
        if values.empty:
            raise NotEstimableError(f"{arm} has no subject with {response}.")
        tables[arm] = (int(values.sum()), len(values))
    for arm in analysis.arms:
        events, n = tables[arm]
        yield n_analysed(analysis, arm, n)
        yield analysis.row(
            "events",
            group=arm,
            estimate=events,
            n_subjects=n,
            method="Number of subjects with the event",
        )
    for arm in analysis.treatments:
        yield from _comparison_rows(analysis, arm, tables)
    yield from _covariance_rows(analysis, tables)
    if "test" in analysis.model:
        yield _test_row(analysis, tables)


def _test_row(analysis: Analysis, tables: dict[str, tuple[int, int]]) -> Row:
    """Return the test of all arms together that the model names."""
    kind = analysis.model["test"]
    counts = [[events, n - events] for events, n in tables.values()]
    shared: Row = {"method": f"{_TESTS[kind]} of all arms"}
    try:
        if kind == "chi_square":
            pearson = chi_square_test(counts)
            found: Row = {
                "estimate": pearson.statistic,
                "df": float(pearson.df),
                "test_statistic": pearson.statistic,
                "p_value": pearson.p_value,
            }
        else:
            exact = fisher_exact_test(counts)
            found = {"estimate": exact.probability, "p_value": exact.p_value}
    except NotEstimableError as reason:
        return analysis.row(f"{kind}_test", not_estimable=str(reason), **shared)
    n_subjects = sum(n for _, n in tables.values())
    return analysis.row(f"{kind}_test", n_subjects=n_subjects, **found, **shared)


_TESTS = {
    "chi_square": "Pearson's chi-square test, without a correction,",
    "fisher": "Fisher's exact test",
}


def _comparison_rows(
    analysis: Analysis, arm: str, tables: dict[str, tuple[int, int]]
) -> Iterator[Row]:
    control = tables[analysis.control]
    result = compare_proportions(*tables[arm], *control, level=analysis.level)
    risks = {arm: result.risk}
    if arm == analysis.treatments[-1]:
        risks[analysis.control] = result.control_risk
    for group, risk in risks.items():
        yield analysis.row(
            "risk",
            group=group,
            estimate=risk.estimate,
            confidence_level=risk.level,
            ci_lower=risk.ci_lower,
            ci_upper=risk.ci_upper,
            n_subjects=risk.n,
            method=f"Proportion; {analysis.percent} exact (Clopper-Pearson) interval",
        )
    effects: dict[str, tuple[Comparison, str]] = {
        "risk_difference": (result.risk_difference, "natural"),
        "risk_ratio": (result.log_risk_ratio, "log"),
        "odds_ratio": (result.log_odds_ratio, "log"),
    }
    for statistic, (found, scale) in effects.items():
        yield analysis.row(
            statistic,
            contrast=analysis.contrast(arm),
            role=analysis.settings["role"],
            scale=scale,
            n_subjects=tables[arm][1] + control[1],
            method=proportions_method(analysis, statistic),
            **_columns(analysis, statistic, found, (tables[arm], control)),
        )


def _columns(
    analysis: Analysis,
    statistic: str,
    found: Comparison,
    counts: tuple[tuple[int, int], tuple[int, int]],
) -> Row:
    """Return the columns of a comparison, with the interval that the model names."""
    columns = comparison_columns(found, analysis.level)
    if statistic != "risk_difference" or analysis.model.get("interval") != "wald":
        return columns
    variance = sum(p * (1 - p) / n for p, n in ((e / n, n) for e, n in counts))
    half = NormalDist().inv_cdf((1 + analysis.level) / 2) * variance**0.5
    estimate = columns["estimate"]
    return columns | {"ci_lower": estimate - half, "ci_upper": estimate + half}


def _covariance_rows(
    analysis: Analysis, tables: dict[str, tuple[int, int]]
) -> Iterator[Row]:
    """Yield the covariances of the comparisons, two by two: the control's part."""
    control = tables[analysis.control]
    for pair in pairs_of(analysis.treatments):
        n = sum(tables[arm][1] for arm in (*pair, analysis.control))
        compared = [
            compare_proportions(*tables[arm], *control, level=analysis.level)
            for arm in pair
        ]
        for statistic, (measure, effect, scale) in _SHARED.items():
            errors = [getattr(found, effect).standard_error for found in compared]
            absent = any(error is None for error in errors)
            yield covariance_row(
                analysis,
                statistic,
                pair,
                None if absent else covariance_of_proportions(measure, *control),
                scale=scale,
                n_subjects=n,
                method="Variance of the part of the control arm, which both share; "
                "delta method",
            )


#: Measure, field and scale of the comparisons that share a control.
_SHARED = {
    "risk_difference": ("RD", "risk_difference", "natural"),
    "risk_ratio": ("RR", "log_risk_ratio", "log"),
    "odds_ratio": ("OR", "log_odds_ratio", "log"),
}


def comparison_columns(found: Comparison, level: float) -> Row:
    """Return the columns of a comparison of two proportions."""
    limits = found.ci_lower is not None or found.ci_upper is not None
    return {
        "estimate": found.estimate,
        "standard_error": found.standard_error,
        "test_statistic": found.statistic,
        "p_value": found.p_value,
        "confidence_level": level if limits else None,
        "ci_lower": found.ci_lower,
        "ci_upper": found.ci_upper,
        "not_estimable": found.not_estimable,
    }
