"""Multilevel, multivariate, robust and location-scale models beside metafor 5.1-12.

The reference was fitted with a tight optimiser (bobyqa to 1e-12): its variance
components are good to about 1e-6, and what depends on them to 1e-7. Ours end where the
score is zero to the last digits, so that the distances below are the reference's.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from reference_cases import (
    Family,
    Tolerance,
    check_file,
    leaves,
    read_data,
    read_reference,
)

from trialstats.meta.effect_sizes import effect_sizes
from trialstats.meta.location_scale import pool_location_scale
from trialstats.meta.multilevel import pool_multilevel
from trialstats.meta.multilevel_results import PooledMultilevel
from trialstats.meta.multivariate import pool_multivariate
from trialstats.meta.robust import ClusterRobust, cluster_robust
from trialstats.meta.sampling_covariance import sampling_covariance

pytestmark = pytest.mark.reference

FILES = ("metafor.rma_mv.berkey1998", "metafor.rma_mv.konstantopoulos2011")

#: Columns of `coefficients` under the names of the reference.
COLUMNS = {
    "beta": "estimate",
    "se": "standard_error",
    "stat": "statistic",
    "pval": "p_value",
    "ci_lb": "ci_lower",
    "ci_ub": "ci_upper",
}
CRITERIA = {
    "log_likelihood": "ll",
    "deviance": "dev",
    "aic": "AIC",
    "bic": "BIC",
    "aicc": "AICc",
}


def term_in_r(name: str) -> str:
    """Return the name of a coefficient as R writes it."""
    known = {"Intercept": "intrcpt", "AL": "outcomeAL", "PD": "outcomePD"}
    return known.get(name, re.sub(r"\[(?:T\.)?(\w+)\]", r"\1", name))


def fit_statistics(frame: pd.DataFrame) -> dict[str, Any]:
    """Return our fit statistics under the names of the reference."""
    return frame.rename(index=CRITERIA).to_dict()


def coefficients(fit: PooledMultilevel | ClusterRobust) -> dict[str, Any]:
    frame = fit.coefficients
    return {name: frame[ours].tolist() for name, ours in COLUMNS.items()} | {
        "term": [term_in_r(term) for term in frame["term"]]
    }


def matrix(values: Any) -> dict[str, Any]:
    return {"rownames": np.nan, "colnames": np.nan, "data": np.asarray(values).tolist()}


def whole(fit: PooledMultilevel) -> dict[str, Any]:
    """Return a model in the shape of a case; what it does not have is zero."""
    found = fit.components
    kinds = {
        name: found.loc[found["kind"] == kind, "estimate"].tolist() or [0.0]
        for name, kind in {"sigma2": "sigma2", "tau2": "tau2", "rho": "rho"}.items()
    }
    # metafor gives rho = 0 where a model has no correlation.
    model = fit.fitted.model
    inner = [
        matrix(g)
        for term, g in zip(model.terms, fit.fitted.covariances, strict=True)
        if not term.is_intercept
    ]
    test = fit.test()
    return {
        "k": fit.k,
        "method": fit.criterion,
        "test": {"wald": "z", "t": "t"}[fit.inference],
        "coef": coefficients(fit),
        "ddf": fit.coefficients["df"].tolist(),
        "vcov": matrix(fit.covariance),
        **kinds,
        "gamma2": [0.0],
        "phi": [0.0],
        "G": inner[0] if inner else np.nan,
        "QE": fit.q,
        "QEp": fit.q_p_value,
        "QM": test.statistic,
        "QM_df": [test.df1, test.df2],
        "QMp": test.p_value,
        "fit_stats": fit_statistics(fit.fit_statistics),
    }


def robust(fit: ClusterRobust) -> dict[str, Any]:
    df = fit.coefficients["df"].tolist()
    return {
        "coef": coefficients(fit),
        "dfs": df,
        "ddf": df,
        "vb": matrix(fit.covariance),
    }


def intervals(fit: PooledMultilevel) -> list[dict[str, Any]]:
    found = []
    rows = fit.components.itertuples()
    for number, row in enumerate(rows, start=1):
        both = {"estimate": row.estimate, "ci_lb": row.ci_lower, "ci_ub": row.ci_upper}
        found.append(
            {"rownames": [f"sigma^2.{number}", f"sigma.{number}"]}
            | {name: [value, np.sqrt(value)] for name, value in both.items()}
        )
    return found


def random_effects(fit: PooledMultilevel) -> dict[str, Any]:
    return {
        name: {"intrcpt": frame["estimate"], "se": frame["standard_error"]}
        for name, frame in fit.random_effects().items()
    }


def prediction(fit: PooledMultilevel) -> dict[str, Any]:
    names = {
        "pred": "estimate",
        "se": "standard_error",
        "ci_lb": "ci_lower",
        "ci_ub": "ci_upper",
        "pi_lb": "prediction_lower",
        "pi_ub": "prediction_upper",
    }
    return {name: fit.predict()[ours].iloc[0] for name, ours in names.items()}


def options(call: str) -> dict[str, Any]:
    """Return the arguments that a call of the reference sets."""
    inference = "t" if 'test = "t"' in call else "wald"
    return {
        "method": "ML" if 'method = "ML"' in call else "REML",
        "inference": inference,
        "df": "contain" if 'dfs = "contain"' in call else "residual",
    }


def berkey(call: str, data: pd.DataFrame) -> PooledMultilevel:
    """Return the multivariate model of a call."""
    v = sampling_covariance(cluster="author", covariances=["v1i", "v2i"], data=data)
    written = re.search(r"mods = (~.*?), (?:random|data)", call)
    assert written is not None
    formula = written[1]
    if "random" not in call:
        return pool_multilevel(
            "yi", data=data, covariance=v, moderators=formula, **options(call)
        )
    structure = re.search(r'struct = "(\w+)"', call)
    assert structure is not None
    return pool_multivariate(
        "yi",
        v,
        outcome="outcome",
        study="trial",
        structure=structure[1],
        data=data,
        moderators=None if formula == "~ outcome - 1" else formula,
        component_intervals=False,
        **options(call),
    )


def konstantopoulos(call: str, data: pd.DataFrame) -> Any:
    """Return the multilevel model of a call."""
    year = "~ I(year - 1990)" if "year" in call else None
    if "factor(school) | district" in call:
        return pool_multivariate(
            "yi",
            "vi",
            outcome="school",
            study="district",
            structure="CS",
            moderators="~ 1",
            data=data,
            component_intervals=False,
            **options(call),
        )
    nested = "district/school" in call
    return pool_multilevel(
        "yi",
        "vi",
        levels=["district", "school"] if nested else ["district"],
        data=data,
        moderators=year,
        component_intervals="confint" in call,
        **options(call),
    )


#: Functions of R around a model -> ours.
SHAPES = {
    "confint(": intervals,
    "ranef(": random_effects,
    "predict(": prediction,
    "robust(": lambda fit: robust(
        cluster_robust(fit, "district", kind="CR1"),
    ),
}


def compute(shared: Path, case: dict[str, Any], reference: dict[str, Any]) -> Any:
    """Return our results of a case."""
    call = case["call"]
    data = read_data(shared, reference["data"]["csv"][0])
    if "berkey" in reference["id"]:
        return whole(berkey(call, data))
    fit = konstantopoulos(call, data)
    if "clubSandwich" in call:
        return robust(cluster_robust(fit, "district", kind="CR2"))
    shape = next((f for name, f in SHAPES.items() if call.startswith(name)), whole)
    return shape(fit)


#: Limits of a profile interval in metafor are uniroot's, which stops within 1.2e-4 of a
#: limit; `test_multilevel_metafor_synthetic.py` compares them with tight ones.
SPECIAL = {
    "confint 0.ci": 2e-3,
    "confint 1.ci": 2e-3,
    "sigma2": 1e-6,
    "tau2": 1e-6,
    "rho": 1e-6,
    " G.": 1e-6,
    "estimate": 1e-6,
    # Follow the variances, and not as flat as an estimate does at the maximum.
    "vcov": 1e-6,
    "UN.year.ML coef": 1e-6,
    # A difference of larger numbers: 3e-8 of the likelihood.
    "BIC": 5e-6,
    "fit_stats": 5e-7,
    # A limit or an effect near zero is good to a share of its error, not of itself.
    "ci_": 5e-6,
    "ranef": 1e-5,
    "pval": 1e-6,
    "QMp": 1e-6,
}
IGNORED = {
    "rownames": "names of rows, compared where they carry the meaning (coef, ranef)",
    "colnames": "names of columns",
}
TOLERANCE = Tolerance(1e-7, 1e-12, SPECIAL)


@pytest.mark.parametrize("name", FILES)
def test_multilevel_models_agree(name: str, shared: Path) -> None:
    found: dict[str, Any] = {}

    def computed(case: dict[str, Any], reference: dict[str, Any]) -> Any:
        found[case["id"]] = compute(shared, case, reference)
        return found[case["id"]]

    check_file(Family("rma_mv", computed, TOLERANCE, IGNORED), shared, name)
    # Where the two differ in the seventh digit, ours is the one at the maximum.
    fits = [
        case
        for case in read_reference(shared, name)["cases"]
        if case["call"].startswith("rma.mv(")
    ]
    assert len(fits) > 10
    for case in fits:
        criterion = case["results"]["method"]
        theirs = case["results"]["fit_stats"][criterion]["ll"]
        ours = found[case["id"]]["fit_stats"][criterion]["ll"]
        assert ours >= theirs - 1e-12


def one_case(shared: Path, name: str) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return a case of the BCG trials and their rows."""
    reference = read_reference(shared, "metafor.rma_uni.bcg_RR")
    case = next(c for c in reference["cases"] if c["id"] == name)
    data = read_data(shared, "dat.bcg.csv")
    effects = effect_sizes(
        "RR", ai=data["tpos"], bi=data["tneg"], ci=data["cpos"], di=data["cneg"]
    )
    return case["results"], data.assign(yi=effects["effect"], vi=effects["variance"])


