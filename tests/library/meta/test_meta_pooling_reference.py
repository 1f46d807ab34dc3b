"""Pooled effects beside those of metafor 5.1-12, on synthetic and on package data.

The synthetic cases are committed (tests/reference/metafor/README.md gives the calls);
the package data stand in the shared reference folder.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trialstats.meta import Pooled, pool, q_profile

pytestmark = pytest.mark.reference

#: metafor's names of the tests.
INFERENCE = {
    "z": "wald",
    "t": "t",
    "knha": "knapp_hartung",
    "adhoc": "knapp_hartung_adhoc",
}
FORMS = {"t": "t", "riley": "HTS"}

#: Closed form in both programs: only the order of the additions differs.
EXACT = 1e-10
#: metafor iterates to a threshold of 1e-13 in tau-squared; the largest difference
#: seen is 5e-11 (a p-value of 4e-38), so three digits are left in hand.
ITERATIVE = 1e-8
ITERATIVE_METHODS = {"REML", "ML", "PM", "EB"}

SYNTHETIC = ("edge_homog_k3", "edge_hugeI2", "edge_k2", "sim_k40")
PACKAGE_DATA = (
    "bangertdrowns2004",
    "bcg_OR",
    "bcg_RD",
    "bcg_RR",
    "curtis1998_ROM",
    "gibson2002_SMD",
    "hackshaw1998",
    "konstantopoulos2011",
    "molloy2014_ZCOR",
    "nielweise2007_OR",
    "normand1999_MD",
    "pritz1997_PLO",
    "raudenbush1985",
    "yusuf1985_t6_PETO",
)
#: Estimators of the committed cases; the others are in test_metafor_rma_uni.
METHODS = {"EE", "DL", "PM", "REML", "ML", "HE", "SJ", "EB", "HS"}
#: Cases of a data set: 9 methods and FE (as EE) with their tests, unweighted, level 90.
POOLED_CASES = 37
#: 4 methods x 2 tests x 2 forms.
PREDICT_CASES = 16


@pytest.fixture(scope="session")
def committed(root: Path) -> dict[str, Any]:
    path = root / "tests/reference/metafor/rma_uni.json"
    return json.loads(path.read_text())["datasets"]


def compare(ours: dict[str, float], theirs: dict[str, float], method: str, v: float):
    """Fail for the first quantity that differs; `v` is the largest variance."""
    relative = ITERATIVE if method in ITERATIVE_METHODS else EXACT
    # Where one program stops at zero the other may leave rounding of that size.
    absolute = {"tau2": 1e-11 * v, "tau2_lb": 1e-11 * v, "I2_pct": 1e-9}
    for name, value in theirs.items():
        expected = pytest.approx(value, rel=relative, abs=absolute.get(name, 0.0))
        assert ours[name] == expected, name


def named_as_metafor(pooled: Pooled) -> dict[str, float]:
    return {
        "beta": pooled.estimate,
        "se": pooled.standard_error,
        "stat": pooled.statistic,
        "pval": pooled.p_value,
        "ci_lb": pooled.ci_lower,
        "ci_ub": pooled.ci_upper,
        "tau2": pooled.tau_squared,
        "I2_pct": 100 * pooled.i_squared,
        "H2": pooled.h_squared,
        "QE": pooled.q,
        "QE_df": pooled.q_df,
        "QEp": pooled.q_p_value,
        "tau2_lb": pooled.tau_squared_lower,
        "tau2_ub": pooled.tau_squared_upper,
        "pi_lb": pooled.prediction_lower,
        "pi_ub": pooled.prediction_upper,
    }


def check_pooled(y, v, case: dict[str, Any]) -> None:
    method = "EE" if case["method"] == "FE" else case["method"]
    pooled = pool(
        y,
        v,
        tau_squared=method,
        inference=INFERENCE[case["test"]],
        level=case["level"],
        weights=np.ones(len(y)) if case["weights"] == "equal" else None,
    )
    settings = {"id", "method", "test", "level", "weights"}
    theirs = {name: value for name, value in case.items() if name not in settings}
    ours = named_as_metafor(pooled)
    compare(ours, theirs, method, max(v))


def check_predicted(y, v, case: dict[str, Any]) -> None:
    form = FORMS[case["predtype"]]
    pooled = pool(
        y,
        v,
        tau_squared=case["method"],
        inference=INFERENCE[case["test"]],
        prediction=form,
    )
    if form == "HTS" and len(y) == 2:
        # metafor takes 1 df there; the interval with k - 2 = 0 df does not exist.
        assert np.isnan(pooled.prediction_lower)
        assert "0 df" in pooled.not_estimable["prediction_lower"]
        return
    ours = named_as_metafor(pooled) | {"pi_ddf": pooled.prediction_df}
    theirs = {name: case[name] for name in ("pi_lb", "pi_ub", "pi_ddf")}
    compare(ours, theirs, case["method"], max(v))


def check_weights(y, v, percent: list[float]) -> None:
    weights = 100 * pool(y, v, tau_squared="REML").weights
    np.testing.assert_allclose(weights, percent, rtol=ITERATIVE)


@pytest.mark.parametrize("name", SYNTHETIC)
def test_synthetic_data_agree_with_metafor(name, committed):
    data = committed[name]
    y, v = data["yi"], data["vi"]
    # FE repeats EE and is not committed.
    assert len(data["pooled"]) == POOLED_CASES - 2
    assert {case["method"] for case in data["pooled"]} == METHODS
    for case in data["pooled"]:
        check_pooled(y, v, case)
    assert len(data["predict"]) == PREDICT_CASES
    for case in data["predict"]:
        check_predicted(y, v, case)
    check_weights(y, v, data["weights_REML_pct"])


def shared_reference(shared: Path, name: str) -> dict[str, Any]:
    path = shared / f"reference/json/metafor.rma_uni.{name}.json"
    return json.loads(path.read_text())


def estimable(inputs: dict[str, Any]) -> tuple[list[float], list[float]]:
    """Return effects and variances without the rows that metafor omits as NA."""
    pairs = zip(inputs["yi"], inputs["vi"], strict=True)
    y, v = zip(*[pair for pair in pairs if None not in pair], strict=True)
    return list(y), list(v)


def flattened(case: dict[str, Any]) -> dict[str, Any]:
    """Return a case of the shared folder in the shape of the committed ones."""
    results, predicted = case["results"], case["results"]["predict"]
    row = {
        "method": case["method"],
        "test": case["test"],
        "level": 0.9 if "level = 90" in case["call"] else 0.95,
        "weights": "equal" if "weighted = FALSE" in case["call"] else "inverse",
    }
    for name in ("beta", "se", "stat", "pval", "ci_lb", "ci_ub"):
        row[name] = results["coef"][name][0]
    for name in ("tau2", "I2_pct", "H2", "QE", "QE_df", "QEp"):
        row[name] = results[name]
    if "tau2_ci" in results:
        row["tau2_lb"] = results["tau2_ci"]["tau2"]["ci_lb"]
        row["tau2_ub"] = results["tau2_ci"]["tau2"]["ci_ub"]
    if case["test"] != "z" and case["method"] not in ("EE", "FE"):
        row["pi_lb"], row["pi_ub"] = predicted["pi_lb"][0], predicted["pi_ub"][0]
    return row


def supported(case: dict[str, Any]) -> bool:
    """Whether it is one of the estimators; default controls stop earlier, at 1e-4."""
    is_pooled = case["id"].startswith("int.")
    if not is_pooled or case["id"].endswith("defaultctl"):
        return False
    return case["method"] in {"FE", *METHODS}


@pytest.mark.parametrize("name", PACKAGE_DATA + SYNTHETIC)
def test_package_data_agree_with_metafor(name, shared):
    data = shared_reference(shared, name)
    y, v = estimable(data["inputs"])
    cases = {case["id"]: case for case in data["cases"]}
    pooled = [case for case in data["cases"] if supported(case)]
    assert len(pooled) == POOLED_CASES
    for case in pooled:
        check_pooled(y, v, flattened(case))
    predicted = [
        (case, case["id"].rsplit(".", 1)[1])
        for case in data["cases"]
        if case["id"].startswith("predict.") and case["id"].endswith((".t", ".riley"))
    ]
    assert len(predicted) == PREDICT_CASES
    for case, form in predicted:
        results = case["results"]
        row = {name: results[name][0] for name in ("pi_lb", "pi_ub", "pi_ddf")}
        row |= {"method": case["method"], "test": case["test"], "predtype": form}
        check_predicted(y, v, row)
    check_weights(y, v, cases["weights.REML"]["results"]["weights_pct"])
    for method in ("REML", "ML", "DL", "PM"):
        limits = cases[f"confint.{method}.QP"]["results"]["ci"]["tau2"]
        expected = pytest.approx((limits["ci_lb"], limits["ci_ub"]), rel=ITERATIVE)
        assert q_profile(y, v) == expected


@pytest.mark.parametrize("name", SYNTHETIC)
def test_committed_numbers_are_those_of_the_shared_folder(name, committed, shared):
    data = shared_reference(shared, name)
    assert committed[name]["yi"] == data["inputs"]["yi"]
    assert committed[name]["vi"] == data["inputs"]["vi"]
    theirs = {case["id"]: case for case in data["cases"]}
    for case in committed[name]["pooled"]:
        expected = flattened(theirs[case["id"]])
        copied = {key: value for key, value in case.items() if key != "id"}
        assert copied | {"weights": ""} == expected | {"weights": ""}


def test_the_grid_does_not_shrink():
    # 18 data sets x 37 fits = 666, x 16 prediction intervals = 288.
    sets = len(PACKAGE_DATA + SYNTHETIC)
    assert (sets * POOLED_CASES, sets * PREDICT_CASES) == (666, 288)
