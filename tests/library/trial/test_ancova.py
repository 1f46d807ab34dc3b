"""The analysis of covariance against R, identities, and what it refuses."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from trialstats.ancova import fit_ancova
from trialstats.errors import DataError, NotEstimableError
from trialstats.randomness import stream

#: Closed form in both programs; QR factors differ in the last digits.
EXACT = 1e-10

ARMS = {"treatment": "arm", "control": "P", "treatments": ["T"]}


def trial(n=20):
    rng = stream(3, "ancova")
    arm = np.array(["P", "T"])[np.arange(n) % 2]
    base = rng.normal(50, 10, n)
    return pd.DataFrame(
        {
            "arm": arm,
            "base": base,
            "y": 0.5 * base - 3 * (arm == "T") + rng.normal(size=n),
        }
    )


@pytest.mark.reference
@pytest.mark.parametrize("case", ["postwt", "change", "anova_only"])
def test_agrees_with_lm_and_emmeans(shared, case):
    folder = shared / "reference"
    text = (folder / "json" / "base.ancova_anorexia.json").read_text()
    found = {c["id"]: c["results"] for c in json.loads(text)["cases"]}[case]
    data = pd.read_csv(folder / "data" / "anorexia.csv")
    data["y"] = data["Postwt"] - (data["Prewt"] if case == "change" else 0)
    fit = fit_ancova(
        data,
        response="y",
        treatment="Treat",
        control="CBT",
        treatments=["Cont", "FT"],
        covariates=() if case == "anova_only" else ["Prewt"],
    )
    assert sum(fit.n.values()) == found["n"]
    assert fit.df == found["df_residual"]
    assert fit.residual_standard_deviation == pytest.approx(found["sigma"], rel=EXACT)
    coefficients = pd.DataFrame(found["coef"]).set_index("term")
    for arm, difference in fit.differences.items():
        theirs = coefficients.loc[f"Treat{arm}"]
        assert difference.estimate == pytest.approx(theirs["estimate"], rel=EXACT)
        assert difference.standard_error == pytest.approx(theirs["se"], rel=EXACT)
        assert difference.statistic == pytest.approx(theirs["t"], rel=EXACT)
        assert difference.p_value == pytest.approx(theirs["p"], rel=EXACT)
        assert difference.ci_lower == pytest.approx(theirs["ci_lb"], rel=EXACT)
        assert difference.ci_upper == pytest.approx(theirs["ci_ub"], rel=EXACT)
    means = pd.DataFrame(found["emmeans"]).set_index("Treat")
    for arm, mean in fit.ls_means.items():
        assert mean.estimate == pytest.approx(means.loc[arm, "emmean"], rel=EXACT)
        assert mean.standard_error == pytest.approx(means.loc[arm, "SE"], rel=EXACT)
        assert mean.ci_upper == pytest.approx(means.loc[arm, "upper.CL"], rel=EXACT)


def test_without_covariate_it_is_the_t_test():
    # Student's test with pooled variance is the same model.
    data = trial()
    fit = fit_ancova(data, response="y", **ARMS).differences["T"]
    t, p = stats.ttest_ind(data.y[data.arm == "T"], data.y[data.arm == "P"])
    assert (fit.statistic, fit.p_value) == pytest.approx((t, p), rel=1e-12)


def test_the_response_or_its_change_give_one_difference():
    # Subtracting a covariate from the response changes its slope only.
    data = trial().assign(change=lambda d: d.y - d.base)
    one, other = (
        fit_ancova(data, response=r, covariates=["base"], **ARMS).differences["T"]
        for r in ("y", "change")
    )
    assert one.estimate == pytest.approx(other.estimate, rel=1e-10)
    assert one.standard_error == pytest.approx(other.standard_error, rel=1e-10)


def test_rows_without_response_or_covariate_are_left_out():
    data = trial()
    data.loc[0, "y"], data.loc[3, "base"] = np.nan, np.nan
    fit = fit_ancova(data, response="y", covariates=["base"], **ARMS)
    assert fit.n == {"P": 9, "T": 9}
    assert fit.covariate_means["base"] == data.drop([0, 3]).base.mean()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: d[d.arm == "P"], "T has no subject with y and base"),
        (lambda d: d.head(3), "3 observations cannot estimate 3 coefficients"),
        (lambda d: d.assign(base=1.0), "base is 1 in every analysed row"),
        (lambda d: d.assign(base=(d.arm == "T") * 1.0), "cannot be told from"),
        (lambda d: d.assign(y=d.base), "residual variance is zero"),
        (lambda d: d.assign(y=4.0), "residual variance is zero"),
    ],
)
def test_what_cannot_be_estimated_says_why(change, reason):
    with pytest.raises(NotEstimableError, match=reason):
        fit_ancova(change(trial()), response="y", covariates=["base"], **ARMS)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: d.replace({"arm": {"T": "X"}}), "value 'X': not an arm"),
        (lambda d: d.drop(columns="y"), "no column 'y'"),
        (lambda d: d.assign(y="high"), "column 'y': the column is not numeric"),
        (lambda d: d.assign(y=np.inf), "infinite"),
        (lambda d: d.assign(arm=[None, *d.arm[1:]]), "a label is missing"),
    ],
)
def test_wrong_data_are_named(change, reason):
    with pytest.raises(DataError, match=reason):
        fit_ancova(change(trial()), response="y", **ARMS)


def test_a_level_outside_0_to_1_is_refused():
    with pytest.raises(DataError, match="confidence level"):
        fit_ancova(trial(), response="y", level=95, **ARMS)
