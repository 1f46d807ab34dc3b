"""Analysis of covariance with factors, dose response, interaction: identities, errors.

The formula engine fits the same models by another road and is the reference.
"""

import numpy as np
import pandas as pd
import pytest

from trialstats.ancova import fit_ancova
from trialstats.ancova_effects import dose_response, treatment_interaction
from trialstats.errors import DataError, NotEstimableError
from trialstats.general_linear import fit_general_linear
from trialstats.randomness import stream

#: Two factorisations of the same least squares.
EXACT = 1e-9

ARMS = {"treatment": "arm", "control": "P", "treatments": ["L", "H"]}
MODEL = {"response": "y", "covariates": ["base"], "factors": ["site"]}


def trial(n=60):
    rng = stream(4, "factors")
    arm = np.array(["P", "L", "H"])[np.arange(n) % 3]
    site = rng.choice([701, 702, 710], n, p=[0.5, 0.3, 0.2])
    base = rng.normal(20, 5, n)
    y = 0.4 * base + 2.0 * (site == 702) + 1.5 * (arm == "H") + rng.normal(size=n)
    return pd.DataFrame({"arm": arm, "site": site, "base": base, "y": y})


@pytest.mark.parametrize("weights", ["equal", "proportional"])
def test_formula_engine_has_the_same_means_and_differences(weights):
    data = trial()
    fit = fit_ancova(data, **MODEL, **ARMS, weights=weights)
    model = fit_general_linear("y ~ arm + C(site) + base", data).model
    means = model.ls_means("arm", weights=weights).set_index("arm")
    for arm, mean in fit.ls_means.items():
        assert mean.estimate == pytest.approx(means.loc[arm, "estimate"], rel=EXACT)
        error = means.loc[arm, "standard_error"]
        assert mean.standard_error == pytest.approx(error, rel=EXACT)
    table = model.contrasts("arm", reference="P").set_index("contrast")
    for arm, difference in fit.differences.items():
        row = table.loc[f"{arm} - P"]
        assert difference.estimate == pytest.approx(row["estimate"], rel=EXACT)
        assert difference.p_value == pytest.approx(row["p_value"], rel=1e-8)
    shares = fit.factor_weights["site"]
    counts = data["site"].value_counts(normalize=True)
    expected = {s: 1 / 3 if weights == "equal" else counts[s] for s in (701, 702, 710)}
    assert dict(shares) == pytest.approx(expected)


def test_pairwise_differences_go_by_their_two_arms():
    fit = fit_ancova(trial(), **MODEL, **ARMS)
    assert list(fit.pairwise) == [("L", "P"), ("H", "P"), ("H", "L")]
    for arm in ("L", "H"):
        assert fit.pairwise[arm, "P"] == fit.differences[arm]
    gap = fit.ls_means["H"].estimate - fit.ls_means["L"].estimate
    assert fit.pairwise["H", "L"].estimate == pytest.approx(gap, rel=EXACT)
    other = fit_ancova(
        trial(), **MODEL, treatment="arm", control="L", treatments=["H", "P"]
    )
    assert other.differences["H"].p_value == pytest.approx(
        fit.pairwise["H", "L"].p_value, rel=1e-8
    )


def test_a_factor_of_two_levels_is_a_covariate_of_zeros_and_ones():
    data = trial().assign(sex=lambda d: (d["base"] > 20) * 1.0)
    as_factor = fit_ancova(data, response="y", factors=["sex"], **ARMS)
    as_number = fit_ancova(data, response="y", covariates=["sex"], **ARMS)
    for arm in ("L", "H"):
        one, two = as_factor.differences[arm], as_number.differences[arm]
        assert one.estimate == pytest.approx(two.estimate, rel=EXACT)
        assert one.standard_error == pytest.approx(two.standard_error, rel=EXACT)


@pytest.mark.parametrize("change", ["order", "scale", "labels"])
def test_order_scale_and_labels_do_not_matter(change):
    data = trial()
    if change == "order":
        other = data.iloc[::-1]
    elif change == "scale":
        other = data.assign(base=1e6 + 1e-3 * data["base"])
    else:
        other = data.assign(site=data["site"].map({701: "z", 702: "y", 710: "x"}))
    ours, theirs = (fit_ancova(d, **MODEL, **ARMS) for d in (data, other))
    # A baseline of 1e6 keeps seven digits of what was added.
    near = 1e-6 if change == "scale" else EXACT
    for arm in ("P", "L", "H"):
        found = theirs.ls_means[arm].estimate
        assert found == pytest.approx(ours.ls_means[arm].estimate, rel=near)


