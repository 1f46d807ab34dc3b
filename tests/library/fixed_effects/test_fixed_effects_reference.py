"""Means, contrasts and tests against R's mmrm, emmeans, car and lmerTest.

The coefficients and their covariance are those that R printed, so only the matrices L
are at stake: the estimates, standard errors and F statistics are R's to rounding.
"""

import json
import re

import numpy as np
import pandas as pd
import pytest

from trialstats.fixed_effects import (
    FixedEffectsResult,
    build_design,
    design_crossproduct,
)
from trialstats.small_sample import GivenDegrees

pytestmark = pytest.mark.reference

#: The same L, beta and covariance in double precision; solving loses a few digits.
LINEAR = 1e-9

MMRM = {
    f"mmrm.{name}": ("FEV1 ~ RACE + SEX + ARMCD * AVISIT", "fev_data")
    for name in ("fev.us", "fev.cs", "fev.ar1h_grp", "fev.sp_exp")
} | {
    "mmrm.bcva.us": ("BCVA_CHG ~ BCVA_BL + RACE + ARMCD * AVISIT", "bcva_data"),
    "mmrm.sim1000x8.us": ("CHG ~ BASE + ARMCD * AVISIT", "sim1000x8"),
}
LME4 = {
    "lme4.sleepstudy": ("Reaction ~ Days", "sleepstudy"),
    "lme4.crossover_sim": ("y ~ sequence + period + treatment", "xover_sim"),
    "lme4.crossover_be2x2_AUC": ("lnAUC ~ GRP + PRD + TRT", "be2x2"),
}


def data_of(shared, name):
    folder = shared / "reference" / "data"
    columns = json.loads((folder / f"{name}.dict.json").read_text())["columns"]
    factors = {n: c["levels"] for n, c in columns.items() if c["type"] == "factor"}
    frame = pd.read_csv(folder / f"{name}.csv", dtype=dict.fromkeys(factors, str))
    for column, levels in factors.items():
        frame[column] = pd.Categorical(frame[column], categories=levels)
    return frame


def cases_of(shared, file):
    path = shared / "reference" / "json" / f"{file}.json"
    return json.loads(path.read_text())["cases"]


def r_name(name):
    """Return a column's name as R's model.matrix has it."""
    name = re.sub(r"\[T?\.?([^\]]*)\]", r"\1", name)
    return {"Intercept": "(Intercept)"}.get(name, name)


def fitted(design, coefficients, covariance, level=0.95):
    """Return a result with R's coefficients, found by name, and infinite df."""
    names = list(coefficients["term"])
    order = [names.index(r_name(name)) for name in design.names]
    beta = np.array(coefficients["estimate"])[order]
    matrix = np.array(covariance["data"])[np.ix_(order, order)]
    return FixedEffectsResult(
        design=design,
        beta=beta,
        small_sample=GivenDegrees(matrix, np.full(len(beta), np.inf)),
        crossproduct=design_crossproduct(design),
        level=level,
    )


def ordered(table, keys, reference):
    """Return a table's rows in the order of the reference."""
    labels = pd.DataFrame({key: reference[key] for key in keys}).astype(str)
    left = table.astype(dict.fromkeys(keys, str))
    found = labels.merge(left, on=keys, how="left", validate="one_to_one")
    assert len(found) == len(left)
    return found


def same(table, reference, *, estimate="emmean", error="se"):
    """Compare estimates and errors; differences near zero by their size."""
    for ours, theirs in (("estimate", estimate), ("standard_error", error)):
        np.testing.assert_allclose(
            table[ours], reference[theirs], rtol=LINEAR, atol=1e-11
        )


@pytest.mark.parametrize("file", MMRM)
def test_means_contrasts_and_terms_of_mmrm(shared, file):
    formula, data = MMRM[file]
    design = build_design(formula, data_of(shared, data))
    compared = {2: 0, 3: 0}
    for case in cases_of(shared, file):
        found = case["results"]
        if not {"coef", "beta_vcov", "emmeans"} <= set(found):
            continue
        fit = fitted(design, found["coef"], found["beta_vcov"])
        keys = ["ARMCD", "AVISIT"]
        same(ordered(fit.ls_means(keys), keys, found["emmeans"]), found["emmeans"])
        differences = fit.contrasts("ARMCD", by="AVISIT")
        theirs = found["contrasts"]
        same(
            ordered(differences, ["AVISIT", "contrast"], theirs),
            theirs,
            estimate="estimate",
        )
        if "car_Anova_II" not in found or "Kenward" in case["id"]:
            # The F of Kenward and Roger is scaled: the engines are tested on it.
            continue
        for kind, key in ((2, "car_Anova_II"), (3, "car_Anova_III")):
            tests = ordered(fit.tests(kind), ["term"], found[key])
            assert list(tests["numerator_df"]) == found[key]["num_df"]
            np.testing.assert_allclose(tests["statistic"], found[key]["f"], rtol=1e-8)
            compared[kind] += 1
    assert min(compared.values()) >= 1


def test_means_with_proportional_weights_and_over_visits(shared):
    formula, data = MMRM["mmrm.fev.us"]
    design = build_design(formula, data_of(shared, data))
    cases = {c["id"]: c["results"] for c in cases_of(shared, "mmrm.fev.us")}
    plain = cases["us.REML.Satterthwaite.Asymptotic"]
    fit = fitted(design, plain["coef"], plain["beta_vcov"])
    keys = ["ARMCD", "AVISIT"]
    theirs = cases["us.emmeans_proportional"]
    means = fit.ls_means(keys, weights="proportional")
    # These two come from a fit of their own, at the same optimum to 1e-7.
    for table, reference in (
        (ordered(means, keys, theirs), theirs),
        (fit.ls_means("ARMCD"), cases["us.emmeans_ARMCD"]),
    ):
        np.testing.assert_allclose(table["estimate"], reference["emmean"], rtol=1e-7)
        np.testing.assert_allclose(table["standard_error"], reference["SE"], rtol=1e-7)


