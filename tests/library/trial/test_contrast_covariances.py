"""Covariances of the contrasts of a trial with two doses and one control.

cov(d1, d2) = (var d1 + var d2 - var(d1 - d2)) / 2: the difference of the two doses
comes from another fit, in which the second dose is the control.
"""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from trialstats.analyses.dependent_effects import covariance_of
from trialstats.analyses.trial import fit_analysis
from trialstats.analyses.trial_agreement import check_trial
from trialstats.analyses.trial_effect import Settings, n_subjects_of
from trialstats.analyses.trial_effects import FITTED, fitted_effects
from trialstats.ancova import fit_ancova
from trialstats.binary import compare_proportions
from trialstats.errors import DataError
from trialstats.meta.effect_sizes import effect_sizes
from trialstats.meta.shared_control import covariance_of_g, covariance_of_proportions
from trialstats.randomness import stream

LOW, HIGH, PLACEBO = "LDN 3 mg", "LDN 6 mg", "Placebo"

#: Both sides are closed forms of the same fits; the subtraction costs two digits.
CLOSE = 1e-10


def one(frame, **where):
    for name, value in where.items():
        frame = frame[frame[name].eq(value)]
    assert len(frame) == 1, frame["row_id"].tolist()
    return frame.iloc[0]


@pytest.fixture
def doses(parallel):
    """Return (config, adsl, bds, adae) with a third arm, of unequal size."""
    config, adsl, bds, adae = parallel
    rng = stream(11, "doses")
    arm = {s: (HIGH, LOW, PLACEBO, LOW)[rng.integers(4)] for s in adsl["USUBJID"]}
    config = config | {"arms": {"control": PLACEBO, "treatments": [LOW, HIGH]}}
    named = [
        frame.assign(TRT01P=frame["USUBJID"].map(arm)).assign(
            **{"TRTP": frame["USUBJID"].map(arm)} if "TRTP" in frame else {}
        )
        for frame in (adsl, bds, adae)
    ]
    # The response follows the dose.
    shift = named[1]["TRT01P"].map({LOW: -0.4, HIGH: -1.0, PLACEBO: 0.0})
    pain = named[1]["PARAMCD"].eq("PAIN") & named[1]["AVISITN"].gt(0)
    named[1].loc[pain, "CHG"] += shift[pain]
    return config, *named


def against_low(config):
    """Return the configuration in which the low dose is the control."""
    return config | {"arms": {"control": LOW, "treatments": [HIGH, PLACEBO]}}


def by_difference(rows, turned, statistic, **where):
    variances = [
        one(frame, statistic=statistic, contrast=contrast, **where)["standard_error"]
        ** 2
        for frame, contrast in (
            (rows, f"{LOW} versus {PLACEBO}"),
            (rows, f"{HIGH} versus {PLACEBO}"),
            (turned, f"{HIGH} versus {LOW}"),
        )
    ]
    return (variances[0] + variances[1] - variances[2]) / 2


def covariance_in(rows, statistic, **where):
    return one(
        rows,
        statistic="contrast_covariance",
        subgroup=statistic,
        contrast=f"{LOW} versus {PLACEBO}",
        group=HIGH,
        **where,
    )


@pytest.mark.parametrize("analysis", ["pain_week2", "pain_over_time"])
def test_the_covariance_of_differences_follows_from_three_variances(doses, analysis):
    config, *data = doses
    rows = fit_analysis(config, analysis, *data)
    turned = fit_analysis(against_low(config), analysis, *data)
    differences = rows[rows["statistic"].eq("difference")]
    visits = list(dict.fromkeys(differences["visit"]))
    assert len(visits) == (1 if analysis == "pain_week2" else 3)
    for visit in visits:
        found = covariance_in(rows, "difference", visit=visit)
        expected = by_difference(rows, turned, "difference", visit=visit)
        assert found["estimate"] == pytest.approx(expected, rel=1e-7)
        assert found["unit"] == "(NRS 0-10) squared"
        assert found["role"] == "descriptive"
        assert found["scale"] == "natural"
        arms = rows[rows["statistic"].eq("ls_mean") & rows["visit"].eq(visit)]
        assert found["n_subjects"] == arms["n_subjects"].sum()


def test_the_covariance_of_an_ancova_is_that_of_statsmodels(doses):
    _, _, bds, _ = doses
    rows = bds[bds["PARAMCD"].eq("PAIN") & bds["AVISIT"].eq("Week 2")]
    rows = rows[rows["ANL01FL"].eq("Y")]
    fit = fit_ancova(
        rows,
        response="CHG",
        treatment="TRT01P",
        control=PLACEBO,
        treatments=[LOW, HIGH],
        covariates=["BASE"],
    )
    model = smf.ols(f"CHG ~ C(TRT01P, Treatment('{PLACEBO}')) + BASE", data=rows).fit()
    names = [f"C(TRT01P, Treatment('{PLACEBO}'))[T.{arm}]" for arm in (LOW, HIGH)]
    expected = model.cov_params().loc[names[0], names[1]]
    assert fit.covariances[LOW, HIGH] == pytest.approx(expected, rel=CLOSE)
    assert fit.covariances[HIGH, LOW] == fit.covariances[LOW, HIGH]


