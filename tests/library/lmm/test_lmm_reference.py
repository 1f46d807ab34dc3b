"""fit_lmm against lme4, lmerTest, pbkrtest and emmeans.

The shared cases were optimised to rhoend = 1e-10, which leaves 1e-6 in variances
(the likelihood is flat at its maximum) and less in what is averaged over them. The
cases of tests/reference/lmm are this project's own data with rhoend = 1e-11.
"""

import json

import numpy as np
import pandas as pd
import pytest

from trialstats.likelihood_ratio import likelihood_ratio_test
from trialstats.lmm import fit_crossover, fit_lmm, fit_within_subjects

#: Variances and covariances: bobyqa leaves 1.2e-6 in a covariance of sleepstudy, where
#: both likelihoods agree to 1e-13.
VARIANCE = 2e-6
#: Estimates and standard errors.
ESTIMATE = 1e-6
#: Degrees of freedom; lmerTest differentiates numerically.
DEGREES = 1e-3
#: Likelihoods are flat at the maximum.
LIKELIHOOD = 1e-10

CROSSOVERS = {
    "crossover_sim": ("xover_sim", "y", "sequence", "period", "treatment", "subject"),
    "crossover_be2x2_AUC": ("be2x2", "lnAUC", "GRP", "PRD", "TRT", "SUBJ"),
    "crossover_be2x2_Cmax": ("be2x2", "lnCmax", "GRP", "PRD", "TRT", "SUBJ"),
}
SLEEP = {
    "slope": ("Reaction ~ Days", "1 + Days", True),
    "uncorr": ("Reaction ~ Days", "1 + Days", False),
    "int": ("Reaction ~ Days", "1", True),
    "quad": ("Reaction ~ Days + I(Days**2)", "1 + Days", True),
}
FITS = [
    *((name, f"mixed_{m}") for name in CROSSOVERS for m in ("REML", "ML")),
    *(("sleepstudy", f"{kind}_REML") for kind in SLEEP),
    ("sleepstudy", "slope_ML"),
    ("sleepstudy", "int_ML"),
]
OTHERS = {
    *((name, "fixed_subject_lm") for name in CROSSOVERS),
    *(("sleepstudy", kind) for kind in ("KRmodcomp", "SATmodcomp", "LRT_ML")),
}


def cases(shared, name):
    file = shared / "reference" / "json" / f"lme4.{name}.json"
    return {c["id"]: c["results"] for c in json.loads(file.read_text())["cases"]}


def data(shared, name):
    labels = dict.fromkeys(("period", "PRD", "Subject", "SUBJ"), str)
    return pd.read_csv(shared / "reference" / "data" / f"{name}.csv", dtype=labels)


def fitted(shared, name, case, **options):
    method = case.rsplit("_", maxsplit=1)[-1].lower()
    if name == "sleepstudy":
        formula, effects, correlated = SLEEP[case.split("_")[0]]
        options = {"correlated": correlated, "random": {"Subject": effects}} | options
        return fit_lmm(formula, data(shared, name), method=method, **options)
    file, y, sequence, period, treatment, subject = CROSSOVERS[name]
    formula = f"{y} ~ {sequence} + {period} + {treatment}"
    options = {"random": {subject: "1"}, **options}
    return fit_lmm(formula, data(shared, file), method=method, **options)


def close(ours, theirs, rel, floor=0.0):
    np.testing.assert_allclose(
        np.asarray(ours, dtype=float), np.atleast_1d(theirs), rtol=rel, atol=floor
    )


def close_matrices(ours, theirs):
    """Covariances of coefficients, twice as sensitive as their errors."""
    ours, theirs = np.asarray(ours), np.array(theirs)
    size = np.sqrt(np.outer(np.diag(theirs), np.diag(theirs)))
    np.testing.assert_allclose(ours / size, theirs / size, rtol=2e-6, atol=1e-9)


