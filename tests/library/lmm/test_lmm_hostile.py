"""Designs that have no answer end in a named error, the others in the right answer."""

import warnings

import numpy as np
import pandas as pd
import pytest
from dense_lmm import log_likelihood, maximum

from trialstats.errors import (
    DataError,
    NotEstimableError,
    RankDeficientError,
    SingularCovarianceError,
    TrialstatsError,
)
from trialstats.fixed_effects import build_design
from trialstats.lmm import fit_lmm
from trialstats.lmm.random_part import build_groupings
from trialstats.randomness import stream

SEEDS_PER_TEST = 20


def subjects(rng):
    sizes = rng.integers(1, 5, rng.integers(2, 12))
    subject = np.repeat(np.arange(len(sizes)), sizes)
    n = len(subject)
    frame = {"s": subject, "x": rng.normal(size=n), "t": rng.choice(["a", "b"], n)}
    return pd.DataFrame(frame), {"s": "1"}


def slopes(rng):
    number, size = rng.integers(2, 14), rng.integers(2, 6)
    subject = np.repeat(np.arange(number), size)
    same = np.tile(np.arange(size), number).astype(float)
    x = same if rng.random() < 0.5 else rng.normal(size=len(subject)).round(1)
    arm = np.where(subject % 2 == 0, "a", "b")
    return pd.DataFrame({"s": subject, "x": x, "t": arm}), {"s": "1 + x"}


def nested(rng):
    shape = (rng.integers(2, 5), rng.integers(2, 6), rng.integers(1, 4))
    site, subject, visit = (a.ravel() for a in np.indices(shape))
    arm = np.where(visit % 2 == 0, "a", "b")
    frame = pd.DataFrame({"site": site, "s": subject, "t": arm})
    frame["x"] = rng.normal(size=len(frame))
    keep = rng.random(len(frame)) > 0.2
    return frame[keep], {"site": "1", "site:s": "1"}


def crossed(rng):
    first, second = (a.ravel() for a in np.indices(rng.integers(2, 7, 2)))
    frame = pd.DataFrame({"u": first, "v": second})
    frame["x"] = rng.normal(size=len(frame))
    frame["t"] = rng.choice(["a", "b"], len(frame))
    if rng.random() < 0.6:
        frame = frame[rng.random(len(frame)) > 0.2]
    return frame, {"u": "1", "v": "1"}


