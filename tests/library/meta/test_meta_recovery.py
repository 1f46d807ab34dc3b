"""Recovered inputs beside metafor 5.1-12, the Cochrane Handbook, and round trips."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from trialstats.errors import DataError
from trialstats.meta.combining_groups import combine_groups
from trialstats.meta.effect_sizes import effect_sizes
from trialstats.meta.five_numbers import FIVE_NUMBER_METHODS, recover_means
from trialstats.meta.log_rank import recover_log_hazard_ratios
from trialstats.meta.recovered_tables import recover_tables
from trialstats.meta.recovery import (
    recover_change_deviations,
    recover_correlations,
    recover_pooled_deviations,
    recover_standard_deviations,
)
from trialstats.meta.standard_errors import recover_standard_errors

#: Closed form in both programs; R wrote fifteen digits.
EXACT = 1e-12
every = settings(deadline=None, derandomize=True, max_examples=30)


def committed(root: Path, function: str) -> list[dict[str, Any]]:
    path = root / "tests/reference/metafor/recovery.json"
    cases = json.loads(path.read_text(encoding="utf-8"))["cases"]
    return [case for case in cases if case["fun"] == [function]]


# -- means from medians

_METHODS = {"wan2014": "wan", "hozo2005": "hozo", "bland2015": "bland"}
_LAWS = {"norm": "normal", "lnorm": "lognormal"}


@pytest.mark.reference
def test_means_from_medians_agree_with_metafor(root):
    cases = committed(root, "recover_means")
    assert len(cases) == 8
    for case in cases:
        data, options = case["data"], case["options"]
        found = recover_means(
            minimum=data.get("min"),
            q1=data.get("q1"),
            median=data["median"],
            q3=data.get("q3"),
            maximum=data.get("max"),
            n=data["n"],
            distribution=_LAWS[options["distribution"][0]],
            method=_METHODS[options["method"][0]]
            if "method" in options
            else "luo_wan_shi",
            test=options["test"][0],
        )
        for name, theirs in case["results"].items():
            expected = np.array(theirs, dtype=float)
            np.testing.assert_allclose(found[name], expected, rtol=EXACT)
        assert found["how"][found["mean"].isna()].str.startswith("not estimated").all()


@every
@given(
    st.floats(-20, 20),
    st.floats(0.1, 9),
    st.floats(-5, 5),
    st.floats(0.1, 10),
    st.integers(5, 400),
)
def test_means_from_medians_follow_a_change_of_unit(low, width, shift, unit, n):
    five = low + width * np.array([0.0, 0.3, 0.5, 0.7, 1.0])
    names = ("minimum", "q1", "median", "q3", "maximum")
    one = dict(zip(names, five, strict=True))
    other = dict(zip(names, shift + unit * five, strict=True))
    for method, cases in FIVE_NUMBER_METHODS.items():
        for case in cases:
            left_out = {"range": ("q1", "q3"), "quartiles": ("minimum", "maximum")}
            kept = [x for x in names if x not in left_out.get(case, ())]
            first = recover_means(n=n, method=method, **{x: one[x] for x in kept})
            second = recover_means(n=n, method=method, **{x: other[x] for x in kept})
            assert second["mean"][0] == pytest.approx(
                shift + unit * first["mean"][0], rel=1e-7, abs=1e-7
            )
            assert second["standard_deviation"][0] == pytest.approx(
                unit * first["standard_deviation"][0], rel=1e-5
            )


def test_symmetric_numbers_have_their_centre_as_mean():
    for n in (5, 12, 100, 5000):
        found = recover_means(n=n, minimum=2, q1=4, median=5, q3=6, maximum=8)
        assert found["mean"][0] == pytest.approx(5, rel=1e-14)
        assert found["skewness"][0] == 0


def test_quantiles_of_a_normal_give_back_its_deviation():
    # The quartiles of Wan's positions, (0.75 n - 0.125)/(n + 0.25), are exact by
    # construction; in large samples they are the quartiles of the distribution.
    n = 10**6
    q1, q3 = stats.norm(50, 7).ppf([0.25, 0.75])
    found = recover_means(n=n, q1=q1, median=50, q3=q3)
    assert found["standard_deviation"][0] == pytest.approx(7, rel=1e-5)


def test_quantiles_of_a_log_normal_give_back_its_mean():
    q1, median, q3 = stats.lognorm(0.6, scale=np.exp(1.2)).ppf([0.25, 0.5, 0.75])
    law = dict(n=10**6, q1=q1, median=median, q3=q3)
    found = recover_means(**law, distribution="lognormal").iloc[0]
    assert found["mean"] == pytest.approx(np.exp(1.2 + 0.18), rel=1e-4)
    spread = np.exp(1.2 + 0.18) * np.sqrt(np.expm1(0.36))
    assert found["standard_deviation"] == pytest.approx(spread, rel=1e-4)
    skewed = recover_means(**law).iloc[0]
    assert np.isnan(skewed["mean"])
    assert skewed["how"].startswith("not estimated: too skewed for a normal")
    assert "try distribution='lognormal'" in skewed["how"]


def test_what_is_known_decides_a_row_and_is_said():
    found = recover_means(
        n=[30, 30, 30, 4, 30],
        minimum=[1, None, 1, 1, 1],
        q1=[None, 3, 3, 3, None],
        median=[5, 5, 5, 5, None],
        q3=[None, 7, 7, 7, None],
        maximum=[9, None, 9, 9, 9],
    )
    assert found["how"].tolist() == [
        "from median and range: mean by Luo 2018, SD by Wan 2014",
        "from median and quartiles: mean by Luo 2018, SD by Wan 2014",
        "from median, quartiles and range: mean by Luo 2018, SD by Shi 2020",
        "not estimated: needs at least 5 participants",
        "from median and range: mean by Luo 2018, SD by Wan 2014; no mean without the "
        "median",
    ]
    assert found["mean"].isna().tolist() == [False, False, False, True, True]
    assert found["standard_deviation"].isna().tolist() == [
        *(False, False, False, True, False)
    ]


# -- errors


@pytest.mark.reference
def test_errors_of_stated_ratios_agree_with_metafor(root):
    (case,) = committed(root, "wald")
    data = case["data"]
    found = effect_sizes(
        "HR",
        estimate=data["out"],
        ci_lower=data["ci.lb"],
        ci_upper=data["ci.ub"],
        zi=[None, None, -1.3, None],
        p_value=data["pval"],
    )
    for name, theirs in case["results"].items():
        np.testing.assert_allclose(found[name], theirs, rtol=EXACT)
    assert found["note"].notna().all()


def test_errors_as_in_the_handbook():
    # Cochrane Handbook 6.3.1: a risk difference of 0.03 with P = 0.008 has a standard
    # error of 0.03/2.652 = 0.011. A ratio from 0.5 to 1.0: ln(2)/3.92 = 0.177.
    found = recover_standard_errors(effect=[0.03], p_value=[0.008])
    assert round(found["standard_error"][0], 3) == 0.011
    ratio = recover_standard_errors(ci_lower=np.log([0.5]), ci_upper=np.log([1.0]))
    assert round(ratio["standard_error"][0], 3) == 0.177


@every
@given(
    st.floats(0.1, 5),
    st.floats(0.05, 3),
    st.one_of(st.none(), st.floats(2, 300)),
    st.floats(0.6, 0.99),
)
def test_each_source_gives_back_the_error(effect, error, df, level):
    law = stats.norm if df is None else stats.t(df)
    half = law.ppf((1 + level) / 2) * error
    common = dict(effect=[effect], df=[df], level=level)
    p = 2 * law.sf(effect / error)
    sources = [
        dict(ci_lower=[effect - half], ci_upper=[effect + half]),
        dict(ci_lower=[None], ci_upper=[effect + half]),
        dict(t=[effect / error]),
        dict(f=[(effect / error) ** 2]),
    ] + ([dict(p_value=[p])] if 1e-200 < p < 0.999 else [])
    for source in sources:
        found = recover_standard_errors(**common, **source)
        assert found["standard_error"][0] == pytest.approx(error, rel=1e-6), source


def test_the_first_source_of_a_row_is_used_and_named():
    found = recover_standard_errors(
        effect=[1.0, 1.0, -2.0, 2.0, 1.0],
        ci_lower=[0.5, None, None, None, -3.0],
        ci_upper=[1.5, None, None, None, 1.5],
        t=[9.0, 2.5, None, None, None],
        f=[None, None, 16.0, None, None],
        p_value=[0.5, 0.5, 0.5, 0.05, None],
        df=[None, None, None, 30, None],
    )
    assert found["standard_error"][1:3].tolist() == [0.4, 0.5]
    assert [text.split(",")[0] for text in found["how"]] == [
        "standard error = width of the 95% interval / (2 x 1.960)",
        "standard error = effect / 2.5",
        "standard error = |effect| / sqrt(16)",
        "standard error = |effect| / 2.042",
        "standard error = width of the 95% interval / (2 x 1.960)",
    ]
    assert found["how"][3].endswith("t distribution with 30 df")
    assert found["how"][4].endswith("the effect is not in the middle of its interval")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "nothing to recover a standard error from"),
        ({"effect": [1.0]}, "row 1 .*nothing gives a standard error; supply both"),
        ({"ci_lower": [1, 2], "ci_upper": [2, 1]}, r"row 2 .*'ci_lower', value 2.0"),
        ({"effect": [3], "ci_lower": [1], "ci_upper": [2]}, "outside its interval"),
        ({"effect": [1], "p_value": [0]}, r"'p_value', value 0.0.*between 0 and 1"),
        ({"effect": [1], "p_value": [1.2]}, r"'p_value', value 1.2"),
        ({"effect": [0], "p_value": [0.4]}, "beside an effect of zero; use the interv"),
        ({"effect": [1], "t": [-2]}, "opposite signs"),
        ({"effect": [1], "t": [0]}, "a statistic of zero"),
        ({"effect": [1], "f": [-2]}, "F is not above zero"),
        ({"effect": [1], "t": [2], "level": 95}, "write 0.95 for 95%"),
        ({"effect": [1], "t": [2], "df": [0]}, "df is not above zero"),
        ({"ci_lower": [1], "ci_upper": [np.inf]}, "infinite"),
    ],
)
def test_errors_that_nothing_gives_are_refused(arguments, message):
    with pytest.raises(DataError, match=message):
        recover_standard_errors(**arguments)


# -- deviations and correlations


def test_deviations_as_in_the_handbook():
    # Cochrane Handbook 6.5.2.2: n = 25, 95% interval 30.0 to 34.2, t = 2.0639: 5.09.
    # 6.5.2.3: a difference of 3.8, P = 0.008, n = 25 and 22: t = 2.78, SE = 1.37, SD =
    # 4.69; 4.68 without rounding on the way. 6.5.2.8: deviations of 6.4 and 7.1 with
    # 4.5 of the change: r = 0.78; 4.0 and 4.4 with r = 0.80: 2.68 of the change.
    interval = recover_standard_deviations(n=25, ci_lower=[30.0], ci_upper=[34.2])
    assert round(interval["standard_deviation"][0], 2) == 5.09
    pooled = recover_pooled_deviations(n1=25, n2=22, difference=[3.8], p_value=[0.008])
    assert round(pooled["standard_deviation"][0], 2) == 4.68
    r = recover_correlations(sd1=[6.4], sd2=[7.1], sd_change=[4.5])["correlation"][0]
    assert round(r, 2) == 0.78
    change = recover_change_deviations(sd1=[4.0], sd2=[4.4], correlation=0.80)
    assert round(change["standard_deviation"][0], 2) == 2.68


positive = st.floats(0.1, 50)


@every
@given(positive, positive, st.floats(-0.999, 0.999))
def test_the_change_gives_back_the_correlation(sd1, sd2, r):
    change = recover_change_deviations(sd1=[sd1], sd2=[sd2], correlation=r)
    found = recover_correlations(
        sd1=[sd1], sd2=[sd2], sd_change=change["standard_deviation"]
    )
    # The square of the change is rounded relative to the larger deviation.
    ratio = max(sd1 / sd2, sd2 / sd1)
    assert found["correlation"][0] == pytest.approx(r, abs=1e-12 * ratio)


def test_impossible_deviations_have_no_correlation():
    found = recover_correlations(sd1=[1.0], sd2=[1.0], sd_change=[3.0])
    assert found["correlation"].isna().all()
    assert found["how"][0].startswith("not recovered: no correlation gives")


@every
@given(positive, st.integers(2, 500), st.booleans(), st.floats(0.5, 0.99))
def test_an_interval_gives_back_the_deviation(sd, n, normal, level):
    law = stats.norm if normal else stats.t(n - 1)
    half = law.ppf((1 + level) / 2) * sd / np.sqrt(n)
    found = recover_standard_deviations(
        n=[n, n],
        standard_error=[None, sd / np.sqrt(n)],
        ci_lower=[3 - half, None],
        ci_upper=[3 + half, None],
        level=level,
        normal=normal,
    )
    np.testing.assert_allclose(found["standard_deviation"], sd, rtol=1e-8)
    assert found["how"][1] == "SD = standard error x sqrt(n)"


def test_a_t_test_gives_back_the_pooled_deviation():
    rng = np.random.default_rng(20)
    a, b = rng.normal(5, 2, 14), rng.normal(4, 2, 11)
    test = stats.ttest_ind(a, b)
    pooled = np.sqrt((13 * a.var(ddof=1) + 10 * b.var(ddof=1)) / 23)
    interval = test.confidence_interval(0.9)
    common = dict(n1=14, n2=11, difference=[a.mean() - b.mean()])
    for source in (
        dict(t=[test.statistic]),
        dict(f=[test.statistic**2]),
        dict(p_value=[test.pvalue]),
        dict(ci_lower=[interval.low], ci_upper=[interval.high], level=0.9),
    ):
        found = recover_pooled_deviations(**common, **source)
        assert found["standard_deviation"][0] == pytest.approx(pooled, rel=1e-9)


def test_combined_groups_are_the_group_of_all():
    rng = np.random.default_rng(21)
    groups = [rng.normal(m, s, n) for m, s, n in ((5, 2, 9), (8, 3, 14), (2, 1, 1))]
    labels = ["trial", "trial", "trial", "other"]
    parts = [*groups, rng.normal(0, 1, 5)]
    found = combine_groups(
        trial=labels,
        n=[len(g) for g in parts],
        mean=[g.mean() for g in parts],
        sd=[g.std(ddof=1) if len(g) > 1 else 0 for g in parts],
    )
    everyone = np.concatenate(groups)
    assert found.index.tolist() == ["trial", "other"]
    assert found.loc["trial", "n"] == 24
    assert found.loc["trial", "mean"] == pytest.approx(everyone.mean(), rel=1e-13)
    assert found.loc["trial", "standard_deviation"] == pytest.approx(
        everyone.std(ddof=1), rel=1e-13
    )
    assert found["how"].tolist() == ["3 groups combined", "1 groups combined"]


def test_bad_deviations_are_named():
    with pytest.raises(DataError, match=r"'sd2', value 0.0: the standard deviation"):
        recover_correlations(sd1=[1], sd2=[0], sd_change=[1])
    with pytest.raises(DataError, match=r"'correlation', value 1.5"):
        recover_change_deviations(sd1=[1], sd2=[1], correlation=1.5)
    with pytest.raises(DataError, match=r"'n', value 1.0: a standard deviation needs"):
        recover_standard_deviations(n=[1], standard_error=[1])
    with pytest.raises(DataError, match=r"row 2 .*nothing gives a standard error"):
        recover_standard_deviations(n=[9, 9], standard_error=[1, None])
    with pytest.raises(DataError, match=r"'n', value 0.0: a group has at least"):
        combine_groups(trial=["A"], n=[0], mean=[1], sd=[1])
    with pytest.raises(DataError, match="trial has 2 rows, the other columns have 1"):
        combine_groups(trial=["A", "B"], n=[3], mean=[1], sd=[1])


# -- tables

_TABLE_ARGUMENTS = {"ori": "odds_ratio", "ri": "phi", "x2i": "chi_squared"}


@pytest.mark.reference
def test_tables_agree_with_metafor(root):
    cases = committed(root, "recover_tables")
    assert len(cases) == 4
    for case in cases:
        data, name = case["data"], case["options"]["name"][0]
        argument = _TABLE_ARGUMENTS[name]
        if case["options"].get("correct") == [True]:
            argument = "chi_squared_yates"
        n1 = np.array(data["n1i"])
        found = recover_tables(
            n1=n1,
            n2=np.array(data["ni"]) - n1,
            events=data["n2i"],
            **{argument: data[name]},
        )
        # metafor rounds a half to even as well; none of these is one.
        for ours, theirs in case["results"].items():
            assert found[ours].tolist() == theirs


cells = st.integers(1, 60)


@every
@given(cells, cells, cells, cells)
def test_every_source_gives_back_the_table(a, b, c, d):
    n1, n2, n = a + b, c + d, a + b + c + d
    risk1, risk2 = a / n1, c / n2
    cross = a * d - b * c
    margins = float(n1) * n2 * (a + c) * (b + d)
    chi_squared = n * cross**2 / margins
    effects = {
        "odds_ratio": a * d / (b * c),
        "risk_ratio": risk1 / risk2,
        "risk_difference": risk1 - risk2,
        "phi": cross / np.sqrt(margins),
        "chi_squared": np.sign(cross) * chi_squared,
    }
    if abs(cross) > n / 2:
        corrected = n * (abs(cross) - n / 2) ** 2 / margins
        effects["chi_squared_yates"] = np.sign(cross) * corrected
    sources = [dict(events=[a + c], **{name: [y]}) for name, y in effects.items()]
    sources += [
        dict(risk2=[risk2], **{name: [effects[name]]})
        for name in ("odds_ratio", "risk_ratio", "risk_difference")
    ]
    sources.append(dict(risk1=[risk1], risk2=[risk2]))
    for source in sources:
        found = recover_tables(n1=[n1], n2=[n2], **source)
        assert found[["ai", "bi", "ci", "di"]].values.tolist() == [[a, b, c, d]], source


def test_events_from_an_odds_ratio_solve_its_equation():
    # By a root finder in place of the formula, far from an odds ratio of 1 and at it.
    n1, n2, events = 400, 300, 250
    for ratio in (1e-6, 0.4, 1 - 1e-9, 1.0, 1 + 1e-9, 7.0, 1e6):

        def excess(a, ratio=ratio):
            return a * (n2 - events + a) - ratio * (n1 - a) * (events - a)

        root = optimize.brentq(excess, 0, events, xtol=1e-12)
        found = recover_tables(n1=[n1], n2=[n2], events=[events], odds_ratio=[ratio])
        assert f"ai = {root:.4g}, " in found["how"][0]


def test_impossible_tables_are_missing_with_the_reason():
    found = recover_tables(n1=[20, 20], n2=[20, 20], events=[10, 10], phi=[0.9, 0.1])
    assert found["ai"].isna().tolist() == [True, False]
    assert found["how"][0].startswith("not recovered: the phi and all events would")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"risk1": [1.2]}, r"'risk1', value 1.2: a risk lies between 0 and 1"),
        ({"risk1": [0.2]}, "row 1 .*nothing gives the counts"),
        ({"events": [99], "phi": [0]}, "more than all participants"),
        ({"events": [9], "odds_ratio": [-0.7]}, "not logarithms"),
        ({"n1": [0], "risk1": [0], "risk2": [0]}, r"'n1', value 0.0"),
    ],
)
def test_bad_tables_are_named(change, message):
    with pytest.raises(DataError, match=message):
        recover_tables(**(dict(n1=[30], n2=[30]) | change))


# -- hazard ratios


def test_hazard_ratios_from_log_rank_statistics():
    # With half of the events expected in each of two equal arms V is a quarter of all.
    found = recover_log_hazard_ratios(
        observed_minus_expected=[-5.0, None],
        variance=[10.0, None],
        p_value=[None, 2 * stats.norm.sf(5 / np.sqrt(10))],
        favours=[None, 1],
        events=[None, 40],
        n1=[None, 100],
        n2=[None, 100],
    )
    np.testing.assert_allclose(found["effect"], [-0.5, -0.5], rtol=1e-9)
    np.testing.assert_allclose(found["variance"], [0.1, 0.1], rtol=1e-12)
    assert "log-rank p" in found["how"][1]
    with pytest.raises(DataError, match="supply O - E with V, or p_value with favours"):
        recover_log_hazard_ratios(p_value=[0.1], events=[9], n1=[9], n2=[9])
    with pytest.raises(DataError, match=r"1 \(treatment\) or 2 \(control\)"):
        recover_log_hazard_ratios(p_value=[0.1], favours=[-1], events=[9], n1=[9])


def test_columns_of_data_and_its_index_are_kept():
    data = pd.DataFrame({"y": [1.0, 2.0], "se": [0.1, 0.2]}, index=["A", "B"])
    found = recover_standard_deviations(n=[10, 20], standard_error="se", data=data)
    assert found.index.tolist() == ["A", "B"]
    with pytest.raises(DataError, match="no such column; the columns are y, se"):
        recover_standard_deviations(n=[10, 20], standard_error="sd", data=data)
