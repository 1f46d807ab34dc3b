"""From small ADaM frames to rows: keys, counts, roles, and what cannot be estimated."""

import numpy as np
import pandas as pd
import pytest

from trialstats import io, rows
from trialstats.analyses import trial_mmrm
from trialstats.analyses.trial import MODEL_TYPES, analyse_trial, fit_analysis
from trialstats.analyses.trial_agreement import SECOND_ENGINES
from trialstats.ancova import fit_ancova
from trialstats.errors import ConfigError, ConvergenceError, DataError
from trialstats.vocabulary import AVERAGE_OVER_VISITS

TREATED = "LDN 6 mg"
CONTRAST = "LDN 6 mg versus Placebo"


def one(frame, **where):
    for column, value in where.items():
        frame = frame[frame[column].isna() if value is None else frame[column] == value]
    assert len(frame) == 1, frame
    return frame.iloc[0]


def with_analysis(config, name, **changes):
    settings = config["analyses"][name] | changes
    return config | {"analyses": {name: settings}}


@pytest.mark.parametrize("trial", ["parallel", "crossover"])
def test_every_analysis_fits_the_schema(trial, request, tmp_path):
    config, *data = request.getfixturevalue(trial)
    made = analyse_trial(config, *data)
    assert list(made) == ["baseline", "disposition", *config["analyses"]]
    for name, frame in made.items():
        file = tmp_path / f"{name}.parquet"
        io.write_table(frame, file, rows.ESTIMATES)
        assert len(io.read_table(file, rows.ESTIMATES)) == len(frame) > 0
        assert set(frame["trial"]) == {config["id"]}
        assert set(frame["data_status"]) == {"synthetic"}
        with_numbers = frame[frame["estimate"].notna()]
        assert np.isfinite(with_numbers["estimate"].astype(float)).all()
        absent = frame[frame["estimate"].isna()]
        assert absent["not_estimable"].notna().all()


def test_every_model_has_a_second_engine():
    assert set(MODEL_TYPES) == set(SECOND_ENGINES)


def test_ancova_rows_are_the_fit_of_the_flagged_rows(parallel):
    config, adsl, bds, adae = parallel
    frame = fit_analysis(config, "pain_week2", adsl, bds, adae)
    chosen = bds[
        (bds.PARAMCD == "PAIN") & (bds.AVISIT == "Week 2") & (bds.ANL01FL == "Y")
    ]
    fit = fit_ancova(
        chosen,
        response="CHG",
        treatment="TRT01P",
        control="Placebo",
        treatments=[TREATED],
        covariates=["BASE"],
    )
    row = one(frame, statistic="difference")
    assert row.row_id == (
        "small-parallel.pain-week2.week-2.ldn-6-mg-versus-placebo.difference"
    )
    assert row.role == "primary"
    assert row.estimate == fit.differences[TREATED].estimate
    assert row.df == fit.df == 22 - 3
    assert row.n_subjects == 22
    assert row.method == (
        "ANCOVA of CHG on treatment and BASE; least squares; observed cases; "
        "95% t interval"
    )
    assert row.estimand.startswith("difference in means of change in pain at week 2")
    assert row.unit == "NRS 0-10"
    seen = one(frame, statistic="n_with_data", group=TREATED)
    assert (seen.estimate, seen.n_subjects) == (11, 12)
    assert one(frame, statistic="n_analysed", group=TREATED).estimate == 11
    mean = one(frame, statistic="mean", group="Placebo").estimate
    assert mean == chosen.loc[chosen.TRT01P == "Placebo", "CHG"].mean()


def test_hedges_g_is_unadjusted_and_keeps_its_sign(parallel):
    config, adsl, bds, adae = parallel
    frame = fit_analysis(config, "pain_week2", adsl, bds, adae)
    g = one(frame, statistic="standardized_mean_difference")
    means, spreads = (
        {a: one(frame, statistic=s, group=a).estimate for a in (TREATED, "Placebo")}
        for s in ("mean", "standard_deviation")
    )
    # 11 subjects an arm: pooled variance is the mean of the two.
    pooled = np.sqrt((spreads[TREATED] ** 2 + spreads["Placebo"] ** 2) / 2)
    d = (means[TREATED] - means["Placebo"]) / pooled
    # The usual approximation of the correction is right to about 1e-4 at 20 df.
    assert g.estimate == pytest.approx(d * (1 - 3 / (4 * 22 - 9)), rel=1e-3)
    assert g.estimate < 0
    assert g.role == "descriptive"