@pytest.mark.reference
def test_every_shared_case_is_compared(shared):
    found = {
        (name, case)
        for name in [*CROSSOVERS, "sleepstudy"]
        for case in cases(shared, name)
    }
    assert found == {*FITS} | OTHERS
    files = {file.name for file in (shared / "reference" / "json").glob("lme4.*")}
    assert files == {f"lme4.{name}.json" for name in [*CROSSOVERS, "sleepstudy"]}


@pytest.mark.reference
@pytest.mark.parametrize(("name", "case"), FITS)
def test_likelihood_and_variances(shared, name, case):
    theirs = cases(shared, name)[case]
    fit = fitted(shared, name, case, df="satterthwaite")
    assert fit.n_observations == theirs["n"]
    assert fit.log_likelihood == pytest.approx(theirs["logLik"], rel=LIKELIHOOD)
    assert fit.aic == pytest.approx(theirs["AIC"], rel=LIKELIHOOD)
    assert fit.bic == pytest.approx(theirs["BIC"], rel=LIKELIHOOD)
    varcorr = pd.DataFrame(theirs["VarCorr"])
    residual = varcorr.loc[varcorr.grp == "Residual", "vcov"].iloc[0]
    assert fit.residual_variance == pytest.approx(residual, rel=VARIANCE)
    (matrix,) = fit.covariance.values()
    random = varcorr[varcorr.grp != "Residual"].replace("(Intercept)", "Intercept")
    for row in random.itertuples():
        other = row.var1 if pd.isna(row.var2) else row.var2
        assert matrix.loc[row.var1, other] == pytest.approx(row.vcov, rel=VARIANCE)
    close_matrices(fit.model_covariance, theirs["vcov"]["data"])


@pytest.mark.reference
@pytest.mark.parametrize("df", ["satterthwaite", "kenward_roger"])
@pytest.mark.parametrize(("name", "case"), FITS)
def test_coefficients_and_tests(shared, name, case, df):
    theirs = cases(shared, name)[case]
    if case.endswith("_ML") and df == "kenward_roger":
        assert f"fixef_{df}" not in theirs
        return
    fit = fitted(shared, name, case, df=df)
    fixed = theirs[f"fixef_{df}"]
    table = fit.coefficients
    # An estimate may be near zero beside its error: 1e-7 of the error is its floor.
    floor = 1e-7 * max(fixed["se"])
    close(table["estimate"], fixed["estimate"], ESTIMATE, floor)
    close(table["standard_error"], fixed["se"], ESTIMATE)
    close(table["df"], fixed["df"], DEGREES)
    close(table["statistic"], fixed["t"], ESTIMATE, 1e-7)
    # A p value of 1e-17 multiplies the error of t by t squared.
    close(table["p_value"], fixed["p"], 2e-4)
    if df == "kenward_roger":
        close_matrices(fit.beta_covariance, theirs["vcov_kr_adjusted"]["data"])
    short = {"satterthwaite": "satt", "kenward_roger": "kr"}[df]
    for number, roman in ((1, "I"), (2, "II"), (3, "III")):
        ours, anova = fit.tests(number), theirs[f"anova_{short}_{roman}"]
        assert list(ours["numerator_df"]) == anova["num_df"]
        close(ours["df"], anova["den_df"], DEGREES)
        close(ours["statistic"], anova["f"], 2e-6, 1e-9)
        close(ours["p_value"], anova["p"], 2e-5)


@pytest.mark.reference
@pytest.mark.parametrize(
    ("name", "case"), [(n, c) for n, c in FITS if c != "slope_ML" or n == "sleepstudy"]
)
def test_predicted_random_effects(shared, name, case):
    theirs = cases(shared, name)[case].get("ranef")
    if theirs is None:
        assert case == "mixed_ML" or case == "int_ML"
        return
    fit = fitted(shared, name, case, df="satterthwaite")
    (ours,) = fit.random_effects().values()
    (group,) = theirs.values()
    own = ours.set_index(ours.columns[0]).loc[group["level"]]
    for effect in own.columns:
        name_there = "(Intercept)" if effect == "Intercept" else effect
        size = np.abs(group[name_there]).max()
        close(own[effect], group[name_there], ESTIMATE, 1e-6 * size)


