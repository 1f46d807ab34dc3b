"""A visit that nobody has stands in the table; who lacks a covariate is counted."""

import copy

import numpy as np
import pandas as pd
import pytest

from trialstats.analyses.descriptive import baseline_values
from trialstats.analyses.trial import analyse_trial, describe_trial, fit_analysis
from trialstats.analyses.trial_agreement import check_trial
from trialstats.errors import DataError
from trialstats.tables.efficacy import efficacy_table
from trialstats.vocabulary import AVERAGE_OVER_VISITS

MMRM = "pain_over_time"


def changed(config, name, **settings):
    config = copy.deepcopy(config)
    config["analyses"] = {name: config["analyses"][name] | settings}
    return config


def of(frame, statistic):
    return frame[frame["statistic"] == statistic]


def left_out(frame):
    """Return the rows of those left out: arm -> (how many, of how many)."""
    found = of(frame, "n_without_covariate")
    numbers = zip(found["estimate"], found["n_subjects"], strict=True)
    return dict(zip(found["group"], numbers, strict=True))


@pytest.mark.parametrize(
    ("number", "order"),
    [
        (3, ["Week 1", "Week 2", "Extra"]),
        (1.5, ["Week 1", "Extra", "Week 2"]),
        (None, ["Week 1", "Week 2", "Extra"]),
    ],
)
def test_the_visit_of_the_analysis_that_nobody_has_is_not_estimable(
    parallel, number, order
):
    config, adsl, bds, adae = parallel
    config = changed(config, MMRM, at="Extra")
    names = {} if number is None else {"Extra": {"number": number}}
    config["bds"]["PAIN"]["visits"] = {"names": names}
    frame = fit_analysis(config, MMRM, adsl, bds, adae)
    role = frame[frame["role"] == "secondary"]
    assert role["visit"].tolist() == ["Extra"]
    assert role["statistic"].tolist() == ["difference"]
    assert role["not_estimable"].tolist() == ["Nobody in ITT has CHG at Extra."]
    counted = of(frame, "n_with_data")
    assert counted["visit"].drop_duplicates().tolist() == order
    assert counted.loc[counted["visit"] == "Extra", "estimate"].tolist() == [0, 0]
    table = efficacy_table(frame, trial=config, analysis=MMRM)
    stubs = [row.cells[0].text for row in table.rows]
    assert stubs[:4] == [*order, AVERAGE_OVER_VISITS]
    extra = table.rows[order.index("Extra")]
    assert "NEa" in [cell.printed for cell in extra.cells]
    page = " ".join(text for _, text in table.footnotes)
    assert "Nobody in ITT has CHG at Extra" in page
    assert check_trial(config, adsl, bds, frame)["agrees"].all()


def test_a_model_that_fails_names_its_visit_once(parallel):
    config, adsl, bds, adae = parallel
    gone = bds[~((bds.TRT01P == "Placebo") & (bds.AVISIT == "Week 2"))]
    frame = fit_analysis(changed(config, MMRM, at="Extra"), MMRM, adsl, gone, adae)
    visits = of(frame, "difference")["visit"].tolist()
    assert visits == ["Week 1", "Week 2", "Extra", AVERAGE_OVER_VISITS]
    assert (of(frame, "difference")["role"] == "secondary").sum() == 1


def without(adsl, column, subjects):
    return adsl.assign(**{column: adsl[column].mask(adsl["USUBJID"].isin(subjects))})


# In the fixture S00, S01, S04, S05 and so on have LDN, S02, S03, S06, S07 and so on
# placebo; AGE of S23, who has placebo, is missing; S05 and S11 have no Week 2.
ANCOVA = {"type": "ancova", "covariates": ["BASE", "SEX", "AGE"]}
CASES = [
    ("pain_week2", ANCOVA, {"LDN 6 mg": (2, 11), "Placebo": (2, 11)}),
    (
        MMRM,
        {"type": "mmrm", "terms": ["TRT01P*AVISIT", "BASE*AVISIT", "SEX", "AGE"]},
        {"LDN 6 mg": (3, 12), "Placebo": (2, 12)},
    ),
    (
        "responders",
        {"type": "logistic", "covariates": ["SEX", "AGE"]},
        {"LDN 6 mg": (3, 12), "Placebo": (2, 12)},
    ),
]


@pytest.mark.parametrize(("name", "model", "gone"), CASES)
def test_who_lacks_a_covariate_is_left_out_and_counted(parallel, name, model, gone):
    config, adsl, bds, adae = parallel
    config = changed(config, name, model=model)
    subjects = ["S00", "S05", "S09", "S02"]
    adsl = without(adsl, "SEX", subjects)
    frame = fit_analysis(config, name, adsl, bds, adae)
    assert left_out(frame) == gone
    (said,) = of(frame, "n_without_covariate")["method"].unique()
    assert said.endswith("left out of the model where SEX or AGE is missing")
    table = efficacy_table(frame, trial=config, analysis=name)
    (line,) = [cell for label, cell in table.preface if label == "Left out"]
    counts = [f"{arm}: {n} of {size}" for arm, (n, size) in gone.items()]
    assert line.text == f"{'; '.join(counts)}. {said}"
    assert list(line.rows) == of(frame, "n_without_covariate")["row_id"].tolist()
    analysed = of(frame, "n_analysed")
    analysed = analysed[analysed["visit"].isna() | (name != MMRM)]
    for arm, n in zip(analysed["group"], analysed["estimate"], strict=True):
        assert n == gone[arm][1] - gone[arm][0]
    # As if those had not been there.
    rest = adsl[~adsl["USUBJID"].isin([*subjects, "S23"])]
    alone = fit_analysis(config, name, rest, bds, adae)
    assert left_out(alone) == {}
    kinds = ["difference", "odds_ratio"]
    both = [f.loc[f["statistic"].isin(kinds), "estimate"] for f in (frame, alone)]
    np.testing.assert_array_equal(*(one.to_numpy() for one in both))
    assert np.isfinite(both[0]).all()
    assert check_trial(config, adsl, bds, frame)["agrees"].all()