def test_hedges_g_of_arms_of_different_size(parallel):
    # Arms of 11 and 8: the error from the formula of the large-sample variance.
    config, adsl, bds, adae = parallel
    subjects = adsl["USUBJID"][adsl["TRT01P"] == "Placebo"].iloc[[0, 1, 3]]
    fewer = bds[~bds["USUBJID"].isin(subjects)]
    frame = fit_analysis(config, "pain_week2", adsl, fewer, adae)
    g = one(frame, statistic="standardized_mean_difference")
    n1, n2 = (
        one(frame, statistic="n_analysed", group=a).estimate
        for a in (TREATED, "Placebo")
    )
    assert (n1, n2) == (11, 8)
    variance = 1 / n1 + 1 / n2 + g.estimate**2 / (2 * (n1 + n2))
    assert g.standard_error**2 == pytest.approx(variance, rel=1e-12)


def test_visits_after_baseline_are_modelled(parallel):
    config, adsl, bds, adae = parallel
    frame = fit_analysis(config, "pain_over_time", adsl, bds, adae)
    differences = frame[frame.statistic == "difference"]
    assert differences.visit.tolist() == ["Week 1", "Week 2", AVERAGE_OVER_VISITS]
    assert set(differences.role[:-1]) == {"secondary"}
    assert differences.role.iloc[-1] == "descriptive"
    seen = one(frame, statistic="n_with_data", visit="Week 2", group=TREATED)
    used = one(frame, statistic="n_analysed", visit="Week 2", group=TREATED)
    assert seen.estimate == used.estimate == 11


def test_imputed_responders_are_analysed_but_not_data(parallel):
    config, adsl, bds, adae = parallel
    frame = fit_analysis(config, "responders", adsl, bds, adae)
    assert one(frame, statistic="n_analysed", group=TREATED).estimate == 12
    assert one(frame, statistic="n_with_data", group=TREATED).estimate == 11
    events = one(frame, statistic="events", group=TREATED)
    risk = one(frame, statistic="risk", group=TREATED)
    assert risk.estimate == events.estimate / 12
    ratio = one(frame, statistic="risk_ratio")
    assert ratio.scale == "log"
    assert one(frame, statistic="risk_difference").scale == "natural"


def test_a_responder_that_is_neither_0_nor_1_is_named(parallel):
    config, adsl, bds, adae = parallel
    bds.loc[bds.PARAMCD == "RESP", "AVAL"] = 0.5
    with pytest.raises(DataError, match="RESP is neither 0 nor 1"):
        fit_analysis(config, "responders", adsl, bds, adae)


def test_crossover_rows(crossover):
    config, adsl, bds, adae = crossover
    frame = fit_analysis(config, "pain_week2", adsl, bds, adae)
    difference = one(frame, statistic="difference")
    assert difference.contrast == CONTRAST
    # Two of 16 without the second period: the comparison within the other 14.
    assert 11.5 < difference.df < 12.5
    assert difference.estimate < 0
    assert "2 of 16 subjects lack a period and contribute" in difference.method
    assert one(frame, statistic="period_effect").contrast == (
        "Period 2 versus period 1"
    )
    assert one(frame, statistic="sequence_effect").df == pytest.approx(14, abs=0.1)
    first = one(frame, statistic="first_period_difference")
    assert (first.role, first.df, first.n_subjects) == ("sensitivity", 14, 16)
    assert one(frame, statistic="n_analysed", group="Placebo").estimate == 15


def test_adverse_events_count_subjects_once(parallel):
    config, adsl, bds, adae = parallel
    frame = fit_analysis(config, "adverse_events", adsl, bds, adae)
    nausea = frame[frame.parameter == "Nausea"]
    arms = adsl.set_index("USUBJID").TRT01P
    assert (
        arms[["S00", "S01", "S02", "S03"]].tolist() == [TREATED] * 2 + ["Placebo"] * 2
    )
    # S00 once under LDN; S02 twice under placebo; S03's is not treatment-emergent.
    for arm, subjects, events in ((TREATED, 1, 1), ("Placebo", 1, 2)):
        row = one(nausea, group=arm, statistic="subjects_with_event")
        assert (row.estimate, row.n_subjects) == (subjects, 12)
        assert one(nausea, group=arm, statistic="events").estimate == events
    anything = frame[frame.parameter == "Any adverse event"]
    assert one(anything, statistic="risk_difference").estimate == 2 / 12 - 1 / 12
    serious = frame[frame.parameter == "Any serious adverse event"]
    assert one(serious, statistic="risk_difference").estimate == 0
    assert (nausea.statistic == "risk_difference").sum() == 0


def test_crossover_subjects_are_at_risk_under_what_they_began(crossover):
    config, adsl, bds, adae = crossover
    frame = fit_analysis(config, "adverse_events", adsl, bds, adae)
    # 16 began period 1, 14 period 2; the two who did not were in different sequences.
    sizes = frame.groupby("group")["n_subjects"].unique().map(list).to_dict()
    assert sizes == {TREATED: [15], "Placebo": [15]}
    assert not (frame.statistic == "risk_difference").any()


