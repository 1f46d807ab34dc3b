"""Tests and adjustments for small-study effects beside metafor's.

A leaf of the reference is looked up in ours; cases that differ are listed with reasons
in disagreements/bias_diag_small_study.yaml.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.library.meta.bias_diag_split import SMALL_STUDY, belongs
from tests.library.meta.reference_cases import (
    Family,
    Tolerance,
    differences,
    files_of,
    read_reference,
)
from trialstats.meta.excess_significance import excess_significance
from trialstats.meta.fail_safe import fail_safe_n, with_unseen
from trialstats.meta.henmi_copas import henmi_copas
from trialstats.meta.heteroscedasticity import heteroscedasticity_test
from trialstats.meta.pooling import Pooled, pool
from trialstats.meta.rank_test import rank_test
from trialstats.meta.selection import SelectionModel, selection_model
from trialstats.meta.small_study import regression_test
from trialstats.meta.trim_and_fill import trim_and_fill

pytestmark = pytest.mark.reference

FILES = files_of("metafor.bias_diag")
METHODS = {"FE": "EE"}
INFERENCE = {"z": "wald", "knha": "knapp_hartung"}
KINDS = {
    "stepfun": "step",
    "beta": "beta",
    "halfnorm": "half_normal",
    "negexp": "negative_exponential",
    "logistic": "logistic",
    "power": "power",
}
EXCESS = {"exact": "exact", "chi2": "chi_squared"}


def fit(case: dict[str, Any], reference: dict[str, Any], **given: Any) -> Pooled:
    """Fit the `rma` call inside a case's call; `given` where there is none."""
    method = re.search(r'method = "(\w+)"', case["call"])
    test = re.search(r'test = "(\w+)"', case["call"])
    options = {"inference": INFERENCE[test[1]] if test else "wald", **given}
    if method:
        options["tau_squared"] = METHODS.get(method[1], method[1])
    return pool(reference["inputs"]["yi"], reference["inputs"]["vi"], **options)