@pytest.mark.reference
@pytest.mark.parametrize("df", ["satterthwaite", "kenward_roger"])
@pytest.mark.parametrize("name", list(CROSSOVERS))
def test_means_and_differences_of_treatments(shared, name, df):
    theirs = cases(shared, name)["mixed_REML"]
    fit = fitted(shared, name, "mixed_REML", df=df)
    treatment = CROSSOVERS[name][4]
    means, table = theirs[f"emmeans_{df}"], fit.ls_means(treatment)
    pairs = [
        ("estimate", "emmean"),
        ("standard_error", "SE"),
        ("df", "df"),
        ("ci_lower", "lower.CL"),
        ("ci_upper", "upper.CL"),
    ]
    for ours, there in pairs:
        close(table[ours], means[there], DEGREES if ours == "df" else ESTIMATE)
    for level in (95, 90):
        there = theirs[f"contrasts_{df}_level{level}"]
        ours = fit.contrasts(treatment, level=level / 100)
        assert list(ours["contrast"]) == there["contrast"]
        for own, other in [
            ("estimate", "estimate"),
            *pairs[1:],
            ("statistic", "t.ratio"),
            ("p_value", "p.value"),
        ]:
            close(ours[own], there[other], DEGREES if own == "df" else 2e-6, 1e-8)


@pytest.mark.reference
@pytest.mark.parametrize("name", list(CROSSOVERS))
def test_crossover_function_gives_the_same(shared, name):
    theirs = cases(shared, name)["mixed_REML"]
    file, y, sequence, period, treatment, subject = CROSSOVERS[name]
    rows = data(shared, file)
    fit = fit_crossover(
        rows,
        response=y,
        subject=subject,
        treatment=treatment,
        period=period,
        sequence=sequence,
        control=min(rows[treatment]),
    )
    fixed = theirs["fixef_kenward_roger"]
    for ours, at in (
        (fit.sequence_effect, 1),
        (fit.period_effect, 2),
        (fit.difference, 3),
    ):
        assert ours.estimate == pytest.approx(fixed["estimate"][at], rel=1e-6, abs=1e-9)
        assert ours.standard_error == pytest.approx(fixed["se"][at], rel=ESTIMATE)
        assert ours.df == pytest.approx(fixed["df"][at], rel=DEGREES)
    variances = [fit.variance_between_subjects, fit.variance_within_subjects]
    assert variances == pytest.approx(theirs["VarCorr"]["vcov"], rel=VARIANCE)


@pytest.mark.reference
@pytest.mark.parametrize("name", list(CROSSOVERS))
def test_fixed_subjects_are_those_of_lm(shared, name):
    # lm is closed form: only rounding differs. R tests sequences against the
    # residual; here they are tested against subjects, so their F is not compared.
    theirs = cases(shared, name)["fixed_subject_lm"]
    file, y, sequence, period, treatment, subject = CROSSOVERS[name]
    rows = data(shared, file)
    fit = fit_within_subjects(
        rows,
        response=y,
        subject=subject,
        treatment=treatment,
        period=period,
        sequence=sequence,
        control=min(rows[treatment]),
        level=0.9,
    )
    (ours,) = fit.differences.values()
    there = theirs["treatment"]
    own = [ours.estimate, ours.standard_error, ours.statistic, ours.p_value]
    assert own == pytest.approx(
        [there[k] for k in ("estimate", "se", "t", "p")], rel=1e-9
    )
    limits = [there["ci90_lb"], there["ci90_ub"]]
    assert [ours.ci_lower, ours.ci_upper] == pytest.approx(limits, rel=1e-9)
    assert fit.df == theirs["df_residual"]
    assert fit.residual_variance == pytest.approx(theirs["mse"], rel=1e-10)
    anova = theirs["anova_I"]
    assert list(fit.anova["df"]) == anova["df"]
    largest = max(anova["ss"])
    close(fit.anova["sum_of_squares"], anova["ss"], 1e-9, 1e-12 * largest)
    close(fit.anova["statistic"][1:4], anova["f"][1:4], 1e-8)
    close(fit.anova["p_value"][1:4], anova["p"][1:4], 1e-8)


