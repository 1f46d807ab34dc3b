"""The second engine agrees, and a planted disagreement is caught."""

import copy

import numpy as np
import pandas as pd
import pytest

from trialstats import io, rows
from trialstats.analyses.agreement import require_agreement
from trialstats.analyses.trial import analyse_trial
from trialstats.analyses.trial_agreement import check_trial
from trialstats.errors import DisagreementError, NotEstimableError
from trialstats.lmm import fit_crossover
from trialstats.mmrm import STRUCTURES, fit_mmrm
from trialstats.randomness import stream
from trialstats.second_engine import dense, pingouin_engine, statsmodels_engine
from trialstats.second_engine.visit_model import Settings, visit_model


@pytest.mark.parametrize("trial", ["parallel", "crossover"])
def test_two_engines_agree(trial, request, tmp_path):
    config, adsl, bds, adae = request.getfixturevalue(trial)
    made = analyse_trial(config, adsl, bds, adae)
    frame = check_trial(config, adsl, bds, made)
    assert frame["agrees"].all()
    require_agreement(frame)
    io.write_table(frame, tmp_path / "agreement.parquet", rows.AGREEMENT)
    checked = set(frame["row_id"])
    for name, analysis in made.items():
        effects = analysis[
            analysis["statistic"].isin(
                ["difference", "risk_difference", "risk_ratio", "odds_ratio", "ls_mean"]
            )
        ]
        assert name in ("baseline", "disposition") or set(effects["row_id"]) <= checked
    # In one frame, as read back from the files of the analyses.
    together = pd.concat(list(made.values()), ignore_index=True)
    assert check_trial(config, adsl, bds, together)["agrees"].all()


@pytest.mark.parametrize(
    ("analysis", "statistic", "column"),
    [
        ("pain_week2", "difference", "estimate"),
        ("pain_week2", "difference", "standard_error"),
        ("pain_week2", "standardized_mean_difference", "estimate"),
        ("pain_over_time", "difference", "ci_lower"),
        ("pain_over_time", "difference", "df"),
        ("pain_over_time", "ls_mean", "standard_error"),
        ("pain_over_time", "standard_error_of_difference", "estimate"),
        ("pain_over_time", "covariance_parameter", "estimate"),
        ("pain_over_time", "log_likelihood", "estimate"),
        ("responders", "risk_difference", "ci_upper"),
        ("responders", "odds_ratio", "p_value"),
        ("adverse_events", "risk_difference", "ci_lower"),
    ],
)
def test_a_planted_disagreement_is_caught(parallel, analysis, statistic, column):
    config, adsl, bds, adae = parallel
    made = analyse_trial(config, adsl, bds, adae)
    frame = made[analysis]
    at = frame.index[frame["statistic"] == statistic][0]
    # Ten times the tolerance of the check, relative to value or standard error.
    size = 1e-4 if analysis == "pain_over_time" else 1e-5
    error = frame.at[at, "standard_error"]
    value = frame.at[at, column]
    scale = max(abs(value), 0 if error is None or np.isnan(error) else error)
    frame.loc[at, column] = value + size * scale
    checked = check_trial(config, adsl, bds, made)
    bad = checked[~checked["agrees"]]
    # A standard error is also the measure of its estimate and limits; they stay.
    assert set(bad["row_id"]) == {frame.at[at, "row_id"]}
    assert set(bad["quantity"]) == {column}
    with pytest.raises(DisagreementError, match=frame.at[at, "row_id"]):
        require_agreement(checked)


def test_an_effect_that_only_one_engine_has_does_not_agree(parallel):
    config, adsl, bds, adae = parallel
    made = analyse_trial(config, adsl, bds, adae)
    frame = made["pain_week2"]
    at = frame.index[frame["statistic"] == "difference"][0]
    frame.loc[at, "estimate"] = np.nan
    frame.loc[at, "not_estimable"] = "planted"
    checked = check_trial(config, adsl, bds, made)
    bad = checked[~checked["agrees"]]
    assert bad["row_id"].tolist() == [frame.at[at, "row_id"]]


def test_what_neither_engine_can_estimate_agrees(parallel):
    config, adsl, bds, adae = parallel
    gone = bds[~((bds.TRT01P == "Placebo") & (bds.AVISIT == "Week 2"))]
    made = analyse_trial(config, adsl, gone, adae)
    frame = check_trial(config, adsl, gone, made)
    assert frame["agrees"].all()
    assert (frame["quantity"] == "not_estimable").sum() == 5