def of_regtest(case: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    """Return the regression test."""
    model = re.search(r'model = "(\w+)"', case["call"])
    predictor = re.search(r'predictor = "(\w+)"', case["call"])
    assert model
    assert predictor
    ours = {"rma": "meta_regression", "lm": "weighted_regression"}[model[1]]
    result = regression_test(
        fit(case, reference),
        predictor=predictor[1],
        model=ours,
        sizes=reference["inputs"].get("ni"),
    )
    table = result.coefficients
    return {
        "model": model[1],
        "predictor": predictor[1],
        "stat": result.statistic,
        "pval": result.p_value,
        "dfs": result.df,
        "limit_est": result.limit_estimate,
        "limit_ci_lb": result.limit_lower,
        "limit_ci_ub": result.limit_upper,
        "coef": {
            "beta": table["estimate"].to_numpy(),
            "se": table["standard_error"].to_numpy(),
            "stat": table["statistic"].to_numpy(),
            "pval": table["p_value"].to_numpy(),
        },
        "tau2": result.tau_squared,
    }


def of_ranktest(case: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    """Return the rank correlation test."""
    result = rank_test(fit(case, reference), exact="exact = FALSE" not in case["call"])
    return {"tau": result.tau, "pval": result.p_value}


def of_trimfill(case: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    """Return trim and fill.

    metafor refits the filled trials with its default test, the normal one, whatever
    the test of the model; ours keeps that of the model. The refit below takes
    metafor's.
    """
    estimator = re.search(r'estimator = "(\w+)"', case["call"])
    side = re.search(r'side = "(\w+)"', case["call"])
    assert estimator
    result = trim_and_fill(
        fit(case, reference),
        estimator=estimator[1],
        side=side[1] if side else "auto",
    )
    filled = result.filled
    if result.missing:
        options = {**filled.options, "inference": "wald"}
        filled = pool(result.effect, result.variance, **options)
    return {
        "k": filled.k,
        "beta": filled.estimate,
        "se": filled.standard_error,
        "stat": filled.statistic,
        "pval": filled.p_value,
        "ci_lb": filled.ci_lower,
        "ci_ub": filled.ci_upper,
        "tau2": filled.tau_squared,
        "I2_pct": 100 * filled.i_squared,
        "H2": filled.h_squared,
        "QE": filled.q,
        "QEp": filled.q_p_value,
        "k0": result.missing,
        "se_k0": result.missing_standard_error,
        "p_k0": result.missing_p_value,
        "side": result.side,
        "fill": result.is_filled,
        "yi": result.effect,
        "vi": result.variance,
    }


def of_fsn(case: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    """Return the fail-safe number."""
    kind = case["id"].split(".")[1]
    alpha = re.search(r"alpha = ([0-9.]+)", case["call"])
    result = fail_safe_n(
        fit(case, reference), kind=kind, alpha=float(alpha[1]) if alpha else 0.05
    )
    return {
        "type": kind,
        "fsnum": result.number,
        "est": result.estimate,
        "tau2": result.tau_squared,
        "pval": result.p_value,
        "target": result.target,
        "meanes": result.estimate,
        "est_fsn": result.estimate_with,
        "tau2_fsn": result.tau_squared_with,
        "pval_fsn": result.p_value_with,
    }


def of_hc(case: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    """Return the interval of Henmi and Copas."""
    pooled = fit(case, reference)
    result = henmi_copas(pooled)
    return {
        "beta": result.estimate,
        "se": result.standard_error,
        "ci_lb": result.ci_lower,
        "ci_ub": result.ci_upper,
        "tau2": result.tau_squared,
        "beta_rma": pooled.estimate,
        "se_rma": pooled.standard_error,
    }


def of_tes(case: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    """Return the test of excess significance.

    metafor changes from the exact to the chi-squared test when it would have to look
    at more than a million subsets; ours needs none and is asked for metafor's.
    """
    theirs = case["results"]["test"]
    # Without a model metafor takes the equal-effects mean.
    pooled = fit(case, reference, tau_squared="EE")
    result = excess_significance(pooled, test=EXCESS[theirs])
    return {
        "k": result.k,
        "O": result.observed,
        "E": result.expected,
        "OEratio": result.ratio,
        "test": theirs,
        "X2": result.statistic,
        "pval": result.p_value,
        "theta": result.effect,
        "power": result.power,
    }


def of_hettest(case: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    """Return the score test that tau-squared is common."""
    result = heteroscedasticity_test(fit(case, reference))
    return {
        "statistic": [result.statistic],
        "df": [result.df],
        "pval": [result.p_value],
        "tau2i": result.tau_squared_by_trial,
    }


FITTED: dict[tuple[str, str], SelectionModel] = {}


def select(case: dict[str, Any], reference: dict[str, Any]) -> SelectionModel:
    """Fit the selection model of a case, once."""
    key = (reference["id"], case["id"])
    if key not in FITTED:
        FITTED[key] = _selected(case, reference)
    return FITTED[key]


def _selected(case: dict[str, Any], reference: dict[str, Any]) -> SelectionModel:
    theirs = re.search(r'type = "(\w+)"', case["call"])
    direction = re.search(r'alternative = "(\w+)"', case["call"])
    assert theirs
    assert direction
    options: dict[str, Any] = {"kind": KINDS[theirs[1]], "alternative": direction[1]}
    if theirs[1] == "stepfun":
        options["steps"] = case["results"]["steps"][:-1]
        if "delta = " in case["call"]:
            options["delta"] = case["results"]["delta"]
    return selection_model(fit(case, reference), **options)


def of_selmodel(case: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    """Return the selection model."""
    result = select(case, reference)
    weights = result.weights
    step = result.kind == "step"
    return {
        "type": {ours: theirs for theirs, ours in KINDS.items()}[result.kind],
        "k": result.k,
        "beta": [result.estimate],
        "se": [result.standard_error],
        "stat": [result.statistic],
        "pval": [result.p_value],
        "ci_lb": [result.ci_lower],
        "ci_ub": [result.ci_upper],
        "tau2": result.tau_squared,
        "se_tau2": result.tau_squared_standard_error,
        "LRT_tau2": result.tau_squared_statistic,
        "LRTp_tau2": result.tau_squared_p_value,
        "delta": weights["estimate"].to_numpy(),
        "se_delta": weights["standard_error"].to_numpy(),
        "pval_delta": weights["p_value"].to_numpy(),
        "LRT": result.likelihood_ratio,
        "LRT_df": result.likelihood_ratio_df,
        "LRTp": result.likelihood_ratio_p_value,
        "logLik": result.log_likelihood,
        "steps": result.steps if step else case["results"]["steps"],
        "ptable_k": weights["trials"].to_numpy() if step else None,
    }


COMPUTE: dict[str, Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]] = {
    "regtest": of_regtest,
    "ranktest": of_ranktest,
    "trimfill": of_trimfill,
    "fsn": of_fsn,
    "hc": of_hc,
    "tes": of_tes,
    "hettest": of_hettest,
    "selmodel": of_selmodel,
}

SMALL_STUDY_FAMILY = Family(
    "bias_diag_small_study",
    lambda case, reference: COMPUTE[case["id"].split(".")[0]](case, reference),
    Tolerance(
        1e-8,
        special={
            # The refit of the filled trials and of "General" stops at metafor's
            # default threshold, not at the tight one of the rest; small p-values
            # magnify that.
            "trimfill.REML": 2e-3,
            "fsn.General.REML": 2e-3,
            # uniroot and integrate stop at a relative 1.2e-4.
            "hc.DL ci": 1e-3,
            # The null model and the trials' own variances stop at changes of 1e-8.
            "hettest": 1e-5,
            # BFGS stops when the log-likelihood no longer changes by 1.5e-8 of itself;
            # estimates are held against their standard errors below.
            "selmodel.stepfun": 2e-3,
            # The integrals besides are good to 1.2e-4 only, and the Hessian is taken
            # by differences of them.
            "selmodel.": 2e-2,
        },
    ),
    ignored={
        "term": "name of a coefficient",
        "digits": "for printing",
        "iter": "number of bootstrap samples, of which none are drawn",
    },
)


@pytest.mark.parametrize("name", FILES)
def test_every_case_agrees(shared: Path, name: str) -> None:
    """Every case that is not listed agrees; every listed one differs."""
    reference = read_reference(shared, name)
    listed = SMALL_STUDY_FAMILY.listed
    problems = []
    for case in reference["cases"]:
        if not belongs(case["id"], SMALL_STUDY):
            continue
        found = list(differences(SMALL_STUDY_FAMILY, case, reference))
        if f"{name} {case['id']}" in listed:
            if not found:
                problems.append(f"{case['id']}: listed as different, but it agrees")
        else:
            problems += [f"{case['id']}: {text}" for text in found[:4]]
    assert not problems, f"{name}: {len(problems)}\n" + "\n".join(problems)


@pytest.mark.parametrize("name", FILES)
def test_metafor_is_nowhere_above_our_maximum(shared: Path, name: str) -> None:
    """metafor's log-likelihood is not above ours, and its lower maxima are known to us.

    Where the case is not listed, its estimates are within 0.02 standard errors of ours.
    1e-4: the accuracy of metafor's integrals.
    """
    reference = read_reference(shared, name)
    for case in reference["cases"]:
        if not belongs(case["id"], ("selmodel",)):
            continue
        theirs, ours = case["results"], select(case, reference)
        assert ours.log_likelihood > theirs["logLik"] - 1e-4, case["id"]
        why = SMALL_STUDY_FAMILY.listed.get(f"{name} {case['id']}", "")
        if "lower maximum" in why:
            away = np.abs(ours.other_maxima["log_likelihood"] - theirs["logLik"])
            assert away.min() < 0.005, case["id"]
        if not why:
            assert theirs["beta"][0] == pytest.approx(
                ours.estimate, abs=0.02 * ours.standard_error
            ), case["id"]
            free = ours.weights[~ours.weights["fixed"]]
            given = np.array(theirs["delta"])[free.index]
            away = np.abs(given - free["estimate"]) / free["standard_error"]
            assert np.all(away < 0.02), case["id"]


@pytest.mark.parametrize("name", FILES)
def test_general_fail_safe_number_is_the_smallest(shared: Path, name: str) -> None:
    """At ours the p-value reaches alpha, at one less it does not.

    metafor's number is ours or one more: its root finder ends on one or the other side
    of the jump, and is rounded up. At its number our model gives its numbers.
    """
    reference = read_reference(shared, name)
    for case in reference["cases"]:
        if not case["id"].startswith("fsn.General"):
            continue
        pooled, theirs = fit(case, reference), case["results"]
        number = int(fail_safe_n(pooled, kind="General").number)
        assert theirs["fsnum"] - number in (0, 1), case["id"]
        if number:
            assert with_unseen(pooled, number).p_value >= 0.05
            assert with_unseen(pooled, number - 1).p_value < 0.05
        there = with_unseen(pooled, theirs["fsnum"])
        # REML: metafor's default threshold, as above.
        relative = 2e-3 if "REML" in case["id"] else 1e-8
        assert there.estimate == pytest.approx(theirs["est_fsn"], rel=relative)
        assert there.p_value == pytest.approx(theirs["pval_fsn"], rel=relative)
        assert there.tau_squared == pytest.approx(
            theirs["tau2_fsn"], rel=relative, abs=1e-12
        )
