"""Properties of multilevel and multivariate models, whatever the data.

The likelihood is derived a second time with whole dense matrices, and its derivatives
numerically: no block, no analytic derivative.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.location_scale import pool_location_scale
from trialstats.meta.multilevel import pool_multilevel
from trialstats.meta.multilevel_blocks import Sampling, Term, batches, codes_of
from trialstats.meta.multilevel_likelihood import Model
from trialstats.meta.multilevel_structures import STRUCTURES, Levels
from trialstats.meta.multivariate import pool_multivariate
from trialstats.meta.pooling import pool
from trialstats.meta.robust import cluster_robust
from trialstats.meta.sampling_covariance import sampling_covariance


@pytest.fixture(scope="module")
def nested() -> pd.DataFrame:
    """Effects in trials in regions."""
    rng = np.random.default_rng(7)
    k = 40
    region = rng.integers(0, 8, k)
    trial = rng.integers(0, 3, k)
    variance = rng.uniform(0.02, 0.2, k)
    dose = rng.normal(size=k)
    between = rng.normal(0, 0.4, 8)[region] + rng.normal(0, 0.3, 24)[3 * region + trial]
    effect = 0.2 + 0.1 * dose + between + rng.normal(0, np.sqrt(variance))
    return pd.DataFrame(
        {
            "region": region,
            "trial": trial,
            "effect": effect,
            "variance": variance,
            "dose": dose,
        }
    )


@pytest.fixture(scope="module")
def outcomes() -> pd.DataFrame:
    """Three outcomes of trials, some missing."""
    rng = np.random.default_rng(11)
    frame = pd.DataFrame(
        [(i, j) for i in range(15) for j in range(3)], columns=["study", "outcome"]
    )
    frame = frame.drop(index=[2, 7, 15, 30, 44]).reset_index(drop=True)
    frame["variance"] = rng.uniform(0.01, 0.08, len(frame))
    true = np.array([[0.2, 0.1, 0.05], [0.1, 0.15, 0.08], [0.05, 0.08, 0.3]])
    drawn = rng.multivariate_normal([0.1, 0.4, -0.2], true, 15)
    noise = rng.normal(0, np.sqrt(frame["variance"]))
    frame["effect"] = drawn[frame["study"], frame["outcome"]] + noise
    return frame


def dense_log_likelihood(y, x, marginal, *, restricted):
    """Return the log-likelihood of one matrix of all effects."""
    w = np.linalg.inv(marginal)
    cross = x.T @ w @ x
    residual = y - x @ np.linalg.solve(cross, x.T @ w @ y)
    k, p = x.shape
    value = -(
        k * np.log(2 * np.pi) + np.linalg.slogdet(marginal)[1] + residual @ w @ residual
    )
    if restricted:
        value += p * np.log(2 * np.pi) - np.linalg.slogdet(cross)[1]
        value += np.linalg.slogdet(x.T @ x)[1]
    return value / 2


def dense_covariance(term, g):
    same = term.outer[:, None] == term.outer[None, :]
    return g[np.ix_(term.inner, term.inner)] * same


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("kind", STRUCTURES)
def test_derivatives_are_those_of_a_dense_likelihood(kind, restricted):
    rng = np.random.default_rng(3)
    k = 30
    outer, labels = codes_of(rng.integers(0, 9, k))
    inner = rng.integers(0, 3, k)
    y, v = rng.normal(size=k), rng.uniform(0.1, 0.5, k)
    x = np.column_stack([np.ones(k), rng.normal(size=k)])
    together = outer[:, None] == outer[None, :]
    matrix = 0.3 * np.sqrt(np.outer(v, v)) * together + 0.7 * np.diag(v)
    three = Levels(3, 3, np.array([0.0, 1.0, 2.5]))
    single = STRUCTURES["ID"].make(Levels(1, 1, np.zeros(1)))
    terms = (
        Term("trial", outer, np.zeros(k, dtype=np.intp), labels, ("",), single),
        Term("g", outer, inner, labels, (0, 1, 2), STRUCTURES[kind].make(three), kind),
    )
    model = Model(batches(y, x, Sampling(v, matrix), terms), terms, restricted)
    near = np.array([[0.3, 0.1, 0.05], [0.1, 0.2, 0.06], [0.05, 0.06, 0.4]])
    theta = np.concatenate([[0.15], terms[1].structure.near(near)])

    def dense(at):
        covariances = model.covariances(at)
        parts = [
            dense_covariance(t, g) for t, g in zip(terms, covariances, strict=True)
        ]
        return dense_log_likelihood(y, x, matrix + sum(parts), restricted=restricted)

    weights = model.weigh(theta)
    assert weights is not None
    found = model.slope(theta, weights)
    assert model.log_likelihood(weights) == pytest.approx(dense(theta), rel=1e-13)
    # Central differences of a likelihood near 50: 1e-11 / step, and the third
    # derivative times the square of the step.
    score = optimize.approx_fprime(theta, dense, 1e-6)
    np.testing.assert_allclose(found.score, score, atol=2e-3, rtol=2e-3)
    step = 1e-5 * np.eye(len(theta))
    centred = [(dense(theta + d) - dense(theta - d)) / 2e-5 for d in step]
    np.testing.assert_allclose(found.score, centred, atol=1e-6, rtol=1e-7)

    def score_at(at):
        return model.slope(at, model.weigh(at)).score

    bend = [(score_at(theta + d) - score_at(theta - d)) / 2e-5 for d in step]
    np.testing.assert_allclose(found.hessian, bend, atol=1e-5, rtol=1e-6)


def test_a_fit_stands_where_a_dense_likelihood_is_highest(nested):
    fit = pool_multilevel(
        "effect",
        "variance",
        levels=["region", "trial"],
        data=nested,
        moderators="~ dose",
        component_intervals=False,
    )
    y, x = nested["effect"].to_numpy(), fit.design
    region = nested["region"].to_numpy()
    trial = 3 * region + nested["trial"].to_numpy()
    v = np.diag(nested["variance"])
    parts = [np.equal.outer(code, code).astype(float) for code in (region, trial)]

    def fall(logs):
        marginal = v + np.exp(logs[0]) * parts[0] + np.exp(logs[1]) * parts[1]
        return -dense_log_likelihood(y, x, marginal, restricted=True)

    found = optimize.minimize(
        fall,
        [-1.5, -2.5],
        method="Nelder-Mead",
        options={"xatol": 1e-8, "fatol": 1e-13},
    )
    assert fit.log_likelihood == pytest.approx(-found.fun, rel=1e-12)
    assert fit.log_likelihood >= -found.fun - 1e-11
    # The simplex stops where the likelihood differs in the last digit.
    np.testing.assert_allclose(
        fit.components["estimate"], np.exp(found.x), rtol=1e-5, atol=1e-9
    )


def dense_cr2(fit, cluster):
    """Return CR2 and its degrees of freedom with whole matrices and square roots."""
    x, e = fit.design, fit.residuals()
    k = len(e)
    phi = np.zeros((k, k))
    for rows, block in fit.blocks():
        phi[np.ix_(rows, rows)] = block
    w = np.linalg.inv(phi)
    bread = np.linalg.inv(x.T @ w @ x)
    left = np.eye(k) - x @ bread @ x.T @ w
    whole = left @ phi @ left.T
    labels = np.unique(cluster)
    halves = []
    for label in labels:
        rows = np.flatnonzero(cluster == label)
        root = np.linalg.cholesky(phi[np.ix_(rows, rows)]).T
        inner = root @ whole[np.ix_(rows, rows)] @ root.T
        values, vectors = np.linalg.eigh(inner)
        adjust = root.T @ vectors @ np.diag(values**-0.5) @ vectors.T @ root
        half = np.zeros((k, x.shape[1]))
        half[rows] = adjust @ w[np.ix_(rows, rows)] @ x[rows]
        halves.append(half @ bread)
    covariance = sum(np.outer(h.T @ e, h.T @ e) for h in halves)
    degrees = []
    for j in range(x.shape[1]):
        columns = np.column_stack([h[:, j] for h in halves])
        p = columns.T @ whole @ columns
        degrees.append(np.trace(p) ** 2 / (p**2).sum())
    return covariance, np.array(degrees)


def test_bias_reduced_errors_are_those_of_dense_matrices(nested):
    fit = pool_multilevel(
        "effect",
        "variance",
        levels=["region", "trial"],
        data=nested,
        moderators="~ dose",
        component_intervals=False,
    )
    robust = cluster_robust(fit, "region")
    covariance, degrees = dense_cr2(fit, nested["region"].to_numpy())
    np.testing.assert_allclose(robust.covariance, covariance, rtol=1e-10)
    np.testing.assert_allclose(robust.coefficients["df"], degrees, rtol=1e-9)


def test_bias_reduced_errors_are_unbiased_under_the_working_covariance(nested):
    # The property that defines CR2: E(V) = (X'WX)^-1 when e ~ (0, Phi).
    fit = pool_multilevel(
        "effect",
        "variance",
        levels=["region"],
        data=nested,
        moderators="~ dose",
        component_intervals=False,
    )
    rng = np.random.default_rng(5)
    cluster = nested["region"].to_numpy()
    total = np.zeros((2, 2))
    draws = 4000
    x = fit.design
    k = len(x)
    phi = np.zeros((k, k))
    for rows, block in fit.blocks():
        phi[np.ix_(rows, rows)] = block
    w = np.linalg.inv(phi)
    bread = np.linalg.inv(x.T @ w @ x)
    root = np.linalg.cholesky(phi)
    left = np.eye(k) - x @ bread @ x.T @ w
    residuals = left @ root @ rng.normal(size=(k, draws))
    for label in np.unique(cluster):
        rows = cluster == label
        factor = np.linalg.cholesky(phi[np.ix_(rows, rows)]).T
        inner = factor @ (left @ phi @ left.T)[np.ix_(rows, rows)] @ factor.T
        values, vectors = np.linalg.eigh(inner)
        adjust = factor.T @ (vectors * values**-0.5) @ vectors.T @ factor
        scores = bread @ x[rows].T @ w[np.ix_(rows, rows)] @ adjust @ residuals[rows]
        total += scores @ scores.T / draws
    # Ten times the Monte Carlo error of 4000 draws would be 0.2.
    np.testing.assert_allclose(total, fit.covariance, rtol=0.1, atol=3e-4)


@pytest.mark.parametrize("kind", ["CR0", "CR1", "CR2"])
def test_robust_errors_do_not_depend_on_the_order_of_rows(nested, kind):
    def errors(frame):
        fit = pool_multilevel(
            "effect",
            "variance",
            levels=["region"],
            data=frame,
            component_intervals=False,
        )
        robust = cluster_robust(fit, "region", kind=kind)
        return robust.standard_error, robust.df

    shuffled = nested.sample(frac=1, random_state=2)
    assert errors(shuffled) == pytest.approx(errors(nested), rel=1e-10)


def test_results_do_not_depend_on_the_order_of_rows_or_labels(nested):
    def fit(frame):
        found = pool_multilevel(
            "effect", "variance", levels=["region", "trial"], data=frame
        )
        return [found.estimate, found.standard_error, *found.components["ci_upper"]]

    shuffled = nested.sample(frac=1, random_state=1)
    relabelled = nested.assign(region="r" + (17 * nested["region"] % 8).astype(str))
    assert fit(shuffled) == pytest.approx(fit(nested), rel=1e-9)
    assert fit(relabelled) == pytest.approx(fit(nested), rel=1e-9)


@pytest.mark.parametrize("unit", [1e-6, 1e5])
def test_variances_have_squared_units_of_the_effect(nested, unit):
    def fit(frame):
        return pool_multilevel(
            "effect", "variance", levels=["region", "trial"], data=frame
        )

    plain = fit(nested)
    scaled = fit(
        nested.assign(
            effect=unit * nested["effect"], variance=unit**2 * nested["variance"]
        )
    )
    assert scaled.estimate == pytest.approx(unit * plain.estimate, rel=1e-9)
    for column in ("estimate", "ci_lower", "ci_upper"):
        np.testing.assert_allclose(
            scaled.components[column], unit**2 * plain.components[column], rtol=1e-7
        )
    assert scaled.i_squared == pytest.approx(plain.i_squared, rel=1e-9)


def test_one_effect_a_trial_is_the_random_effects_model(nested):
    frame = nested.assign(own=np.arange(len(nested)))
    # A unit's variance beside known sampling variances is identified.
    fit = pool_multilevel("effect", "variance", levels="own", data=frame)
    plain = pool(frame["effect"], frame["variance"], inference="t")
    assert fit.tau_squared == pytest.approx(plain.tau_squared, rel=1e-8)
    assert fit.standard_error == pytest.approx(plain.standard_error, rel=1e-8)
    assert fit.i_squared == pytest.approx(plain.i_squared, rel=1e-8)
    assert fit.q == pytest.approx(plain.q, rel=1e-12)
    blups = plain.blups()
    np.testing.assert_allclose(fit.blups()["estimate"], blups["estimate"], rtol=1e-7)
    np.testing.assert_allclose(
        fit.blups()["standard_error"], blups["standard_error"], rtol=1e-7
    )


def test_clustered_errors_of_pool_are_those_of_the_same_model(nested):
    frame = nested.assign(own=np.arange(len(nested)))
    fit = pool_multilevel(
        "effect",
        "variance",
        levels="own",
        data=frame,
        moderators="~ dose",
        component_intervals=False,
    )
    plain = pool(frame["effect"], frame["variance"], moderators="~ dose", data=frame)
    for kind in ("CR1", "CR2"):
        one = cluster_robust(fit, "region", kind=kind).coefficients
        two = cluster_robust(plain, frame["region"], kind=kind).coefficients
        for column in ("standard_error", "df"):
            np.testing.assert_allclose(one[column], two[column], rtol=1e-7)


def test_structures_that_are_the_same_model_agree(outcomes):
    pairs = outcomes[outcomes["outcome"] < 2].reset_index(drop=True)

    def fit(structure, frame=pairs):
        return pool_multivariate(
            "effect",
            "variance",
            outcome="outcome",
            study="study",
            structure=structure,
            data=frame,
        )

    # With two outcomes UN, HCS and HAR are one model, CS and AR another.
    for same in (("UN", "HCS", "HAR"), ("CS", "AR", "CAR")):
        first = fit(same[0])
        for other in map(fit, same[1:]):
            assert other.log_likelihood == pytest.approx(first.log_likelihood, abs=1e-9)
            for column in ("estimate", "ci_lower", "ci_upper"):
                if other.options["structure"] == "CAR" and column == "ci_lower":
                    continue
                np.testing.assert_allclose(
                    other.components[column],
                    first.components[column],
                    rtol=1e-5,
                    atol=1e-8,
                )


def test_a_richer_structure_never_has_a_lower_likelihood(outcomes):
    def likelihood(structure):
        return pool_multivariate(
            "effect",
            "variance",
            outcome="outcome",
            study="study",
            structure=structure,
            data=outcomes,
            component_intervals=False,
        ).log_likelihood

    found = {name: likelihood(name) for name in STRUCTURES}
    for simple, rich in [
        ("ID", "DIAG"),
        ("ID", "CS"),
        ("DIAG", "HCS"),
        ("CS", "HCS"),
        ("HCS", "UN"),
        ("AR", "HAR"),
        ("HAR", "UN"),
    ]:
        assert found[rich] >= found[simple] - 1e-9, (simple, rich)


def test_profile_limits_lie_where_the_likelihood_has_fallen(nested):
    fit = pool_multilevel("effect", "variance", levels=["region"], data=nested)
    row = fit.components.iloc[0]
    y = nested["effect"].to_numpy()
    region = nested["region"].to_numpy()
    same = np.equal.outer(region, region)
    x = np.ones((len(y), 1))

    def value(variance):
        marginal = np.diag(nested["variance"]) + variance * same
        return dense_log_likelihood(y, x, marginal, restricted=True)

    quantile = 3.841458820694124
    for limit in (row["ci_lower"], row["ci_upper"]):
        fall = 2 * (value(row["estimate"]) - value(limit))
        assert fall == pytest.approx(quantile, rel=1e-7)


def test_no_heterogeneity_gives_zero_and_the_common_effect():
    effect, variance = [0.2, 0.21, 0.19, 0.2, 0.22], [0.1] * 5
    fit = pool_multilevel(
        effect, variance, levels={"trial": list("aabbc")}, inference="wald"
    )
    assert fit.component == {"sigma2[trial]": 0.0}
    assert fit.components["ci_lower"][0] == 0.0
    assert fit.i_squared == 0.0
    assert fit.standard_error == pytest.approx(np.sqrt(0.1 / 5), rel=1e-12)


def test_a_factor_with_one_level_is_held_at_zero(nested):
    one = nested.assign(world="earth")
    fit = pool_multilevel("effect", "variance", levels=["world", "region"], data=one)
    plain = pool_multilevel("effect", "variance", levels=["region"], data=nested)
    assert fit.component["sigma2[world]"] == 0.0
    assert "held at zero" in fit.not_estimable["sigma2[world]"]
    assert fit.estimate == pytest.approx(plain.estimate, rel=1e-12)


def test_levels_that_hold_the_same_effects_are_refused(nested):
    twice = nested.assign(country=nested["region"])
    with pytest.raises(NotEstimableError, match=r"sigma2\[region\].*sigma2\[region/c"):
        pool_multilevel("effect", "variance", levels=["region", "country"], data=twice)


def test_the_block_that_is_not_positive_definite_is_named():
    covariance = np.diag([0.1, 0.1, 0.1, 0.1])
    covariance[1, 2] = covariance[2, 1] = 0.2
    with pytest.raises(DataError, match="block of rows 2, 3 is not positive definite"):
        pool_multilevel([1, 2, 3, 4.5], covariance=covariance, levels=[list("aabb")])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"effect": [0.1, np.nan, 0.3]}, "row 2.*missing"),
        ({"variance": [0.1, 0.0, 0.1]}, "row 2.*not above zero"),
        ({"covariance": np.eye(2)}, r"shape \(2, 2\)"),
        ({"covariance": [[1, 0.5, 0], [0.2, 1, 0], [0, 0, 1]]}, "not symmetric"),
        ({"levels": {"trial": ["a", None, "b"]}}, "row 2.*'trial'"),
        ({"levels": ["trial"]}, "no data"),
        ({"levels": {"trial": ["a", 1, "b"]}}, "several types"),
        ({"method": "DL"}, "unknown method 'DL'"),
        ({"inference": "t", "df": "kenward"}, "unknown df"),
    ],
)
def test_wrong_data_are_refused_by_name(change, words):
    given = {
        "effect": [0.1, 0.2, 0.3],
        "variance": None if "covariance" in change else [0.1, 0.1, 0.1],
        "levels": {"trial": ["a", "a", "b"]},
    } | change
    with pytest.raises(DataError, match=f"(?s){words}"):
        pool_multilevel(given.pop("effect"), given.pop("variance"), **given)


def test_outcomes_that_no_trial_has_together_have_no_correlation(outcomes):
    split = outcomes[(outcomes["outcome"] == 0) == (outcomes["study"] < 7)]
    split = split[split["outcome"] < 2].reset_index(drop=True)
    arguments = {"outcome": "outcome", "study": "study", "data": split}
    fit = pool_multivariate("effect", "variance", structure="UN", **arguments)
    apart = pool_multivariate("effect", "variance", structure="DIAG", **arguments)
    assert "independent" in fit.not_estimable["rho"]
    assert fit.log_likelihood == apart.log_likelihood
    three = outcomes[(outcomes["outcome"] == 0) != (outcomes["study"] < 7)]
    with pytest.raises(NotEstimableError, match="0 and 1"):
        pool_multivariate(
            "effect",
            "variance",
            outcome="outcome",
            study="study",
            data=three.reset_index(drop=True),
        )


def test_blocks_of_a_covariance_are_the_whole_matrix(outcomes):
    v = sampling_covariance("variance", cluster="study", correlation=0.3, data=outcomes)
    code = outcomes["study"].to_numpy()
    blocks = [v[np.ix_(code == i, code == i)] for i in np.unique(code)]
    assert len({len(block) for block in blocks}) > 1
    arguments = {
        "outcome": "outcome",
        "study": "study",
        "data": outcomes,
        "component_intervals": False,
    }
    whole = pool_multivariate("effect", v, **arguments)
    parts = pool_multivariate("effect", blocks, **arguments)
    assert whole.log_likelihood == parts.log_likelihood
    np.testing.assert_array_equal(
        whole.coefficients["estimate"], parts.coefficients["estimate"]
    )


def test_options_fit_the_model_again(nested):
    fit = pool_multilevel(
        "effect", "variance", levels=["region"], data=nested, moderators="~ dose"
    )
    again = pool_multilevel(fit.effect, fit.variance, **fit.options)
    pd.testing.assert_frame_equal(fit.coefficients, again.coefficients)


def test_clusters_that_share_random_effects_are_refused(nested):
    fit = pool_multilevel(
        "effect",
        "variance",
        levels=["region"],
        data=nested,
        component_intervals=False,
    )
    with pytest.raises(DataError, match="share random effects"):
        cluster_robust(fit, np.arange(len(nested)))
    # The unadjusted errors need no such thing.
    assert cluster_robust(fit, np.arange(len(nested)), kind="CR0").standard_error > 0


def test_a_coefficient_that_one_cluster_tells_has_no_robust_error(nested):
    frame = nested.assign(alone=(nested["region"] == 3).astype(float))
    fit = pool_multilevel(
        "effect",
        "variance",
        levels=["trial"],
        moderators="~ alone + dose",
        data=frame.assign(trial=frame["region"] * 3 + frame["trial"]),
        component_intervals=False,
    )
    robust = cluster_robust(fit, "region")
    errors = robust.coefficients.set_index("term")["standard_error"]
    assert np.isnan(errors["alone"])
    assert errors[["Intercept", "dose"]].notna().all()
    assert "takes up a cluster" in robust.not_estimable["standard_error[alone]"]
    assert np.isnan(robust.test().statistic)
    assert robust.test("dose").statistic > 0


def test_clusters_that_have_their_own_means_leave_slopes_an_error(nested):
    # The clusters' means are taken up; what is within them tells the slope.
    fit = pool_multilevel(
        "effect",
        "variance",
        moderators="~ C(region) + dose",
        data=nested,
        component_intervals=False,
    )
    errors = cluster_robust(fit, "region").coefficients.set_index("term")
    assert errors.loc["dose", "standard_error"] > 0
    within = nested.assign(weight=1 / nested["variance"])
    for name in ("effect", "dose"):
        total = (within[name] * within["weight"]).groupby(within["region"]).sum()
        mean = total / within["weight"].groupby(within["region"]).sum()
        within[name] = within[name] - mean[within["region"]].to_numpy()
    # Frisch and Waugh: the slope is that of what lies within clusters.
    slope = (within["weight"] * within["dose"] * within["effect"]).sum() / (
        within["weight"] * within["dose"] ** 2
    ).sum()
    assert errors.loc["dose", "estimate"] == pytest.approx(slope, rel=1e-10)


def test_a_location_scale_model_without_moderators_is_the_random_effects_model(nested):
    for method in ("REML", "ML"):
        fit = pool_location_scale(
            "effect", "variance", data=nested, method=method, inference="t"
        )
        plain = pool(
            nested["effect"], nested["variance"], tau_squared=method, inference="t"
        )
        np.testing.assert_allclose(fit.tau_squared, plain.tau_squared, rtol=1e-8)
        assert fit.coefficients["standard_error"][0] == pytest.approx(
            plain.standard_error, rel=1e-8
        )
        assert fit.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-12)


def test_the_scale_of_a_location_scale_model_is_where_its_likelihood_is_highest(nested):
    fit = pool_location_scale(
        "effect", "variance", moderators="~ dose", scale="~ dose", data=nested
    )
    y, v = nested["effect"].to_numpy(), nested["variance"].to_numpy()

    def likelihood(alpha):
        marginal = np.diag(v + np.exp(fit.scale_design @ alpha))
        return dense_log_likelihood(y, fit.design, marginal, restricted=True)

    alpha = fit.scale_coefficients["estimate"].to_numpy()
    assert fit.log_likelihood == pytest.approx(likelihood(alpha), rel=1e-12)
    step = 1e-4 * np.eye(2)
    score = [(likelihood(alpha + d) - likelihood(alpha - d)) / 2e-4 for d in step]
    np.testing.assert_allclose(score, 0, atol=1e-6)
    bend = np.array(
        [
            [
                likelihood(alpha + a + b)
                - likelihood(alpha + a - b)
                - likelihood(alpha - a + b)
                + likelihood(alpha - a - b)
                for a in step
            ]
            for b in step
        ]
    )
    # Fourfold differences of a likelihood near 30, divided by 4e-8.
    np.testing.assert_allclose(
        np.linalg.inv(-bend / 4e-8), fit.scale_covariance, rtol=1e-4
    )


def test_a_scale_without_heterogeneity_is_refused():
    with pytest.raises(NotEstimableError, match="logarithm of zero"):
        pool_location_scale([0.1, 0.1, 0.11, 0.1, 0.09], [0.1] * 5)


def test_predictions_and_tests_of_a_model_with_outcomes(outcomes):
    fit = pool_multivariate(
        "effect", "variance", outcome="outcome", study="study", data=outcomes
    )
    ahead = fit.predict()
    np.testing.assert_array_equal(ahead["estimate"], fit.coefficients["estimate"])
    tau2 = [fit.component[f"tau2[{j}]"] for j in range(3)]
    reach = (ahead["prediction_upper"] - ahead["estimate"]) ** 2
    half = (ahead["ci_upper"] - ahead["estimate"]) ** 2
    # The two widths differ by the variance of the true effects.
    quantile = half / ahead["standard_error"] ** 2
    np.testing.assert_allclose((reach - half) / quantile, tau2, rtol=1e-10)
    joint = fit.test()
    single = fit.test("1")
    assert joint.df1 == 3
    assert single.statistic == pytest.approx(fit.coefficients["statistic"][1] ** 2)


def test_covariances_of_errors():
    v = [0.1, 0.4, 0.1, 0.2]
    cluster = ["a", "a", "b", "b"]
    constant = sampling_covariance(v, cluster=cluster, correlation=0.5)
    np.testing.assert_allclose(constant[0, 1], 0.5 * np.sqrt(0.1 * 0.4))
    assert constant[1, 2] == 0
    table = pd.DataFrame([[1, 0.3], [0.3, 1]], ["x", "y"], ["x", "y"])
    by_kind = sampling_covariance(
        v, cluster=cluster, correlation=table, kind=["x", "y", "y", "x"]
    )
    np.testing.assert_allclose(by_kind[2, 3], 0.3 * np.sqrt(0.1 * 0.2))
    by_time = sampling_covariance(
        v, cluster=cluster, time=[0, 2, 1, 1.5], autocorrelation=0.8
    )
    np.testing.assert_allclose(by_time[0, 1], 0.64 * 0.2)
    rows = np.array([[0.1, 0.05], [0.05, 0.4], [0.1, -0.02], [-0.02, 0.2]])
    given = sampling_covariance(cluster=cluster, covariances=rows)
    np.testing.assert_array_equal(np.diag(given), v)
    assert given[2, 3] == -0.02
    with pytest.raises(DataError, match="not symmetric"):
        sampling_covariance(cluster=cluster, covariances=rows[:, ::-1])
    with pytest.raises(DataError, match="not a correlation"):
        sampling_covariance(v, cluster=cluster, correlation=1.2)