@pytest.mark.reference
@pytest.mark.parametrize("df", ["kenward_roger", "satterthwaite"])
def test_several_coefficients_at_once(shared, df):
    short = {"kenward_roger": "KRmodcomp", "satterthwaite": "SATmodcomp"}[df]
    theirs = cases(shared, "sleepstudy")[short]
    # These two fits have lme4's default stopping rule: 1e-5 in variances.
    fit = fitted(shared, "sleepstudy", "quad_REML", df=df)
    ours = fit.joint_test(np.eye(3)[1:]).iloc[0]
    first = {key: np.atleast_1d(value)[0] for key, value in theirs.items()}
    assert ours["numerator_df"] == first["ndf"]
    assert ours["statistic"] == pytest.approx(first["stat"], rel=1e-4)
    assert ours["df"] == pytest.approx(first["ddf"], rel=DEGREES)
    assert ours["p_value"] == pytest.approx(first["p"], rel=1e-3)


@pytest.mark.reference
def test_likelihood_ratio(shared):
    theirs = cases(shared, "sleepstudy")["LRT_ML"]
    small = fitted(shared, "sleepstudy", "int_ML", df="satterthwaite")
    large = fitted(shared, "sleepstudy", "slope_ML", df="satterthwaite")
    test = likelihood_ratio_test(small, large)
    counts = [len(f.beta) + f.n_parameters for f in (small, large)]
    assert counts == theirs["npar"]
    logs = [test.log_likelihood_smaller, test.log_likelihood_larger]
    assert logs == pytest.approx(theirs["logLik"], rel=1e-8)
    values = {key: np.atleast_1d(theirs[key])[-1] for key in ("chisq", "df", "p")}
    assert test.df == values["df"]
    assert test.statistic == pytest.approx(values["chisq"], rel=1e-6)
    assert test.p_value == pytest.approx(values["p"], rel=1e-5)


# Own data: nested and crossed factors, slopes with unequal visits.

NESTED = {"centre": "1", "centre:subject": "1"}
OWN = {
    "nested": ("y ~ arm*week + age", NESTED, True),
    "nested_ml": ("y ~ arm*week + age", NESTED, True),
    "slopes": ("y ~ arm*week + age", {"centre:subject": "1 + week"}, True),
    "diagonal": ("y ~ arm*week + age", {"centre:subject": "1 + week"}, False),
    "nested_slopes": (
        "y ~ arm*week + age",
        {"centre": "1", "centre:subject": "1 + week"},
        True,
    ),
    "clusters": ("y ~ C(week) + arm", {"centre": "1"}, True),
    "crossed": ("y ~ mode", {"subject": "1", "rater": "1"}, True),
    "crossed_ml": ("y ~ mode", {"subject": "1", "rater": "1"}, True),
    "replicate": ("y ~ sequence + period + treatment", {"subject": "1"}, True),
}
#: R's names of coefficients and terms.
RENAMED = {
    "Intercept": "(Intercept)",
    "arm[T.placebo]": "armplacebo",
    "arm[T.placebo]:week": "armplacebo:week",
    "mode[T.screen]": "modescreen",
    "C(week)": "factor(week)",
    **{f"C(week)[T.{week}]": f"factor(week){week}" for week in (2, 4, 8, 12)},
    "sequence[T.TRTR]": "sequenceTRTR",
    "treatment[T.T]": "treatmentT",
    **{f"period[T.{period}]": f"period{period}" for period in (2, 3, 4)},
}


