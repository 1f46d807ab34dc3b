"""What the first engine refuses is no disagreement when the second refuses too."""

import copy

import numpy as np
import pandas as pd
import pytest

from trialstats.analyses.agreement import require_agreement
from trialstats.analyses.trial import fit_analysis
from trialstats.analyses.trial_agreement import check_trial
from trialstats.errors import DisagreementError, NotEstimableError
from trialstats.second_engine import pingouin_engine

ANCOVA, MMRM = "pain_week2", "pain_over_time"
NO_RESIDUAL = "The residual variance is zero"


def alone(config, name, **model):
    config = copy.deepcopy(config)
    config["analyses"] = {name: config["analyses"][name]}
    config["analyses"][name]["model"] |= model
    return config


def constant(bds):
    return bds.assign(CHG=bds["CHG"].where(bds["CHG"].isna(), -1.0))


def constant_in_each_arm(bds):
    value = bds["TRT01P"].map({"LDN 6 mg": -2.1, "Placebo": -1.3})
    return bds.assign(CHG=value.where(bds["CHG"].notna()))


def all_zero_afterwards(bds):
    return bds.assign(CHG=(-bds["BASE"]).where(bds["CHG"].notna()))


def first_visit_alone(bds):
    return bds[bds["AVISIT"] != "Week 2"]


@pytest.mark.parametrize(
    ("name", "model", "change", "reason"),
    [
        (ANCOVA, {"covariates": []}, constant, NO_RESIDUAL),
        (ANCOVA, {"covariates": []}, constant_in_each_arm, NO_RESIDUAL),
        (ANCOVA, {}, constant_in_each_arm, NO_RESIDUAL),
        (ANCOVA, {}, all_zero_afterwards, NO_RESIDUAL),
        (MMRM, {}, first_visit_alone, "Only one level of AVISIT has data: Week 1."),
    ],
)
def test_both_engines_refuse(parallel, name, model, change, reason):
    config, adsl, bds, adae = parallel
    config, bds = alone(config, name, **model), change(bds)
    frame = fit_analysis(config, name, adsl, bds, adae)
    said = frame.loc[frame["statistic"] == "difference", "not_estimable"]
    assert len(said)
    assert said.str.startswith(reason).all()
    checked = check_trial(config, adsl, bds, frame)
    require_agreement(checked)
    assert set(checked["quantity"]) == {"not_estimable"}
    # The reason of the second engine is told, and not an estimate it has not.
    assert checked["tolerance_reason"].str.contains("the second says: ").all()
    assert not checked["tolerance_reason"].str.contains("no estimate$").any()


def test_what_one_engine_has_alone_is_told_with_its_number(parallel):
    config, adsl, bds, adae = parallel
    config = alone(config, ANCOVA)
    frame = fit_analysis(config, ANCOVA, adsl, bds, adae)
    at = frame.index[frame["statistic"] == "difference"][0]
    estimate = frame.at[at, "estimate"]
    frame.loc[at, "estimate"] = np.nan
    frame.loc[at, "not_estimable"] = "planted"
    checked = check_trial(config, adsl, bds, frame)
    (bad,) = checked[~checked["agrees"]].to_dict("records")
    # Two engines that agree to 1e-6 elsewhere.
    assert bad["second_estimate"] == pytest.approx(estimate, rel=1e-6)
    assert bad["tolerance_reason"].endswith("the first says: planted")
    with pytest.raises(DisagreementError, match=r"None against -?\d"):
        require_agreement(checked)


def test_an_event_without_an_effect_leaves_the_others_compared(parallel):
    config, adsl, bds, adae = parallel
    frame = fit_analysis(config, "adverse_events", adsl, bds, adae)
    rows = frame.index[frame["statistic"] == "risk_difference"]
    assert len(rows) > 1
    frame.loc[rows[0], ["estimate", "ci_lower", "ci_upper"]] = np.nan
    frame.loc[rows[0], "not_estimable"] = "planted"
    checked = check_trial(alone(config, "adverse_events"), adsl, bds, frame)
    assert checked["agrees"].all()
    assert set(frame.loc[rows, "row_id"]) == set(checked["row_id"])


@pytest.mark.parametrize("scale", [1e-12, 1e6, 1e12])
@pytest.mark.parametrize("name", [ANCOVA, MMRM])
def test_engines_agree_in_any_unit(parallel, name, scale):
    config, adsl, bds, adae = parallel
    config = alone(config, name)
    columns = ["AVAL", "BASE", "CHG"]
    bds = bds.assign(**{column: bds[column] * scale for column in columns})
    frame = fit_analysis(config, name, adsl, bds, adae)
    assert frame.loc[frame["statistic"] == "difference", "estimate"].notna().all()
    require_agreement(check_trial(config, adsl, bds, frame))


def test_pingouin_has_no_answer_without_variation():
    data = pd.DataFrame({"arm": ["P", "P", "A", "A"], "y": [1.1, 1.1, 1.3, 1.3]})
    with pytest.raises(NotEstimableError, match="no variation"):
        pingouin_engine.ancova(
            data,
            response="y",
            treatment="arm",
            control="P",
            treatments=["A"],
            covariates=[],
            level=0.95,
        )
