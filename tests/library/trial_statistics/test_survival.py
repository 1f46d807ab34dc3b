"""Kaplan-Meier, log-rank and Cox: against R and statsmodels, identities, refusals."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from trialstats.errors import DataError, NotEstimableError
from trialstats.randomness import stream
from trialstats.survival import fit_cox, kaplan_meier, log_rank_test

COLUMNS = {"time": "t", "event": "e"}
ARMS = {"treatment": "g", "control": "A", "treatments": ["B", "C"]}

#: Closed forms, printed by R to twelve digits.
PRINTED = 1e-11
#: Both programs iterate to the same maximum.
CLOSE = 1e-9


def rows():
    """Return three arms with ties, and censored subjects at times of events."""
    first = [3, 5, 5, 8, 8, 8, 10, 12, 13, 15, 1, 2, 2, 4, 5]
    second = [6, 6, 9, 11, 14, 2, 7, 7, 9, 10, 16, 16, 18, 20, 20]
    events = [1, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 0]
    events += [1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0]
    return pd.DataFrame(
        {
            "t": first + second,
            "e": events,
            "g": np.repeat(list("ABC"), 10),
            "s": ["u", "v"] * 15,
            "x": [(7 * i % 11) / 10 for i in range(1, 31)],
        }
    )


# R 4.2.2, survival 3.5-3: summary(survfit(Surv(t, e) ~ 1, A, conf.type), c(5, 8, 13)),
# quantile(fit, c(.25, .5, .75)).
CURVE = [
    (9, 0.8, 0.126491106407),
    (7, 0.571428571429, 0.163774715492),
    (2, 0.214285714286, 0.174807265796),
]
LIMITS = {
    "log-log": [
        (0.4086907816334, 0.945872645839),
        (0.2171927023823, 0.814572137921),
        (0.0129166011569, 0.579490711250),
    ],
    "plain": [
        (0.552081987078, 1),
        (0.250436027486, 0.892421115371),
        (0, 0.556901659481),
    ],
    "log": [(0.586817701234, 1), (0.325838721344, 1), (0.043312263955, 1)],
}
QUANTILES = {
    "log-log": [(8, 3, 10), (10, 3, None), (13, 8, None)],
    "plain": [(8, 3, 13), (10, 8, None), (13, 10, None)],
    "log": [(8, 3, None), (10, 8, None), (13, 10, None)],
}


@pytest.mark.reference
@pytest.mark.parametrize("limits", LIMITS)
def test_curve_agrees_with_survfit(limits):
    curve = kaplan_meier(rows(), group="g", limits=limits, **COLUMNS)["A"]
    found = curve.at([5, 8, 13])
    columns = ["n_at_risk", "survival", "standard_error"]
    assert found[columns].to_numpy() == pytest.approx(np.array(CURVE), rel=PRINTED)
    ends = found[["ci_lower", "ci_upper"]].to_numpy()
    assert ends == pytest.approx(np.array(LIMITS[limits]), rel=PRINTED, abs=1e-15)
    for share, expected in zip((0.25, 0.5, 0.75), QUANTILES[limits], strict=True):
        quantile = curve.quantile(share)
        assert expected == (quantile.estimate, quantile.ci_lower, quantile.ci_upper)


@pytest.mark.reference
def test_log_rank_agrees_with_survdiff():
    # survdiff(Surv(t, e) ~ g) and ~ g + strata(s).
    found = log_rank_test(rows(), group="g", **COLUMNS)
    assert found.statistic == pytest.approx(8.29381626651, rel=PRINTED)
    assert list(found.expected.values()) == pytest.approx(
        [5.71488016930, 3.71365107456, 9.57146875615], rel=PRINTED
    )
    assert found.covariance.loc["B", "C"] == pytest.approx(-1.51546462066, rel=PRINTED)
    strata = log_rank_test(rows(), group="g", strata=["s"], **COLUMNS)
    assert strata.statistic == pytest.approx(8.55528733411, rel=PRINTED)
    assert (found.df, strata.df) == (2, 2)


@pytest.mark.reference
@pytest.mark.parametrize(
    ("ties", "coefficients", "errors", "likelihoods", "score", "wald"),
    [
        (
            "efron",
            [0.847281227499, -0.960408777155, 0.339380893558],
            [0.563638757715, 0.713698556879, 0.835773334478],
            [-38.0338706573, -34.0638327297],
            8.38128526398,
            7.07509822624,
        ),
        (
            "breslow",
            [0.862157568646, -0.958962911489, 0.317506966539],
            [0.563563320908, 0.713206318124, 0.834655873879],
            [-38.2161922141, -34.2097097695],
            8.49838985688,
            7.16114426431,
        ),
    ],
)
def test_cox_agrees_with_coxph(ties, coefficients, errors, likelihoods, score, wald):
    # coxph(Surv(t, e) ~ g + x + strata(s), ties, eps 1e-12).
    fit = fit_cox(rows(), covariates=["x"], strata=["s"], ties=ties, **COLUMNS, **ARMS)
    found = fit.coefficients.values()
    assert [c.estimate for c in found] == pytest.approx(coefficients, rel=CLOSE)
    assert [c.standard_error for c in found] == pytest.approx(errors, rel=CLOSE)
    ours = [fit.null_log_likelihood, fit.log_likelihood]
    assert ours == pytest.approx(likelihoods, rel=CLOSE)
    assert fit.score.statistic == pytest.approx(score, rel=CLOSE)
    assert fit.wald.statistic == pytest.approx(wald, rel=CLOSE)
    gain = 2 * (likelihoods[1] - likelihoods[0])
    assert fit.likelihood_ratio.statistic == pytest.approx(gain, rel=CLOSE)


def simulated(n=90):
    rng = stream(11, "survival")
    group = np.array(list("ABC"))[np.arange(n) % 3]
    time = np.ceil(20 * rng.exponential(1 + (group == "B"), n)) + 1
    return pd.DataFrame(
        {
            "t": time,
            "e": (rng.random(n) < 0.7).astype(int),
            "g": group,
            "s": rng.choice(["u", "v"], n),
            "x": rng.normal(size=n),
        }
    )


def test_statsmodels_has_the_same_curve_and_test():
    data = simulated()
    curve = kaplan_meier(data, group="g", **COLUMNS)["B"].curve
    falls = curve[(curve["n_events"] > 0) & (curve["survival"] > 0)]
    own = data[data["g"] == "B"]
    theirs = SurvfuncRight(own["t"].to_numpy(), own["e"].to_numpy())
    size = len(falls)
    assert falls["survival"].tolist() == pytest.approx(theirs.surv_prob[:size])
    assert falls["standard_error"].tolist() == pytest.approx(theirs.surv_prob_se[:size])
    statistic, p = survdiff(data["t"], data["e"], data["g"], strata=data["s"])
    found = log_rank_test(data, group="g", strata=["s"], **COLUMNS)
    assert (found.statistic, found.p_value) == pytest.approx((statistic, p))


def test_score_test_of_two_arms_without_ties_is_the_log_rank_test():
    data = simulated().drop_duplicates("t").query("g != 'C'")
    cox = fit_cox(data, **COLUMNS, **{**ARMS, "treatments": ["B"]})
    test = log_rank_test(data, group="g", **COLUMNS)
    assert cox.score.statistic == pytest.approx(test.statistic, rel=1e-9)


def test_without_censoring_the_curve_is_the_share_left():
    data = simulated().assign(e=1)
    curve = kaplan_meier(data, group="g", limits="plain", **COLUMNS)["A"]
    own = data.loc[data["g"] == "A", "t"]
    for moment in (5, 15, 25):
        share = (own > moment).mean()
        found = curve.at([moment]).iloc[0]
        assert found["survival"] == pytest.approx(share, rel=1e-12)
        error = np.sqrt(share * (1 - share) / len(own))
        assert found["standard_error"] == pytest.approx(error, rel=1e-12)


@pytest.mark.parametrize("change", ["order", "unit", "labels"])
def test_order_unit_and_labels_do_not_matter(change):
    data = simulated()
    arms = ARMS
    if change == "order":
        other = data.iloc[::-1]
    elif change == "unit":
        other = data.assign(t=data["t"] / 365.25, x=data["x"] * 1e6)
    else:
        other = data.assign(g=data["g"].map({"A": "z", "B": "y", "C": "x"}))
        arms = {"treatment": "g", "control": "z", "treatments": ["y", "x"]}
    options = {"covariates": ["x"], "factors": ["s"]}
    ours = fit_cox(data, **options, **COLUMNS, **ARMS)
    theirs = fit_cox(other, **options, **COLUMNS, **arms)
    for one, two in zip(
        ours.log_hazard_ratios.values(), theirs.log_hazard_ratios.values(), strict=True
    ):
        assert two.estimate == pytest.approx(one.estimate, rel=1e-8)
        assert two.standard_error == pytest.approx(one.standard_error, rel=1e-8)
    ranks = [log_rank_test(d, group="g", **COLUMNS).statistic for d in (data, other)]
    assert ranks[1] == pytest.approx(ranks[0], rel=1e-10)


def curve_of(times, events):
    data = pd.DataFrame({"t": times, "e": events, "g": "A"})
    return kaplan_meier(data, group="g", **COLUMNS)["A"]


def test_median_in_the_middle_of_a_level_part():
    # 0.5 from 2 to 3; R's print and quantile both say 2.5.
    assert curve_of([1, 2, 3, 4], [1, 1, 1, 0]).median.estimate == 2.5
    # Level at 0.5 to the end: its beginning.
    assert curve_of([1, 2, 3, 4], [1, 1, 0, 0]).median.estimate == 2


def test_a_curve_that_ends_early():
    curve = curve_of([1, 2, 3, 4], [1, 0, 0, 0])
    assert curve.median.estimate is None
    assert "stays above 0.5: it ends at 0.75" in curve.median.not_estimable
    after = curve.at([0, 4, 5])
    assert after["survival"].isna().tolist() == [False, False, True]
    # A curve that has reached zero stays there.
    assert curve_of([1, 2], [1, 1]).at([9])["survival"].tolist() == [0]


def test_nobody_has_the_event():
    curve = curve_of([1.0, 2], [0, 0])
    assert curve.median.estimate is None
    assert curve.curve["ci_lower"].tolist() == [1, 1]
    with pytest.raises(NotEstimableError, match="No e in any group"):
        log_rank_test(rows().assign(e=0), group="g", **COLUMNS)
    with pytest.raises(NotEstimableError, match="No e in any arm"):
        fit_cox(rows().assign(e=0), **COLUMNS, **ARMS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"t": [-1.0]}, "row 0, column 't', value -1.0: the time is negative"),
        ({"t": [np.nan]}, "row 0, column 't': the follow-up is missing"),
        ({"t": [np.inf]}, "column 't', value .*inf.*: the number is infinite"),
        ({"e": [2]}, "column 'e', value 2.0: neither 0 nor 1.*CNSR"),
        ({"e": [np.nan]}, "row 0, column 'e': the follow-up is missing"),
        ({"g": [None]}, "row 0, column 'g': a label is missing"),
    ],
)
def test_bad_follow_up(change, message):
    data = rows()
    for column, (value,) in change.items():
        values = data[column].astype(object if column == "g" else float)
        values.iloc[0] = value
        data[column] = values
    with pytest.raises(DataError, match=message):
        kaplan_meier(data, group="g", **COLUMNS)
    with pytest.raises(DataError, match=message):
        log_rank_test(data, group="g", **COLUMNS)
    with pytest.raises(DataError, match=message):
        fit_cox(data, **COLUMNS, **ARMS)


def test_an_arm_without_events_has_no_hazard_ratio():
    data = rows()
    data.loc[data["g"] == "C", "e"] = 0
    with pytest.raises(NotEstimableError, match="no maximum: by g = C every event"):
        fit_cox(data, covariates=["x"], **COLUMNS, **ARMS)
    # The log-rank test is there all the same.
    assert 0 < log_rank_test(data, group="g", **COLUMNS).p_value < 0.05


def test_a_covariate_that_orders_the_events():
    data = rows().assign(x=lambda d: -d["t"])
    with pytest.raises(NotEstimableError, match="no maximum: by x every event"):
        fit_cox(data, covariates=["x"], **COLUMNS, **ARMS)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"treatments": ["B"]}, DataError, "value 'C': not an arm"),
        ({"treatments": ["B", "C", "D"]}, NotEstimableError, "D has no subject"),
        ({"ties": "exact"}, DataError, "no such rule"),
        ({"level": 95}, DataError, "confidence level"),
        ({"covariates": ["t"]}, DataError, "two roles: time and covariates"),
        ({"covariates": "x"}, DataError, "the covariates are no list"),
        ({"covariates": ["y"]}, DataError, "no column 'y'"),
        ({"factors": ["s"], "strata": ["s"]}, DataError, "two roles"),
    ],
)
def test_what_cox_refuses(options, error, message):
    with pytest.raises(error, match=message):
        fit_cox(rows(), **{**COLUMNS, **ARMS, **options})


def test_a_stratum_that_is_an_arm():
    data = rows().assign(s=lambda d: d["g"])
    with pytest.raises(
        NotEstimableError, match="No data, or no variation, in g = B, g = C"
    ):
        fit_cox(data, strata=["s"], **COLUMNS, **ARMS)
    with pytest.raises(NotEstimableError, match="while two groups are at risk"):
        log_rank_test(data, group="g", strata=["s"], **COLUMNS)


def test_other_refusals():
    with pytest.raises(DataError, match="no such limits"):
        kaplan_meier(rows(), group="g", limits="logit", **COLUMNS)
    with pytest.raises(DataError, match="share is not between"):
        curve_of([1, 2], [1, 1]).quantile(1.5)
    with pytest.raises(NotEstimableError, match="Only one level of g has data: A"):
        log_rank_test(rows().query("g == 'A'"), group="g", **COLUMNS)
    with pytest.raises(NotEstimableError, match="No row has a value"):
        kaplan_meier(rows().iloc[:0], group="g", **COLUMNS)
