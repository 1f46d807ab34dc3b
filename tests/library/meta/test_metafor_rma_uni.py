"""Every number of metafor's univariate models beside ours.

18 data sets with all estimators, tests, intervals and predictions; the shared reference
folder says how they were made. Location-scale models and robust errors of the same
files are computed by modules of their own.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from coarse_search import COARSE, stopped_early, zero_within
from reference_cases import Family, Tolerance, check_file, files_of, read_data

from trialstats.meta.location_scale import pool_location_scale
from trialstats.meta.model_comparison import likelihood_ratio_test
from trialstats.meta.moderators import read_moderators
from trialstats.meta.pooled import Pooled
from trialstats.meta.pooling import pool
from trialstats.meta.quadratic_forms import upper_tail_of
from trialstats.meta.robust import cluster_robust
from trialstats.meta.tau_squared import TAU_SQUARED
from trialstats.meta.tau_squared_intervals import INTERVALS as INTERVALS_OF_TAU
from trialstats.meta.tau_squared_intervals import Request

pytestmark = pytest.mark.reference

INFERENCE = {
    "z": "wald",
    "t": "t",
    "knha": "knapp_hartung",
    "adhoc": "knapp_hartung_adhoc",
}
INTERVALS = {
    "QP": "q_profile",
    "PL": "profile_likelihood",
    "HT": "higgins_thompson",
    "Wald": "wald",
    "GENQ": "generalised_q",
}
PREDICTIONS = {"default": "inference", "simple": "simple", "riley": "riley", "t": "t"}
WEIGHTS = {
    "1/vi": lambda v: 1 / v,
    "1/sqrt(vi)": lambda v: 1 / np.sqrt(v),
    "rep(1, length(vi))": np.ones_like,
}
CRITERIA = {
    "log_likelihood": "ll",
    "deviance": "dev",
    "aic": "AIC",
    "bic": "BIC",
    "aicc": "AICc",
}
TRANSFORMATIONS = {
    "exp": np.exp,
    "transf.ztor": np.tanh,
    "transf.ilogit": lambda x: 1 / (1 + np.exp(-x)),
}


def with_data(family: Family, shared: Path) -> Family:
    """Return the family with the rows of the data at hand, for the moderators."""

    def computed(case: dict[str, Any], reference: dict[str, Any]) -> Any:
        if "frame" not in reference:
            frame = read_data(shared, reference["data"]["csv"][0])
            same = len(frame) == len(reference["inputs"]["yi"])
            reference["frame"] = frame if same else None
        return family.compute(case, reference)

    return replace(family, compute=computed)


def trials_of(reference: dict[str, Any]) -> tuple[Any, Any, pd.DataFrame]:
    """Return effects and variances, and the rows of the data that they stand for."""
    y = np.array(reference["inputs"]["yi"], dtype=float)
    v = np.array(reference["inputs"]["vi"], dtype=float)
    data = reference["frame"]
    present = np.isfinite(y) & np.isfinite(v)
    if data is not None:
        data = data.loc[present].reset_index(drop=True)
    return y[present], v[present], data


def option(call: str, name: str) -> str | None:
    """Return a quoted argument of a call."""
    found = re.search(rf'\b{name} = "([^"]*)"', call)
    return found.group(1) if found else None


def fitted(call: str, reference: dict[str, Any], **more: Any) -> Pooled:
    """Return our fit of an `rma` call."""
    y, v, data = trials_of(reference)
    formula = re.search(r"mods = (~.*?), (?:scale|data)", call)
    moderators = None
    if formula:
        moderators = formula.group(1).replace("factor(", "C(")
        names = set(re.findall(r"[A-Za-z_]\w*", moderators)) & set(data.columns)
        rows = data[sorted(names)].notna().all(axis=1).to_numpy()
        y, v, data = y[rows], v[rows], data.loc[rows].reset_index(drop=True)
        # The parser takes longer than the fit.
        designs = reference.setdefault("designs", {})
        if moderators not in designs:
            designs[moderators] = read_moderators(moderators, data, len(y))
        moderators = designs[moderators]
    weights = re.search(r"weights = (.*?), data", call)
    given = WEIGHTS[weights.group(1)](v) if weights else None
    if "weighted = FALSE" in call:
        given = np.ones(len(y))
    method = option(call, "method") or "REML"
    level = re.search(r"level = (\d+)", call)
    arguments = {
        "moderators": moderators,
        "data": data,
        "tau_squared": "EE" if method == "FE" else method,
        "inference": INFERENCE[option(call, "test") or "z"],
        "prediction": "inference",
        "weights": given,
        "level": int(level.group(1)) / 100 if level else 0.95,
        "tau_squared_interval": "generalised_q" if "GENQ" in method else "q_profile",
    }
    return pool(y, v, **(arguments | more))


def interval(pooled: Pooled, kind: str) -> dict[str, Any]:
    """Return tau-squared and what follows from it as `confint` does."""
    frame = pooled.heterogeneity(kind)
    names = {"tau_squared": "tau2", "tau": "tau", "i_squared": "I2_pct"}
    return {
        names.get(row, "H2"): {
            column.replace("ci_lower", "ci_lb").replace("ci_upper", "ci_ub"): (
                value * (100 if row == "i_squared" else 1)
            )
            for column, value in values.items()
        }
        for row, values in frame.to_dict("index").items()
    }


def predicted(frame: pd.DataFrame, pooled: Pooled) -> dict[str, Any]:
    """Return predictions under metafor's names.

    Under equal effects it names the degrees of freedom of the confidence interval.
    """
    names = {
        "pred": "estimate",
        "se": "standard_error",
        "ci_lb": "ci_lower",
        "ci_ub": "ci_upper",
        "pi_lb": "prediction_lower",
        "pi_ub": "prediction_upper",
        "pi_ddf": "prediction_df",
    }
    results = {name: frame[ours].to_numpy() for name, ours in names.items()}
    if pooled.equal_effects:
        results["pi_ddf"] = pooled.tests.df[:1]
    if np.isnan(results["pi_ddf"]).all():
        results["pi_ddf"] = None
    return results


def term_in_r(term: str) -> str:
    """Return R's name of a coefficient."""
    if term == "Intercept":
        return "intrcpt"
    return re.sub(r"\[(?:T\.)?(.*)\]$", r"\1", term.replace("C(", "factor("))