@pytest.mark.parametrize("file", LME4)
@pytest.mark.parametrize("rule", ["satterthwaite", "kenward_roger"])
def test_means_contrasts_and_terms_of_lmertest(shared, file, rule):
    formula, data = LME4[file]
    design = build_design(formula, data_of(shared, data))
    found = cases_of(shared, file)[0]["results"]
    covariance = "vcov" if rule == "satterthwaite" else "vcov_kr_adjusted"
    fit = fitted(design, found[f"fixef_{rule}"], found[covariance], level=0.9)
    for kind in (1, 2, 3):
        short = "satt" if rule == "satterthwaite" else "kr"
        theirs = found[f"anova_{short}_{'I' * kind}"]
        tests = ordered(fit.tests(kind), ["term"], theirs)
        # One degree of freedom each: the F of Kenward and Roger is the Wald F. The
        # optimiser of type III, run again under other contrasts, leaves 1e-6.
        np.testing.assert_allclose(tests["statistic"], theirs["f"], rtol=2e-6)
    if f"emmeans_{rule}" in found:
        theirs = found[f"emmeans_{rule}"]
        factor = next(iter(theirs))
        same(ordered(fit.ls_means(factor), [factor], theirs), theirs, error="SE")
        theirs = found[f"contrasts_{rule}_level90"]
        same(fit.contrasts(factor), theirs, estimate="estimate", error="SE")


def visits(root):
    folder = root / "tests" / "reference" / "fixed_effects"
    data = pd.read_csv(folder / "visits.csv")
    cases = json.loads((folder / "visits.json").read_text())["cases"]
    return data, {case["id"]: case for case in cases}


def least_squares(design):
    x, y = design.matrix(), design.response
    beta = np.linalg.lstsq(x, y)[0]
    df = len(y) - x.shape[1]
    variance = ((y - x @ beta) ** 2).sum() / df
    rule = GivenDegrees(variance * np.linalg.inv(x.T @ x), np.full(len(beta), df))
    return FixedEffectsResult(
        design=design, beta=beta, small_sample=rule, crossproduct=x.T @ x
    )


def terms(name):
    return frozenset(name.replace("np.", "").split(":"))


#: car's type II counts base:arm as containing arm.
CAR_DIFFERS = {("slopes", "arm"), ("within_visits", "visit")}
#: lmerTest tests the visits of the first arm alone, where car averages over arms.
LMERTEST_DIFFERS = {("within_visits", "visit")}
FORMULAS = ["additive", "two_way", "three_way", "slopes", "within_visits", "curved"]


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("contrasts", ["", ", contr.sum", ", contr.helmert"])
def test_terms_under_least_squares_are_those_of_car(root, name, contrasts):
    data, cases = visits(root)
    formula = cases[name]["formula"].replace("log(", "np.log(")
    for factor in ("arm", "visit") if contrasts else ():
        formula = re.sub(rf"\b{factor}\b", f"C({factor}{contrasts})", formula)
    fit = least_squares(build_design(formula, data))
    for kind in (1, 2, 3):
        table = fit.tests(kind)
        names = table["term"].str.replace(r"C\((\w+)[^)]*\)", r"\1", regex=True)
        ours = dict(zip(map(terms, names), table["statistic"], strict=True))
        theirs = cases[name]["lm"][f"type{kind}"]
        assert set(ours) == set(map(terms, theirs["term"]))
        for term, statistic in zip(theirs["term"], theirs["f"], strict=True):
            close = ours[terms(term)] == pytest.approx(statistic, rel=1e-9)
            assert close != (kind == 2 and (name, term) in CAR_DIFFERS)


@pytest.mark.parametrize("name", FORMULAS)
def test_terms_and_means_of_a_mixed_model_are_those_of_lmertest_and_emmeans(root, name):
    data, cases = visits(root)
    case = cases[name]
    design = build_design(case["formula"].replace("log(", "np.log("), data)
    mixed = case["lmer"]
    # R writes visit:base where the formula has base:visit.
    places = {frozenset(n.split(":")): i for i, n in enumerate(mixed["names"])}
    order = [
        places[frozenset(r_name(n).replace("np.", "").split(":"))] for n in design.names
    ]
    fit = fitted(
        design,
        {
            "term": [r_name(n) for n in design.names],
            "estimate": np.array(mixed["beta"])[order],
        },
        {"data": np.array(mixed["covariance"])[np.ix_(order, order)]},
    )
    for kind in (1, 2, 3):
        table = fit.tests(kind)
        ours = dict(zip(map(terms, table["term"]), table["statistic"], strict=True))
        theirs = mixed[f"type{kind}"]
        for term, statistic in zip(theirs["term"], theirs["f"], strict=True):
            close = ours[terms(term)] == pytest.approx(
                statistic, rel=2e-6 if kind == 3 else LINEAR
            )
            assert close != (kind > 1 and (name, term) in LMERTEST_DIFFERS)
    calls = {
        "arm": lambda: fit.ls_means("arm"),
        "arm_proportional": lambda: fit.ls_means("arm", weights="proportional"),
        "arm_visit": lambda: fit.ls_means(["visit", "arm"]),
        "arm_at_base_25": lambda: fit.ls_means("arm", at={"base": 25}),
        "arm_sex_M_proportional": lambda: fit.ls_means(
            "arm", at={"sex": "M"}, weights="proportional"
        ),
    }
    assert case["means"]
    for key, theirs in case["means"].items():
        same(calls[key](), theirs, estimate="estimate", error="standard_error")
