"""Effects within subgroups, against fits by statsmodels to the same rows.

Estimates of least squares agree to 1e-9 relative; likelihoods are maximised by two
programs, each to its own criterion, and agree to 1e-6.
"""

import numpy as np
import pytest
import statsmodels.formula.api as smf
from scipy import stats
from statsmodels.duration.hazard_regression import PHReg

from tests.library.trial.divided_trial import (
    AGE,
    adsl_of,
    adtte_of,
    analysis_of,
    bds_of,
    config_of,
    fitted,
)
from trialstats.analyses.trial_agreement import check_trial
from trialstats.analyses.trial_effect import Settings
from trialstats.analyses.trial_effects import fitted_effects
from trialstats.binary import compare_proportions
from trialstats.config.parts import parts_problems
from trialstats.errors import DataError, NotEstimableError
from trialstats.interactions import (
    cox_interaction,
    heterogeneity_test,
    logistic_interaction,
)
from trialstats.parts import own_rows
from trialstats.records import find, one, records
from trialstats.tables.efficacy import efficacy_table

CLOSE = {"rel": 1e-9, "abs": 1e-12}
LIKELIHOOD = {"rel": 1e-6, "abs": 1e-8}

CONTRAST = "Active versus Placebo"


def within(rows, name, statistic, **where):
    return one(
        records(rows), model_id="subgroups", subgroup=name, statistic=statistic, **where
    )


@pytest.fixture(scope="module")
def pain():
    """Return the rows of the model of pain, with the columns of ADSL."""
    adsl = adsl_of()
    bds = bds_of(adsl)
    own = bds[bds["PARAMCD"] == "PAIN"]
    data = own.merge(adsl.drop(columns="TRT01P"), on="USUBJID")
    return data.assign(T=(data["TRT01P"] == "Active").astype(float))


def test_ancova_within_levels_is_least_squares_of_the_level(pain):
    rows = fitted(analysis_of("ancova", "PAIN", covariates=["BASE", "SEX"]))
    for sex in ("F", "M"):
        fit = smf.ols("CHG ~ T + BASE", pain[pain["SEX"] == sex]).fit()
        row = within(rows, f"SEX = {sex}", "difference")
        assert row["estimate"] == pytest.approx(fit.params["T"], **CLOSE)
        assert row["standard_error"] == pytest.approx(fit.bse["T"], **CLOSE)
        assert row["p_value"] == pytest.approx(fit.pvalues["T"], **CLOSE)
        assert (row["role"], row["contrast"]) == ("secondary", CONTRAST)
        assert row["method"].endswith(f"; within SEX = {sex}")
        # What divides the subjects is no covariate within a level.
        assert "treatment and BASE;" in row["method"]
        for arm in ("Active", "Placebo"):
            n = within(rows, f"SEX = {sex}", "n_analysed", group=arm)["estimate"]
            assert n == ((pain["SEX"] == sex) & (pain["TRT01P"] == arm)).sum()


def test_ancova_interaction_is_the_f_test_of_two_nested_fits(pain):
    rows = fitted(analysis_of("ancova", "PAIN", covariates=["BASE"]))
    small = smf.ols("CHG ~ T + SEX + BASE", pain.dropna(subset=["SEX"])).fit()
    large = smf.ols("CHG ~ T * SEX + BASE", pain.dropna(subset=["SEX"])).fit()
    statistic, p_value, _ = large.compare_f_test(small)
    test = within(rows, "SEX", "interaction_test")
    assert test["estimate"] == pytest.approx(statistic, **CLOSE)
    assert test["p_value"] == pytest.approx(p_value, **CLOSE)
    assert (test["numerator_df"], test["df"]) == (1, large.df_resid)
    assert "F test of treatment by SEX" in test["method"]


def test_conditions_divide_as_they_say(pain):
    rows = fitted(analysis_of("ancova", "PAIN", covariates=["BASE"], subgroups=[AGE]))
    young = pain[pain["AGE"] < 45]
    fit = smf.ols("CHG ~ T + BASE", young).fit()
    row = within(rows, "Age = under 45", "difference")
    assert row["estimate"] == pytest.approx(fit.params["T"], **CLOSE)
    assert within(rows, "Age = 45 and over", "difference")["n_subjects"] == (
        len(pain) - len(young)
    )
    assert within(rows, "Age", "interaction_test")["p_value"] < 1


