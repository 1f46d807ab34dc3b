"""Models over visits from the configuration: what each key does to the rows."""

import numpy as np
import pandas as pd
import pytest

from trialstats import io, rows
from trialstats.analyses import trial_mmrm
from trialstats.analyses.trial import analysis_residuals, fit_analysis
from trialstats.analyses.trial_agreement import check_trial
from trialstats.analyses.trial_rows import Analysis
from trialstats.errors import ConvergenceError
from trialstats.mmrm import fit_mmrm
from trialstats.mmrm import ladder as ladder_of_structures
from trialstats.vocabulary import AVERAGE_OVER_VISITS, NOT_TRIED

TREATED = "LDN 6 mg"


def one(frame, **where):
    for column, value in where.items():
        frame = frame[frame[column].isna() if value is None else frame[column] == value]
    assert len(frame) == 1, frame
    return frame.iloc[0]


def configured(config, *, settings=None, **model):
    """Return the configuration with one model over visits, changed."""
    old = config["analyses"]["pain_over_time"]
    bds = {"PAIN": config["bds"]["PAIN"] | {"baseline": "Baseline"}}
    changed = old | (settings or {}) | {"model": {"type": "mmrm"} | model}
    return config | {"bds": bds, "analyses": {"pain_over_time": changed}}


def fitted(config, data):
    """Return the rows, which the second engine finds again."""
    frame = fit_analysis(config, "pain_over_time", *data)
    adsl, bds, _ = data
    agreement = check_trial(config, adsl, bds, frame)
    assert agreement["agrees"].all(), agreement[~agreement["agrees"]]
    assert len(agreement) > 10
    return frame


def observed_rows(bds):
    chosen = (bds.PARAMCD == "PAIN") & (bds.ANL01FL == "Y") & (bds.AVISITN > 0)
    return bds[chosen].assign(
        TRT01P=lambda d: pd.Categorical(d["TRT01P"], ["Placebo", TREATED])
    )


def test_the_rows_are_those_of_the_fit(parallel):
    config, *data = parallel
    frame = fitted(configured(config), data)
    fit = fit_mmrm(
        "CHG ~ TRT01P*AVISIT + BASE*AVISIT",
        observed_rows(data[1]),
        subject="USUBJID",
        visit="AVISIT",
    )
    table = fit.contrasts("TRT01P", by="AVISIT").set_index("AVISIT")
    for visit in ("Week 1", "Week 2"):
        row = one(frame, statistic="difference", visit=visit)
        # The same numbers, summed in another order.
        for name in ("estimate", "standard_error", "df", "p_value", "ci_lower"):
            assert row[name] == pytest.approx(table.loc[visit, name], rel=1e-12)
    average = one(frame, statistic="difference", visit=AVERAGE_OVER_VISITS)
    assert average.estimate == pytest.approx(table["estimate"].mean(), rel=1e-12)
    assert one(frame, statistic="log_likelihood").estimate == fit.log_likelihood
    assert one(frame, statistic="n_observations").estimate == 46
    ladder = frame[frame.statistic == "covariance_structure"]
    assert ladder.estimate.tolist()[0] == 3
    assert ladder.not_estimable.tolist()[1:] == [NOT_TRIED] * 4
    assert ladder.subgroup.tolist()[-1] == "compound symmetry"
    tests = frame[frame.statistic == "type_3_test"]
    assert tests.subgroup.tolist() == [
        *("treatment", "visit", "baseline", "treatment by visit", "baseline by visit"),
    ]
    assert tests.numerator_df.tolist() == [1.0] * 5
    row = one(frame, statistic="difference", visit="Week 2")
    assert row.method == (
        "Mixed model for repeated measures (MMRM) of CHG on treatment, visit, "
        "baseline, treatment by visit and baseline by visit; unstructured covariance "
        "within subjects; restricted maximum likelihood (REML); observed cases; "
        "Kenward-Roger degrees of freedom; 95% t interval"
    )