def test_a_row_that_is_missing_does_not_agree(parallel):
    config, adsl, bds, adae = parallel
    made = analyse_trial(config, adsl, bds, adae)
    made["responders"] = made["responders"][
        made["responders"].statistic != "risk_ratio"
    ]
    checked = check_trial(config, adsl, bds, made)
    assert not checked["agrees"].all()
    with pytest.raises(DisagreementError, match="statistic risk_ratio"):
        require_agreement(checked)


def visits(number, *, n=30):
    """Return subjects at four visits, a fifth of the later values missing."""
    rng = stream(11, "visits", str(number))
    subject = np.repeat(np.arange(n), 4)
    visit = np.tile([1.0, 2.0, 4.0, 8.0], n)
    base = np.repeat(rng.normal(6, 1, n), 4)
    own = np.repeat(rng.normal(0, 1, n), 4)
    arm = np.array(["P", "T", "U"])[subject % 3]
    y = 0.5 * base + own - (arm == "T") * np.log(visit + 1) + rng.normal(size=4 * n)
    data = pd.DataFrame(
        {
            "USUBJID": [f"S{i}" for i in subject],
            "TRT01P": arm,
            "AVISIT": [f"Week {v:g}" for v in visit],
            "AVISITN": visit,
            "BASE": base,
            "SEX": np.where(subject // 3 % 2, "F", "M"),
            "WEIGHT": np.repeat(rng.uniform(0.5, 2, n), 4),
            "CHG": y,
        }
    )
    return data[(rng.uniform(size=len(data)) > 0.2) | (visit < 2)]


def first_engine(data, terms, **options):
    names = data.sort_values("AVISITN")["AVISIT"].unique()
    typed = data.assign(AVISIT=pd.Categorical(data["AVISIT"], names))
    spatial = options["covariance"].startswith("spatial")
    return fit_mmrm(
        f"CHG ~ {' + '.join(terms)}",
        typed,
        subject="USUBJID",
        visit="AVISITN" if spatial else "AVISIT",
        **options,
    )


def compared(fit, found):
    """Return the largest differences of means, errors, df and limits by visit."""
    table = fit.ls_means(["AVISIT", "TRT01P"]).set_index(["AVISIT", "TRT01P"])
    columns = ("estimate", "standard_error", "df", "ci_lower", "ci_upper")
    gaps = [
        abs(found.means[key][name] - row[name])
        / max(abs(row[name]), row["standard_error"])
        for key, row in table.iterrows()
        for name in columns
    ]
    height = abs(found.log_likelihood - fit.log_likelihood)
    return max(gaps), height / abs(fit.log_likelihood)


TERMS = ("TRT01P*AVISIT", "BASE*AVISIT")


#: The first is run with every structure; of each other rule every run takes a third.
RULES = ("kenward_roger", "kenward_roger_linear", "satterthwaite", "residual")


@pytest.mark.parametrize(
    ("covariance", "rule"),
    [
        pytest.param(
            covariance,
            rule,
            marks=[pytest.mark.validation] if n and (n + m) % 3 else [],
        )
        for n, rule in enumerate(RULES)
        for m, covariance in enumerate(STRUCTURES)
    ],
)
def test_scoring_finds_every_structure_and_rule_again(covariance, rule):
    data = visits(1)
    fit = first_engine(data, TERMS, covariance=covariance, df=rule)
    settings = Settings("CHG", TERMS, "P", ["T", "U"], covariance, rule=rule)
    gap, height = compared(fit, visit_model(data, settings))
    # Central differences of the second engine are good to about 1e-7.
    assert gap < 2e-6
    assert height < 1e-10


@pytest.mark.parametrize(
    ("covariance", "number"),
    [
        # Where nearly as many coefficients as subjects make the second differences of
        # the covariance steep, and where the likelihood has several maxima.
        ("ar1_heterogeneous", 6),
        ("toeplitz_heterogeneous", 6),
        ("toeplitz", 4),
        pytest.param("antedependence_heterogeneous", 3, marks=pytest.mark.validation),
    ],
)
def test_scoring_finds_a_trial_of_twelve_again(covariance, number):
    data = visits(number, n=12)
    fit = first_engine(data, TERMS, covariance=covariance, df="kenward_roger")
    settings = Settings("CHG", TERMS, "P", ["T", "U"], covariance)
    gap, height = compared(fit, visit_model(data, settings))
    assert gap < 2e-6
    assert height < 1e-10


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            {"method": "ml", "df": "satterthwaite"},
            {"restricted": False, "rule": "satterthwaite"},
        ),
        ({"weights": "WEIGHT"}, {"weights": "WEIGHT"}),
        ({"group": "SEX"}, {"group": "SEX"}),
    ],
)
@pytest.mark.parametrize("covariance", ["unstructured", "ar1_heterogeneous"])
def test_scoring_finds_likelihoods_weights_and_groups_again(ours, theirs, covariance):
    data = visits(2, n=90)
    terms = ("TRT01P*AVISIT", "BASE:AVISIT", "SEX")
    fit = first_engine(data, terms, covariance=covariance, **ours)
    settings = Settings("CHG", terms, "P", ["T", "U"], covariance, **theirs)
    gap, height = compared(fit, visit_model(data, settings))
    assert gap < 2e-6
    assert height < 1e-10