def test_dose_response_is_the_slope_of_the_dose():
    data = trial().assign(dose=lambda d: d["arm"].map({"P": 0.0, "L": 54, "H": 81}))
    found = dose_response(
        data, **MODEL, treatment="arm", doses={"P": 0, "L": 54, "H": 81}
    )
    model = fit_general_linear("y ~ dose + C(site) + base", data).model
    row = model.coefficients.set_index("coefficient").loc["dose"]
    assert found.estimate == pytest.approx(row["estimate"], rel=EXACT)
    assert found.p_value == pytest.approx(row["p_value"], rel=1e-8)
    # Two arms: the slope times the dose is the difference.
    two = data[data["arm"] != "L"]
    slope = dose_response(two, **MODEL, treatment="arm", doses={"P": 0, "H": 81})
    arms = {"treatment": "arm", "control": "P", "treatments": ["H"]}
    fit = fit_ancova(two, **MODEL, **arms).differences["H"]
    assert 81 * slope.estimate == pytest.approx(fit.estimate, rel=EXACT)
    assert slope.p_value == pytest.approx(fit.p_value, rel=1e-8)


@pytest.mark.parametrize(
    ("by", "term"), [("base", "arm:base"), ("site", "arm:C(site)")]
)
def test_interaction_is_the_test_of_the_product(by, term):
    data = trial()
    found = treatment_interaction(data, **MODEL, **ARMS, by=by)
    fit = fit_general_linear(f"y ~ arm + C(site) + base + {term}", data)
    row = fit.sums_of_squares(1).set_index("term").loc[term]
    assert found.statistic == pytest.approx(row["statistic"], rel=1e-8)
    assert found.p_value == pytest.approx(row["p_value"], rel=1e-8)
    assert found.numerator_df == row["df"]
    names = {"base": ["base"], "site": ["site = 702", "site = 710"]}[by]
    assert list(found.changes) == [(arm, name) for arm in "LH" for name in names]


def test_interaction_with_a_covariate_is_a_difference_of_slopes():
    data = trial()
    found = treatment_interaction(
        data, response="y", covariates=["base"], by="base", **ARMS
    )
    slopes = {
        arm: np.polyfit(rows["base"], rows["y"], 1)[0]
        for arm, rows in data.groupby("arm")
    }
    for arm in ("L", "H"):
        expected = slopes[arm] - slopes["P"]
        assert found.changes[arm, "base"].estimate == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"factors": ["arm"]}, DataError, "two roles: treatment and factors"),
        ({"factors": ["base"]}, DataError, "two roles: covariates and factors"),
        ({"factors": "site"}, DataError, "the factors are no list of names"),
        ({"factors": ["centre"]}, DataError, "no column 'centre'"),
        ({"weights": "observed"}, DataError, "no such weights"),
        ({"factors": ["one"]}, NotEstimableError, "Only one level of one has data: 5"),
        ({"factors": ["site", "copy"]}, NotEstimableError, "cannot be told"),
        ({"factors": ["gap"]}, DataError, "row 7, column 'gap': a label is missing"),
        ({"factors": ["subject"]}, NotEstimableError, "60 observations cannot"),
    ],
)
def test_what_a_factor_cannot_be(options, error, message):
    data = trial().assign(one=5, copy=lambda d: d["site"] + 1, gap="a")
    data["subject"] = np.arange(len(data))
    data.loc[7, "gap"] = None
    with pytest.raises(error, match=message):
        fit_ancova(data, **{**MODEL, **ARMS, **options})


@pytest.mark.parametrize(
    ("doses", "error", "message"),
    [
        ({"P": 0, "L": 54}, DataError, "value 'H': not an arm"),
        ({"P": 0, "L": "54", "H": 81}, DataError, "the dose of L is no finite"),
        ({"P": 0, "L": float("nan"), "H": 81}, DataError, "the dose of L"),
        ({"P": True, "L": 54, "H": 81}, DataError, "the dose of P"),
        ({"P": 0}, DataError, "no mapping of two arms"),
        ([0, 54, 81], DataError, "no mapping of two arms"),
        ({"P": 5, "L": 5, "H": 5}, NotEstimableError, "have one dose"),
    ],
)
def test_doses_that_are_none(doses, error, message):
    with pytest.raises(error, match=message):
        dose_response(trial(), **MODEL, treatment="arm", doses=doses)


def test_interactions_that_are_none():
    with pytest.raises(DataError, match="no covariate and no factor"):
        treatment_interaction(trial(), **MODEL, **ARMS, by="arm")
    data = trial()
    empty = data[~((data["arm"] == "H") & (data["site"] == 710))]
    with pytest.raises(NotEstimableError, match="H by site = 710 cannot be told"):
        treatment_interaction(empty, **MODEL, **ARMS, by="site")


def test_table_of_sums_of_squares_adds_up():
    fit = fit_general_linear("y ~ arm + C(site) + base", trial())
    table = fit.sums_of_squares(1)
    total = table["sum_of_squares"].sum() + fit.error_sum
    assert total == pytest.approx(fit.total_sum, rel=EXACT)
    assert table["df"].sum() == fit.model_df
    assert fit.model_df + fit.error_df + 1 == 60
    taken = table["sum_of_squares"].sum() / fit.total_sum
    assert fit.r_squared == pytest.approx(taken, rel=EXACT)
    # The last term is adjusted for the others in either table.
    last = fit.sums_of_squares(3)["sum_of_squares"].iloc[-1]
    assert table["sum_of_squares"].iloc[-1] == pytest.approx(last, rel=EXACT)