@pytest.mark.parametrize("at", ["Week 1", AVERAGE_OVER_VISITS])
def test_the_visit_named_under_at_has_the_role(parallel, at):
    config, *data = parallel
    frame = fitted(configured(config, settings={"at": at, "role": "primary"}), data)
    primary = frame[frame.role == "primary"]
    assert primary.visit.tolist() == [at]
    assert primary.statistic.tolist() == ["difference"]
    assert set(frame.visit.dropna()) == {"Week 1", "Week 2", AVERAGE_OVER_VISITS}


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"covariance": "ar1"}, "first-order autoregressive covariance"),
        ({"covariance": "spatial_exponential"}, "spatial exponential covariance"),
        ({"group": "TRT01P"}, "within subjects, separate by treatment"),
        ({"method": "ml", "df": "residual"}, "maximum likelihood (ML)"),
        ({"df": "satterthwaite"}, "Satterthwaite degrees of freedom"),
        ({"df": "between_within"}, "between-within degrees of freedom"),
        ({"vcov": "CR2", "df": "residual"}, "cluster-robust standard errors (CR2)"),
        ({"level": 0.9}, "90% t interval"),
        ({"terms": ["TRT01P*AVISIT", "SEX"]}, "SEX"),
        ({"weights": "AGE"}, "weighted by AGE"),
        ({"averaged_over": ["Week 2"]}, "equal weight on Week 2"),
    ],
)
def test_each_key_of_the_model_is_said_and_found_again(parallel, model, said):
    config, *data = parallel
    data[0]["AGE"] = data[0]["AGE"].astype("Float64").fillna(40)
    frame = fitted(configured(config, **model), data)
    assert frame["method"].str.contains(said, regex=False).any()
    last = one(frame, statistic="difference", visit=AVERAGE_OVER_VISITS)
    if "averaged_over" in model:
        week = one(frame, statistic="difference", visit="Week 2")
        assert last.estimate == week.estimate


def test_a_column_of_adsl_may_stand_in_the_terms(parallel):
    config, *data = parallel
    terms = ["TRT01P*AVISIT", "BASE", "AGE"]
    frame = fitted(configured(config, terms=terms), data)
    # One subject has no age.
    assert one(frame, statistic="n_subjects").estimate == 23


def test_arms_share_one_mean_at_a_constrained_baseline(parallel):
    config, *data = parallel
    changed = configured(
        config, settings={"response": "AVAL"}, constrained_baseline=True
    )
    frame = fitted(changed, data)
    means = frame[(frame.statistic == "ls_mean") & (frame.visit == "Baseline")]
    assert len(set(means.estimate)) == 1
    base = data[1].query("ABLFL == 'Y' and PARAMCD == 'PAIN'")["AVAL"]
    assert means.estimate.iloc[0] == pytest.approx(base.mean(), rel=1e-9)
    differences = frame[frame.statistic == "difference"]
    assert differences.visit.tolist() == ["Week 1", "Week 2", AVERAGE_OVER_VISITS]
    tests = frame[frame.statistic == "type_3_test"]
    assert tests.subgroup.tolist() == ["treatment by visit"]
    assert tests.numerator_df.tolist() == [2.0]
    assert "means of the arms equal at Baseline" in differences.method.iloc[0]


