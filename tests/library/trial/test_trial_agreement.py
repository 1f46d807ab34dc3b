"""The second engine agrees, and a planted disagreement is caught."""

import numpy as np
import pandas as pd
import pytest

from trialstats import io, rows
from trialstats.analyses.agreement import require_agreement
from trialstats.analyses.trial import analyse_trial
from trialstats.analyses.trial_agreement import check_trial
from trialstats.errors import DisagreementError, NotEstimableError
from trialstats.mixed import fit_random_intercept
from trialstats.randomness import stream
from trialstats.second_engine import dense, pingouin_engine


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
        ("pain_over_time", "variance_within_subjects", "estimate"),
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
    size = 1e-5
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
    assert (frame["quantity"] == "not_estimable").sum() == 3


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


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("spread", [0.0, 0.2, 3.0])
def test_dense_matrices_find_the_same_variances(number, spread):
    # On and near the boundary and far from it; both engines solve to rounding.
    rng = stream(11, "dense", str(number), str(spread))
    n = 25
    subject = np.repeat(np.arange(n), 4)
    data = pd.DataFrame(
        {
            "s": subject,
            "arm": np.where(subject % 2, "T", "P"),
            "visit": np.tile([1.0, 2.0, 3.0, 4.0], n),
            "x": np.repeat(rng.normal(size=n), 4),
            "y": rng.normal(size=4 * n) + np.repeat(rng.normal(0, spread, n), 4),
        }
    ).drop(index=[3, 17, 18])
    model = {
        "response": "y",
        "subject": "s",
        "treatment": "arm",
        "control": "P",
        "treatments": ["T"],
        "visit": "visit",
        "covariates": ["x"],
        "level": 0.9,
    }
    fit = fit_random_intercept(data, **model)
    means, differences, variances = dense.random_intercept(data, **model)
    for name, value in variances.items():
        assert getattr(fit, name) == pytest.approx(value, rel=1e-7, abs=1e-12)
    for ours, theirs in ((fit.ls_means, means), (fit.differences, differences)):
        assert set(ours) == set(theirs)
        for key, found in theirs.items():
            for name, value in found.items():
                assert getattr(ours[key], name) == pytest.approx(value, rel=1e-7)


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
