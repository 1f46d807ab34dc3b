"""The likelihood and its derivatives against dense matrices and closed forms."""

import numpy as np
import pandas as pd
import pytest
from dense_lmm import covariance, kenward_roger, log_likelihood, maximum

from trialstats.fixed_effects import build_design
from trialstats.lmm import fit_lmm
from trialstats.lmm.estimation import Shape, equal_variances
from trialstats.lmm.fitting import _scaled, ordered_triangle
from trialstats.lmm.likelihood import evaluate
from trialstats.lmm.random_part import build_groupings
from trialstats.lmm.rotation import rotate
from trialstats.randomness import stream


def nested():
    """Subjects within centres, some seen less often, slopes."""
    rng = stream(5, "nested")
    rows = [
        (f"C{c}", f"S{s}", float(week), ("a", "b")[s % 2])
        for c in range(7)
        for s in range(int(rng.integers(3, 7)))
        for week in range(int(rng.integers(3, 7)))
    ]
    data = pd.DataFrame(rows, columns=["centre", "subject", "week", "arm"])
    own = data.groupby(["centre", "subject"]).ngroup().to_numpy()
    centre = data.groupby("centre").ngroup().to_numpy()
    data["y"] = (
        10
        + rng.normal(0, 3.0, 7)[centre]
        + rng.normal(0, 1.5, 99)[own]
        + rng.normal(0, 1.2, 99)[own] * data["week"]
        + rng.normal(0, 1, len(data))
    )
    return data


def crossed():
    rng = stream(5, "crossed")
    rows = [(i, j) for i in range(9) for j in range(6) if rng.random() < 0.8]
    data = pd.DataFrame(rows, columns=["subject", "rater"])
    data["arm"] = np.where((data["subject"] + data["rater"]) % 2, "a", "b")
    data["week"] = rng.normal(size=len(data)).round(2)
    own = rng.normal(0, 1.5, 9)[data["subject"]] + rng.normal(0, 1, 6)[data["rater"]]
    data["y"] = 3 + own + rng.normal(0, 1, len(data))
    return data


def regions():
    """Three levels, balanced below the region so that many subjects are alike."""
    rng = stream(5, "regions")
    region, site, subject, week = (a.ravel() for a in np.indices((5, 4, 3, 3)))
    data = pd.DataFrame(
        {"region": region, "site": site, "subject": subject, "week": week * 1.0}
    )
    data["arm"] = np.where(subject % 2, "a", "b")
    own = region, region * 4 + site, (region * 4 + site) * 3 + subject
    data["y"] = rng.normal(size=len(data)) + sum(
        rng.normal(0, spread, 120)[codes]
        for codes, spread in zip(own, (3, 2, 1.5), strict=True)
    )
    return data[rng.random(len(data)) > 0.1].reset_index(drop=True)


def panel_of_raters():
    """A complete crossing, each cell twice, with slopes of the subjects."""
    rng = stream(5, "raters")
    subject, rater, week = (a.ravel() for a in np.indices((12, 4, 3)))
    data = pd.DataFrame({"subject": subject, "rater": rater, "week": week * 1.0})
    data["arm"] = np.where(subject % 2, "a", "b")
    data["y"] = (
        rng.normal(0, 2, 12)[subject]
        + rng.normal(0, 1, 12)[subject] * week
        + rng.normal(0, 1.5, 4)[rater]
        + rng.normal(size=len(data))
    )
    return data


DESIGNS = {
    "three levels": (
        regions,
        {"region": "1", "region:site": "1", "region:site:subject": "1"},
        True,
    ),
    "crossed slopes": (panel_of_raters, {"subject": "1 + week", "rater": "1"}, True),
    "nested": (nested, {"centre": "1", "centre:subject": "1"}, True),
    "slopes": (nested, {"centre:subject": "1 + week"}, True),
    "diagonal": (nested, {"centre:subject": "1 + week"}, False),
    "nested slopes": (nested, {"centre": "1", "centre:subject": "1 + week"}, True),
    "crossed": (crossed, {"subject": "1", "rater": "1"}, True),
    "clusters": (nested, {"centre": "1"}, True),
}
FORMULA = "y ~ arm * week"


def dense_groups(groupings):
    return [(g.codes, g.values, g.correlated) for g in groupings]