@pytest.mark.parametrize("rule", ["kenward_roger", "satterthwaite", "residual"])
def test_dense_matrices_and_statsmodels_find_a_crossover_again(crossover, rule):
    _, _, bds, _ = crossover
    model = {
        "response": "AVAL",
        "subject": "USUBJID",
        "treatment": "TRTP",
        "control": "Placebo",
        "treatments": ["LDN 6 mg"],
        "period": "APERIOD",
        "sequence": "TRTSEQP",
        "level": 0.9,
    }
    fit = fit_crossover(bds, df=rule, **model)
    found = dense.crossover(bds, rule=rule, **model)
    for name, value in found.variances.items():
        assert getattr(fit, name) == pytest.approx(value, rel=1e-7)
    ours = {
        "difference": fit.difference,
        "period_effect": fit.period_effect,
        "sequence_effect": fit.sequence_effect,
    }
    for (statistic, _), theirs in found.effects.items():
        for name in ("estimate", "standard_error", "df", "ci_lower", "p_value"):
            value = getattr(ours[statistic], name)
            assert value == pytest.approx(theirs[name], rel=1e-7)
    for arm, theirs in found.means.items():
        for name in ("estimate", "standard_error", "df", "ci_upper"):
            value = getattr(fit.ls_means[arm], name)
            assert value == pytest.approx(theirs[name], rel=1e-7)
    third = statsmodels_engine.random_intercept(
        found.fit.y, found.fit.design, bds["USUBJID"].tolist()
    )
    # statsmodels stops where the gradient is about 1e-5.
    assert third.beta == pytest.approx(found.fit.beta, rel=1e-5)
    assert third.between == pytest.approx(found.fit.between, rel=1e-3)
    assert third.within == pytest.approx(found.fit.within, rel=1e-3)


def test_a_crossover_without_variance_between_subjects_is_as_configured(crossover):
    config, adsl, bds, adae = crossover
    config = copy.deepcopy(config)
    # Who is above the mean in one period is as far below it in the other.
    own = dict(zip(adsl["USUBJID"], np.linspace(-2, 2, len(adsl)), strict=True))
    sign = np.where(bds["APERIOD"] == 1, 1.0, -1.0)
    bds = bds.assign(AVAL=5 + sign * bds["USUBJID"].map(own) + 0.01 * bds["AVAL"])
    (name,) = (
        name
        for name, one in config["analyses"].items()
        if one["model"]["type"] == "crossover"
    )
    model = config["analyses"][name]["model"]

    def difference():
        made = analyse_trial(config, adsl, bds, adae)
        assert check_trial(config, adsl, bds, made)["agrees"].all()
        frame = made[name]
        return frame[frame["statistic"] == "difference"].iloc[0]

    refused = difference()
    assert np.isnan(refused["estimate"])
    assert "estimated as zero" in refused["not_estimable"]
    model["boundary"] = "drop"
    dropped = difference()
    assert dropped["standard_error"] > 0
    assert "ordinary least squares" in dropped["method"]


def test_statsmodels_says_why_it_has_no_answer(monkeypatch):
    from statsmodels.regression import mixed_linear_model

    def fail(self, **kwargs):
        raise np.linalg.LinAlgError("singular")

    monkeypatch.setattr(mixed_linear_model.MixedLM, "fit", fail)
    y, design = np.arange(6.0) % 4, np.ones((6, 1))
    with pytest.raises(NotEstimableError, match="powell: LinAlgError: singular"):
        statsmodels_engine.random_intercept(y, design, [1, 1, 2, 2, 3, 3])


def test_a_design_without_full_rank_stops_the_second_engine():
    design = np.ones((6, 2))
    with pytest.raises(NotEstimableError, match="full rank"):
        dense.fit_dense(np.arange(6.0), design, [1, 1, 2, 2, 3, 3])
    with pytest.raises(NotEstimableError, match="two observations"):
        dense.fit_dense(np.arange(6.0), design[:, :1], range(6))


def test_pingouin_keeps_the_sign_of_g():
    low, high = [1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 5.0, 7.0]
    assert pingouin_engine.hedges_g(low, high)["estimate"] < 0
    assert pingouin_engine.hedges_g(high, low)["estimate"] > 0