def test_an_emergent_event_without_treatment_is_named(crossover):
    config, adsl, bds, adae = crossover
    adae.loc[0, "TRTP"] = None
    with pytest.raises(DataError, match="subject S00 has no treatment"):
        fit_analysis(config, "adverse_events", adsl, bds, adae)


def test_baseline_counts_missing_values(parallel):
    config, adsl, bds, adae = parallel
    frame = analyse_trial(config, adsl, bds, adae)["baseline"]
    age = frame[(frame.parameter == "AGE") & (frame.group == "Total")]
    assert one(age, statistic="n").estimate == 23
    assert one(age, statistic="n_missing").estimate == 1
    assert one(age, statistic="mean").estimate == adsl.AGE.dropna().astype(float).mean()
    female = frame[(frame.parameter == "SEX") & (frame.subgroup == "F")]
    assert one(female, group=TREATED).n_subjects == 12
    assert female[female.group != "Total"].estimate.sum() == 12
    pain = frame[(frame.parameter == "PAIN") & (frame.statistic == "n")]
    assert pain.set_index("group").estimate.to_dict() == {
        TREATED: 12,
        "Placebo": 12,
        "Total": 24,
    }
    assert set(frame.parameter) == {"AGE", "SEX", "PAIN"}


def test_disposition_adds_up(parallel):
    config, adsl, bds, adae = parallel
    adsl.loc[0, "EOSSTT"] = None
    frame = analyse_trial(config, adsl, bds, adae)["disposition"]
    total = frame[frame.group == "Total"]
    fates = {
        p: one(total, parameter=p, subgroup=None).estimate
        for p in ("randomised", "treated", "completed", "discontinued")
    }
    unknown = one(total, parameter="status not recorded").estimate
    assert fates["randomised"] == 24
    assert fates["completed"] + fates["discontinued"] + unknown == 24
    assert one(total, subgroup="Moved").estimate == fates["discontinued"] == 3


def test_an_arm_without_data_is_a_row_that_says_so(parallel):
    config, adsl, bds, adae = parallel
    gone = bds[~((bds.TRT01P == "Placebo") & (bds.AVISIT == "Week 2"))]
    for name, effects in (
        ("pain_week2", 1),
        ("pain_over_time", 3),
        ("responders", 3),
    ):
        frame = fit_analysis(config, name, adsl, gone, adae)
        absent = frame[frame.not_estimable.notna()]
        role = config["analyses"][name]["role"]
        average = absent.visit == AVERAGE_OVER_VISITS
        assert set(absent[~average].role) == {role}
        assert set(absent[average].role) <= {"descriptive"}
        assert len(absent) == effects
        assert "Placebo has no" in absent.not_estimable.iloc[0]
    counts = fit_analysis(config, "pain_week2", adsl, gone, adae)
    assert one(counts, statistic="n_with_data", group="Placebo").estimate == 0


def test_a_model_that_does_not_converge_is_a_row_that_keeps_its_role(
    parallel, monkeypatch
):
    def fail(*_, **__):
        raise ConvergenceError("no optimiser arrived")

    monkeypatch.setattr(trial_mmrm, "fit_mmrm", fail)
    config, *data = parallel
    frame = fit_analysis(config, "pain_over_time", *data)
    row = one(frame, statistic="difference", visit="Week 2")
    assert row.not_estimable == "Not converged: no optimiser arrived"
    assert row.role == "secondary"
    assert pd.isna(row.estimate)


def test_two_flagged_records_are_refused(parallel):
    config, adsl, bds, adae = parallel
    bds["ANL01FL"] = "Y"
    with pytest.raises(DataError, match="has two records of PAIN at Week 2"):
        fit_analysis(config, "pain_week2", adsl, bds, adae)


def test_two_baseline_records_are_refused(parallel):
    config, adsl, bds, adae = parallel
    twice = pd.concat([bds, bds[bds.ABLFL == "Y"].head(1)])
    with pytest.raises(DataError, match="two baseline records of PAIN"):
        analyse_trial(config, adsl, twice, adae)


def test_an_unknown_model_names_the_known_ones(parallel):
    config, *data = parallel
    wrong = with_analysis(config, "pain_week2", model={"type": "magic"})
    with pytest.raises(ConfigError, match=r"pain_week2\.model\.type: no model 'magic'"):
        fit_analysis(wrong, "pain_week2", *data)


def test_an_analysis_set_without_flag_is_named(parallel):
    config, *data = parallel
    wrong = with_analysis(config, "pain_week2", analysis_set="Completers")
    with pytest.raises(DataError, match="ADSL has no column COMPLETERSFL"):
        fit_analysis(wrong, "pain_week2", *data)
