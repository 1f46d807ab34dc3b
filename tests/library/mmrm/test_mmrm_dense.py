"""Fits against brute force: one dense V, a general optimiser, finite differences."""

import numpy as np
import pandas as pd
import pytest
from dense_likelihood import Dense, gradient
from scipy import linalg
from test_mmrm_properties import FORMULA, SUBJECT_VISIT, trial, visit_of

from trialstats.errors import DataError
from trialstats.mmrm import STRUCTURES, fit_mmrm
from trialstats.randomness import stream


def both(covariance, method="reml", *, data=None, formula=FORMULA, **options):
    """Return the fit and its dense twin."""
    data = trial(36, 3) if data is None else data
    visit = visit_of(covariance)
    fit = fit_mmrm(
        formula,
        data,
        subject="SUBJECT",
        visit=visit,
        covariance=covariance,
        method=method,
        **options,
    )
    dense = Dense(
        formula,
        data,
        covariance,
        visit=visit,
        group=options.get("group"),
        weights=options.get("weights"),
        reml=method == "reml",
    )
    assert list(fit.design.names) == dense.names
    return fit, dense


@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize(
    "options", [{}, {"weights": "W"}, {"group": "ARM", "weights": "W"}], ids=str
)
@pytest.mark.parametrize("covariance", list(STRUCTURES))
def test_value_coefficients_and_covariance(covariance, options, method):
    fit, dense = both(covariance, method, df="residual", **options)
    value, beta, phi = dense.fit_at(fit.theta)
    # The same closed forms in another order: rounding only.
    assert -2 * fit.log_likelihood == pytest.approx(value, rel=1e-11)
    np.testing.assert_allclose(fit.beta, beta, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(fit.model_covariance, phi, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("covariance", list(STRUCTURES))
def test_no_optimiser_finds_a_higher_likelihood(covariance):
    fit, dense = both(covariance, df="residual")
    random = stream(20260307, "starts", covariance)
    free = dense.free(fit.theta)
    best = np.inf
    for m in range(3):
        start = free + (m > 0) * random.standard_normal(len(free)) / 2
        value, theta = dense.climb(start)
        assert value > -2 * fit.log_likelihood - 1e-7
        if value < best:
            best, at = value, theta
    # BFGS with numerical gradients stops within 1e-6 of the maximum in -2 l, so within
    # its square root, in standard errors, of the parameters.
    assert best == pytest.approx(-2 * fit.log_likelihood, abs=1e-5)
    error = np.sqrt(np.diag(fit.theta_covariance))
    assert np.abs((at - fit.theta) / error).max() < 5e-3


@pytest.mark.parametrize("covariance", list(STRUCTURES))
def test_satterthwaite_by_differences_of_the_dense_covariance(covariance):
    group = "ARM" if covariance == "ar1" else None
    fit, dense = both(covariance, df="satterthwaite", group=group)
    weights = np.zeros(len(fit.beta))
    weights[fit.design.names.index("ARM[T.TRT]")] = 1
    weights[-1] = 0.5
    # Var(v) = g' W g by differences; W from differences of the dense -2 l.
    slope = gradient(lambda at: weights @ dense.phi(at) @ weights, fit.theta, 1e-4)
    bend = gradient(lambda at: gradient(dense.objective, at, 1e-3), fit.theta, 1e-3)
    assert np.isfinite(bend).all()
    w = 2 * np.linalg.inv((bend + bend.T) / 2)
    np.testing.assert_allclose(
        fit.theta_covariance, w, rtol=1e-3, atol=1e-4 * np.abs(w).max()
    )
    variance = weights @ dense.phi(fit.theta) @ weights
    found = fit.contrast(weights)["df"].iloc[0]
    # With the engine's W the derivative is seen alone, to the differences' 1e-8.
    exact = 2 * variance**2 / (slope @ fit.theta_covariance @ slope)
    assert found == pytest.approx(exact, rel=1e-6)
    assert found == pytest.approx(2 * variance**2 / (slope @ w @ slope), rel=1e-2)


@pytest.mark.parametrize("df", ["kenward_roger", "kenward_roger_linear"])
@pytest.mark.parametrize("covariance", list(STRUCTURES))
def test_kenward_roger_by_differences_of_the_dense_v(covariance, df):
    # The published formula with P, Q and R from differences of V itself.
    fit, dense = both(covariance, df=df)
    theta, w = fit.theta, fit.theta_covariance
    v = dense.v(theta)
    inverse = np.linalg.inv(v)
    first = gradient(dense.v, theta, 1e-4)
    second = gradient(lambda at: gradient(dense.v, at, 1e-3), theta, 1e-3)
    x = dense.x
    phi = np.linalg.inv(x.T @ inverse @ x)
    p = [-x.T @ inverse @ s @ inverse @ x for s in first]
    total = np.zeros_like(phi)
    for k in range(len(theta)):
        for m in range(len(theta)):
            q = x.T @ inverse @ first[k] @ inverse @ first[m] @ inverse @ x
            r = x.T @ inverse @ second[k, m] @ inverse @ x
            if df == "kenward_roger_linear":
                r = 0.0 * r
            total += w[k, m] * (q - p[k] @ phi @ p[m] - r / 4)
    adjusted = phi + 2 * phi @ total @ phi
    np.testing.assert_allclose(
        fit.beta_covariance,
        (adjusted + adjusted.T) / 2,
        rtol=1e-5,
        atol=1e-6 * np.abs(adjusted).max(),
    )


@pytest.mark.parametrize("vcov", ["CR0", "CR2", "CR3"])
@pytest.mark.parametrize("options", [{}, {"weights": "W", "group": "ARM"}], ids=str)
@pytest.mark.parametrize("covariance", ["unstructured", "ar1", "spatial_exponential"])
def test_sandwich_subject_by_subject(covariance, options, vcov):
    fit, dense = both(covariance, df="satterthwaite", vcov=vcov, **options)
    v = dense.v(fit.theta)
    root = np.linalg.cholesky(v)
    # Whitened within subjects by the Cholesky factor of each V_i; the symmetric root
    # would give another CR2, R's mmrm takes this one.
    u = linalg.solve_triangular(root, dense.x, lower=True)
    y = linalg.solve_triangular(root, dense.y, lower=True)
    phi = np.linalg.inv(u.T @ u)
    e = y - u @ (phi @ (u.T @ y))
    power = {"CR0": 0, "CR2": -0.5, "CR3": -1}[vcov]
    n = len(y)
    meat = np.zeros_like(phi)
    scores = []
    weights = np.zeros(len(fit.beta))
    weights[-1] = 1.0
    projection = np.eye(n) - u @ phi @ u.T
    for code in np.unique(dense.subject_codes):
        own = dense.subject_codes == code
        h = np.eye(own.sum()) - u[own] @ phi @ u[own].T
        values, vectors = np.linalg.eigh(h)
        a = (vectors * values**power) @ vectors.T
        z = u[own].T @ a @ e[own]
        meat += np.outer(z, z)
        scores.append(projection[:, own] @ (a @ u[own] @ phi @ weights))
    np.testing.assert_allclose(
        fit.beta_covariance, phi @ meat @ phi, rtol=1e-8, atol=1e-12
    )
    # Satterthwaite of Bell and McCaffrey: the scores are quadratic forms of white
    # noise, with this Gram matrix.
    gram = np.array(scores) @ np.array(scores).T
    expected = np.trace(gram) ** 2 / np.sum(gram**2)
    assert fit.contrast(weights)["df"].iloc[0] == pytest.approx(expected, rel=1e-8)


class TestPrediction:
    @pytest.mark.parametrize("covariance", ["unstructured", "spatial_gaussian"])
    @pytest.mark.parametrize("options", [{}, {"group": "ARM"}], ids=str)
    def test_missing_visits_by_the_joint_normal(self, covariance, options):
        data = trial(48, 4, missing=0.25)
        fit, _ = both(covariance, data=data, df="residual", **options)
        complete = data.assign(Y=data["Y"].fillna(0.0))
        whole = Dense(
            FORMULA, complete, covariance, visit=visit_of(covariance), **options
        )
        v = whole.v(fit.theta)
        known = data["Y"].notna().to_numpy()
        lacks = ~known
        # All subjects at once: the conditional normal of one long vector.
        gain = v[np.ix_(lacks, known)] @ np.linalg.inv(v[np.ix_(known, known)])
        mean = whole.x @ fit.beta
        expected = mean[lacks] + gain @ (data["Y"][known].to_numpy() - mean[known])
        found = fit.predict_conditional(data)
        np.testing.assert_allclose(found["prediction"][lacks], expected, rtol=1e-9)
        np.testing.assert_array_equal(found["prediction"][known], data["Y"][known])
        assert (found["standard_error"][known] == 0).all()
        phi = fit.model_covariance
        shift = whole.x[lacks] - gain @ whole.x[known]
        error = np.diag(shift @ phi @ shift.T)
        spread = np.diag(v[np.ix_(lacks, lacks)] - gain @ v[np.ix_(known, lacks)])
        np.testing.assert_allclose(
            found["standard_error"][lacks], np.sqrt(error), rtol=1e-8
        )
        np.testing.assert_allclose(
            found["standard_deviation"][lacks], np.sqrt(error + spread), rtol=1e-8
        )

    def test_a_new_subject_is_predicted_at_its_mean(self):
        data = trial(24, 3)
        fit, _ = both("unstructured", data=data)
        new = data.iloc[:3].assign(SUBJECT="new", Y=np.nan)
        found = fit.predict_conditional(new)
        np.testing.assert_allclose(found["prediction"], fit.predict(new), rtol=1e-12)

    def test_order_of_rows(self):
        data = trial(24, 4, missing=0.25)
        fit, _ = both("unstructured", data=data)
        found = fit.predict_conditional(data)
        shuffled = data.sample(frac=1, random_state=1)
        again = fit.predict_conditional(shuffled).loc[data.index]
        np.testing.assert_allclose(again, found, rtol=1e-12)

    def test_what_cannot_be_predicted(self):
        data = trial(24, 3)
        fit, _ = both("unstructured", data=data, group="ARM")
        for change, word in (
            ({"VISIT": "V9"}, "V9"),
            ({"ARM": "XXX"}, "XXX"),
        ):
            with pytest.raises(DataError, match=word):
                fit.predict_conditional(data.iloc[:1].assign(**change))
        with pytest.raises(DataError, match="two rows"):
            fit.predict_conditional(data.iloc[[0, 0]])


@pytest.mark.parametrize("options", [{}, {"weights": "W", "group": "ARM"}], ids=str)
def test_simulated_moments(options):
    # 20,000 draws: five standard errors of a mean and of a covariance of normals.
    fit, dense = both("unstructured", data=trial(16, 3), formula="Y ~ VISIT", **options)
    draws = fit.simulate(20_000, stream(20260307, "moments", str(options)))
    v = dense.v(fit.theta)
    mean = dense.x @ fit.beta
    error = np.sqrt(np.diag(v) / len(draws))
    assert np.abs((draws.mean(axis=0) - mean) / error).max() < 5
    found = np.cov(draws.T)
    error = np.sqrt((v**2 + np.outer(np.diag(v), np.diag(v))) / len(draws))
    assert np.abs((found - v) / error).max() < 5.5


@pytest.mark.parametrize("options", [{}, {"weights": "W", "group": "ARM"}], ids=str)
def test_residuals(options):
    fit, dense = both("toeplitz_heterogeneous", **options)
    v = dense.v(fit.theta)
    raw = dense.y - dense.x @ (fit.beta - dense.shift)
    np.testing.assert_allclose(fit.residuals(), raw, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(
        fit.residuals("pearson"), raw / np.sqrt(np.diag(v)), rtol=1e-8, atol=1e-10
    )
    # Rows stand subject by subject in the order of the visits: V is block diagonal.
    white = linalg.solve_triangular(np.linalg.cholesky(v), raw, lower=True)
    np.testing.assert_allclose(fit.residuals("normalized"), white, rtol=1e-8, atol=1e-9)


class TestConstrainedBaseline:
    """Arms share one mean at baseline; the baseline is a response."""

    def fit(self, data, **options):
        return fit_mmrm(
            "Y ~ VISIT + ARM:VISIT",
            data,
            constrained_baseline=("ARM", "V0"),
            **SUBJECT_VISIT,
            **options,
        )

    @pytest.mark.parametrize("options", [{}, {"group": "ARM"}], ids=str)
    def test_a_design_made_by_hand(self, options):
        data = trial(30, 4)
        for visit in ("V1", "V2", "V3"):
            here = (data["VISIT"] == visit) & (data["ARM"] == "TRT")
            data[f"D{visit}"] = here.astype(float)
        by_hand = fit_mmrm(
            "Y ~ VISIT + DV1 + DV2 + DV3", data, **SUBJECT_VISIT, **options
        )
        fit = self.fit(data, **options)
        # The design is the same; only the paths to it differ.
        assert fit.log_likelihood == pytest.approx(by_hand.log_likelihood, rel=1e-12)
        np.testing.assert_allclose(fit.theta, by_hand.theta, rtol=1e-9)
        np.testing.assert_allclose(fit.beta, by_hand.beta, rtol=1e-8)
        columns = ["estimate", "standard_error", "df"]
        table = by_hand.coefficients.set_index("coefficient")
        expected = table.loc[["DV1", "DV2", "DV3"], columns]
        found = fit.coefficients.iloc[-3:][columns]
        np.testing.assert_allclose(found, expected, rtol=1e-8)
        # The arms do not differ at baseline by assumption: that visit has no row.
        table = fit.contrasts("ARM", by="VISIT")
        assert table["VISIT"].tolist() == ["V1", "V2", "V3"]
        np.testing.assert_allclose(table[columns], expected, rtol=1e-8)

    def test_complete_data_with_one_visit_after_baseline(self):
        # Sigma given, the constrained difference is that of the changes with slope
        # Sigma_01 / Sigma_00: ancova with that slope, by generalised least squares on
        # paper. The slope pools both arms' deviations from their common mean.
        data = trial(30, 2, missing=0.0)
        fit = self.fit(data)
        values = data.pivot_table(index="SUBJECT", columns="VISIT", values="Y")
        treated = data.drop_duplicates("SUBJECT").set_index("SUBJECT")["ARM"] == "TRT"
        slope = fit.covariance.loc["V0", "V1"] / fit.covariance.loc["V0", "V0"]
        adjusted = values["V1"] - slope * values["V0"]
        expected = adjusted[treated].mean() - adjusted[~treated].mean()
        difference = fit.coefficients.iloc[-1]
        assert difference["estimate"] == pytest.approx(expected, rel=1e-9)

    def test_ml_slope_is_the_within_arm_regression(self):
        # Complete data, maximum likelihood: the likelihood factors into the baseline,
        # one normal with one mean, and V1 given V0, a regression with an arm effect.
        # The slope, hence the difference, is then that of the analysis of covariance.
        data = trial(30, 2, missing=0.0)
        fit = self.fit(data, method="ml", df="satterthwaite")
        values = data.pivot_table(index="SUBJECT", columns="VISIT", values="Y")
        first = data.drop_duplicates("SUBJECT").set_index("SUBJECT")
        design = np.column_stack(
            [np.ones(30), first["ARM"] == "TRT", values["V0"]]
        ).astype(float)
        beta = np.linalg.lstsq(design, values["V1"].to_numpy(), rcond=None)[0]
        difference = fit.coefficients.iloc[-1]
        assert difference["estimate"] == pytest.approx(beta[1], rel=1e-8)

    def test_arms_do_not_differ_at_baseline(self):
        fit = self.fit(trial(30, 4))
        means = fit.ls_means(["ARM", "VISIT"]).set_index(["ARM", "VISIT"])
        first = means.loc[("PBO", "V0"), "estimate"]
        assert means.loc[("TRT", "V0"), "estimate"] == first

    def test_what_is_refused(self):
        data = trial(30, 3)
        for formula, baseline, word in (
            ("Y ~ ARM * VISIT", ("ARM", "V0"), "the term ARM"),
            ("Y ~ VISIT + ARM:VISIT", ("ARM", "V9"), "V9"),
            ("Y ~ VISIT + ARM:VISIT", ("SEX", "V0"), "SEX"),
            ("Y ~ VISIT", ("ARM", "V0"), "ARM"),
        ):
            with pytest.raises(DataError, match=word):
                fit_mmrm(formula, data, constrained_baseline=baseline, **SUBJECT_VISIT)


def test_times_of_each_subject_of_their_own():
    # Irregular times: no two subjects share a distance.
    data = trial(20, 4)
    data["TIME"] += stream(20260307, "times").uniform(0, 0.3, len(data))
    fit, dense = both("spatial_exponential", data=data, df="satterthwaite")
    assert -2 * fit.log_likelihood == pytest.approx(
        dense.objective(fit.theta), rel=1e-11
    )
    value, _ = dense.climb(dense.free(fit.theta))
    assert value > -2 * fit.log_likelihood - 1e-8
    assert isinstance(fit.covariance, pd.DataFrame)


def test_what_a_fit_says_of_itself():
    data = trial(12, 3)
    fit = fit_mmrm("Y ~ ARM * VISIT", data, **SUBJECT_VISIT)
    counts = data.dropna(subset=["Y"]).groupby("VISIT", observed=True).size()
    assert fit.observed_counts.tolist() == counts.tolist()
    assert "unstructured covariance over VISIT within" in repr(fit)
    assert len(repr(fit)) < 250