def test_logistic_regression_and_its_likelihood_ratio_test():
    adsl = adsl_of()
    bds = bds_of(adsl)
    data = bds[bds["PARAMCD"] == "WELL"].merge(
        adsl.drop(columns="TRT01P"), on="USUBJID"
    )
    data = data.assign(T=(data["TRT01P"] == "Active").astype(float))
    rows = fitted(analysis_of("logistic", "WELL", covariates=["AGE"]))
    for sex in ("F", "M"):
        fit = smf.logit("AVAL ~ T + AGE", data[data["SEX"] == sex]).fit(disp=0)
        row = within(rows, f"SEX = {sex}", "odds_ratio")
        assert row["estimate"] == pytest.approx(fit.params["T"], **LIKELIHOOD)
        assert row["scale"] == "log"
    known = data.dropna(subset=["SEX"])
    small = smf.logit("AVAL ~ T + AGE + SEX", known).fit(disp=0)
    large = smf.logit("AVAL ~ T * SEX + AGE", known).fit(disp=0)
    test = within(rows, "SEX", "interaction_test")
    assert test["estimate"] == pytest.approx(2 * (large.llf - small.llf), **LIKELIHOOD)
    assert test["p_value"] == pytest.approx(
        stats.chi2.sf(2 * (large.llf - small.llf), 1), **LIKELIHOOD
    )
    assert "likelihood-ratio test" in test["method"]


@pytest.mark.parametrize("strata", [[], ["SEX"]])
def test_cox_regression_and_its_likelihood_ratio_test(strata):
    adsl = adsl_of()
    data = adtte_of(adsl).merge(adsl.drop(columns="TRT01P"), on="USUBJID")
    data = data.assign(T=(data["TRT01P"] == "Active").astype(float))
    rows = fitted(analysis_of("survival", "TTE", covariates=["AGE"], strata=strata))

    def llf(frame, columns, by=None):
        model = PHReg(
            frame["AVAL"],
            frame[columns],
            status=1 - frame["CNSR"],
            strata=by,
            ties="efron",
        )
        return model.fit(disp=0)

    for sex in ("F", "M"):
        fit = llf(data[data["SEX"] == sex], ["T", "AGE"])
        row = within(rows, f"SEX = {sex}", "hazard_ratio")
        assert row["estimate"] == pytest.approx(fit.params[0], rel=1e-4)
        events = within(rows, f"SEX = {sex}", "events", group="Active")["estimate"]
        own = data[(data["SEX"] == sex) & (data["TRT01P"] == "Active")]
        assert events == (1 - own["CNSR"]).sum()
    known = data.dropna(subset=["SEX"]).assign(M=lambda d: 1.0 * (d["SEX"] == "M"))
    known = known.assign(TM=known["T"] * known["M"])
    main = ["T", "AGE"] if strata else ["T", "AGE", "M"]
    by = known["SEX"] if strata else None
    ratio = 2 * (llf(known, [*main, "TM"], by).llf - llf(known, main, by).llf)
    test = within(rows, "SEX", "interaction_test")
    # PHReg stops at a looser criterion: twice a likelihood near its top, to 1e-4.
    assert test["estimate"] == pytest.approx(ratio, abs=1e-4)
    assert test["df"] == 1


def test_proportions_and_the_heterogeneity_of_their_effects():
    adsl = adsl_of()
    bds = bds_of(adsl)
    data = bds[bds["PARAMCD"] == "WELL"].merge(
        adsl.drop(columns="TRT01P"), on="USUBJID"
    )
    rows = fitted(analysis_of("proportions", "WELL"))
    tables = {
        sex: data[data["SEX"] == sex].groupby("TRT01P")["AVAL"].agg(["sum", "count"])
        for sex in ("F", "M")
    }
    found = {
        sex: compare_proportions(*t.loc["Active"], *t.loc["Placebo"])
        for sex, t in tables.items()
    }
    for sex, result in found.items():
        row = within(rows, f"SEX = {sex}", "risk_difference")
        assert row["estimate"] == pytest.approx(result.risk_difference.estimate)
        assert row["ci_lower"] == pytest.approx(result.risk_difference.ci_lower)
    one_, two = (found[sex].log_odds_ratio for sex in ("F", "M"))
    # Of two levels Q is the square of a z test of their difference.
    z = (one_.estimate - two.estimate) / np.hypot(
        one_.standard_error, two.standard_error
    )
    test = within(rows, "SEX", "interaction_test", group="odds_ratio")
    assert test["estimate"] == pytest.approx(z**2, **CLOSE)
    assert test["p_value"] == pytest.approx(2 * stats.norm.sf(abs(z)), **CLOSE)
    assert "Cochran's Q" in test["method"]


