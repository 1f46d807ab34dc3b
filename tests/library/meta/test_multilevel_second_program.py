"""Multilevel models of made-up data beside metafor 3.8.1, clubSandwich and nlme.

`tests/reference/metafor/make_rma_mv.R` made data and numbers. Fits of metafor end where
its optimiser cannot tell likelihoods apart, so that variances agree to 1e-5 and their
consequences to 1e-6; profile limits were searched to 1e-10 on fits of that quality.
Robust errors are closed forms, but of fits with those variances.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from trialstats.meta.location_scale import pool_location_scale
from trialstats.meta.multilevel import pool_multilevel
from trialstats.meta.multilevel_results import PooledMultilevel
from trialstats.meta.multivariate import pool_multivariate
from trialstats.meta.pooling import pool
from trialstats.meta.robust import ClusterRobust, cluster_robust
from trialstats.meta.sampling_covariance import sampling_covariance

pytestmark = pytest.mark.reference

VARIANCES, FOLLOWING = 1e-5, 2e-6
#: What is near zero is good to a share of its scale, here about 1.
FLOOR = 1e-6

STATISTICS = ("log_likelihood", "deviance", "aic", "bic", "aicc")


@pytest.fixture(scope="module")
def reference(root: Path) -> dict[str, Any]:
    path = root / "tests/reference/metafor/rma_mv.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def cases(reference: dict[str, Any]) -> dict[str, Any]:
    return reference["cases"]


@pytest.fixture(scope="module")
def data(reference: dict[str, Any]) -> dict[str, pd.DataFrame]:
    return {name: pd.DataFrame(rows) for name, rows in reference["data"].items()}


def near(ours: Any, theirs: Any, *, relative: float, what: str) -> None:
    left = np.asarray(ours, dtype=float).ravel()
    right = np.asarray(theirs, dtype=float).ravel()
    np.testing.assert_allclose(left, right, rtol=relative, atol=FLOOR, err_msg=what)


def check_fit(fit: PooledMultilevel, case: dict[str, Any]) -> None:
    """Compare everything that a fit of metafor has."""
    table = fit.coefficients
    for theirs, ours in {
        "beta": "estimate",
        "se": "standard_error",
        "statistic": "statistic",
        "p_value": "p_value",
        "df": "df",
    }.items():
        near(table[ours], case[theirs], relative=FOLLOWING, what=theirs)
    near(fit.covariance, case["vcov"], relative=FOLLOWING, what="vcov")
    for kind in ("sigma2", "tau2", "rho"):
        own = fit.components.loc[fit.components["kind"] == kind, "estimate"]
        if len(own):
            near(own, case[kind], relative=VARIANCES, what=kind)
    near(
        [fit.q, fit.q_p_value], [case["q"], case["q_p_value"]], relative=1e-9, what="q"
    )
    test = fit.test()
    found = [test.statistic, test.df1, test.df2, test.p_value]
    near(found, case["test"], relative=FOLLOWING, what="test")
    for criterion in ("ML", "REML"):
        own = fit.fit_statistics[criterion]
        near(
            own[list(STATISTICS)],
            case[criterion],
            relative=FOLLOWING,
            what=f"fit statistics, {criterion}",
        )
    maximised = case[fit.criterion][0]
    assert fit.log_likelihood >= maximised - 1e-9


def check_limits(fit: PooledMultilevel, row: int, limits: list[float]) -> None:
    own = fit.components.iloc[row]
    near(
        own[["estimate", "ci_lower", "ci_upper"]].to_numpy(dtype=float),
        limits,
        relative=VARIANCES,
        what=f"limits of {own['name']}",
    )


def check_robust(robust: ClusterRobust, theirs: dict[str, Any]) -> None:
    table = robust.coefficients
    near(table["standard_error"], theirs["se"], relative=FOLLOWING, what="se")
    near(table["df"], theirs["df"], relative=VARIANCES, what="df")
    near(table["p_value"], theirs["p_value"], relative=VARIANCES, what="p")
    near(robust.covariance, theirs["vcov"], relative=VARIANCES, what="vcov")


def check_wald(robust: ClusterRobust, terms: Any, theirs: list[float]) -> None:
    test = robust.test(terms)
    found = [test.statistic, test.df1, test.df2, test.p_value]
    near(found, theirs, relative=VARIANCES, what="Hotelling test")


def nested(data: pd.DataFrame, **options: Any) -> PooledMultilevel:
    v = sampling_covariance("vi", cluster="id", correlation=0.5, data=data)
    return pool_multilevel(
        "yi",
        covariance=v,
        levels=["region", "trial"],
        moderators="~ dose + kind",
        data=data,
        **options,
    )


def test_nested_levels_with_correlated_errors(cases, data) -> None:
    case = cases["nested.REML"]
    fit = nested(data["trials"], inference="wald")
    check_fit(fit, case)
    for row, name in enumerate(("limits1", "limits2")):
        check_limits(fit, row, case[name])
    for name, (estimate, error) in case["ranef"].items():
        frame = fit.random_effects()[name]
        # R sorts by the labels, as ours does.
        near(frame["estimate"], estimate, relative=1e-5, what=name)
        near(frame["standard_error"], error, relative=1e-5, what=name)
    stata = cluster_robust(fit, "region", kind="CR1")
    near(
        stata.coefficients["standard_error"],
        case["robust"]["se"],
        relative=FOLLOWING,
        what="CR1",
    )
    test = stata.test()
    found = [test.statistic, test.df1, test.df2, test.p_value]
    near(found, case["robust"]["test"], relative=VARIANCES, what="CR1 test")
    plain = cluster_robust(fit, "region", kind="CR0").coefficients["standard_error"]
    near(plain, case["CR0"]["se"], relative=FOLLOWING, what="CR0")
    reduced = cluster_robust(fit, "region")
    check_robust(reduced, case["CR2"])
    check_wald(reduced, None, case["CR2"]["test"])


def test_maximum_likelihood_with_degrees_of_freedom_of_groups(cases, data) -> None:
    case = cases["nested.ML.contain"]
    fit = nested(data["trials"], method="ML", inference="t", df="contain")
    check_fit(fit, case)
    for row, name in enumerate(("limits1", "limits2")):
        check_limits(fit, row, case[name])


def test_nested_levels_with_independent_errors(cases, data) -> None:
    case = cases["nested.independent"]
    fit = pool_multilevel("yi", "vi", levels=["region", "trial"], data=data["trials"])
    check_fit(fit, case)
    found = [
        fit.estimate,
        fit.standard_error,
        fit.ci_lower,
        fit.ci_upper,
        fit.prediction_lower,
        fit.prediction_upper,
    ]
    near(found, case["predict"], relative=FOLLOWING, what="prediction")
    check_robust(cluster_robust(fit, "region"), case["CR2"])
    # nlme prints variances with eight digits, and stops earlier.
    other = cases["nlme"]
    by_ml = pool_multilevel(
        "yi", "vi", levels=["region", "trial"], data=data["trials"], method="ML"
    )
    assert by_ml.estimate == pytest.approx(other["beta"], rel=1e-6)
    near(by_ml.components["estimate"], other["sigma2"], relative=2e-6, what="nlme")


def test_crossed_factors(cases, data) -> None:
    case = cases["crossed"]
    fit = pool_multilevel(
        "yi", "vi", crossed=["reader", "scanner"], data=data["crossed"]
    )
    check_fit(fit, case)
    for row, name in enumerate(("limits1", "limits2")):
        check_limits(fit, row, case[name])
    for name, (estimate, error) in case["ranef"].items():
        frame = fit.random_effects()[name]
        near(frame["estimate"], estimate, relative=1e-5, what=name)
        near(frame["standard_error"], error, relative=1e-5, what=name)


def multivariate(
    frame: pd.DataFrame, structure: str, **options: Any
) -> PooledMultilevel:
    v = sampling_covariance("vi", cluster="study", correlation=0.4, data=frame)
    options = {"component_intervals": False, "outcome": "outcome"} | options
    return pool_multivariate(
        "yi", v, study="study", structure=structure, data=frame, **options
    )


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("structure", ["UN", "CS", "HCS", "DIAG", "ID", "AR", "HAR"])
def test_structures(cases, data, structure, method) -> None:
    case = cases[f"{structure}.{method}"]
    fit = multivariate(data["outcomes"], structure, method=method)
    check_fit(fit, case)
    frame = fit.random_effects()["outcome | study"]
    # metafor gives the rows by study, then outcome, as ours does.
    near(frame["estimate"], case["ranef"][0], relative=1e-5, what="ranef")
    near(frame["standard_error"], case["ranef"][1], relative=1e-5, what="ranef")


def test_limits_of_variances_and_correlations(cases, data) -> None:
    whole = cases["CS.limits"]
    fit = multivariate(
        data["outcomes"], "CS", inference="wald", component_intervals=True
    )
    # confint() ends too early at the upper limit: with tau2 held at ours, metafor's
    # own likelihood has fallen by the quantile.
    upper = float(fit.components["ci_upper"][0])
    assert upper == pytest.approx(0.2604841193, rel=1e-8)
    assert whole["fall"] == pytest.approx(3.841458820694124, rel=1e-6)
    check_limits(fit, 0, [*whole["tau2"][:2], upper])
    # metafor looks below -1/2, where three outcomes have no covariance matrix.
    check_limits(fit, 1, [whole["rho"][0], -0.5, whole["rho"][2]])
    assert whole["rho"][1] < -0.5
    robust = cluster_robust(fit, "study")
    check_robust(robust, whole["CR2"])
    check_wald(robust, [0, 1, 2], whole["CR2"]["test"])
    fit = multivariate(
        data["outcomes"], "HCS", inference="wald", component_intervals=True
    )
    check_limits(fit, 1, cases["HCS.limits"]["tau2"])
    rho = cases["HCS.limits"]["rho"]
    check_limits(fit, 3, [rho[0], -0.5, rho[2]])


def test_continuous_time_and_an_intercept_besides(cases, data) -> None:
    frame = data["outcomes"]
    fit = multivariate(
        frame,
        "CAR",
        outcome="time",
        moderators="~ outcome - 1",
        inference="wald",
    )
    check_fit(fit, cases["CAR.REML"])
    both = multivariate(frame, "DIAG", levels=["study"], inference="wald")
    assert both.component["sigma2[study]"] == 0.0
    check_fit(both, cases["DIAG.with.intercept"])


def test_robust_errors_with_given_weights(cases, data) -> None:
    # Here the weights are not the inverse of the working covariance.
    case, frame = cases["given.weights"], data["trials"]
    fit = pool(
        frame["yi"],
        frame["vi"],
        moderators="~ dose",
        data=frame,
        weights=np.tile([1.0, 2.0, 3.0, 4.0], 8),
        inference="wald",
    )
    assert fit.tau_squared == pytest.approx(case["tau2"], rel=1e-6)
    robust = cluster_robust(fit, frame["region"])
    check_robust(robust, case["CR2"])
    check_wald(robust, [0, 1], case["CR2"]["test"])


def test_location_scale_model(cases, data) -> None:
    # The likelihood written out in R, with numerical derivatives of step 1e-4.
    case = cases["location.scale"]
    fit = pool_location_scale(
        "yi",
        "vi",
        moderators="~ dose",
        scale="~ dose + kind",
        data=data["trials"],
    )
    location, scale = fit.coefficients, fit.scale_coefficients
    near(location["estimate"], case["beta"], relative=1e-5, what="beta")
    near(location["standard_error"], case["se"], relative=1e-5, what="se")
    near(scale["estimate"], case["alpha"], relative=1e-4, what="alpha")
    near(scale["standard_error"], case["se_alpha"], relative=1e-4, what="se_alpha")
    assert fit.log_likelihood == pytest.approx(case["ll"], rel=1e-9)