@pytest.mark.parametrize(
    ("measure", "field"),
    [("RD", "risk_difference"), ("RR", "log_risk_ratio"), ("OR", "log_odds_ratio")],
)
@pytest.mark.parametrize("control", [(7, 30), (29, 30), (1, 45)])
def test_comparisons_of_proportions_share_the_part_of_the_control(
    measure, field, control
):
    low, high = (12, 41), (5, 33)
    variances = [
        getattr(compare_proportions(*arm, *other), field).standard_error ** 2
        for arm, other in ((low, control), (high, control), (low, high))
    ]
    expected = (variances[0] + variances[1] - variances[2]) / 2
    found = covariance_of_proportions(measure, *control)
    assert found == pytest.approx(expected, rel=CLOSE)


def test_rows_of_proportions_have_it_on_their_scale(doses):
    config, *data = doses
    rows = fit_analysis(config, "responders", *data)
    turned = fit_analysis(against_low(config), "responders", *data)
    for statistic in ("risk_difference", "risk_ratio", "odds_ratio"):
        found = covariance_in(rows, statistic)
        assert (
            found["scale"]
            == one(rows, statistic=statistic, contrast=f"{LOW} versus {PLACEBO}")[
                "scale"
            ]
        )
        errors = rows.loc[rows["statistic"].eq(statistic), "standard_error"]
        if errors.isna().any():
            assert math.isnan(found["estimate"])
            assert "no standard error" in found["not_estimable"]
        else:
            expected = by_difference(rows, turned, statistic)
            assert found["estimate"] == pytest.approx(expected, rel=CLOSE)


def test_a_control_without_events_has_no_covariance_of_ratios():
    assert covariance_of_proportions("RD", 0, 12) == 0
    assert math.isnan(covariance_of_proportions("RR", 0, 12))
    assert math.isnan(covariance_of_proportions("OR", 12, 12))
    with pytest.raises(DataError, match="not the counts of an arm"):
        covariance_of_proportions("RR", 13, 12)
    with pytest.raises(DataError, match="measure"):
        covariance_of_proportions("SMD", 3, 12)


def test_the_covariance_of_g_is_that_of_the_delta_method():
    # Means and squared standard deviations of three normal samples are independent,
    # with variances sigma^2 / n and 2 sigma^4 / (n - 1); the gradient is numerical.
    # Formula and delta method agree up to terms of order 1 / n, here 1 / 300.
    n = {"low": 400, "high": 300, "control": 350}
    mean, sd = {"low": -0.6, "high": -1.2, "control": 0.1}, 1.0
    start = np.array([*mean.values(), *[sd**2] * 3])

    def d(at, arm):
        means, squares = (
            dict(zip(n, at[:3], strict=True)),
            dict(zip(n, at[3:], strict=True)),
        )
        pooled = sum(squares[a] * (n[a] - 1) for a in (arm, "control"))
        pooled /= n[arm] + n["control"] - 2
        return (means[arm] - means["control"]) / math.sqrt(pooled)

    def gradient(arm):
        step = np.eye(6) * 1e-6
        return np.array([(d(start + s, arm) - d(start - s, arm)) / 2e-6 for s in step])

    sizes = np.array(list(n.values()))
    spread = np.diag([*sd**2 / sizes, *2 * sd**4 / (sizes - 1)])
    expected = gradient("low") @ spread @ gradient("high")
    found = covariance_of_g(
        d(start, "low"), d(start, "high"), n_first=400, n_second=300, n_control=350
    )
    assert found == pytest.approx(expected, rel=1e-3)
    # The same order as the variance that stands beside it.
    variance = effect_sizes(
        "SMD",
        m1i=[mean["low"]],
        sd1i=[sd],
        n1i=[400],
        m2i=[mean["control"]],
        sd2i=[sd],
        n2i=[350],
    )["variance"].iloc[0]
    assert variance == pytest.approx(
        gradient("low") @ spread @ gradient("low"), rel=1e-3
    )


def test_g_of_one_control_give_a_covariance_that_is_one(doses):
    config, *data = doses
    rows = fit_analysis(config, "pain_week2", *data)
    found = covariance_in(rows, "standardized_mean_difference")
    errors = rows.loc[
        rows["statistic"].eq("standardized_mean_difference"), "standard_error"
    ]
    n_control = one(rows, statistic="n_analysed", group=PLACEBO)["estimate"]
    assert found["estimate"] > 1 / n_control
    assert found["estimate"] < errors.prod()