def crossover(rng):
    subject = np.repeat(np.arange(rng.integers(3, 10)), 2)
    period = np.tile([1.0, 2.0], len(subject) // 2)
    arm = np.where((subject % 2 == 0) == (period == 1), "a", "b")
    frame = pd.DataFrame({"s": subject, "x": period, "t": arm})
    return frame[rng.random(len(frame)) > 0.1], {"s": "1"}


KINDS = (subjects, slopes, nested, crossed, crossover)


def generated(seed):
    """Return a small design, often a degenerate one, and how to fit it."""
    rng = stream(seed, "hostile designs")
    frame, random = KINDS[seed % len(KINDS)](rng)
    frame = frame.reset_index(drop=True)
    y = rng.normal(size=len(frame)) * rng.choice([0.3, 1.0, 3.0])
    for factor, effects in random.items():
        codes = frame.groupby(factor.split(":")).ngroup().to_numpy()
        q = effects.count("+") + 1
        own = rng.normal(size=(len(frame) + 1, q)) * rng.choice([0.0, 0.5, 2.0], q)
        y = y + own[codes, 0] + (own[codes, 1] * frame["x"] if q == 2 else 0.0)
    if rng.random() < 0.15:
        y = np.round(y)
    if rng.random() < 0.05:
        y = 2.0 * frame["x"] if rng.random() < 0.5 else np.zeros(len(frame))
    unit, shift = rng.choice([1.0, 1e-3, 1e4]), rng.choice([0.0, 100.0])
    frame["y"] = np.asarray(y) * unit + shift
    formula = "y ~ " + str(rng.choice(["1", "x", "t", "x + t", "x * t"]))
    options = {
        "random": random,
        "correlated": bool(rng.random() < 0.6),
        "method": "reml" if rng.random() < 0.7 else "ml",
    }
    return formula, frame, options, rng


def dense(formula, frame, options):
    design = build_design(formula, frame)
    groups = [
        (g.codes, g.values, g.correlated)
        for g in build_groupings(
            options["random"], options["correlated"], frame, design.rows
        )
    ]
    return design.matrix(), design.response, groups


def smallest_share(theta, groups):
    """Return how far parameters are from the boundary: 0 on it."""
    shares, at = [theta[-1] / theta.sum()], 0
    for _, z, full in groups:
        q = z.shape[1]
        g = np.zeros((q, q))
        for i in range(q):
            for j in range(i + 1):
                if full or i == j:
                    g[i, j] = g[j, i] = theta[at]
                    at += 1
        scale = np.sqrt(np.diag(g))
        if (scale**2 <= 1e-7 * theta[-1]).any():
            return 0.0
        shares.append(np.linalg.eigvalsh(g / np.outer(scale, scale))[0])
    return min(shares)


@pytest.mark.parametrize(
    "block",
    [
        # The second half is part of the validation.
        pytest.param(block, marks=() if block < 5 else pytest.mark.validation)
        for block in range(20)
    ],
)
def test_each_generated_design_ends_in_a_fit_or_a_named_error(block):
    for seed in range(block * SEEDS_PER_TEST, (block + 1) * SEEDS_PER_TEST):
        formula, frame, options, rng = generated(seed)
        with np.errstate(all="raise", under="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                fit = fit_lmm(formula, frame, df="satterthwaite", **options)
            except (SingularCovarianceError, NotEstimableError) as reason:
                fit, cause = None, reason
        restricted = options["method"] == "reml"
        if fit is not None:
            x, y, groups = dense(formula, frame, options)
            own = log_likelihood(fit.theta, x, y, groups, restricted)
            assert fit.log_likelihood == pytest.approx(own, rel=1e-7, abs=1e-7), seed
            highest, _ = maximum(x, y, groups, restricted, rng, starts=2)
            assert fit.log_likelihood >= highest - 1e-6, seed
            assert np.isfinite(fit.coefficients["standard_error"]).all(), seed
        elif isinstance(cause, SingularCovarianceError) and seed % 4 == 0:
            # A quarter of them, since the dense search is slow.
            x, y, groups = dense(formula, frame, options)
            _, theta = maximum(x, y, groups, restricted, rng, starts=2)
            assert smallest_share(theta, groups) < 1e-4, (seed, theta, str(cause))


def test_generated_designs_meet_every_ending():
    endings = set()
    for seed in range(200):
        formula, frame, options, _ = generated(seed)
        try:
            fit_lmm(formula, frame, df="satterthwaite", **options)
            endings.add("fit")
        except TrialstatsError as reason:
            endings.add(type(reason).__name__)
    assert {"fit", "SingularCovarianceError", "NotEstimableError"} <= endings


def panel(n=12, size=4):
    rng = stream(5, "panel of errors")
    subject = np.repeat(np.arange(n), size)
    week = np.tile(np.arange(size), n).astype(float)
    y = rng.normal(0, 2, n)[subject] + week + rng.normal(size=n * size)
    arm = np.where(subject % 2, "a", "b")
    return pd.DataFrame({"subject": subject, "week": week, "arm": arm, "y": y})


def alternating():
    """Return subjects whose means are equal: no variance between them."""
    data = panel()
    return data.assign(y=data["y"] - data.groupby("subject")["y"].transform("mean"))


def test_a_variance_at_zero_is_named_with_what_to_do():
    with pytest.raises(SingularCovarianceError) as caught:
        fit_lmm("y ~ week", alternating(), random={"subject": "1"})
    assert "the variance of Intercept between levels of subject" in str(caught.value)
    assert "random={}" in str(caught.value)
    assert caught.value.factor == "subject"


def test_a_correlation_at_one_is_named():
    data = panel()
    rng = stream(5, "correlation")
    own = rng.normal(0, 2, 12)[data["subject"]]
    # Slopes that are multiples of the intercepts, in noise that hides the rest.
    data["y"] = own * (1 + data["week"]) + rng.normal(0, 0.5, len(data))
    words = r"the correlation of Intercept and week .* is estimated as \+1"
    with pytest.raises(SingularCovarianceError, match=words) as caught:
        fit_lmm("y ~ week", data, random={"subject": "1 + week"})
    assert "correlated=False" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "random", "reason"),
    [
        (
            lambda d: d[d.week == d.subject % 4],
            {"subject": "1"},
            "Every level of subject has one row",
        ),
        (lambda d: d.assign(site="A"), {"site": "1"}, "site has one level"),
        (
            lambda d: d.assign(clone=d["subject"].astype(str)),
            {"subject": "1", "clone": "1"},
            "subject and clone group the rows in the same way",
        ),
        (
            lambda d: d.assign(row=np.arange(len(d))),
            {"subject": "1", "row": "1"},
            "Every level of row has one row",
        ),
        (
            lambda d: d.assign(y=d["week"] + d["subject"]),
            {"subject": "1"},
            "residual variance is zero",
        ),
        (lambda d: d.assign(y=1.0), {"subject": "1"}, "residual variance is zero"),
        (
            lambda d: d[d.week < 2],
            {"subject": "1 + week"},
            "cannot tell these variances and covariances apart",
        ),
        (lambda d: d.head(2), {"subject": "1"}, "cannot|one level"),
    ],
)
def test_what_has_no_estimate_says_why(change, random, reason):
    with pytest.raises(NotEstimableError, match=reason):
        fit_lmm("y ~ week", change(panel()), random=random)