def named_as_metafor(pooled: Pooled) -> dict[str, Any]:
    """Return a fit under the names of the reference."""
    table, test = pooled.coefficients, pooled.test()
    fits = pooled.fit_statistics.rename(index=CRITERIA)
    results = {
        "k": pooled.k,
        "p": len(table),
        "ddf": table["df"][0],
        "coef": {
            "term": [term_in_r(term) for term in table["term"]],
            "beta": table["estimate"],
            "se": table["standard_error"],
            "stat": table["statistic"],
            "pval": table["p_value"],
            "ci_lb": table["ci_lower"],
            "ci_ub": table["ci_upper"],
        },
        "tau2": pooled.tau_squared,
        "se_tau2": pooled.tau_squared_standard_error,
        "I2_pct": 100 * pooled.i_squared,
        "H2": pooled.h_squared,
        "R2_pct": 100 * pooled.r_squared,
        "vt": pooled.typical_variance,
        "s2w": pooled.scale,
        "QE": pooled.q,
        "QE_df": pooled.q_df,
        "QEp": pooled.q_p_value,
        "QM": test.statistic,
        "QM_df": [test.df1, test.df2],
        "QMp": test.p_value,
        "fit_stats": fits.to_dict(),
        "vcov": {
            "rownames": None,
            "colnames": None,
            "data": [list(row) for row in pooled.covariance],
        },
        "predict": predicted(pooled.predict(), pooled),
    }
    if not pooled.equal_effects:
        kind = "GENQ" if pooled.tau_squared_method.startswith("GENQ") else "QP"
        results["tau2_ci_type"] = kind
        results["tau2_ci"] = interval(pooled, INTERVALS[kind])
    return results


