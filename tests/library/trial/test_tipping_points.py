"""Effects under assumptions on those without data.

Counts are compared with the whole data that an assumption makes; means with data in
which those without a value were given one, and with draws from the model.
"""

import numpy as np
import pandas as pd
import pytest

from tests.library.trial.divided_trial import adsl_of, analysis_of, bds_of, fitted
from trialstats.binary import compare_proportions
from trialstats.errors import DataError
from trialstats.linear_model import t_estimate
from trialstats.parts import (
    own_rows,
    read_counts,
    read_shifts,
    shifts_assumed,
    subgroups_of,
)
from trialstats.records import find, one, records
from trialstats.tipping_points import (
    Arm,
    counts_tried,
    difference_with,
    expected_count,
    shifted_difference,
)

SHIFTS = {"treatment": [0, 0.5, 1, 2], "control": [-1, 0, 1]}


@pytest.fixture(scope="module")
def well():
    return records(
        fitted(analysis_of("proportions", "WELL", subgroups=(), tipping_point=True))
    )


@pytest.fixture(scope="module")
def pain():
    model = {"covariates": ["BASE"], "tipping_point": SHIFTS}
    return records(fitted(analysis_of("ancova", "PAIN", subgroups=(), **model)))


def counts_of(rows, arm):
    """Return events, those with data and all, as the rows of the analysis have them."""
    events = one(rows, statistic="events", group=arm)
    seen = one(rows, statistic="n_with_data", group=arm)
    return int(events["estimate"]), int(seen["estimate"]), seen["n_subjects"]


def test_every_combination_is_there_and_is_the_test_of_whole_data(well):
    x, n, whole = counts_of(well, "Active")
    y, m, control_whole = counts_of(well, "Placebo")
    cells = find(well, statistic="tipping_point")
    read = [read_counts(row["subgroup"]) for row in cells]
    missing, control_missing = whole - n, control_whole - m
    assert missing > 3 < control_missing
    assert read == [
        (i, missing, j, control_missing)
        for i in range(missing + 1)
        for j in range(control_missing + 1)
    ]
    for (i, _, j, _), row in list(zip(read, cells, strict=True))[::7]:
        found = compare_proportions(x + i, whole, y + j, control_whole)
        assert row["estimate"] == pytest.approx(found.risk_difference.estimate)
        assert row["p_value"] == pytest.approx(found.risk_difference.p_value, rel=1e-9)
        assert row["n_subjects"] == whole + control_whole
        assert row["role"] == "sensitivity"


def test_those_without_data_like_those_with_data_have_their_share_of_events(well):
    x, n, whole = counts_of(well, "Active")
    y, m, control_whole = counts_of(well, "Placebo")
    row = one(well, statistic="tipping_point_as_observed")
    i, _, j, _ = read_counts(row["subgroup"])
    assert abs(i - (whole - n) * x / n) <= 0.5
    assert abs(j - (control_whole - m) * y / m) <= 0.5


def test_assumed_values_are_no_data(well):
    adsl = adsl_of()
    bds = bds_of(adsl)
    lost = adsl.loc[~adsl["USUBJID"].isin(bds.loc[bds["PARAMCD"] == "WELL", "USUBJID"])]
    first = bds[bds["PARAMCD"] == "WELL"].iloc[[0]]
    made = [
        first.assign(USUBJID=s, TRT01P=a, TRTP=a, AVAL=0.0, DTYPE="NRI")
        for s, a in zip(lost["USUBJID"], lost["TRT01P"], strict=True)
    ]
    filled = pd.concat([bds, *made], ignore_index=True)
    analysis = analysis_of("proportions", "WELL", subgroups=(), tipping_point=True)
    rows = records(fitted(analysis, adsl, filled))
    wanted, found = (
        [(r["row_id"], r["p_value"]) for r in find(listed, statistic="tipping_point")]
        for listed in (well, rows)
    )
    assert found == wanted
    # The analysis itself counts them as no response: the cell without any event.
    own = one(rows, statistic="risk_difference")
    assert own["p_value"] == pytest.approx(found[0][1])


def test_shifts_of_zero_are_the_analysis_itself(pain):
    own = one(pain, statistic="difference")
    for statistic in ("tipping_point", "tipping_point_as_observed"):
        row = one(pain, statistic=statistic, subgroup="treatment 0, control 0")
        for name in ("estimate", "standard_error", "df", "ci_lower", "p_value"):
            assert row[name] == pytest.approx(own[name], rel=1e-12)