def test_location_scale_model_agrees(shared: Path) -> None:
    theirs, data = one_case(shared, "location_scale")
    fit = pool_location_scale(
        "yi",
        "vi",
        moderators="~ ablat",
        scale="~ ablat",
        data=data,
        inference="wald",
    )
    location, spread = fit.coefficients, fit.scale_coefficients
    ours = {
        "beta": location["estimate"],
        "se": location["standard_error"],
        "pval": location["p_value"],
        "alpha": spread["estimate"],
        "se_alpha": spread["standard_error"],
        "pval_alpha": spread["p_value"],
        "fit_stats": fit_statistics(fit.fit_statistics),
    }
    for path, value in leaves(theirs):
        found = ours
        for part in path:
            found = found[part]
        # The reference's optimiser stops at a relative change of 1e-8 of the
        # likelihood: 1e-4, and for alpha, which may be near zero, of its error.
        error = np.array(theirs["se_alpha"]) if path[0] == "alpha" else 0.0
        allowed = np.maximum(1e-4 * np.abs(value), 2e-4 * error)
        assert (np.abs(np.array(found) - value) <= allowed).all(), (path, found, value)
    assert ours["fit_stats"]["REML"]["ll"] >= theirs["fit_stats"]["REML"]["ll"]


def test_clustered_errors_of_a_meta_regression_agree(shared: Path) -> None:
    theirs, data = one_case(shared, "robust_cluster")
    # One random effect a trial is the model of rma.uni.
    fit = pool_multilevel("yi", "vi", levels="trial", moderators="~ ablat", data=data)
    frame = cluster_robust(fit, "alloc", kind="CR1").coefficients
    assert frame["df"].tolist() == theirs.pop("ddf") * 2
    for name, value in theirs.items():
        ours = frame[COLUMNS.get(name, "statistic")]
        np.testing.assert_allclose(ours, value, rtol=1e-8, err_msg=name)