def parts(name):
    make, random, correlated = DESIGNS[name]
    data = make()
    design = build_design(FORMULA, data)
    groupings = build_groupings(random, correlated, data, design.rows)
    return design.matrix(), design.response, groupings


#: Designs in which finding the maximum without derivatives takes longest.
LONGEST = ("slopes", "nested slopes", "crossed slopes", "three levels")


@pytest.mark.parametrize(
    ("name", "restricted"),
    [
        *((name, True) for name in DESIGNS),
        *((name, False) for name in DESIGNS if name not in LONGEST),
        *(pytest.param(name, False, marks=pytest.mark.validation) for name in LONGEST),
    ],
)
def test_estimates_are_the_maximum_of_the_dense_likelihood(name, restricted):
    make, random, correlated = DESIGNS[name]
    x, y, groupings = parts(name)
    groups = dense_groups(groupings)
    fit = fit_lmm(
        FORMULA,
        make(),
        random=random,
        correlated=correlated,
        method="reml" if restricted else "ml",
        df="satterthwaite",
    )
    own = log_likelihood(fit.theta, x, y, groups, restricted)
    # Same formula, other order of operations.
    assert fit.log_likelihood == pytest.approx(own, rel=1e-12)
    highest, theta = maximum(x, y, groups, restricted, stream(5, name), starts=2)
    # Optimisers without derivatives stop near the maximum, never above it.
    assert highest <= own + 1e-9
    assert own == pytest.approx(highest, abs=1e-5)
    assert fit.theta == pytest.approx(theta, rel=2e-2, abs=2e-2)
    inverse = np.linalg.inv(covariance(fit.theta, groups, len(y)))
    phi = np.linalg.inv(x.T @ inverse @ x)
    assert np.asarray(fit.model_covariance) == pytest.approx(phi, rel=1e-9)
    assert fit.beta == pytest.approx(phi @ x.T @ inverse @ y, rel=1e-9)


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("name", list(DESIGNS))
def test_gradient_and_curvature_are_those_of_finite_differences(name, restricted):
    x, y, groupings = parts(name)
    scaled = _scaled(x, y, groupings, ordered_triangle(x, y, groupings))
    shape = Shape(
        [len(g.effects) for g in groupings], [g.correlated for g in groupings]
    )
    rotated = rotate(scaled.rows, shape.places)
    theta = equal_variances(shape) * np.linspace(0.6, 1.4, len(shape.places) + 1)
    here = evaluate(rotated, theta, restricted=restricted)
    step = 1e-5

    def at(k, sign):
        moved = theta + sign * step * np.eye(len(theta))[k]
        return evaluate(rotated, moved, restricted=restricted)

    for k in range(len(theta)):
        up, down = at(k, 1), at(k, -1)
        slope = (up.deviance - down.deviance) / (2 * step)
        bend = (up.gradient - down.gradient) / (2 * step)
        # Central differences leave the third derivative times the step squared.
        assert here.gradient[k] == pytest.approx(slope, rel=1e-6, abs=1e-6)
        np.testing.assert_allclose(here.curvature[k], bend, rtol=1e-6, atol=1e-5)


def derivatives(groupings, size):
    """Return the (n, n) derivatives of V in the order of theta."""
    groups, n = dense_groups(groupings), len(groupings[0].codes)
    unit = np.eye(size)
    return [covariance(unit[k], groups, n) for k in range(size)]


@pytest.mark.parametrize("name", list(DESIGNS))
def test_kenward_roger_is_that_of_full_matrices(name):
    make, random, correlated = DESIGNS[name]
    x, _, groupings = parts(name)
    fit = fit_lmm(FORMULA, make(), random=random, correlated=correlated)
    structures = derivatives(groupings, len(fit.theta))
    adjusted, phi, w = kenward_roger(fit.theta, x, dense_groups(groupings), structures)
    assert np.asarray(fit.beta_covariance) == pytest.approx(adjusted, rel=1e-8)
    assert np.asarray(fit.theta_covariance("expected")) == pytest.approx(w, rel=1e-7)
    # Satterthwaite's degrees of freedom of each coefficient, from the same matrices.
    inverse = np.linalg.inv(covariance(fit.theta, dense_groups(groupings), len(x)))
    for j, df in enumerate(fit.coefficients["df"]):
        rows = phi[j] @ x.T @ inverse
        slopes = np.array([rows @ s @ rows for s in structures])
        assert df == pytest.approx(2 * phi[j, j] ** 2 / (slopes @ w @ slopes), rel=1e-7)