def of_confint(case: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    pooled = fitted(case["call"], reference)
    return {"ci": interval(pooled, INTERVALS[case["ci_type"]])}


def of_predict(case: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    call = case["call"]
    pooled = fitted(call, reference)
    new = re.search(r"newmods = c\((.*?)\)", call)
    rows = None if new is None else [float(x) for x in new.group(1).split(",")]
    form = PREDICTIONS[option(call, "predtype") or "default"]
    results = predicted(pooled.predict(rows, prediction=form), pooled)
    transform = re.search(r"transf = ([\w.]+)", call)
    if transform:
        change = TRANSFORMATIONS[transform.group(1)]
        names = ("pred", "ci_lb", "ci_ub", "pi_lb", "pi_ub")
        results |= {name: change(results[name]) for name in names}
        results["se"] = np.full(len(results["se"]), np.nan)
    return results


def of_weights(case: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    return {"weights_pct": 100 * fitted(case["call"], reference).weights}


def of_blup(case: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    frame = fitted(case["call"], reference).blups()
    return {
        "pred": frame["estimate"].to_numpy(),
        "se": frame["standard_error"].to_numpy(),
        "pi_lb": frame["prediction_lower"].to_numpy(),
        "pi_ub": frame["prediction_upper"].to_numpy(),
    }


def of_some_coefficients(
    case: dict[str, Any], reference: dict[str, Any]
) -> dict[str, Any]:
    pooled = fitted(case["call"], reference)
    test = pooled.test("C(alloc)")
    changed = {"QM": test.statistic, "QM_df": [test.df1, test.df2], "QMp": test.p_value}
    return named_as_metafor(pooled) | changed


def of_comparison(case: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    calls = re.findall(r"rma\(yi.*?1e-14\)\)", case["call"])
    found = likelihood_ratio_test(*(fitted(call, reference) for call in calls))
    return {
        "LRT": found.statistic,
        "pval": found.p_value,
        "df_full": found.parameters_full,
        "df_reduced": found.parameters_reduced,
    }


def of_location_scale(
    case: dict[str, Any], reference: dict[str, Any]
) -> dict[str, Any]:
    y, v, data = trials_of(reference)
    fit = pool_location_scale(
        y, v, moderators="~ ablat", scale="~ ablat", data=data, inference="wald"
    )
    mean, scale = fit.coefficients, fit.scale_coefficients
    return {
        "beta": mean["estimate"],
        "se": mean["standard_error"],
        "pval": mean["p_value"],
        "alpha": scale["estimate"],
        "se_alpha": scale["standard_error"],
        "pval_alpha": scale["p_value"],
        "fit_stats": fit.fit_statistics.rename(index=CRITERIA).to_dict(),
    }


def of_clusters(case: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    pooled = fitted(case["call"], reference)
    robust = cluster_robust(pooled, trials_of(reference)[2]["alloc"], kind="CR1")
    table = robust.coefficients
    return {
        "beta": table["estimate"],
        "se": table["standard_error"],
        "tval": table["statistic"],
        "pval": table["p_value"],
        "ci_lb": table["ci_lower"],
        "ci_ub": table["ci_upper"],
        "ddf": [table["df"][0]],
    }


SPECIAL = {
    "weights": of_weights,
    "blup": of_blup,
    "btt": of_some_coefficients,
    "anova": of_comparison,
    "confint": of_confint,
    "predict": of_predict,
    "location": of_location_scale,
    "robust": of_clusters,
}


def coarse_limits(request: Request) -> tuple[float, float]:
    """Return the limits of generalised Q that metafor's search stops at.

    It was told to look between zero and 1e5 for a zero to within the fourth root of
    the machine's precision, 1.2e-4; ours must be no further from it.
    """
    given = request.given
    key = (given.trials.variance.tobytes(), given.weight.tobytes(), request.level)
    if key not in SOLVED:
        SOLVED[key] = _coarse_limits(request)
    return SOLVED[key]


def _coarse_limits(request: Request) -> tuple[float, float]:
    exact = GENERALISED_Q(request)
    q = float(request.given.q[0])

    def upper_tail(tau_squared: float) -> float:
        return upper_tail_of(request.given, q, tau_squared)

    highest = 1e5
    tails, found = ((1 - request.level) / 2, (1 + request.level) / 2), []
    for tail, limit in zip(tails, exact, strict=True):
        if limit == 0:
            found.append(0.0)
            continue
        zero = zero_within(lambda t, a=tail: upper_tail(t) - a, 0.0, highest, COARSE)
        assert abs(zero - limit) <= COARSE
        found.append(zero)
    return found[0], found[1]


#: Limits by trials and weights: GENQ and GENQM share them.
SOLVED: dict[Any, tuple[float, float]] = {}
GENERALISED_Q = INTERVALS_OF_TAU["generalised_q"]


def compute(case: dict[str, Any], reference: dict[str, Any]) -> Any:
    kind = re.split(r"[._]", case["id"])[0]
    if kind in SPECIAL:
        return SPECIAL[kind](case, reference)
    early = {"REML": stopped_early} if case["id"].endswith("defaultctl") else {}
    with (
        patch.dict(TAU_SQUARED, early),
        patch.dict(INTERVALS_OF_TAU, {"generalised_q": coarse_limits}),
    ):
        return named_as_metafor(fitted(case["call"], reference))


#: Where a likelihood is highest at zero, or an iteration shrinks toward it, metafor
#: stops within about 1e-12 of zero and takes the root of that for tau. Location-scale
#: models were fitted with the default optimiser.
TOLERANCE = Tolerance(
    1e-8,
    special={"location_scale": 1e-4},
    floors={"tau.": 2e-6, "simple": 1e-6, "I2_pct": 2e-9, "tau2": 2e-12},
)
FAMILY = Family(name="metafor.rma_uni", compute=compute, tolerance=TOLERANCE)


@pytest.mark.parametrize("name", files_of("metafor.rma_uni"))
def test_every_number_agrees_with_metafor(name, shared):
    check_file(with_data(FAMILY, shared), shared, name)