def test_a_mixed_model_of_complete_visits_is_least_squares_of_each():
    terms = ["TRT01P*AVISIT", "BASE*AVISIT"]
    adsl = adsl_of()
    bds = bds_of(adsl, visits=(4, 8))
    data = bds[(bds["PARAMCD"] == "PAIN")].merge(
        adsl.drop(columns="TRT01P"), on="USUBJID"
    )
    seen = data[data["SEX"].notna()]
    counts = seen.groupby("USUBJID")["AVISIT"].nunique()
    both = seen[seen["USUBJID"].isin(counts[counts == 2].index)]
    complete = bds[bds["USUBJID"].isin(both["USUBJID"])]
    people = adsl[adsl["USUBJID"].isin(both["USUBJID"])].reset_index(drop=True)
    rows = fitted(analysis_of("mmrm", "PAIN", terms=terms), people, complete)
    at_4 = both[both["AVISIT"] == "Week 4"]
    at_4 = at_4.assign(T=(at_4["TRT01P"] == "Active").astype(float))
    large = smf.ols("CHG ~ T * SEX + BASE", at_4).fit()
    test = within(rows, "SEX", "interaction_test")
    # Complete data, every term by visit: the fit of one visit is least squares of it.
    assert test["estimate"] == pytest.approx(large.tvalues["T:SEX[T.M]"] ** 2, rel=1e-6)
    assert test["p_value"] == pytest.approx(large.pvalues["T:SEX[T.M]"], rel=1e-6)
    for sex in ("F", "M"):
        fit = smf.ols("CHG ~ T + BASE", at_4[at_4["SEX"] == sex]).fit()
        row = within(rows, f"SEX = {sex}", "difference")
        assert row["estimate"] == pytest.approx(fit.params["T"], rel=1e-6)
        assert row["standard_error"] == pytest.approx(fit.bse["T"], rel=1e-6)


def test_a_level_without_an_arm_says_why_and_so_does_its_test():
    rows = fitted(
        analysis_of("ancova", "PAIN", covariates=["BASE"], subgroups=["REGION"])
    )
    row = within(rows, "REGION = Islands", "difference")
    assert row["estimate"] is None
    assert row["not_estimable"] == "Placebo has no subject with CHG and BASE."
    assert row["role"] == "secondary"
    seen = within(rows, "REGION = Islands", "n_with_data", group="Placebo")
    assert (seen["estimate"], seen["n_subjects"]) == (0, 0)
    test = within(rows, "REGION", "interaction_test")
    assert test["estimate"] is None
    assert "REGION" in test["not_estimable"] or "Placebo" in test["not_estimable"]
    assert within(rows, "REGION = North", "difference")["estimate"] is not None


@pytest.mark.parametrize(
    ("kind", "parameter"), [("logistic", "WELL"), ("survival", "TTE")]
)
def test_an_empty_cell_has_no_interaction(kind, parameter):
    rows = fitted(analysis_of(kind, parameter, subgroups=["REGION"]))
    test = within(rows, "REGION", "interaction_test")
    assert test["not_estimable"] == "Placebo has no data in REGION = Islands."


def test_who_has_no_level_is_counted():
    rows = fitted(analysis_of("proportions", "WELL"))
    left = find(records(rows), statistic="n_without_subgroup")
    assert [(r["group"], r["estimate"], r["n_subjects"]) for r in left] == [
        ("Active", 0, 90),
        ("Placebo", 1, 90),
    ]


def test_two_levels_of_one_subject_are_refused():
    both = {"label": "Age", "conditions": {"a": "AGE < 60", "b": "AGE > 30"}}
    with pytest.raises(DataError, match="is in two levels of 'Age'"):
        fitted(analysis_of("proportions", "WELL", subgroups=[both]))


def test_rows_have_keys_of_their_own_and_the_analysis_stays_as_it_was():
    signs = {"label": "Age", "conditions": {"<45": "AGE < 45", "45": "AGE >= 45"}}
    analysis = analysis_of(
        "ancova", "PAIN", covariates=["BASE", "SEX"], subgroups=["SEX", signs]
    )
    with_parts = fitted(analysis)
    assert with_parts["row_id"].is_unique
    plain = fitted({k: v for k, v in analysis.items() if k != "subgroups"})
    assert records(own_rows(with_parts)) == records(plain)


def test_tables_syntheses_and_the_second_engine_see_the_analysis_alone():
    analysis = analysis_of("ancova", "PAIN", covariates=["BASE"])
    adsl = adsl_of()
    rows, config = fitted(analysis), config_of(analysis)
    plain = own_rows(rows)
    made, usual = (
        efficacy_table(r, trial=config, analysis="main") for r in (rows, plain)
    )
    assert made == usual
    settings = Settings("MD", "lower")
    (effect,) = fitted_effects("divided.main", rows, settings)
    assert effect.effect == one(records(plain), statistic="difference")["estimate"]
    usual = check_trial(
        config_of(analysis_of("ancova", "PAIN", subgroups=())),
        adsl,
        bds_of(adsl),
        plain,
    )
    made = check_trial(config, adsl, bds_of(adsl), rows)
    assert len(made) > len(usual) > 0
    assert made["agrees"].all()