def balanced(n_subjects=8, n_rows=5):
    rng = stream(5, "balanced")
    subject = np.repeat(np.arange(n_subjects), n_rows)
    y = 3 + rng.normal(0, 2, n_subjects)[subject] + rng.normal(0, 1, len(subject))
    return pd.DataFrame({"subject": subject, "y": y})


def test_balanced_one_way_data_have_the_estimates_of_the_analysis_of_variance():
    data = balanced()
    means = data.groupby("subject")["y"].mean()
    within = ((data["y"] - data["subject"].map(means)) ** 2).sum() / (8 * 4)
    between = 5 * means.var()
    fit = fit_lmm("y ~ 1", data, random={"subject": "1"})
    assert fit.residual_variance == pytest.approx(within, rel=1e-11)
    assert fit.theta[0] == pytest.approx((between - within) / 5, rel=1e-11)
    line = fit.coefficients.iloc[0]
    assert line["estimate"] == pytest.approx(means.mean(), rel=1e-13)
    assert line["standard_error"] == pytest.approx((between / 40) ** 0.5, rel=1e-11)
    assert line["df"] == pytest.approx(7, rel=1e-9)
    blup = fit.random_effects()["subject"].set_index("subject")["Intercept"]
    shrunk = (1 - within / between) * (means - means.mean())
    assert blup.to_numpy() == pytest.approx(shrunk.to_numpy(), rel=1e-9)


def test_balanced_two_way_data_have_the_estimates_of_the_analysis_of_variance():
    rng = stream(5, "two way")
    a, b = 6, 7
    first, second = np.repeat(np.arange(a), b), np.tile(np.arange(b), a)
    y = (
        rng.normal(0, 2, a)[first]
        + rng.normal(0, 1, b)[second]
        + rng.normal(size=a * b)
    )
    data = pd.DataFrame({"a": first, "b": second, "y": y})
    table = y.reshape(a, b)
    rows, columns, grand = table.mean(axis=1), table.mean(axis=0), table.mean()
    rest = table - rows[:, None] - columns + grand
    error = (rest**2).sum() / ((a - 1) * (b - 1))
    expected = [
        (b * rows.var(ddof=1) - error) / b,
        (a * columns.var(ddof=1) - error) / a,
    ]
    fit = fit_lmm("y ~ 1", data, random={"a": "1", "b": "1"})
    assert fit.theta == pytest.approx([*expected, error], rel=1e-10)
    assert fit.history[1].deviance == pytest.approx(fit.history[0].deviance, rel=1e-12)


def test_without_random_part_it_is_least_squares():
    data = nested()
    x = build_design(FORMULA, data).matrix()
    y = data["y"].to_numpy()
    beta, squares = np.linalg.lstsq(x, y, rcond=None)[:2]
    for df in ("residual", "satterthwaite", "kenward_roger"):
        fit = fit_lmm(FORMULA, data, random={}, df=df)
        assert fit.beta == pytest.approx(beta, rel=1e-10)
        assert fit.residual_variance == pytest.approx(squares[0] / (len(y) - 4))
        assert fit.coefficients["df"].to_numpy() == pytest.approx(len(y) - 4)


def test_labels_as_random_effects_have_a_variance_each():
    # A separate effect of each treatment: the matrix of a dense computation.
    rng = stream(5, "labels")
    subject = np.repeat(np.arange(12), 6)
    arm = np.tile(["a", "b"], 36)
    own = rng.normal(0, [1, 2], (12, 2))
    y = own[subject, (arm == "b").astype(int)] + rng.normal(0, 0.7, 72)
    data = pd.DataFrame({"subject": subject, "arm": arm, "y": y})
    fit = fit_lmm("y ~ arm", data, random={"subject": "0 + arm"})
    matrix = fit.covariance["subject"]
    assert list(matrix.columns) == ["arm[a]", "arm[b]"] or len(matrix) == 2
    z = np.column_stack([arm == "a", arm == "b"]).astype(float)
    x = np.column_stack([np.ones(72), arm == "b"]).astype(float)
    own = log_likelihood(fit.theta, x, y, [(subject, z, True)], True)
    assert fit.log_likelihood == pytest.approx(own, rel=1e-12)