@pytest.fixture
def three_treatments(crossover):
    """Return a crossover of three treatments in three periods."""
    config, adsl, _, adae = crossover
    orders = {
        "abc": [LOW, HIGH, PLACEBO],
        "bca": [HIGH, PLACEBO, LOW],
        "cab": [PLACEBO, LOW, HIGH],
        "acb": [LOW, PLACEBO, HIGH],
    }
    config = config | {
        "arms": {"control": PLACEBO, "treatments": [LOW, HIGH]},
        "sequences": orders,
        "periods": ["AP01SDT", "AP02SDT", "AP03SDT"],
    }
    rng = stream(12, "three treatments")
    sequences = np.array(list(orders))[np.arange(len(adsl)) % 4]
    own = rng.normal(5, 1.5, len(adsl))
    effect = {LOW: -0.5, HIGH: -1.0, PLACEBO: 0.0}
    listed = []
    for i, subject in enumerate(adsl["USUBJID"]):
        for period in range(1, 4 if i % 5 else 3):
            arm = orders[sequences[i]][period - 1]
            shared = {"USUBJID": subject, "TRT01P": orders[sequences[i]][0]}
            listed.append(
                shared
                | {"TRTP": arm, "PARAMCD": "PAIN", "ANL01FL": "Y", "AVISIT": "Week 2"}
                | {"AVISITN": 2.0, "APERIOD": period, "TRTSEQP": sequences[i]}
                | {"AVAL": own[i] + effect[arm] + rng.normal(0, 0.6), "DTYPE": None}
                | {"ABLFL": None}
            )
    bds = pd.DataFrame(listed)
    bds["APERIOD"] = bds["APERIOD"].astype("Int64")
    adsl = adsl.assign(TRTSEQP=sequences, AP03SDT=adsl["AP02SDT"])
    return config, adsl, bds, adae


def test_differences_of_a_crossover_share_their_people(three_treatments):
    config, *data = three_treatments
    rows = fit_analysis(config, "pain_week2", *data)
    turned = fit_analysis(against_low(config), "pain_week2", *data)
    expected = by_difference(rows, turned, "difference")
    found = covariance_in(rows, "difference")
    assert found["estimate"] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("trial", ["parallel", "crossover"])
def test_a_trial_of_one_treatment_has_none(trial, request):
    config, *data = request.getfixturevalue(trial)
    for name in config["analyses"]:
        rows = fit_analysis(config, name, *data)
        assert "contrast_covariance" not in set(rows["statistic"])


@pytest.mark.parametrize(
    ("analysis", "measure"),
    [
        ("pain_week2", "MD"),
        ("pain_week2", "SMD"),
        ("pain_over_time", "MD"),
        ("responders", "RD"),
    ],
)
def test_contrasts_enter_a_synthesis_as_fitted(doses, analysis, measure):
    config, *data = doses
    settings = config["analyses"] | {
        "pain_over_time": config["analyses"]["pain_over_time"] | {"at": "Week 2"}
    }
    rows = fit_analysis(config | {"analyses": settings}, analysis, *data)
    chosen = Settings(measure=measure, better="lower")
    effects = fitted_effects(f"small_parallel.{analysis}", rows, chosen)
    assert [effect.arm for effect in effects] == [LOW, HIGH]
    statistic = FITTED[measure]
    for effect in effects:
        row = one(
            rows,
            statistic=statistic,
            contrast=f"{effect.arm} versus {PLACEBO}",
            visit="Week 2",
        )
        assert effect.effect == row["estimate"]
        assert effect.variance == row["standard_error"] ** 2
    matrix = covariance_of(effects)
    shared = covariance_in(rows, statistic, visit="Week 2")["estimate"]
    assert matrix[0, 1] == matrix[1, 0] == shared
    assert np.linalg.eigvalsh(matrix)[0] > 0
    people = rows[rows["statistic"].eq("n_analysed") & rows["visit"].eq("Week 2")]
    assert n_subjects_of(effects) == people["estimate"].sum()


def test_people_of_a_crossover_are_counted_once(three_treatments):
    config, *data = three_treatments
    rows = fit_analysis(config, "pain_week2", *data)
    settings = Settings(measure="MD", better="lower")
    effects = fitted_effects("small_crossover.pain_week2", rows, settings)
    assert len(effects) == 2
    assert n_subjects_of(effects) == len(data[0])
    assert np.linalg.eigvalsh(covariance_of(effects))[0] > 0


def test_the_second_engine_knows_trials_of_several_treatments(doses):
    config, *data = doses
    names = ("pain_week2", "pain_over_time", "responders")
    config = config | {"analyses": {n: config["analyses"][n] for n in names}}
    rows = {name: fit_analysis(config, name, *data) for name in names}
    checks = check_trial(config, *data[:2], rows)
    assert checks["agrees"].all(), checks.loc[~checks["agrees"].astype(bool)]