@pytest.mark.parametrize(
    ("kind", "parameter", "effect"),
    [
        ("ancova", "PAIN", "difference"),
        ("proportions", "WELL", "risk_difference"),
        ("logistic", "WELL", "odds_ratio"),
        ("survival", "TTE", "hazard_ratio"),
    ],
)
def test_a_second_engine_agrees_within_each_level(kind, parameter, effect):
    covariates = {} if kind == "proportions" else {"covariates": ["AGE"]}
    analysis = analysis_of(kind, parameter, subgroups=["SEX", "REGION"], **covariates)
    adsl = adsl_of()
    rows = fitted(analysis)
    found = check_trial(config_of(analysis), adsl, bds_of(adsl), rows, adtte_of(adsl))
    assert found["agrees"].all()
    levels = [
        r["row_id"]
        for r in find(records(rows), model_id="subgroups", statistic=effect)
        if r["estimate"] is not None
    ]
    assert len(levels) == 4
    assert set(levels) <= set(found["row_id"])
    # One that is wrong is found.
    wrong = rows.copy()
    wrong.loc[wrong["row_id"] == levels[0], "estimate"] += 0.01
    found = check_trial(config_of(analysis), adsl, bds_of(adsl), wrong, adtte_of(adsl))
    assert found.loc[~found["agrees"], "row_id"].unique().tolist() == levels[:1]


def test_the_statistics_refuse_what_they_cannot_test():
    with pytest.raises(NotEstimableError, match="nothing to test"):
        heterogeneity_test([0.1], [0.2])
    with pytest.raises(DataError, match="not positive"):
        heterogeneity_test([0.1, 0.2], [0.2, 0.0])
    data = adtte_of(adsl_of()).assign(EVENT=1, G="one")
    with pytest.raises(NotEstimableError, match="Only one level of G"):
        cox_interaction(
            data,
            time="AVAL",
            event="EVENT",
            treatment="TRT01P",
            control="Placebo",
            treatments=["Active"],
            by="G",
        )
    with pytest.raises(NotEstimableError, match="Only one level of G"):
        logistic_interaction(data, response="EVENT", treatment="TRT01P", by="G")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subgroups": ["SEXX"]}, "SEXX"),
        ({"subgroups": ["AGE"]}, "AGE holds numbers; write {label: AGE, conditions"),
        ({"subgroups": ["TRT01P"]}, "is the treatment"),
        ({"subgroups": ["SEX", "SEX"]}, "'SEX' is there twice"),
        ({"subgroups": [{"column": "SEX", "label": "a = b"}]}, "holds ' = '"),
        (
            {"subgroups": [{"label": "X", "conditions": {"a": "AGEE < 3"}}]},
            "AGEE",
        ),
        ({"subgroups": ["SEX"], "model": {"type": "summary"}}, "'summary' has none"),
        (
            {
                "subgroups": ["SEX"],
                "model": {"type": "mmrm", "terms": ["TRT01P*AVISIT", "SEX"]},
            },
            "SEX is in `terms`",
        ),
        (
            {
                "subgroups": ["SEX"],
                "model": {"type": "mmrm", "constrained_baseline": True},
            },
            "constrained baseline",
        ),
        ({"model": {"type": "ancova", "tipping_point": True}}, "needs shifts"),
        (
            {
                "model": {
                    "type": "ancova",
                    "tipping_point": {"treatment": [1, 0], "control": [0]},
                }
            },
            "is not in increasing order",
        ),
        (
            {
                "model": {
                    "type": "proportions",
                    "tipping_point": {"treatment": [1], "control": [0]},
                }
            },
            "has no shifts",
        ),
        (
            {
                "model": {"type": "proportions", "tipping_point": True},
                "records": ["LOCF"],
            },
            "does not go with `records`",
        ),
    ],
)
def test_a_configuration_that_cannot_be_meant_is_refused(change, said):
    config = config_of(analysis_of("ancova", "PAIN", subgroups=()) | change)
    found = [f"{place}: {text}" for place, text in parts_problems(config, "main")]
    assert len(found) == 1
    assert said in found[0]


def test_a_crossover_has_neither():
    model = {"type": "proportions", "tipping_point": True}
    config = config_of(analysis_of("proportions", "WELL") | {"model": model})
    found = list(parts_problems(config | {"design": "crossover"}, "main"))
    assert len(found) == 2
    assert all("for a parallel trial" in text for _, text in found)