def test_further_terms_of_a_constrained_model_are_tested(parallel):
    config, *data = parallel
    data[0]["SITE"] = [f"Site {i % 3}" for i in range(len(data[0]))]
    terms = ["AVISIT", "TRT01P:AVISIT", "SITE", "SEX"]
    changed = configured(
        config,
        settings={"response": "AVAL"},
        constrained_baseline=True,
        terms=terms,
        df="satterthwaite",
    )
    frame = fitted(changed, data)
    tests = frame[frame.statistic == "type_3_test"].set_index("subgroup")
    assert list(tests.index) == ["SITE", "SEX", "treatment by visit"]
    assert tests["numerator_df"].tolist() == [2.0, 1.0, 2.0]
    analysis = Analysis(changed, "pain_over_time", *data)
    fit = trial_mmrm.fit_configured(analysis).fit
    # With one degree of freedom the F test is the square of the t test.
    t = fit.contrasts("SEX").iloc[0]
    assert tests.loc["SEX", "estimate"] == pytest.approx(t["statistic"] ** 2, rel=1e-9)
    assert tests.loc["SEX", "p_value"] == pytest.approx(t["p_value"], rel=1e-9)
    # The Wald statistic of both differences between three sites, from their covariance.
    names = [n for n in fit.design.names if n.startswith("SITE")]
    at = [list(fit.design.names).index(n) for n in names]
    beta, covariance = fit.beta[at], fit.model_covariance[np.ix_(at, at)]
    wald = beta @ np.linalg.solve(covariance, beta) / 2
    assert tests.loc["SITE", "estimate"] == pytest.approx(wald, rel=1e-9)


def test_each_step_down_the_ladder_is_a_row_with_its_reason(parallel, monkeypatch):
    config, *data = parallel
    original = trial_mmrm.fit_mmrm

    def first_fails(structures, attempt):
        def once(chosen):
            if chosen.name == "unstructured":
                raise ConvergenceError("It does not converge.")
            return attempt(chosen)

        return ladder_of_structures.climb_down(structures, once)

    monkeypatch.setattr("trialstats.mmrm.fit.climb_down", first_fails)
    assert trial_mmrm.fit_mmrm is original
    frame = fitted(configured(config), data)
    steps = frame[frame.statistic == "covariance_structure"]
    assert steps.subgroup.tolist()[:2] == ["unstructured", "heterogeneous Toeplitz"]
    assert steps.not_estimable.iloc[0] == "It does not converge."
    assert steps.estimate.tolist()[1] == 3
    row = one(frame, statistic="difference", visit="Week 2")
    assert (
        "heterogeneous Toeplitz covariance within subjects (unstructured left)"
    ) in row.method


def test_residuals_are_those_of_the_fit_with_their_quantiles(parallel, tmp_path):
    config, *data = parallel
    changed = configured(config)
    left = analysis_residuals(changed, "pain_over_time", *data)
    path = tmp_path / "residuals.parquet"
    io.write_table(left, path, rows.RESIDUALS)
    assert len(io.read_table(path, rows.RESIDUALS)) == len(left) == 46
    # Restricted likelihood: sum of squares is observations less coefficients.
    assert np.sum(left["residual"] ** 2) == pytest.approx(46 - 6, rel=1e-9)
    order = left["residual"].to_numpy().argsort()
    quantiles = left["normal_quantile"].to_numpy()[order]
    assert (np.diff(quantiles) > 0).all()
    assert quantiles.sum() == pytest.approx(0, abs=1e-9)
    week = left[left["occasion"] == "Week 2"]
    assert (week["median"] == week["residual"].median()).all()
    assert (week["upper_quartile"] == week["residual"].quantile(0.75)).all()


def test_residuals_of_a_crossover_are_uncorrelated_within_subjects(crossover):
    config, *data = crossover
    left = analysis_residuals(config, "pain_week2", *data)
    assert len(left) == 30
    assert set(left["occasion"]) == {"Period 1", "Period 2"}
    assert np.sum(left["residual"] ** 2) == pytest.approx(30 - 4, rel=1e-6)


def test_models_without_subjects_and_failed_ones_have_no_residuals(parallel):
    config, adsl, bds, adae = parallel
    assert analysis_residuals(config, "pain_week2", adsl, bds, adae).empty
    gone = bds[bds["TRT01P"] != "Placebo"]
    made = analysis_residuals(config, "pain_over_time", adsl, gone, adae)
    assert made.empty
    assert list(made) == rows.RESIDUALS.names