def test_an_arm_without_a_covariate_says_so(parallel):
    config, adsl, bds, adae = parallel
    config = changed(config, "pain_week2", model=ANCOVA)
    placebo = adsl.loc[adsl["TRT01P"] == "Placebo", "USUBJID"]
    adsl = without(adsl, "SEX", placebo)
    frame = fit_analysis(config, "pain_week2", adsl, bds, adae)
    (reason,) = of(frame, "difference")["not_estimable"]
    assert reason == "Placebo has no subject with CHG, BASE, SEX and AGE."
    # The count stands whether or not the model does.
    assert left_out(frame)["Placebo"] == (11, 11)
    assert check_trial(config, adsl, bds, frame)["agrees"].all()


def test_a_visit_with_covariates_alone_missing_says_so(parallel):
    config, adsl, bds, adae = parallel
    terms = ["TRT01P*AVISIT", "BASE*AVISIT"]
    config = changed(config, MMRM, at="Week 3", model={"type": "mmrm", "terms": terms})
    late = bds[bds["AVISIT"].eq("Week 2") & bds["ANL01FL"].eq("Y")]
    late = late.assign(AVISIT="Week 3", AVISITN=3.0, BASE=np.nan)
    bds = pd.concat([bds, late], ignore_index=True)
    frame = fit_analysis(config, MMRM, adsl, bds, adae)
    role = frame[frame["role"] == "secondary"]
    assert role["not_estimable"].tolist() == [
        "Nobody in ITT has CHG and BASE at Week 3."
    ]
    assert check_trial(config, adsl, bds, frame)["agrees"].all()


def test_times_without_a_covariate_or_stratum_are_left_out(parallel):
    config, adsl, bds, adae = parallel
    n = len(adsl)
    adtte = pd.DataFrame(
        {
            "USUBJID": adsl["USUBJID"],
            "TRT01P": adsl["TRT01P"],
            "PARAMCD": "STOP",
            "AVAL": 1.0 + np.arange(n) * 5 % 23,
            "CNSR": np.arange(n) % 4 // 3,
        }
    )
    name = "stop"
    config = copy.deepcopy(config)
    config["adtte"] = {"STOP": {"label": "Stop"}}
    settings = {"role": "secondary", "parameter": "STOP", "analysis_set": "ITT"}
    model = {"type": "survival", "covariates": ["AGE"], "strata": ["SEX"]}
    config["analyses"] = {name: settings | {"model": model}}
    adsl = without(adsl, "SEX", ["S00"])
    frame = fit_analysis(config, name, adsl, bds, adae, adtte)
    assert left_out(frame) == {"LDN 6 mg": (1, 12), "Placebo": (1, 12)}
    assert of(frame, "log_rank_test")["n_subjects"].tolist() == [n - 1]
    assert of(frame, "hazard_ratio")["n_subjects"].tolist() == [n - 2]
    assert check_trial(config, adsl, bds, frame, adtte)["agrees"].all()


def by_period(bds, values):
    """Return records with a baseline in each period that `values` names."""
    rows = [
        {
            "USUBJID": subject,
            "PARAMCD": "PAIN",
            "AVISIT": "Baseline",
            "AVISITN": 0.0,
            "ABLFL": "Y",
            "APERIOD": period,
            "AVAL": value,
        }
        for subject, period, value in values
    ]
    both = pd.concat([bds, pd.DataFrame(rows)], ignore_index=True)
    return both.astype({"APERIOD": "Int64", "ABLFL": "str"})


def test_of_baselines_by_period_the_first_is_described(crossover):
    config, adsl, bds, adae = crossover
    values = [("S00", 2, 9.0), ("S00", 1, 4.0), ("S01", 2, 6.0), ("S02", 1, 2.0)]
    bds = by_period(bds, values)
    assert baseline_values(bds, "PAIN").to_dict() == {"S00": 4, "S01": 6, "S02": 2}
    frame = describe_trial(config, adsl, bds)["baseline"]
    rows = frame[(frame["parameter"] == "PAIN") & (frame["group"] == "Total")]
    # The mean of 4, 6 and 2.
    assert of(rows, "mean")["estimate"].tolist() == [4.0]
    (method,) = rows["method"].unique()
    assert method.endswith("of the baselines of several periods the first")
    table = {"type": "characteristics", "variables": ["PAIN"]}
    settings = {"role": "descriptive", "analysis_set": "ITT", "model": table}
    config = config | {"analyses": {"who": settings}}
    listed = analyse_trial(config, adsl, bds, adae)["who"]
    assert listed["method"].str.endswith("of several periods the first").all()


def test_one_baseline_a_subject_is_described_as_before(crossover):
    config, adsl, bds, _ = crossover
    bds = by_period(bds, [("S00", 1, 4.0), ("S01", 1, 6.0)])
    frame = describe_trial(config, adsl, bds)["baseline"]
    said = frame.loc[frame["parameter"] == "PAIN", "method"]
    assert said.str.endswith("randomised subjects with a value").all()


def test_two_baselines_in_one_period_are_an_error(crossover):
    _, _, bds, _ = crossover
    bds = by_period(bds, [("S00", 1, 4.0), ("S00", 1, 5.0)])
    with pytest.raises(DataError, match="S00 has two baseline records of PAIN in per"):
        baseline_values(bds, "PAIN")
