"""Paired effects, effects from published differences, and derived standard errors."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialstats.errors import DataError
from trialstats.meta.effect_sizes import effect_sizes
from trialstats.meta.means import standardise_difference
from trialstats.meta.paired import PAIRED, paired_effect_sizes
from trialstats.meta.published import standard_error_from

every = settings(deadline=None, derandomize=True, max_examples=60)


@every
@given(
    st.floats(-5, 5),
    st.floats(0.2, 9),
    st.floats(-0.95, 0.95),
    st.integers(3, 200),
)
def test_paired_smd_recovers_the_raw_scale(difference, sd, correlation, n):
    # Both results have SD `sd` and correlation r: the differences then have SD
    # sd * sqrt(2(1 - r)), and d is difference / sd whatever r is.
    error = sd * math.sqrt(2 * (1 - correlation)) / math.sqrt(n)
    row = paired_effect_sizes(
        "SMD",
        difference=[difference],
        standard_error=[error],
        n=[n],
        correlation=correlation,
    ).iloc[0]
    df = n - 1
    j = math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
    d = j * difference / sd
    assert row["effect"] == pytest.approx(d, rel=1e-9, abs=1e-12)
    variance = (1 / n + d**2 / (2 * n)) * 2 * (1 - correlation)
    assert row["variance"] == pytest.approx(variance, rel=1e-9)


def test_the_crossover_example_of_the_handbook():
    # Cochrane Handbook 5.1, 16.4.6.4: n = 10, 7.0 (2.38) and 6.5 (2.21), r = 0.68: MD
    # 0.5 with error 0.583, SMD 0.218 (not corrected for bias) with error 0.256.
    arms = dict(m1i=7.0, sd1i=2.38, m2i=6.5, sd2i=2.21, ni=10, ri=0.68)
    change = effect_sizes("MC", **arms).iloc[0]
    assert change["effect"] == pytest.approx(0.5)
    assert round(change["variance"] ** 0.5, 3) == 0.583
    standardized = effect_sizes("SMCRP", **arms, correct=False).iloc[0]
    assert round(standardized["effect"], 3) == 0.218
    # The Handbook's variance is (1/n + d^2/(2n)) 2(1 - r); SMCRP has d^2 outside.
    d = standardized["effect"]
    assert round(((1 / 10 + d**2 / 20) * 0.64) ** 0.5, 3) == 0.256
    error = change["variance"] ** 0.5
    paired = paired_effect_sizes(
        "SMD", difference=[0.5], standard_error=[error], n=[10], correlation=0.68
    ).iloc[0]
    j = math.exp(math.lgamma(4.5) - math.lgamma(4)) / math.sqrt(4.5)
    # From the error of the difference: 0.217, for its SD of one result is not pooled.
    assert paired["effect"] / j == pytest.approx(d, abs=0.002)


def test_a_higher_correlation_shrinks_effect_and_variance():
    # The same error of the difference then means a larger SD of one result.
    rows = [
        paired_effect_sizes(
            "SMD", difference=[2.0], standard_error=[0.8], n=[25], correlation=r
        ).iloc[0]
        for r in (0.3, 0.5, 0.7)
    ]
    assert all(a["effect"] > b["effect"] for a, b in pairwise(rows))
    assert all(a["variance"] > b["variance"] for a, b in pairwise(rows))
    assert rows[1]["note"] == "paired: SD of one result from a correlation of 0.5"


def test_paired_md_is_the_difference():
    frame = paired_effect_sizes("MD", difference=[1.0, -2], standard_error=[0.5, 0.3])
    assert frame["effect"].tolist() == [1, -2]
    assert frame["variance"].tolist() == [0.25, 0.09]
    assert frame["note"].isna().all()
    assert set(PAIRED) == {"MD", "SMD"}


@every
@given(st.floats(-9, 9), st.floats(0.1, 9), st.integers(2, 300), st.integers(2, 300))
def test_a_standardised_difference_is_the_smd_of_equal_sds(difference, sd, n1, n2):
    error = sd * math.sqrt(1 / n1 + 1 / n2)
    found = standardise_difference(
        difference=difference, standard_error=error, n1=n1, n2=n2
    ).iloc[0]
    arms = effect_sizes(
        "SMD", m1i=difference, sd1i=sd, n1i=n1, m2i=0, sd2i=sd, n2i=n2
    ).iloc[0]
    assert found["effect"] == pytest.approx(arms["effect"], rel=1e-9, abs=1e-12)
    assert found["variance"] == pytest.approx(arms["variance"], rel=1e-9)
    assert "standard error implies" in found["note"]


def test_standard_errors_from_intervals_and_p_values():
    # LDN README: FINAL -0.34 (-0.95, 0.27) gives 0.3112, INNOVA 0.49 with p = 0.236
    # gives 0.4135, Younger 10.8 with p = 0.016 and 27 df gives 4.20 (printed digits).
    final = standard_error_from(effect=-0.34, ci_lower=-0.95, ci_upper=0.27)
    assert round(final.standard_error, 4) == 0.3112
    innova = standard_error_from(effect=0.49, p_value=0.236)
    assert round(innova.standard_error, 4) == 0.4135
    younger = standard_error_from(effect=10.8, p_value=0.016, df=27)
    assert round(younger.standard_error, 2) == 4.20
    assert younger.how == (
        "standard error = |effect| / 2.570, from the two-sided p = 0.016, "
        "t distribution with 27 df"
    )


@every
@given(st.floats(-5, 5), st.floats(0.01, 5), st.floats(0.5, 0.999))
def test_an_interval_gives_back_its_error(effect, error, level):
    from scipy import stats

    for df, law in ((None, stats.norm), (7, stats.t(7))):
        half = law.ppf((1 + level) / 2) * error
        found = standard_error_from(
            ci_lower=effect - half, ci_upper=effect + half, level=level, df=df
        )
        assert found.standard_error == pytest.approx(error, rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give ci_lower and ci_upper, or effect and p_value"),
        ({"ci_lower": 0, "ci_upper": 1, "p_value": 0.1}, "not both"),
        ({"ci_lower": 0}, "one limit of the interval is missing"),
        ({"ci_lower": 2, "ci_upper": 1}, "not in order"),
        ({"ci_lower": 1, "ci_upper": 2, "effect": 3}, "outside its interval"),
        ({"effect": 1, "p_value": 0}, "between 0 and 1"),
        ({"effect": 0, "p_value": 0.5}, "other than zero"),
        ({"p_value": 0.5}, "only beside an effect"),
        ({"effect": 1, "p_value": 0.5, "df": 0}, "df must be above zero"),
        ({"ci_lower": 0, "ci_upper": 1, "level": 95}, "level must lie"),
    ],
)
def test_underivable_errors_are_refused(arguments, message):
    with pytest.raises(DataError, match=message):
        standard_error_from(**arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"standard_error": [0.0]}, "'standard_error', value 0.0"),
        ({"n": [2]}, "at least three participants"),
        ({"correlation": 1.0}, "'correlation', value 1.0"),
        ({"correlation": None}, "missing argument correlation"),
    ],
)
def test_bad_paired_input_is_named(change, message):
    given_ = dict(difference=[1.0], standard_error=[0.5], n=[20], correlation=0.5)
    with pytest.raises(DataError, match=message):
        paired_effect_sizes("SMD", **(given_ | change))


def test_bad_published_differences_are_named():
    with pytest.raises(DataError, match="use one of MD, SMD"):
        paired_effect_sizes("RR", difference=[1], standard_error=[1])
    with pytest.raises(DataError, match=r"'n2', value 1\.0"):
        standardise_difference(difference=[1], standard_error=[1], n1=[9], n2=[1])
    with pytest.raises(DataError, match=r"'standard_error', value -1\.0"):
        standardise_difference(difference=[1], standard_error=[-1], n1=[9], n2=[9])


def test_numpy_scalars_are_numbers():
    frame = paired_effect_sizes(
        "SMD",
        difference=np.array([1.0, 2.0]),
        standard_error=np.array([1.0, 1.0]),
        n=np.array([9, 10]),
        correlation=np.float64(0.5),
    )
    assert len(frame) == 2
