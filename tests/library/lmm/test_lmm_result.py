"""The result of a mixed model as an object: names, residuals, copies."""

import copy
import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import trialstats
from trialstats.errors import DataError, NotEstimableError
from trialstats.lmm import fit_crossover, fit_lmm
from trialstats.lmm.inference import parameter_covariance
from trialstats.mmrm import fit_mmrm
from trialstats.randomness import stream


def panel():
    rng = stream(5, "lmm result")
    subject = np.repeat(np.arange(24), 4)
    week = np.tile(np.arange(4.0), 24)
    site = subject % 4
    arm = np.where(subject % 3, "a", "b")
    own = rng.normal(0, 2, (24, 2))
    y = 10 + own[subject, 0] + own[subject, 1] * week + rng.normal(0, 2, 4)[site]
    y = y + rng.normal(size=96)
    return pd.DataFrame(
        {"subject": subject, "week": week, "site": site, "arm": arm, "y": y}
    )


def fit(random=None, **options):
    random = {"subject": "1 + week"} if random is None else random
    return fit_lmm("y ~ week * arm", panel(), random=random, **options)


TWO = {"site": "1", "site:subject": "1"}


def test_it_is_shown_in_one_line():
    found = fit()
    assert repr(found) == (
        "Lmm(y ~ week * arm; 1 + week in 24 levels of subject; reml, kenward_roger; "
        f"96 observations; log-likelihood {found.log_likelihood:.6g})"
    )
    loose = fit(correlated=False, method="ml", df="satterthwaite")
    assert "24 levels of subject, uncorrelated; ml, satterthwaite" in repr(loose)
    assert "no random effects; reml" in repr(fit({}, df="residual"))


def test_subjects_are_counted_where_one_factor_groups_the_rows():
    assert fit().n_subjects == 24
    for random, number in ((TWO, 2), ({}, 0)):
        with pytest.raises(DataError, match=f"{number} grouping factors"):
            fit(random, df="satterthwaite" if random else "residual").n_subjects  # noqa: B018


def test_the_linear_form_of_kenward_and_roger_is_the_same():
    linear = fit(df="kenward_roger_linear")
    pd.testing.assert_frame_equal(linear.coefficients, fit().coefficients)
    assert linear.df_method == "kenward_roger_linear"
    with pytest.raises(DataError, match="belongs to restricted"):
        fit(df="kenward_roger_linear", method="ml")


def test_residuals_follow_their_definitions():
    found, data = fit(), panel()
    raw = found.residuals()
    assert raw == pytest.approx(data["y"].to_numpy() - found.fitted(), rel=1e-12)
    g = found.covariance["subject"].to_numpy()
    pearson, white = found.residuals("pearson"), found.residuals("normalized")
    for _, at in data.groupby("subject").indices.items():
        z = np.column_stack([np.ones(4), data["week"].to_numpy()[at]])
        v = z @ g @ z.T + found.residual_variance * np.eye(4)
        assert pearson[at] == pytest.approx(raw[at] / np.sqrt(np.diag(v)), rel=1e-10)
        # L^-1 r has the squared length r' V^-1 r.
        squares = raw[at] @ np.linalg.solve(v, raw[at])
        assert white[at] @ white[at] == pytest.approx(squares, rel=1e-10)
        assert white[at[0]] == pytest.approx(pearson[at[0]], rel=1e-10)
    last_first = found.residuals("normalized", order=-data["week"].to_numpy(int))
    assert last_first[3] == pytest.approx(pearson[3], rel=1e-10)


def test_residuals_of_several_factors():
    found = fit(TWO)
    spread = sum(float(c.iloc[0, 0]) for c in found.covariance.values())
    expected = found.residuals() / np.sqrt(spread + found.residual_variance)
    assert found.residuals("pearson") == pytest.approx(expected, rel=1e-12)
    with pytest.raises(NotEstimableError, match="one grouping factor"):
        found.residuals("normalized")
    with pytest.raises(DataError, match="unknown kind of residual 'raw'"):
        found.residuals("raw")
    with pytest.raises(DataError, match="of 3 rows"):
        fit().residuals("normalized", order=np.arange(3))


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))]
)
def test_a_copy_gives_the_same_tables(copied):
    found = fit()
    again = copied(found)
    pd.testing.assert_frame_equal(again.ls_means("arm"), found.ls_means("arm"))
    pd.testing.assert_frame_equal(again.tests(3), found.tests(3))
    pd.testing.assert_frame_equal(
        again.random_effects()["subject"], found.random_effects()["subject"]
    )
    assert repr(again) == repr(found)
    assert again.random == {"subject": "1 + week"}


def test_a_copy_of_a_crossover_is_the_same():
    data = (
        panel()
        .query("week < 2")
        .assign(sequence=lambda d: np.where(d["subject"] % 2, "AB", "BA"))
    )
    first = (data["sequence"] == "AB") == (data["week"] == 0)
    found = fit_crossover(
        data.assign(treatment=np.where(first, "A", "B")),
        response="y",
        subject="subject",
        treatment="treatment",
        period="week",
        sequence="sequence",
        control="A",
    )
    again = pickle.loads(pickle.dumps(found))
    assert again.differences == found.differences
    assert again.ls_means == found.ls_means


def test_an_information_without_a_maximum_is_not_estimable():
    # The error of fit_mmrm for the same finding.
    flat = SimpleNamespace(observed=np.array([[1.0, 1.0], [1.0, 1.0]]), expected=None)
    with pytest.raises(NotEstimableError, match="not positive definite"):
        parameter_covariance(flat, "observed")


def test_public_names():
    assert trialstats.fit_lmm is fit_lmm
    assert trialstats.fit_mmrm is fit_mmrm
    small, large = (fit({"subject": e}) for e in ("1", "1 + week"))
    assert trialstats.likelihood_ratio_test(small, large).df == 2
    assert "likelihood_ratio_test" in dir(trialstats)


def test_parameters_of_a_balanced_design_have_the_errors_of_mean_squares():
    # One-way layout of 24 x 4: 4 s_b^2 + s^2 and s^2 estimated by independent mean
    # squares, whose variances are 2 E(MS)^2 / df.
    found = fit_lmm("y ~ 1", panel(), random={"subject": "1"})
    table = found.parameters.set_index("parameter")
    between, within = found.theta
    errors = table["standard_error"].to_numpy()
    assert list(table.index) == ["subject: Intercept", "residual"]
    residual = 2 * within**2 / 72
    mean = 2 * (4 * between + within) ** 2 / 23
    assert errors[1] ** 2 == pytest.approx(residual, rel=1e-8)
    assert errors[0] ** 2 == pytest.approx((mean + residual) / 16, rel=1e-8)
