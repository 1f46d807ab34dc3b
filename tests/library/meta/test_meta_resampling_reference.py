"""Diagnostics and resampling beside metafor 3.8.1 and boot, on made-up trials.

tests/reference/metafor/make_resampling.R makes the trials and the numbers; the cases of
the shared reference that other modules do not compare are here, too.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.library.meta.reference_cases import (
    Family,
    Tolerance,
    check_file,
    read_data,
    read_reference,
)
from trialstats.meta.all_subsets import gosh
from trialstats.meta.bootstrapping import INTERVALS
from trialstats.meta.effect_sizes import effect_sizes
from trialstats.meta.groups import BetweenTest, subgroups
from trialstats.meta.influential import baujat, influence, residuals
from trialstats.meta.leaving_out import cumulative, leave_one_out
from trialstats.meta.permutation import permutation_intervals, permutation_test
from trialstats.meta.pooled import Pooled
from trialstats.meta.pooling import pool
from trialstats.meta.profile import profile_likelihood

pytestmark = pytest.mark.reference

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = json.loads(
    (ROOT / "tests/reference/metafor/resampling.json").read_text(encoding="utf-8")
)
TRIALS = pd.DataFrame(REFERENCE["trials"])

INFERENCE = {
    "z": "wald",
    "t": "t",
    "knha": "knapp_hartung",
    "adhoc": "knapp_hartung_adhoc",
}
INFLUENCE = {
    "rstudent": "studentized_residual",
    "dffits": "dffits",
    "cook.d": "cooks_distance",
    "cov.r": "covariance_ratio",
    "tau2.del": "tau_squared_deleted",
    "QE.del": "q_deleted",
    "hat": "hat",
}

#: Columns of metafor's subsets that are no coefficients.
OF_HETEROGENEITY = ("k", "QE", "I2", "H2", "tau2", "tau")

#: Both iterate tau-squared, metafor to a threshold of 1e-13, and the file has 15
#: digits; the largest difference seen is below 1e-10. Where ours is on the boundary
#: tau2 = 0, metafor leaves up to 6e-14.
ITERATIVE = 1e-9


def close(ours: Any, theirs: Any, relative: float = ITERATIVE) -> None:
    """Compare numbers; null in the file is NaN in ours."""
    expected = np.array([np.nan if x is None else x for x in np.atleast_1d(theirs)])
    np.testing.assert_allclose(
        np.asarray(ours, dtype=float), expected.astype(float), rtol=relative, atol=1e-13
    )


def fit(data: pd.DataFrame, moderators: str | None, method: str, test: str) -> Pooled:
    formula = moderators and "~ " + moderators
    return pool(
        data["yi"],
        data["vi"],
        moderators=formula,
        data=data,
        tau_squared=method,
        inference=INFERENCE[test],
    )


def case_id(case: dict[str, Any]) -> str:
    return f"{case.get('moderators') or 'mean'}-{case['method']}-{case.get('test')}"


def compare_influence(pooled: Pooled, theirs: dict[str, Any]) -> None:
    found = influence(pooled)
    for name, column in INFLUENCE.items():
        close(found.trials[column], theirs["inf"][name])
    close(100 * found.trials["weight"], theirs["inf"]["weight"])
    ours = found.trials["influential"].tolist()
    assert ours == [flag is True for flag in theirs["is_infl"]]
    for column, numbers in enumerate(theirs["dfbs"].values()):
        close(found.dfbetas.iloc[:, column], numbers)
    points = baujat(pooled)
    close(points["heterogeneity"], theirs["baujat"]["x"])
    close(points["influence"], theirs["baujat"]["y"])
    compare_residuals(residuals(pooled, "studentized"), theirs["rstudent"])


def compare_residuals(table: pd.DataFrame, theirs: dict[str, Any]) -> None:
    close(table["residual"], theirs["resid"])
    close(table["standard_error"], theirs["se"])
    close(table["z"], theirs["z"])


@pytest.mark.parametrize("case", REFERENCE["influence"], ids=case_id)
def test_influence_with_moderators(case):
    pooled = fit(TRIALS, case.get("moderators"), case["method"], case["test"])
    compare_influence(pooled, case["results"])
    compare_residuals(residuals(pooled), case["results"]["rstandard"])
    compare_residuals(residuals(pooled, "conditional"), case["conditional"])


@pytest.mark.parametrize("case", REFERENCE["weighted"], ids=lambda case: case["test"])
@pytest.mark.parametrize("moderators", [None, "~ dose"])
def test_influence_under_given_weights(case, moderators):
    pooled = pool(
        TRIALS["yi"],
        TRIALS["vi"],
        moderators=moderators,
        data=TRIALS,
        weights=TRIALS["weight"],
        tau_squared="DL" if moderators else "REML",
        inference=INFERENCE[case["test"]],
    )
    theirs = case["dose" if moderators else "mean"]
    compare_influence(pooled, theirs)
    compare_residuals(residuals(pooled), theirs["rstandard"])


def test_a_trial_that_alone_determines_a_coefficient_has_no_influence():
    data = TRIALS.assign(site=TRIALS["site"].where(TRIALS.index != 4, "a"))
    pooled = fit(data, "site", "REML", "z")
    theirs = REFERENCE["alone"]
    compare_influence(pooled, theirs)
    found = influence(pooled)
    assert "depend" in found.trials["reason"][7]
    assert not found.trials["reason"].drop(7).any()
    # metafor divides the rounding of a zero by that of another there.
    ours = residuals(pooled)
    assert ours["standard_error"].isna().tolist() == [i == 7 for i in range(9)]
    others = {
        name: [x for i, x in enumerate(values) if i != 7]
        for name, values in theirs["rstandard"].items()
    }
    compare_residuals(ours.drop(7), others)


@pytest.mark.parametrize("case", REFERENCE["gosh"], ids=case_id)
def test_all_subsets(case):
    few = TRIALS.head(6)
    pooled = fit(few, case.get("moderators"), case["method"], case["test"])
    p = len(pooled.terms)
    found = gosh(pooled)
    assert found.exhaustive
    # metafor fits subsets of p trials, too, where nothing is left for heterogeneity.
    enough = np.array(case["res"]["k"]) > p
    included = np.array(case["incl"])[enough].astype(bool)
    ours = {tuple(row): i for i, row in enumerate(found.included.tolist())}
    order = [ours[tuple(row)] for row in included.tolist()]
    assert sorted(order) == list(range(len(found.fits)))
    fits = found.fits.iloc[order]
    for theirs, name in {"QE": "q", "tau2": "tau_squared", "H2": "h_squared"}.items():
        close(fits[name], np.array(case["res"][theirs])[enough])
    close(100 * fits["i_squared"], np.array(case["res"]["I2"])[enough])
    coefficients = [name for name in case["res"] if name not in OF_HETEROGENEITY]
    for column, theirs in enumerate(coefficients):
        numbers = np.array(case["res"][theirs])[enough]
        close(found.coefficients.iloc[order, column], numbers)


@pytest.mark.parametrize("case", REFERENCE["permutation"], ids=lambda c: c["id"])
def test_exact_permutations(case):
    what, test, alternative = case["id"].split()
    data = TRIALS.head(7) if what == "dose" else TRIALS
    moderators = None if what == "mean" else what
    method = "DL" if what == "site" else "REML"
    found = permutation_test(
        fit(data, moderators, method, test),
        exact=True,
        alternative=alternative.replace(".", "_"),
    )
    assert found.exact
    assert found.iterations == case["iter"]
    assert found.failed == 0
    # Parts of the same number of arrangements: equal, or different by one of them.
    close(found.coefficients["p_value"], case["pval"], 1e-12)
    close(found.omnibus_p_value, case["QMp"], 1e-12)
    close(found.coefficients["statistic"], case["zval"])
    close(found.omnibus, case["QM"])


@pytest.mark.parametrize("case", REFERENCE["profile"], ids=case_id)
def test_profile_likelihood(case):
    pooled = fit(TRIALS, case.get("moderators"), case["method"], case["test"])
    found = profile_likelihood(pooled, tau_squared=case["tau2"])
    close(found.curve["log_likelihood"], case["ll"])
    close(found.curve[list(pooled.terms)].to_numpy().ravel(), np.ravel(case["beta"]))
    close(found.maximum, case["maximum"])
    close(found.tau_squared, case["estimate"])


@pytest.mark.parametrize(
    "case", REFERENCE["subgroups"], ids=lambda case: case["method"]
)
def test_subgroups(case):
    found = subgroups(
        TRIALS["yi"], TRIALS["vi"], TRIALS["site"], tau_squared=case["method"]
    )
    for name, theirs in case["within"].items():
        row = found.groups.set_index("group").loc[name]
        ours = {"Q": "q", "tau2": "tau_squared", "se": "standard_error"}
        for column, number in theirs.items():
            scale = 100 if column == "I2" else 1
            column = "i_squared" if column == "I2" else ours.get(column, column)
            close(scale * row[column], number)
    compare_test(found.between, case["between"], 2, case["between_p"])
    compare_test(
        found.between_common, case["common_between"], 2, case["common_between_p"]
    )
    compare_test(found.between_f, case["f"], 2, case["f_p"])
    assert found.between_f.residual_df == case["f_df"][1]
    close(found.q_within, case["within_q"])
    assert found.q_within_df == case["within_df"]
    close(found.q_within_p_value, case["within_p"])
    close(found.residual_tau_squared, case["residual"])
    close(100 * found.r_squared, case["R2"])
    shared = subgroups(
        TRIALS["yi"],
        TRIALS["vi"],
        TRIALS["site"],
        tau_squared=case["method"],
        common_tau_squared=True,
    )
    close(shared.groups["estimate"], case["shared"]["estimate"])
    close(shared.groups["standard_error"], case["shared"]["se"])


def compare_test(ours: BetweenTest, statistic: float, df: int, p_value: float) -> None:
    close(ours.statistic, statistic)
    assert ours.df == df
    close(ours.p_value, p_value)


@pytest.mark.parametrize("interval", ["percentile", "bca"])
def test_bootstrap_intervals_of_given_replicates(interval):
    given = REFERENCE["bootstrap"]
    influences = np.array(given["jackknife"])
    acceleration = (influences**3).sum() / (6 * (influences**2).sum() ** 1.5)
    for level, expected in zip(given["level"], given[interval], strict=True):
        limits, reason = INTERVALS[interval](
            np.array(given["replicates"])[:, np.newaxis],
            np.array([given["estimate"]]),
            level,
            lambda: np.array([acceleration]),
        )
        assert reason == [""]
        # The same order statistics and interpolation: closed form in both.
        close(limits[:, 0], expected, 1e-10)


def bcg(shared: Path, reference: dict[str, Any], measure: str) -> pd.DataFrame:
    data = read_data(shared, reference["data"]["csv"][0])
    sizes = effect_sizes(
        measure,
        ai=data["tpos"],
        bi=data["tneg"],
        ci=data["cpos"],
        di=data["cneg"],
    )
    return data.assign(effect=sizes["effect"], variance=sizes["variance"])


def test_the_shared_permutation_test(shared):
    name = "metafor.rma_mv.permutest_bcg"
    data = bcg(shared, read_reference(shared, name), "RR")

    def compute(case: dict[str, Any], _: Any) -> dict[str, Any]:
        pooled = pool(
            data["effect"], data["variance"], tau_squared="DL", inference="wald"
        )
        found = permutation_test(pooled, exact=True)
        return {"pval": found.coefficients["p_value"], "QMp": [found.omnibus_p_value]}

    # A part of 8192 arrangements.
    check_file(Family("resampling", compute, Tolerance(1e-12)), shared, name)


@pytest.mark.parametrize("measure", ["RR", "OR", "RD"])
@pytest.mark.parametrize("common", [False, True])
def test_subgroups_beside_meta(shared, measure, common):
    # meta 8.4 lists subgroups as they come; its common model is Mantel-Haenszel unless
    # tau-squared is shared.
    reference = read_reference(shared, "meta.metabin_bcg")
    name = f"{measure}.subgroup" + ("_tau_common" if common else "")
    case = next(case for case in reference["cases"] if case["id"] == name)
    theirs = case["results"]
    data = bcg(shared, reference, measure)
    found = subgroups(
        data["effect"],
        data["variance"],
        pd.Categorical(data["alloc"], theirs["subgroup_levels"]),
        common_tau_squared=common,
        inference="wald",
    )
    groups = found.groups
    assert groups["group"].tolist() == theirs["subgroup_levels"]
    close(groups["k"], theirs["k.w"])
    close(groups["estimate"], theirs["TE.random.w"])
    close(groups["standard_error"], theirs["seTE.random.w"])
    close(groups["ci_lower"], theirs["lower.random.w"])
    close(groups["ci_upper"], theirs["upper.random.w"])
    close(groups["tau_squared"], theirs["tau2.w"])
    close(groups["q"], theirs["Q.w"])
    close(found.q_within, theirs["Q.w.common"])
    assert found.q_within_df == theirs["df.Q.w"][0]
    close(found.q_within_p_value, theirs["pval.Q.w.common"])
    compare_test(
        found.between,
        theirs["Q.b.random"][0],
        theirs["df.Q.b.random"][0],
        theirs["pval.Q.b.random"][0],
    )
    if common:
        close(found.common["estimate"], theirs["TE.common.w"])
        close(found.common["standard_error"], theirs["seTE.common.w"])
        compare_test(
            found.between_common,
            theirs["Q.b.common"][0],
            theirs["df.Q.b"][0],
            theirs["pval.Q.b.common"][0],
        )


@pytest.mark.parametrize("name", ["leave_one_out", "cumulative"])
def test_tables_beside_meta(shared, name):
    reference = read_reference(shared, "meta.metabin_bcg")
    theirs = next(c for c in reference["cases"] if c["id"] == name)["results"]
    data = bcg(shared, reference, "RR")
    pooled = pool(data["effect"], data["variance"], inference="wald")
    table = leave_one_out(pooled) if name == "leave_one_out" else cumulative(pooled)
    for column, number in {
        "estimate": "TE",
        "standard_error": "seTE",
        "ci_lower": "lower",
        "ci_upper": "upper",
        "statistic": "statistic",
        "p_value": "pval",
        "tau_squared": "tau2",
        "k": "k",
    }.items():
        close(table[column], theirs[number])


@pytest.mark.parametrize(
    "case", REFERENCE["permutation_limits"], ids=lambda c: f"{c['model']}-{c['test']}"
)
def test_limits_of_permutation_tests(case):
    data = TRIALS.head(8).assign(late=[1, 0, 0, 1, 0, 1, 0, 0])
    pooled = pool(
        data["yi"],
        data["vi"],
        moderators=None if case["model"] == "mean" else "~ late",
        data=data,
        tau_squared="DL",
        inference=INFERENCE[case["test"]],
        level=case["level"],
    )
    found = permutation_intervals(pooled, exact=True)
    # A limit is a step of the p-value, which metafor seeks to 1e-7.
    for name in ("ci_lower", "ci_upper"):
        theirs = [np.nan if x is None else x for x in np.atleast_1d(case[name])]
        np.testing.assert_allclose(found[name], theirs, rtol=0, atol=3e-7)
    assert found["reason"].ne("").tolist() == found["ci_lower"].isna().tolist()