def test_the_mean_is_that_of_completed_data():
    # Without covariates: fill in the mean of the arm plus the shift, and compare.
    adsl = adsl_of()
    bds = bds_of(adsl)
    model = {"tipping_point": SHIFTS}
    rows = fitted(analysis_of("ancova", "PAIN", subgroups=(), **model), adsl, bds)
    seen = bds[bds["PARAMCD"] == "PAIN"].set_index("USUBJID")["CHG"]
    for row in find(records(rows), statistic="tipping_point"):
        shifts = dict(
            zip(("Active", "Placebo"), read_shifts(row["subgroup"]), strict=True)
        )
        means = {}
        for arm, shift in shifts.items():
            values = seen.reindex(adsl.loc[adsl["TRT01P"] == arm, "USUBJID"])
            means[arm] = values.fillna(values.mean() + shift).mean()
        assert row["estimate"] == pytest.approx(means["Active"] - means["Placebo"])


def test_the_variance_is_that_of_repeated_trials():
    # 40,000 trials of 60 and 50: shares and means are drawn anew in each. The relative
    # error of a variance is sqrt(2 / 40,000) = 0.7 percent; five of them are 3.5.
    random = np.random.default_rng(11)
    k, sizes, shares, shifts = 40_000, (60, 50), (0.3, 0.2), (2.0, -1.5)
    total, expected = np.zeros(k), 0.0
    for sign, size, share, shift in zip((1, -1), sizes, shares, shifts, strict=True):
        missing = random.binomial(size, share, k)
        mean = random.normal(0, 1 / np.sqrt(size - missing))
        total += sign * (mean + missing / size * shift)
        expected += np.mean(1 / (size - missing))
    seen = t_estimate(0.0, float(np.sqrt(expected)), df=90.0, level=0.95)
    arms = [
        Arm(n=round(size * (1 - share)), missing=round(size * share))
        for size, share in zip(sizes, shares, strict=True)
    ]
    found = shifted_difference(seen, *arms, shifts)
    assert found.standard_error**2 == pytest.approx(total.var(), rel=0.035)
    # Without the part of the shares it would be too small by far more.
    assert expected < 0.92 * total.var()


def test_many_are_thinned_and_it_is_said():
    assert counts_tried(61) == [*range(0, 61, 2), 61]
    assert counts_tried(0) == [0]
    assert max(map(len, (counts_tried(m) for m in range(400)))) <= 62
    bds = bds_of(adsl_of(), missing=0.8)
    analysis = analysis_of("proportions", "WELL", subgroups=(), tipping_point=True)
    rows = find(records(fitted(analysis, bds=bds)), statistic="tipping_point")
    assert "every 2 events and the last are tried" in rows[0]["method"]
    sides = {read_counts(r["subgroup"])[::2] for r in rows}
    assert len(sides) == len(rows)
    expected = expected_count(Arm(n=10, missing=101, events=5))
    assert expected in counts_tried(101)


def test_an_arm_without_a_value_says_why():
    bds = bds_of(adsl_of())
    bds = bds[bds["TRT01P"] == "Active"]
    for kind, parameter, given in (
        ("proportions", "WELL", True),
        ("ancova", "PAIN", SHIFTS),
    ):
        analysis = analysis_of(kind, parameter, subgroups=(), tipping_point=given)
        (row,) = find(records(fitted(analysis, bds=bds)), statistic="tipping_point")
        assert row["estimate"] is None
        assert "Placebo has no subject with" in row["not_estimable"]


def test_signs_are_in_the_keys(pain):
    keys = [row["row_id"] for row in pain]
    assert len(set(keys)) == len(keys)
    assert any("control-minus-1" in key for key in keys)
    assert any("control-plus-1" in key for key in keys)


def test_limits_of_the_classes_of_p_values_have_rows(pain):
    limits = find(pain, statistic="p_value_limit")
    assert [row["estimate"] for row in limits] == [0.001, 0.01, 0.05, 0.1, 0.5]
    (significant,) = find(limits, subgroup="significance")
    assert significant["estimate"] == 0.05


def test_what_is_no_assumption_is_refused():
    arm = Arm(n=10, missing=2, events=3)
    with pytest.raises(DataError, match="cannot have so many events"):
        difference_with(arm, arm, (3, 0))
    seen = t_estimate(1.0, 1.0, df=5.0, level=0.95)
    with pytest.raises(DataError, match="not two finite numbers"):
        shifted_difference(seen, arm, arm, (1.0, float("nan")))
    assert read_counts("treatment 1, control 2") is None
    assert read_shifts("treatment 3 of 8, control 2 of 7") is None
    assert read_shifts(shifts_assumed(0.1 + 0.2, -1)) == (0.3, -1.0)


def test_nothing_is_assumed_unless_asked():
    rows = fitted(analysis_of("proportions", "WELL", subgroups=()))
    assert len(own_rows(rows)) == len(rows)
    assert subgroups_of({}) == ()