def test_a_factor_that_is_also_fixed_has_nothing_left():
    data = panel()
    with pytest.raises(NotEstimableError, match="fixed effects leave nothing"):
        fit_lmm("y ~ C(subject)", data, random={"subject": "1"})


def test_aliased_columns_are_named():
    data = panel().assign(again=lambda d: 2 * d["week"])
    with pytest.raises(RankDeficientError) as caught:
        fit_lmm("y ~ week + again", data, random={"subject": "1"})
    assert caught.value.aliased == ("again",)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"random": {"site": "1"}}, "no column 'site'"),
        ({"random": {"subject": "1 + day"}}, "day"),
        ({"random": {"subject": ""}}, "cannot be read"),
        ({"random": {"subject": "0"}}, "no random effects"),
        ({"random": {"subject:": "1"}}, "joined by"),
        ({"random": {"subject": "y ~ 1"}}, "left side|cannot be read"),
        ({"random": "subject"}, "no mapping"),
        ({"method": "mle"}, "no such method"),
        ({"df": "kr"}, "no such rule"),
        ({"information": "fisher"}, "no such information"),
        ({"method": "ml"}, "belongs to restricted likelihood"),
        ({"level": 95}, "between 0 and 1"),
    ],
)
def test_what_is_written_wrongly_says_what_to_write(options, reason):
    with pytest.raises(DataError, match=reason):
        fit_lmm("y ~ week", panel(), **{"random": {"subject": "1"}, **options})


def test_missing_and_infinite_values_in_the_random_part():
    data = panel()
    data["time"] = data["week"]
    data.loc[5, "time"] = np.nan
    data["subject"] = data["subject"].astype(object)
    data.loc[7, "subject"] = None
    fit = fit_lmm("y ~ week", data, random={"subject": "1"})
    assert fit.n_observations == 47
    data.loc[9, "time"] = np.inf
    with pytest.raises(DataError, match="infinite"):
        fit_lmm("y ~ week", data, random={"subject": "1 + time"})


@pytest.mark.parametrize(
    ("information", "seeds"),
    [
        ("expected", range(0, 300, 2)),
        ("observed", range(1, 300, 2)),
        pytest.param("expected", range(1, 300, 2), marks=pytest.mark.validation),
        pytest.param("observed", range(0, 300, 2), marks=pytest.mark.validation),
    ],
)
def test_tests_of_small_designs_are_numbers_or_named_errors(information, seeds):
    # Few data leave Kenward and Roger's F without degrees of freedom.
    refused = 0
    for seed in seeds:
        formula, frame, options, _ = generated(seed)
        options["method"] = "reml"
        try:
            fit = fit_lmm(formula, frame, information=information, **options)
        except TrialstatsError:
            continue
        for row in fit.coefficients.itertuples():
            # One contrast: the F of its square, with the same degrees of freedom.
            own = fit.joint_test({row.coefficient: 1.0}).iloc[0]
            assert own["df"] == pytest.approx(row.df, rel=1e-9)
            assert own["statistic"] == pytest.approx(row.statistic**2, rel=1e-9)
            assert own["p_value"] == pytest.approx(row.p_value, rel=1e-7, abs=1e-300)
        try:
            joint = fit.joint_test(np.eye(len(fit.beta))).iloc[0]
        except NotEstimableError as reason:
            assert "too few" in str(reason)  # noqa: PT017
            refused += 1
            continue
        assert joint["df"] > 0
        assert joint["statistic"] >= 0
        assert 0 <= joint["p_value"] <= 1
    assert refused