def own_cases(root):
    file = root / "tests" / "reference" / "lmm" / "reference.json"
    return {case["id"]: case for case in json.loads(file.read_text())["cases"]}


def own_fit(root, case, **options):
    formula, random, correlated = OWN[case["id"]]
    file = root / "tests" / "reference" / "lmm" / f"{case['data']}.csv"
    rows = pd.read_csv(file, dtype={"period": str})
    method = "reml" if case["reml"] else "ml"
    return fit_lmm(
        formula, rows, random=random, correlated=correlated, method=method, **options
    )


def by_name(names):
    return [RENAMED.get(name, name) for name in names]


def test_every_own_case_is_compared(root):
    assert set(own_cases(root)) == set(OWN)


@pytest.mark.reference
@pytest.mark.parametrize("df", ["satterthwaite", "kenward_roger"])
@pytest.mark.parametrize("name", list(OWN))
def test_nested_and_crossed_factors(root, name, df):
    case = own_cases(root)[name]
    if df not in case:
        return
    fit = own_fit(root, case, df=df)
    assert fit.log_likelihood == pytest.approx(case["logLik"], rel=LIKELIHOOD)
    assert fit.aic == pytest.approx(case["AIC"], rel=LIKELIHOOD)
    assert fit.bic == pytest.approx(case["BIC"], rel=LIKELIHOOD)
    theirs = case[df]
    ours = fit.coefficients.set_index(pd.Index(by_name(fit.design.names)))
    ours = ours.loc[theirs["term"]]
    close(ours["estimate"], theirs["estimate"], ESTIMATE)
    close(ours["standard_error"], theirs["se"], ESTIMATE)
    close(ours["df"], theirs["df"], DEGREES)
    there = case[f"anova_{df}"]
    tests = fit.tests(3)
    tests = tests.set_index(pd.Index(by_name(tests["term"])))
    tests = tests.loc[np.atleast_1d(there["term"])]
    close(tests["df"], there["den_df"], DEGREES)
    close(tests["statistic"], there["f"], 2e-6)


@pytest.mark.reference
@pytest.mark.parametrize("name", [n for n in OWN if n != "diagonal"])
def test_variances_and_effects_of_several_factors(root, name):
    case = own_cases(root)[name]
    fit = own_fit(root, case, df="satterthwaite")
    there = pd.DataFrame(case["varcorr"])
    for row in there.itertuples():
        if row.grp == "Residual":
            assert fit.residual_variance == pytest.approx(row.vcov, rel=VARIANCE)
            continue
        first = row.var1.replace("(Intercept)", "Intercept")
        paired = "var2" in there and isinstance(row.var2, str)
        second = row.var2 if paired else first
        found = fit.covariance[row.grp].loc[first, second]
        # A covariance near zero has the error of the variances beside it.
        assert found == pytest.approx(row.vcov, rel=5e-6)
    effects = fit.random_effects()
    for group, levels in case["ranef"].items():
        own = effects[group]
        columns = group.split(":")
        keys = own[columns].astype(str).agg(":".join, axis="columns")
        own = own.set_index(keys).loc[levels["level"]]
        for effect in own.columns.difference(columns):
            theirs = levels["(Intercept)" if effect == "Intercept" else effect]
            close(own[effect], theirs, ESTIMATE, 1e-5 * np.abs(theirs).max())


def test_uncorrelated_effects_have_a_diagonal_matrix(root):
    case = own_cases(root)["diagonal"]
    fit = own_fit(root, case, df="satterthwaite")
    matrix = fit.covariance["centre:subject"]
    there = [row["vcov"] for row in case["varcorr"]]
    assert np.diag(matrix) == pytest.approx(there[:2], rel=VARIANCE)
    assert matrix.iloc[0, 1] == 0
    assert fit.residual_variance == pytest.approx(there[2], rel=VARIANCE)
